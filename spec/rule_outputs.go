package spec

import (
	"strings"

	"weft/expr"
)

// ruleOutputs tells of declared outputs that nothing reads, beside others of the same task that are read. Where none
// is read, or all at once, they may be for people: nothing is said.
func ruleOutputs(d *DAG) {
	read := map[string]map[string]bool{}
	for _, u := range d.uses {
		for _, part := range u.expressions() {
			d.noteOutputs(u, part, read)
		}
	}
	for _, text := range d.meant { // only its $ is missing
		d.noteOutputs(new(use), expr.Segment{Text: text, Expr: true}, read)
	}
	for _, t := range d.tasks {
		names := read[t.ID]
		if len(names) == 0 || names[""] {
			continue
		}
		for _, f := range t.f.get("outputs").fieldsOrNone() {
			if !names[f.Key.Text] {
				d.report(rOutput, d.span(f.Key), "nothing reads the output %q of task %q", f.Key.Text, t.ID).
					note("note", "others of its outputs are read; this one is only checked")
			}
		}
	}
}

// outputUse finds tasks.X.output and the member behind it. Like paramUse it reads text, and takes too much for read.
var outputUse = looks(`\btasks\s*(?:\??\.\s*([A-Za-z_][A-Za-z0-9_]*)|\??\.?\[\s*["']([^"']*)["']\s*\])\s*(?:\??\.\s*([A-Za-z_]+))?` +
	`(?:\s*\[[^\]"']*\])?(?:\s*\??\.\s*([A-Za-z_][A-Za-z0-9_]*)|\s*\??\.?\[\s*["']([^"']*)["']\s*\])?`)

// noteOutputs notes the outputs that an expression reads; "" stands for all of a task's.
func (d *DAG) noteOutputs(u *use, part expr.Segment, read map[string]map[string]bool) {
	note := func(id, name string) {
		if read[id] == nil {
			read[id] = map[string]bool{}
		}
		read[id][name] = true
	}
	if (u.where == "until" || u.where == "fail_when" || u.asks) && u.task != nil && strings.Contains(part.Text, "output") {
		note(u.task.ID, "")
	}
	if !strings.Contains(part.Text, "tasks") {
		return
	}
	for _, at := range outputUse().FindAllStringSubmatchIndex(part.Text, -1) {
		group := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return part.Text[at[2*i]:at[2*i+1]]
		}
		switch id := group(1) + group(2); group(3) {
		case "output":
			note(id, group(4)+group(5))
			if at[8] >= 0 {
				note(id, withDashes(part.Text, at[8])) // read as a difference, which is reported
			}
		case "state", "error", "ref", "artifacts":
		default:
			note(id, "")
		}
	}
}
