// Package diag renders what the validator found: for people at a terminal, one line each, as JSON, for
// GitHub Actions and as SARIF. The words are spec's; this package adds only the place and the look of it, so that command
// line, API and page say the same.
//
// Whatever the source holds, nothing here fails on it: tabs, CRLF, a BOM, wide and invisible
// characters, places that are not in the file. Secrets that a diagnostic points at are masked in
// every snippet.
package diag

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"weft/spec"
)

// Options are what a rendering may depend on beside the diagnostics.
type Options struct {
	Source func(file string) []byte // a file's text; nil, or nil for a file = no snippet
	Color  bool                     // escape sequences, in the text form
	Width  int                      // columns of a snippet; 0 = 120

	Path    func(file string) string // a file's name for services that see all of a repository; nil = as it is
	Version string                   // of weft, for SARIF
}

func (o Options) path(file string) string {
	if o.Path == nil {
		return file
	}
	return o.Path(file)
}

// A Format is one way to write diagnostics.
type Format struct {
	Name  string
	Title string // what it is, in a few words
	Write func(w io.Writer, ds []spec.Diagnostic, o Options) error

	Document bool // one value for programs: nothing else may stand beside it
}

// Formats are all the ways to write diagnostics; the first is for people. A new one is a new file
// and a new line here.
var Formats = []Format{
	{Name: "text", Title: "the place in the file, and what to write instead", Write: Text},
	{Name: "oneline", Title: "one line each", Write: OneLine},
	{Name: "json", Title: "for programs", Write: JSON, Document: true},
	{Name: "github", Title: "for GitHub Actions, which shows each beside its line", Write: GitHub},
	{Name: "sarif", Title: "SARIF 2.1.0, for code scanning", Write: SARIF, Document: true},
}

// Sort puts diagnostics in their order: file, line, column, code.
func Sort(ds []spec.Diagnostic) {
	slices.SortStableFunc(ds, func(a, b spec.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code),
		)
	})
}

// Summary says in one line what was found in that many files, and what would fix how much of it.
func Summary(ds []spec.Diagnostic, files int, fix string) string {
	counts, where := map[spec.Severity]int{}, map[string]bool{}
	for _, d := range ds {
		counts[d.Severity]++
		where[d.File] = true
	}
	var parts []string
	for _, s := range []struct {
		severity spec.Severity
		word     string
	}{{spec.Error, "error"}, {spec.Warning, "warning"}, {spec.Info, "info"}} {
		if n := counts[s.severity]; n > 0 {
			parts = append(parts, plural(n, s.word))
		}
	}
	if len(parts) == 0 {
		return plural(files, "file") + " checked, no problems"
	}
	text := strings.Join(parts, ", ") + " in " + plural(len(where), "file")
	if n := fixable(ds); n > 0 {
		text += fmt.Sprintf(" (%d fixable with %s)", n, fix)
	}
	return text
}

func fixable(ds []spec.Diagnostic) (n int) {
	for _, d := range ds {
		if d.Fixable() {
			n++
		}
	}
	return n
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// write sends what was rendered.
func write(w io.Writer, s string) error {
	if _, err := io.WriteString(w, s); err != nil {
		return fmt.Errorf("cannot write the findings: %w", err)
	}
	return nil
}
