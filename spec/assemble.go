package spec

import (
	"slices"

	"weft/machine"
)

// assemble ends the plan, in which tasks and callbacks stand already, once all rules that add to them have run: edges come
// of the upstream rule, and scripts are rewritten by the expressions rule. Later rules only look.
func assemble(d *DAG) {
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		t.Reads = d.reads(t)
	}
}

// sealed returns the plan with its look-ups, for rules that ask about edges; false if the file has
// errors. It shares everything with the draft: nobody may change it, nor hand it out.
func (d *DAG) sealed() (*machine.Plan, bool) {
	if d.failed {
		return nil, false
	}
	if d.linked == nil {
		plan := d.plan
		if plan.Seal() != nil {
			return nil, false
		}
		d.linked = &plan
	}
	return d.linked, true
}
