package spec

import (
	"slices"

	"weft/expr"
	"weft/machine"
)

// ruleLeaf warns of a task under the verdict `leaves` that may hide a failure: its trigger can be
// satisfied although a direct upstream task failed, and no leaf would show that failure, or only itself. It
// asks about one failure among successes, so that it is silent rather than wrong. Of a task that is no leaf it tells
// only if that one would run whatever failed: who asks for two of three does without the third on purpose. And it is
// silent if that one, or what depends on it, asks about the task that failed: it may fail for it.
func ruleLeaf(d *DAG) {
	if d.failed || d.plan.Verdict.Rule != "leaves" {
		return
	}
	plan, ok := d.sealed()
	if !ok {
		return
	}
	l := leaves{plan: plan, seen: map[string][]string{}, left: maxAsked, below: maxBelow}
	l.look()
	for _, t := range d.tasks {
		if d.full() {
			return
		}
		hidden := slices.DeleteFunc(l.runs[t.ID], func(up string) bool {
			return slices.ContainsFunc(l.seen[up], func(leaf string) bool { return leaf != t.ID })
		})
		if len(plan.Downstream(t.ID)) > 0 && len(hidden) > 0 {
			if !l.regardless(plan.Task(t.ID), plan.Upstream(t.ID)) {
				continue
			}
			heard, all := l.askedBelow(d, t)
			hidden = slices.DeleteFunc(hidden, func(up string) bool { return !all || heard[up] })
		}
		if len(hidden) > 0 {
			d.report(rLeaf, d.span(t.f.get("trigger")), "task %q runs even if %s failed, and the run is then a success", t.ID, orWords(quoted(hidden))).
				help("say `verdict: strict` if any failure should fail the run, or write a verdict of your own")
		}
	}
}

// regardless tells whether a task runs even if all its upstream tasks fail.
func (l *leaves) regardless(t *machine.Task, up []string) bool {
	if t.Trigger.Rule != "" {
		u := make(upstreamOutcomes, len(up))
		for i := range u {
			u[i] = mayFail
		}
		return byRule(t.Trigger.Rule, u).run
	}
	w := world{plan: l.plan, up: up, state: make(map[string]machine.State, len(up))}
	for _, id := range up {
		w.state[id] = machine.Failed
	}
	l.left -= len(up)
	j, err := l.exprs.Judge(t.Trigger.Expr.Src, w)
	return l.left >= 0 && err == nil && j.Truth == expr.True
}

// askedBelow are the tasks that a task, and all that depend on it, name in expressions; not all of them where too many
// depend on it.
func (l *leaves) askedBelow(d *DAG, t *task) (heard map[string]bool, all bool) {
	heard, seen := map[string]bool{}, map[string]bool{t.ID: true}
	for next := []string{t.ID}; len(next) > 0; next = next[1:] {
		if l.below--; l.below < 0 {
			return heard, false
		}
		for _, r := range d.byID[next[0]].refs {
			if r.where != "trigger" {
				heard[r.id] = true
			}
		}
		for _, down := range l.plan.Downstream(next[0]) {
			if !seen[down] {
				seen[down] = true
				next = append(next, down)
			}
		}
	}
	return heard, true
}

// leaves is what one failure comes to.
type leaves struct {
	plan  *machine.Plan
	seen  map[string][]string // task → leaves that show its failure, at most two: enough to know whether another one does
	runs  map[string][]string // task → its upstream tasks whose failure lets it run all the same
	exprs expr.Cache
	left  int // states of upstream tasks that may still be looked at
	below int // tasks that may still be looked at for what they ask about
}

// maxAsked bounds how many states of upstream tasks are looked at, for triggers that are expressions; maxBelow how many
// tasks are for what they name.
const (
	maxAsked = 1_000_000
	maxBelow = 100_000
)

// look goes from the leaves upstream: what shows the failure of a task is known before that of those it waits for.
func (l *leaves) look() {
	l.runs = map[string][]string{}
	for _, id := range slices.Backward(upstreamFirst(l.plan)) {
		shows := l.seen[id]
		leaf := len(l.plan.Downstream(id)) == 0
		if leaf {
			shows = []string{id}
		}
		up := l.plan.Upstream(id)
		ask := l.asker(l.plan.Task(id), up)
		for _, failed := range up {
			got := ask(failed)
			if got == machine.Success && l.plan.Task(id).Uses == "fail" {
				got = machine.UpstreamFailed // it runs, and fails: as good
			}
			switch got {
			case machine.UpstreamFailed:
				for _, leaf := range shows {
					if len(l.seen[failed]) < 2 && !slices.Contains(l.seen[failed], leaf) {
						l.seen[failed] = append(l.seen[failed], leaf)
					}
				}
			case machine.Success:
				l.runs[id] = append(l.runs[id], failed)
			}
		}
	}
}

// The outcomes below are a corner of the table of section 5, one failure among successes; rule_never
// asks the whole of it, for what can be at all (outcomes.go).

// asker says what becomes of a task when one direct upstream task failed and all others succeeded: Success (it runs),
// Skipped, UpstreamFailed, or None where that is not known before a run.
func (l *leaves) asker(t *machine.Task, up []string) func(failed string) machine.State {
	if t.Trigger.Rule == "" {
		return l.judge(t, up)
	}
	out := machine.UpstreamFailed // all_success, none_failed, none_failed_min_one_success
	switch t.Trigger.Rule {
	case "all_done", "one_failed", "one_done", "none_skipped", "always":
		out = machine.Success
	case "one_success", "all_done_min_one_success":
		if len(up) > 1 {
			out = machine.Success
		}
	case "all_failed":
		if out = machine.Success; len(up) > 1 {
			out = machine.Skipped
		}
	case "all_skipped":
		out = machine.Skipped
	}
	return func(string) machine.State { return out }
}

// judge asks an expression of that world. What names instances is not known, and so is silent.
func (l *leaves) judge(t *machine.Task, up []string) func(failed string) machine.State {
	w := world{plan: l.plan, up: up, state: make(map[string]machine.State, len(up))}
	for _, id := range up {
		w.state[id] = machine.Success
	}
	return func(failed string) machine.State {
		if l.left -= len(up); l.left < 0 {
			return machine.None
		}
		w.state[failed] = machine.Failed
		defer func() { w.state[failed] = machine.Success }()
		j, err := l.exprs.Judge(t.Trigger.Expr.Src, w)
		switch {
		case err != nil || j.Truth == expr.Unknown:
			return machine.None
		case j.Truth == expr.True:
			return machine.Success
		}
		return machine.UpstreamFailed
	}
}
