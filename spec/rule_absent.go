package spec

import "slices"

// absentKeys are keys of the language that this version of weft reads and does not carry out, with
// what to write meanwhile. To carry one out is to drop its line here.
var absentKeys = []struct{ key, instead string }{
	{"artifacts", "copy what is to be kept in the script itself, and hand its place on as an output"},
	{"inputs", "fetch what the task reads in the script itself, from a place that another task's output names"},
}

// ruleAbsent refuses what is legal in the language and not carried out by this version: a task
// that ran without its inputs would be worse than one that does not run.
// It reports what is written, not what follows from it.
func ruleAbsent(d *DAG) {
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		for _, k := range absentKeys {
			if key := t.f.key(k.key); key != nil {
				d.report(sAbsent, d.span(key), "`%s` is not carried out by this version of weft", k.key).help("%s", k.instead)
			}
		}
	}
}
