package spec

import (
	"cmp"
	"fmt"
	"slices"
)

// A Severity says how bad a diagnostic is.
type Severity string

// Error means the DAG will not run, Warning that it probably does not do what is meant.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// A Diagnostic is one thing wrong with a file: where, by which rule, and what to write instead.
//
// It is in the user's words: tasks, keys, inputs, never types of Go or pointers into JSON. Message
// stands alone, without the label and the notes, for formats of one line. It points at the smallest
// wrong thing, a name rather than its line. The JSON form is a promise to editors and scripts.
//
// Lines and columns count from 1, columns in code points; the end is exclusive.
type Diagnostic struct {
	Code      string    `json:"code"`
	Severity  Severity  `json:"severity"`
	File      string    `json:"file"`
	Line      int       `json:"line"`
	Column    int       `json:"column"`
	EndLine   int       `json:"end_line"`
	EndColumn int       `json:"end_column"`
	Message   string    `json:"message"`
	Label     string    `json:"label,omitempty"` // short, under the wrong thing
	Notes     []Note    `json:"notes,omitempty"`
	Related   []Related `json:"related,omitempty"`

	Edits []Edit `json:"edits,omitempty"` // of the fix; see fix.go

	was, now string // a word to swap, until it is settled

	unseen bool // nobody will see it: nothing is worked out for it
}

// A Note adds to a diagnostic: a fix cannot change what already works, a help may, a note is a fact.
type Note struct {
	Kind string `json:"kind"` // fix, help, note
	Text string `json:"text"`
}

// A Related is another place that a diagnostic speaks of.
type Related struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// note adds a note; it and its siblings return the diagnostic, so that they chain.
func (d *Diagnostic) note(kind, format string, args ...any) *Diagnostic {
	d.Notes = append(d.Notes, Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
	return d
}

func (d *Diagnostic) help(format string, args ...any) *Diagnostic {
	return d.note("help", format, args...)
}

// label is what stands under the wrong thing; the last one counts.
func (d *Diagnostic) label(format string, args ...any) *Diagnostic {
	d.Label = fmt.Sprintf(format, args...)
	return d
}

func (d *Diagnostic) related(at Span, format string, args ...any) *Diagnostic {
	d.Related = append(d.Related, Related{File: d.File, Line: at.Line, Column: at.Col, Text: fmt.Sprintf(format, args...)})
	return d
}

// suggest adds "did you mean" from the names that are legal at the place, else the choices
// themselves, at most ten.
func (d *Diagnostic) suggest(word string, legal []string) *Diagnostic {
	if d.unseen {
		return d
	}
	if near := nearest(word, legal); len(near) > 0 {
		d.label("did you mean %s?", orWords(quoted(near)))
		if len(near) == 1 {
			d.note("fix", "rename to `%s`", near[0])
			if d.Severity == Error {
				d.swap(word, near[0])
			}
		}
		return d
	}
	if len(legal) > 0 && len(legal) <= 10 {
		return d.help("choose from %s", joinWords(legal))
	}
	return d
}

// sorted returns diagnostics in their order: line, column, code. The message comes last, so that the
// order never depends on which rule ran first.
func sorted(ds []*Diagnostic) []Diagnostic {
	slices.SortStableFunc(ds, func(a, b *Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	out := make([]Diagnostic, 0, len(ds))
	for _, d := range ds {
		out = append(out, *d)
	}
	return out
}
