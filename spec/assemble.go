package spec

import (
	"slices"

	"weft/machine"
)

// assemble puts the callbacks into the plan, where the tasks are already, once all rules that add to them have run:
// edges come of the upstream rule, and scripts are rewritten by the expressions rule. Later rules only look.
func assemble(d *DAG) {
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		t.Reads = d.reads(t)
	}
	for _, cb := range d.hooks {
		switch {
		case cb.owner != nil:
			cb.owner.OnFailure = append(cb.owner.OnFailure, *cb.Task)
		case cb.hook == "on_success":
			d.plan.OnSuccess = append(d.plan.OnSuccess, *cb.Task)
		case cb.hook == "on_failure":
			d.plan.OnFailure = append(d.plan.OnFailure, *cb.Task)
		default:
			d.plan.OnLate = append(d.plan.OnLate, *cb.Task)
		}
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
