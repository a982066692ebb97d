package cli

import (
	"bytes"
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"weft/diag"
	"weft/machine"
	"weft/rehearse"
	"weft/spec"
)

func (e *env) testsText(all []testedFile, o testOptions) error {
	var b bytes.Buffer
	for _, t := range all {
		switch {
		case o.list:
			e.listTests(&b, t)
		default:
			if err := e.testText(&b, t, o); err != nil {
				return err
			}
		}
	}
	if !o.list {
		if err := writeSummary(&b, all); err != nil {
			return err
		}
	}
	_, err := e.stdout.Write(b.Bytes())
	return err
}

func (e *env) tint(look lipgloss.Style, s string) string {
	if !e.color {
		return s
	}
	return look.Render(s)
}

// listTests lists a file's cases, with the line of each.
func (e *env) listTests(b *bytes.Buffer, t testedFile) {
	_ = diag.Text(b, t.ds, diag.Options{Source: t.source, Color: e.color})
	for _, c := range t.cases {
		fmt.Fprintf(b, "%s:%d: %s\n", t.file, c.At.Line, visibleLine(c.Name))
	}
}

// testText writes a file: its problems, each case that fails, and one line about all of it.
func (e *env) testText(b *bytes.Buffer, t testedFile, o testOptions) error {
	opts := diag.Options{Source: t.source, Color: e.color}
	if len(t.ds) > 0 {
		if err := diag.Text(b, t.ds, opts); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	for _, r := range t.results {
		switch {
		case !r.Passed():
			fmt.Fprintf(b, "%s  %s: %s\n\n", e.tint(red, "FAIL"), t.file, visibleLine(r.Case.Name))
			if err := diag.Text(b, r.Diagnostics, opts); err != nil {
				return err
			}
			b.WriteByte('\n')
			e.course(b, r)
		case o.verbose:
			fmt.Fprintf(b, "%s  %s: %s\n", e.tint(green, "pass"), t.file, visibleLine(r.Case.Name))
			e.course(b, r)
		}
	}
	if len(t.results) == 0 && len(t.ds) == 0 {
		return nil // no case of it was asked for
	}
	word, look := "ok  ", green
	if t.failed() > 0 {
		word, look = "FAIL", red
	}
	said := fmt.Sprintf("%d passed", t.passed())
	switch {
	case hasError(t.ds):
		said = "nothing was played"
	case t.failed() > 0:
		said += fmt.Sprintf(", %d failed", t.failed())
	}
	fmt.Fprintf(b, "%s  %s  %s\n", e.tint(look, word), t.file, said)
	return nil
}

// course shows how a run went: each task in the order in which they ended.
func (e *env) course(b *bytes.Buffer, r rehearse.Result) {
	rec := r.Record
	ids := rec.Tasks()
	wide := 0
	for _, id := range ids {
		wide = max(wide, len(id))
	}
	for _, id := range ids {
		t := rec.Summary.Tasks[id]
		line := fmt.Sprintf("      %-*s  %-15s", wide, id, t.State)
		if start, end, ok := rec.Span(id); ok {
			line += fmt.Sprintf("  %s–%s", rehearse.Brief(start), rehearse.Brief(end))
			if t.Attempts > 1 && len(t.Instances) == 0 {
				line += fmt.Sprintf(", %d attempts", t.Attempts)
			}
		}
		if n := len(t.Instances); n > 0 {
			line += fmt.Sprintf(", %d instances", n)
		}
		if t.Reason != "" && t.State != machine.Success {
			line += "  " + visibleLine(t.Reason)
		}
		fmt.Fprintln(b, e.tint(faint, strings.TrimRight(line, " ")))
	}
	line := "      the run is " + string(rec.Summary.State)
	if rec.Summary.Reason != "" {
		line += ": " + visibleLine(rec.Summary.Reason)
	}
	fmt.Fprintf(b, "%s\n\n", e.tint(faint, line))
}

// visibleLine makes a text of a file one line, with nothing in it that a terminal would obey.
func visibleLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// testsJSON writes one object with every case.
func (e *env) testsJSON(all []testedFile, o testOptions) error {
	out := struct {
		FormatVersion int               `json:"format_version"`
		Passed        int               `json:"passed"`
		Failed        int               `json:"failed"`
		Cases         []jsonCase        `json:"cases"`
		Diagnostics   []spec.Diagnostic `json:"diagnostics"`
	}{FormatVersion: 1, Cases: []jsonCase{}, Diagnostics: []spec.Diagnostic{}}
	for _, t := range all {
		out.Passed, out.Failed = out.Passed+t.passed(), out.Failed+t.failed()
		out.Diagnostics = append(out.Diagnostics, t.ds...)
		if o.list {
			for _, c := range t.cases {
				out.Cases = append(out.Cases, jsonCase{File: t.file, DAG: t.id, Name: c.Name, Line: c.At.Line})
			}
		}
		for _, r := range t.results {
			out.Cases = append(out.Cases, jsonCaseOf(t, r))
		}
	}
	return e.printJSON(out)
}

// A jsonCase is a case as programs read it; how it went is not there in a list.
type jsonCase struct {
	File        string              `json:"file"`
	DAG         string              `json:"dag_id"`
	Name        string              `json:"name"`
	Line        int                 `json:"line"`
	Passed      *bool               `json:"passed,omitempty"`
	State       machine.RunState    `json:"state,omitempty"`
	Reason      string              `json:"reason,omitempty"`
	Takes       string              `json:"takes,omitempty"` // in virtual time
	Tasks       map[string]jsonTask `json:"tasks,omitempty"`
	Diagnostics []spec.Diagnostic   `json:"diagnostics,omitempty"`
}

type jsonTask struct {
	State     machine.State   `json:"state"`
	Reason    string          `json:"reason,omitempty"`
	Attempts  int             `json:"attempts"`
	Starts    string          `json:"starts,omitempty"` // in virtual time, from the start of the run
	Ends      string          `json:"ends,omitempty"`
	Output    machine.Raw     `json:"output"`
	Instances []machine.State `json:"instances,omitempty"`
}

func jsonCaseOf(t testedFile, r rehearse.Result) jsonCase {
	passed, sum := r.Passed(), r.Record.Summary
	c := jsonCase{
		File: t.file, DAG: t.id, Name: r.Case.Name, Line: r.Case.At.Line, Passed: &passed,
		State: sum.State, Reason: sum.Reason, Takes: rehearse.Brief(r.Record.Lasted), Tasks: map[string]jsonTask{}, Diagnostics: r.Diagnostics,
	}
	for id, t := range sum.Tasks {
		one := jsonTask{State: t.State, Reason: t.Reason, Attempts: t.Attempts, Output: r.Record.Output(id)}
		if start, end, ok := r.Record.Span(id); ok {
			one.Starts, one.Ends = rehearse.Brief(start), rehearse.Brief(end)
		}
		for _, in := range t.Instances {
			one.Instances = append(one.Instances, in.State)
		}
		c.Tasks[id] = one
	}
	return c
}
