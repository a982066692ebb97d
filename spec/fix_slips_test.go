package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// slips are single mistakes that a hand makes in a line; "" = it cannot be made in this one.
var slips = []struct {
	what string
	make func(l string, in int) string
}{
	{"a tab for two", func(l string, in int) string { return tabbedBy(l, in, 2) }},
	{"a tab for four", func(l string, in int) string { return tabbedBy(l, in, 4) }},
	{"a tab for eight", func(l string, in int) string { return tabbedBy(l, in, 8) }},
	{"no space behind a colon", func(l string, _ int) string { return once(l, ": ", ":") }},
	{"no space behind a dash", func(l string, in int) string { return l[:in] + once(l[in:], "- ", "-") }},
	{"curly quotes", func(l string, _ int) string { return once(once(l, "\"", "“"), "\"", "”") }},
	{"an odd space behind a colon", func(l string, _ int) string { return once(l, ": ", ":\u00a0") }},
	{"odd spaces in front", func(l string, in int) string { return strings.Repeat("\u00a0", in) + l[in:] }},
	{"a bracket too many", func(l string, _ int) string { return once(l, "}", "}}") }},
}

func tabbedBy(l string, in, width int) string {
	if in < width {
		return ""
	}
	return strings.Repeat("\t", in/width) + strings.Repeat(" ", in%width) + l[in:]
}

func once(l, was, now string) string { return strings.Replace(l, was, now, 1) }

// TestWhatIsFixedIsWhatStoodThere makes each slip in each line of right files: what its YAML is fixed to says what the
// file said.
func TestWhatIsFixedIsWhatStoodThere(t *testing.T) {
	files, _ := filepath.Glob("testdata/right/*.yaml")
	more, _ := filepath.Glob("../dags/*.yaml")
	fixed, left := make([]int, len(slips)), 0
	for _, file := range append(files, more...) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, found := Parse(filepath.Base(file), src, online())
		if slices.ContainsFunc(found, func(d Diagnostic) bool { return d.Severity == Error }) || len(src) > 2<<10 {
			continue
		}
		lines := strings.Split(string(src), "\n")
		for i, l := range lines {
			for k, slip := range slips {
				with := slices.Clone(lines)
				with[i] = slip.make(l, spacesOf(l))
				text := []byte(strings.Join(with, "\n"))
				if with[i] == "" || bytes.Equal(text, src) {
					continue
				}
				_, found := Parse(filepath.Base(file), text, online())
				yaml := slices.DeleteFunc(found, func(d Diagnostic) bool { return !Unread(d.Code) || !d.Fixable() })
				if len(yaml) == 0 {
					left++
					continue
				}
				got, _ := Fix(text, yaml)
				again, _ := Parse(filepath.Base(file), got, online())
				if fixed[k]++; !bytes.Equal(got, src) && (again == nil || !same(d.Node(), again.Node())) {
					t.Errorf("%s:%d, %s: %q became\n%s", file, i+1, slip.what, with[i], got)
				}
			}
		}
	}
	t.Logf("%v lines fixed, %d left", fixed, left)
	if slices.Contains(fixed[:len(fixed)-1], 0) {
		t.Error("of some slips none was fixed")
	}
}

// same tells whether two trees hold the same.
func same(a, b *Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Text == b.Text &&
		slices.EqualFunc(a.Fields(), b.Fields(), func(x, y Field) bool { return x.Key.Text == y.Key.Text && same(x.Value, y.Value) }) &&
		slices.EqualFunc(a.Items(), b.Items(), same)
}
