package spec

import (
	"embed"
	"slices"
	"strings"
)

// What there is to say about a code stands in codes/CODE.md: `weft explain` prints it, docs/errors/ is
// made of it, and the codes there are, are those that have a page. A new code is a new file.
//
// A page begins with "# CODE · SEVERITY · TITLE"; then comes why, in Markdown; then fenced blocks of yaml,
// "wrong" and "right" (and a file's name, where one file is not enough). A picture of a control
// character (␁) stands for the character.

//go:embed codes/*.md
var pages embed.FS

// A Page is what there is to say about a code.
type Page struct {
	Code     string   `json:"code"`
	Severity string   `json:"severity"` // error, warning, or "error or warning"
	Title    string   `json:"title"`    // what is wrong, Markdown, without a full stop
	Why      string   `json:"why"`      // Markdown
	Wrong    []Sample `json:"wrong"`    // gives a diagnostic of this code, and no other
	Right    []Sample `json:"right"`    // gives none
}

// A Sample is one file of a page's examples.
type Sample struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// sampleFile is the name of a page's file that has none.
const sampleFile = "dags/example.yaml"

// Codes returns every code there is, sorted.
func Codes() []string {
	entries, err := pages.ReadDir("codes")
	if err != nil { // it is in the program
		panic(err)
	}
	codes := make([]string, len(entries))
	for i, e := range entries {
		codes[i] = strings.TrimSuffix(e.Name(), ".md")
	}
	return codes
}

// PageOf returns a code's page; ok is false if there is no such code.
func PageOf(code string) (page Page, ok bool) {
	body, err := pages.ReadFile("codes/" + code + ".md")
	if err != nil {
		return Page{}, false
	}
	head, rest, _ := strings.Cut(string(body), "\n")
	page.Code = code
	if parts := strings.SplitN(head, " · ", 3); len(parts) == 3 {
		page.Severity, page.Title = parts[1], parts[2]
	}
	why, rest, more := strings.Cut(rest, "```yaml ")
	page.Why = strings.TrimSpace(why)
	for more {
		var block, info string
		block, rest, _ = strings.Cut(rest, "\n```\n")
		info, block, _ = strings.Cut(block, "\n")
		kind, file, named := strings.Cut(info, " ")
		if !named {
			file = sampleFile
		}
		list := &page.Wrong
		if kind == "right" {
			list = &page.Right
		}
		*list = append(*list, Sample{File: file, Text: unpictured(block) + "\n"})
		_, rest, more = strings.Cut(rest, "```yaml ")
	}
	return page, true
}

// unpictured puts control characters in the place of their pictures.
func unpictured(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0x2400 && r < 0x2420 {
			return r - 0x2400
		}
		return r
	}, s)
}

// MayBeSilenced tells whether a code can be that of a warning: what keeps a DAG from running cannot be
// silenced, neither by a comment nor by a setting.
func MayBeSilenced(code string) bool {
	p, ok := PageOf(code)
	return ok && p.Severity != string(Error)
}

// NearCodes returns the codes that a word may have meant.
func NearCodes(word string) []string {
	codes := Codes()
	if upper := strings.ToUpper(strings.TrimSpace(word)); slices.Contains(codes, upper) {
		return []string{upper}
	}
	if digits := strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "").Replace(strings.ToUpper(word)); len(digits) > 1 {
		if like := strings.ToUpper(word[:1]) + digits[1:]; slices.Contains(codes, like) {
			return []string{like}
		}
	}
	return nearest(word, codes)
}
