package spec

import (
	"slices"

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
	plan, err := d.Plan()
	if err != nil {
		return
	}
	for _, t := range d.tasks {
		if len(plan.Downstream(t.ID)) > 0 {
			continue
		}
		var hidden []string
		for _, up := range plan.Upstream(t.ID) {
			if outcome(plan, t.ID, up) == machine.Success && !shown(plan, up, t.ID, map[string]bool{}) {
				hidden = append(hidden, up)
			}
		}
		if len(hidden) > 0 {
			d.report(rLeaf, d.span(t.f.get("trigger")), "task %q runs even if %s failed, and the run is then a success", t.ID, orWords(quoted(hidden))).
				help("say `verdict: strict` if any failure should fail the run, or write a verdict of your own")
		}
	}
}

// shown tells whether the failure of a task reaches a leaf other than one.
func shown(plan *machine.Plan, failed, but string, seen map[string]bool) bool {
	for _, down := range plan.Downstream(failed) {
		if down == but || seen[down] || outcome(plan, down, failed) != machine.UpstreamFailed {
			continue
		}
		seen[down] = true
		if len(plan.Downstream(down)) == 0 || shown(plan, down, but, seen) {
			return true
		}
	}
	return false
}

// outcome is what becomes of a task when one direct upstream task failed and all others succeeded:
// Success (it runs), Skipped, UpstreamFailed, or None where that is not known before a run.
func outcome(plan *machine.Plan, id, failed string) machine.State {
	t, up := plan.Task(id), plan.Upstream(id)
	others := len(up) > 1
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
		return judged(plan, t, up, failed)
	}
	return machine.UpstreamFailed // all_success, none_failed, none_failed_min_one_success
}

// judged asks an expression of that world. What names instances is not known, and so is silent.
func judged(plan *machine.Plan, t *machine.Task, up []string, failed string) machine.State {
	j, err := expr.Judge(t.Trigger.Expr.Src, oneFailure{plan, up, failed})
	switch {
	case err != nil || j.Truth == expr.Unknown:
		return machine.None
	case j.Truth == expr.True:
		return machine.Success
	}
	return machine.UpstreamFailed
}

// oneFailure is a world in which one upstream task failed and the others succeeded.
type oneFailure struct {
	plan   *machine.Plan
	up     []string
	failed string
}

func (w oneFailure) State(task string) (string, bool) {
	switch {
	case task == w.failed:
		return machine.Failed.String(), true
	case slices.Contains(w.up, task):
		return machine.Success.String(), true
	}
	return "", false
}

func (w oneFailure) Upstream() expr.Population {
	return expr.Population{
		Counts: map[string]int{machine.Failed.String(): 1, machine.Success.String(): len(w.up) - 1},
		Each: func(yield func(id string, index int, state string) bool) {
			for _, id := range w.up {
				if state, _ := w.State(id); !yield(id, -1, state) {
					return
				}
			}
		},
	}
}

// Instances: how many there are is not known before a run.
func (w oneFailure) Instances(task string) (expr.Population, bool) {
	t := w.plan.Task(task)
	return expr.Population{Unsized: true}, t != nil && t.ForEach != nil
}
