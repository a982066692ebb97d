package spec

import (
	"slices"
	"strings"

	"weft/expr"
	"weft/machine"
)

// An alarm that never rings: `when` asks for a failure that the trigger does not let the task see. Of the conditions
// only states of direct upstream tasks are tried, each with every value that it may have when the trigger says run;
// whatever else stands there may be either, so what is said is certain.

// maxStates bounds how many ends of the upstream tasks are tried for one condition: each has four, and null where a
// trigger does not wait.
const maxStates = 700

// reportUnseen warns of a condition that is false in every world in which the task's trigger says run.
func (d *DAG) reportUnseen(f *foresight, t *task, up []string) bool {
	if t.When == nil || t.constant || len(up) == 0 || !strings.Contains(t.When.Src, "state") {
		return false
	}
	b := expr.ReadBranch(t.When.Src)
	if b == nil {
		return false
	}
	asked := askedStates(b, up)
	if len(asked) == 0 || f.sees(b, t.Trigger, up, asked) {
		return false
	}
	trigger := "its trigger"
	if t.Trigger.Rule != "" {
		trigger = "the rule " + t.Trigger.Rule
	}
	diag := d.report(gNever, d.span(t.f.get("when")), "task %q is always skipped: its `when` is false whenever %s lets it run", t.ID, trigger)
	var lets []string
	for _, rule := range []string{"one_failed", "all_done"} {
		if rule == "one_failed" && len(up) > 1 { // it runs at once, and may not see the one that is asked for
			continue
		}
		if f.sees(b, machine.Trigger{Rule: rule}, up, asked) {
			lets = append(lets, "`trigger: "+rule+"`")
		}
	}
	switch key := t.f.get("trigger"); {
	case len(lets) == 0:
	case key == nil:
		diag.help("without a `trigger` it runs only if all that it waits for succeeded (all_success); write %s", orWords(lets))
	default:
		diag.help("write %s", orWords(lets))
	}
	return true
}

// askedStates are the direct upstream tasks of whose state a condition asks.
func askedStates(b *expr.Branch, up []string) []string {
	var out []string
	for _, u := range b.Uses() {
		if id := u.Term.Task; u.Term.Text == stateTerm(id) && slices.Contains(up, id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// stateTerm is how a condition's term for a task's state is written.
func stateTerm(id string) string { return `tasks."` + id + `"."state"` }

// sees tells whether there is a world in which a trigger says run and a condition may hold.
func (f *foresight) sees(b *expr.Branch, trigger machine.Trigger, up, asked []string) bool {
	early := !slices.Contains(waits, trigger.Rule)
	values := map[string]any{}
	w := world{plan: f.plan, up: up, state: make(map[string]machine.State, len(up))}
	var try func(at int) bool
	left := maxStates
	try = func(at int) bool {
		if at == len(asked) {
			return b.Holds(values) != expr.False && f.runsIn(w, trigger, asked)
		}
		id := asked[at]
		for _, s := range states {
			if left--; left < 0 {
				return true
			}
			values[stateTerm(id)], w.state[id] = s.name.String(), s.name
			if try(at + 1) {
				return true
			}
		}
		delete(w.state, id)
		values[stateTerm(id)] = nil
		return early && try(at+1)
	}
	return try(0)
}

// runsIn tells whether a trigger may say run where the tasks that are asked for are in the states of a world, whatever
// becomes of the others.
func (f *foresight) runsIn(w world, trigger machine.Trigger, asked []string) bool {
	if trigger.Expr != nil {
		f.left--
		j, err := f.exprs.Judge(trigger.Expr.Src, w)
		open := len(asked) < len(w.up) || strings.Contains(trigger.Expr.Src, "instances") // what is unknown may yet be true
		return f.left < 0 || err != nil || j.Truth == expr.True || open && j.Truth == expr.Unknown
	}
	u := make(upstreamOutcomes, 0, len(w.up))
	for _, id := range w.up {
		o := mayEvery
		if slices.Contains(asked, id) {
			if o = outcomeOf(w.state[id]); o == 0 {
				continue // not finished: the trigger has spoken without it
			}
		}
		u = append(u, o)
	}
	if len(u) == 0 { // all are asked for, and none has finished: who waits for one does not run
		return trigger.Rule == "always"
	}
	return byRule(trigger.Rule, u).run
}

// outcomeOf is the set of one state, empty if it is no finished one.
func outcomeOf(state machine.State) outcomes {
	for _, s := range states {
		if s.name == state {
			return s.of
		}
	}
	return 0
}
