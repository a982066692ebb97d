package spec

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestWrongNameIsPointedAt: a wrong name is planted at a random place of a text of every style, between random words,
// wide characters, escapes and folded lines, with and without CRLF and a byte order mark. What is pointed at is exactly it.
func TestWrongNameIsPointedAt(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range 1500 {
		name := fmt.Sprintf("wrong_%d", i)
		style := []string{"plain", "single", "double", "literal", "folded", "flow", "argv"}[r.IntN(7)]
		src := styled(r, style, "${{ params."+name+" }}")
		file := src
		if r.IntN(3) == 0 {
			file = strings.ReplaceAll(file, "\n", "\r\n")
		}
		if r.IntN(3) == 0 {
			file = "\ufeff" + file
		}
		_, found := Parse("p.yaml", []byte(file), online())
		told := 0
		for _, d := range found {
			if d.Code != eMember {
				continue
			}
			told++
			line := []rune(strings.Split(src, "\n")[d.Line-1])
			if d.EndLine != d.Line || d.EndColumn > len(line)+1 || string(line[d.Column-1:d.EndColumn-1]) != name {
				t.Fatalf("%s: %d:%d-%d:%d is not %s in\n%s\n%s", style, d.Line, d.Column, d.EndLine, d.EndColumn, name, src, show(found))
			}
		}
		if told != 1 {
			t.Fatalf("%s: %s is told %d times in\n%s\n%s", style, name, told, src, show(found))
		}
	}
}

// styled is a file in which an expression stands in a text of some style.
func styled(r *rand.Rand, style, expression string) string {
	words := func(sep []string) string {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString([]string{"a", "über", "日本", "x.y", "🙂", "long-word", "é"}[r.IntN(7)])
			b.WriteString(sep[r.IntN(len(sep))])
		}
		return b.String()
	}
	text := func(sep ...string) string { return words(sep) + expression + " " + words(sep) + "z" }
	var value string
	switch style {
	case "plain":
		value = "a " + text(" ", "\n        ", "  ")
	case "single":
		value = "'" + text(" ", "'' ", "\n\n        ", "\n        ") + "'"
	case "double":
		value = `"` + text(" ", `\t`, `\u00e9 `, `\x41`, `\U0001F600`, `\\ `, `\" `, "\n        ", "\\\n        ") + `"`
	case "literal", "folded":
		head := map[string]string{"literal": "|", "folded": ">"}[style] + []string{"", "-", "+"}[r.IntN(3)]
		value = head + "\n        " + text(" ", "\n        ", "\n\n        ", "\n          ")
	case "flow":
		return "# é\ntasks: {a: {uses: file.head, with: {kind: file, path: \"" + text(" ", `\t`, `\u00e9`, "\n  ") + "\"}}}\n"
	case "argv":
		return "tasks:\n  a:\n    run: [echo, 日本, \"" + text(" ", `\n`) + "\", 'x']\n"
	}
	return "# 日本\ntasks:\n  a:\n    uses: file.head\n    with:\n      path: " + value + "\n      kind: file\n"
}
