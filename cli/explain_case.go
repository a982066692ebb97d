package cli

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"weft/spec"
)

// casePages are what there is to say about the codes of `weft test`. What is wrong is a run that was played, so no
// single file shows it: docs/testing.md does.
var casePages = []spec.Page{
	{
		Code: spec.CaseFails, Severity: string(spec.Error), Title: "Something is not as a case expects",
		Why: "A case says under `expect` and `verdict` what shall become of the run that it plays; here something else did. Either the DAG does not do what it should, or the case expects, or gives, the wrong thing. The table that is printed below shows how each task went.",
	},
	{
		Code: spec.CaseLacks, Severity: string(spec.Error), Title: "A case does not give an output that its run hangs on",
		Why: "An output that a case does not give is a sample, the smallest value of what is declared. Where a decision or an input reads it, the run would hang on a value that nobody meant. Give it: `given: {load: {output: {rows: 41}}}`, or `output: null` if it has none.",
	},
	{
		Code: spec.CaseNoDAG, Severity: string(spec.Error), Title: "There is no DAG beside a test file, or it has errors",
		Why: "The tests of NAME.yaml are NAME.test.yaml beside it. `weft validate NAME.yaml` says what is wrong with the DAG.",
	},
	{
		Code: spec.CaseEndless, Severity: string(spec.Error), Title: "A case's run goes on for ever",
		Why: "Virtual time is free, so a sensor that never holds and has no end, or a task that is always tried again, is never over. Give the poke at which it holds, or a `timeout`.",
	},
}

// casePage returns the page of a code of `weft test`.
func casePage(code string) (spec.Page, bool) {
	for _, p := range casePages {
		if p.Code == code {
			return p, true
		}
	}
	return spec.Page{}, false
}

// explainCase prints such a page.
func (e *env) explainCase(p spec.Page, asJSON bool) error {
	if asJSON {
		p.Wrong, p.Right = []spec.Sample{}, []spec.Sample{}
		return e.printJSON(codePage{Page: p})
	}
	columns := min(width(e.stdout, 100), 100)
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n%s\n", ansi.Wordwrap(p.Code+" ("+p.Severity+", of weft test): "+p.Title, columns, ""), ansi.Wordwrap(p.Why, columns, ""))
	if _, err := e.stdout.Write([]byte(out.String())); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	return nil
}
