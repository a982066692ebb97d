package spec

import (
	"weft/expr"
	"weft/machine"
)

// ruleLeaf warns of a leaf under the verdict `leaves` that may hide a failure: its trigger can be
// satisfied although a direct upstream task failed, and no other leaf would show that failure. It
// asks about one failure among successes, so that it is silent rather than wrong.
func ruleLeaf(d *DAG) {
	if d.failed || d.plan.Verdict.Rule != "leaves" {
		return
	}
	plan, ok := d.sealed()
	if !ok {
		return
	}
	for _, t := range d.tasks {
		if len(plan.Downstream(t.ID)) > 0 {
			continue
		}
		var hidden []string
		known := map[string]bool{}
		for _, up := range plan.Upstream(t.ID) {
			if outcome(plan, t.ID, up) == machine.Success && !shown(plan, up, t.ID, known) {
				hidden = append(hidden, up)
			}
		}
		if len(hidden) > 0 {
			d.report(rLeaf, d.span(t.f.get("trigger")), "task %q runs even if %s failed, and the run is then a success", t.ID, orWords(quoted(hidden))).
				help("say `verdict: strict` if any failure should fail the run, or write a verdict of your own")
		}
	}
}

// The outcomes below are a corner of the table of section 5, one failure among successes; rule_never
// asks the whole of it, for what can be at all (outcomes.go).

// shown tells whether the failure of a task reaches a leaf other than one. known are the answers so far, about that one.
func shown(plan *machine.Plan, failed, but string, known map[string]bool) bool {
	if yes, ok := known[failed]; ok {
		return yes
	}
	known[failed] = false
	for _, down := range plan.Downstream(failed) {
		if down == but || outcome(plan, down, failed) != machine.UpstreamFailed {
			continue
		}
		if len(plan.Downstream(down)) == 0 || shown(plan, down, but, known) {
			known[failed] = true
			break
		}
	}
	return known[failed]
}

// outcome is what becomes of a task when one direct upstream task failed and all others succeeded:
// Success (it runs), Skipped, UpstreamFailed, or None where that is not known before a run.
func outcome(plan *machine.Plan, id, failed string) machine.State {
	t := plan.Task(id)
	others := plan.UpstreamCount(id) > 1
	switch t.Trigger.Rule {
	case "all_done", "one_failed", "one_done", "none_skipped", "always":
		return machine.Success
	case "one_success", "all_done_min_one_success":
		if others {
			return machine.Success
		}
		return machine.UpstreamFailed
	case "all_failed":
		if others {
			return machine.Skipped
		}
		return machine.Success
	case "all_skipped":
		return machine.Skipped
	case "":
		return judged(plan, t, plan.Upstream(id), failed)
	}
	return machine.UpstreamFailed // all_success, none_failed, none_failed_min_one_success
}

// judged asks an expression of that world. What names instances is not known, and so is silent.
func judged(plan *machine.Plan, t *machine.Task, up []string, failed string) machine.State {
	w := world{plan: plan, up: up, state: make(map[string]machine.State, len(up))}
	for _, id := range up {
		w.state[id] = machine.Success
	}
	w.state[failed] = machine.Failed
	j, err := expr.Judge(t.Trigger.Expr.Src, w)
	switch {
	case err != nil || j.Truth == expr.Unknown:
		return machine.None
	case j.Truth == expr.True:
		return machine.Success
	}
	return machine.UpstreamFailed
}
