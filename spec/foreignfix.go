package spec

import (
	"strings"

	"weft/expr"
)

// operators of other languages that have one counterpart each, and mean the same wherever they stand.
var operators = map[string]string{
	"===": "==", "!==": "!=", "<>": "!=", "=": "==", "AND": "&&", "OR": "||", "NOT": "not", "IN": "in",
	"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
}

// translate fixes an operator of another language; what else package expr says of it is its help.
func (d *Diagnostic) translate(p expr.Problem, text string) bool {
	ours, ok := operators[text]
	if !ok || p.Code != expr.CodeForeign || p.Help == "" {
		return false
	}
	d.note("fix", "%s", p.Help).swap(text, ours)
	return true
}

// ofRun are the names of Airflow's templates that run has under the same name.
var ofRun = map[string]string{
	"ds": "run.ds", "ds_nodash": "run.ds_nodash", "ts": "run.ts", "ts_nodash": "run.ts_nodash", "run_id": "run.id",
	"data_interval_start": "run.data_interval_start", "data_interval_end": "run.data_interval_end",
	"logical_date": "run.logical_date", "execution_date": "run.logical_date",
}

// unjinja fixes a template of Airflow's that is one name and stands where an expression may.
func (d *Diagnostic) unjinja(s *source, whole, name string) *Diagnostic {
	ours := ofRun[name]
	if ours == "" || d.Severity != Error || strings.TrimSpace(strings.Trim(whole, "{}")) != name {
		return d
	}
	if at, ok := s.exactly(d.place(), whole); ok {
		d.note("fix", "write ${{ %s }}", ours).edit(at, "${{ "+ours+" }}")
	}
	return d
}
