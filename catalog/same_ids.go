package catalog

import (
	"fmt"

	"weft/spec"
)

// SameIDs tells of ids that stand in more than one file: an error in each of them.
func SameIDs(all []Finding) []spec.Diagnostic {
	byID := map[string][]Finding{}
	for _, f := range all {
		if f.ID != "" {
			byID[f.ID] = append(byID[f.ID], f)
		}
	}
	var out []spec.Diagnostic
	for _, f := range all {
		if len(byID[f.ID]) < 2 {
			continue
		}
		d := spec.Diagnostic{
			Code: spec.SameID, Severity: spec.Error, File: f.File,
			Line: f.At.Line, Column: f.At.Col, EndLine: f.At.EndLine, EndColumn: f.At.EndCol,
			Message: fmt.Sprintf("the id %q is that of another file too", f.ID), Label: "an id names one DAG",
		}
		if f.At == (spec.Span{}) {
			d.EndLine, d.EndColumn = 1, 1
			d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: "without the key id, the file's name is the id"})
		}
		for _, other := range byID[f.ID] {
			if other.File != f.File {
				d.Related = append(d.Related, spec.Related{File: other.File, Line: other.At.Line, Column: other.At.Col, Text: "here too"})
			}
		}
		out = append(out, d)
	}
	return out
}
