package sim

import (
	"fmt"
	"slices"
	"strings"

	"weft/machine"
)

// settlers are the rules that decide to run only when every upstream task has finished: after
// them, what a task reads of its upstream tasks is there, whoever finished first.
var settlers = []string{
	"all_success", "all_failed", "all_done", "all_skipped", "none_failed", "none_failed_min_one_success",
	"none_skipped", "all_done_min_one_success",
}

// trigger gives a task each of the named rules in turn of chance, or an expression with its meaning
// written a second time.
func (g grower) trigger(t *machine.Task, tr *traits) {
	if len(t.Needs) == 0 || g.chance(0.75) {
		t.Trigger.Rule = "all_success"
		if g.chance(0.6) {
			t.Trigger.Rule = pick(g.r, machine.TriggerRules()...)
		}
		tr.settling = slices.Contains(settlers, t.Trigger.Rule)
		return
	}
	src, means := g.triggerExpr(t.Needs)
	t.Trigger.Expr = &machine.Expr{Src: src, Pos: machine.Pos{Line: 1, Col: 1}}
	tr.trigger = means
}

func (g grower) triggerExpr(needs []string) (string, func(*oracle, string) bool) {
	a, z := needs[0], needs[len(needs)-1]
	is := func(o *oracle, id string, s machine.State) bool { return o.states[id] == s }
	if g.d.traits[a].list != nil && g.chance(0.7) {
		k := 1 + g.r.IntN(3)
		return fmt.Sprintf(`count(tasks.%s.instances, .state == "success") >= %d`, a, k), func(o *oracle, _ string) bool {
			return o.instances[a][machine.Success] >= k
		}
	}
	switch g.r.IntN(6) {
	case 0:
		k := 1 + g.r.IntN(len(needs))
		return fmt.Sprintf(`count(upstream, .state == "success") >= %d`, k), func(o *oracle, id string) bool {
			return o.tally(id).S >= k
		}
	case 1:
		return fmt.Sprintf("success(%s) && (success(%s) || skipped(%s))", a, z, z), func(o *oracle, _ string) bool {
			return is(o, a, machine.Success) && (is(o, z, machine.Success) || is(o, z, machine.Skipped))
		}
	case 2:
		return fmt.Sprintf("done(%s) || failed(%s)", a, z), func(*oracle, string) bool { return true }
	case 3:
		return fmt.Sprintf("not failed(%s)", a), func(o *oracle, _ string) bool { return !is(o, a, machine.Failed) }
	case 4:
		return `all(upstream, .state in ["success", "skipped"])`, func(o *oracle, id string) bool {
			return o.tally(id).F+o.tally(id).U == 0
		}
	}
	return fmt.Sprintf(`tasks.%s.state != "success"`, z), func(o *oracle, _ string) bool { return !is(o, z, machine.Success) }
}

// when asks a parameter, or the output of an upstream task that has finished.
func (g grower) when(t *machine.Task, tr *traits) {
	switch {
	case g.chance(0.1):
		yes := g.chance(0.6)
		t.When = &machine.Expr{Src: fmt.Sprintf("params.%s", map[bool]string{true: "yes", false: "no"}[yes])}
		tr.when = func(*oracle) bool { return yes }
	case len(t.Needs) > 0 && tr.settling && g.chance(0.2):
		up := t.Needs[0]
		if g.d.traits[up].list != nil {
			return
		}
		t.When = &machine.Expr{Src: "tasks." + up + ".output.ok == true"}
		t.Reads = appendNew(t.Reads, up)
		tr.when = func(o *oracle) bool { return o.states[up] == machine.Success && g.d.traits[up].okValue }
	}
}

// verdict gives the DAG an expression over some tasks.
func (g grower) verdict() {
	var parts []string
	var ids []string
	for range 1 + g.r.IntN(3) {
		id := g.d.plan.Tasks[g.r.IntN(len(g.d.plan.Tasks))].ID
		ids = append(ids, id)
		parts = append(parts, fmt.Sprintf(`tasks.%s.state != "failed"`, id))
	}
	g.d.plan.Verdict = machine.Verdict{Expr: &machine.Expr{Src: strings.Join(parts, " && ")}}
	g.d.verdict = func(states map[string]machine.State) bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return states[id] == machine.Failed })
	}
}
