package diag

import (
	"encoding/json"
	"fmt"
	"io"

	"weft/spec"
)

// FormatVersion is the number of the JSON form; it grows when a reader could be misled.
const FormatVersion = 1

// JSON writes one object with every diagnostic; lists are never null.
func JSON(w io.Writer, ds []spec.Diagnostic, o Options) error {
	ds = conceal(ds, o)
	out := struct {
		FormatVersion int         `json:"format_version"`
		Diagnostics   []jsonEntry `json:"diagnostics"`
	}{FormatVersion, make([]jsonEntry, 0, len(ds))}
	for _, d := range ds {
		e := jsonEntry{
			d.Code, string(d.Severity), d.File, d.Line, d.Column, d.EndLine, d.EndColumn,
			d.Message, d.Label, d.Notes, d.Related,
		}
		if e.Notes == nil {
			e.Notes = []spec.Note{}
		}
		if e.Related == nil {
			e.Related = []spec.Related{}
		}
		out.Diagnostics = append(out.Diagnostics, e)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("cannot write the findings: %w", err)
	}
	return nil
}

// jsonEntry is a diagnostic as programs read it: every key is always there.
type jsonEntry struct {
	Code      string         `json:"code"`
	Severity  string         `json:"severity"`
	File      string         `json:"file"`
	Line      int            `json:"line"`
	Column    int            `json:"column"`
	EndLine   int            `json:"end_line"`
	EndColumn int            `json:"end_column"`
	Message   string         `json:"message"`
	Label     string         `json:"label"`
	Notes     []spec.Note    `json:"notes"`
	Related   []spec.Related `json:"related"`
}
