package spec

import (
	"encoding/json"
	"slices"

	"weft/expr"
	"weft/machine"
)

// ruleNever warns of tasks that can never run: a trigger that no end of the upstream tasks
// satisfies. It knows only what is certain before any run: the rules, a `when` that is plainly
// false, an empty `for_each`, and triggers that judge false in every world. A task that is switched
// off by `when: false` is not reported, what waits for its success is. After a report the task
// counts as one that runs, so that nothing is said of what follows from it.
func ruleNever(d *DAG) {
	plan, ok := d.sealed()
	if !ok {
		return
	}
	f := foresight{plan: plan, left: maxTries}
	ends := make(map[string]outcomes, len(d.tasks))
	for _, t := range upstreamFirst(plan) {
		up := plan.Upstream(t)
		u := make(upstreamOutcomes, len(up))
		for i, id := range up {
			u[i] = ends[id]
		}
		task := d.byID[t]
		got := byRule(task.Trigger.Rule, u)
		if task.Trigger.Expr != nil {
			got = f.ask(task, up, u)
		}
		switch {
		case !got.run:
			d.reportNever(task, up, ends, got.unless)
			ends[t], d.never[t] = mayEvery, true
		case d.reportWhen(task), d.reportUnseen(&f, task, up):
			ends[t], d.never[t] = mayEvery, true
		case switchedOff(task):
			ends[t] = maySkip | got.unless
		case task.ForEach != nil: // an instance may be upstream_failed for reasons of its own
			ends[t] = mayEvery
		default:
			ends[t] = mayRun | got.unless
		}
	}
}

// upstreamFirst returns the tasks so that each comes after all that it waits for. A sealed plan has
// no cycle.
func upstreamFirst(plan *machine.Plan) []string {
	open := make(map[string]int, len(plan.Tasks))
	var order []string
	for i := range plan.Tasks {
		id := plan.Tasks[i].ID
		if open[id] = len(plan.Upstream(id)); open[id] == 0 {
			order = append(order, id)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, down := range plan.Downstream(order[i]) {
			if open[down]--; open[down] == 0 {
				order = append(order, down)
			}
		}
	}
	return order
}

// switchedOff tells whether a task is skipped whenever its trigger says run.
func switchedOff(t *task) bool {
	if neverWhen(t) {
		return true
	}
	var list []any
	return t.ForEach != nil && t.ForEach.Expr == nil && json.Unmarshal(t.ForEach.List, &list) == nil && len(list) == 0
}

// neverWhen tells whether a task's condition is false whatever happens: it names nothing that could
// differ from one run to the next.
func neverWhen(t *task) bool {
	if t.When == nil || !t.constant {
		return false
	}
	v, err := expr.Bool(t.When.Src, nil)
	return err == nil && !v
}

// reportWhen warns of a condition that is false whatever happens, and does not plainly say so.
func (d *DAG) reportWhen(t *task) bool {
	if !neverWhen(t) || t.When.Src == "false" {
		return false
	}
	d.report(gNever, d.span(t.f.get("when")), "task %q is always skipped: its `when` is false whatever happens", t.ID).
		help("to switch a task off write `when: false`")
	return true
}

// maxWorlds bounds how many ends of the upstream tasks a trigger is tried in: five tasks that wait for
// nobody have 243. The first is the one in which all succeed, and mostly it is enough. maxTries
// bounds them for a whole file, which may be a hostile one.
const (
	maxWorlds = 256
	maxTries  = 20_000
)

// A foresight asks triggers that are expressions about worlds that might be.
type foresight struct {
	plan  *machine.Plan
	exprs expr.Cache
	left  int // tries
}

// ask tries every end that the upstream tasks may come to together, if those are few; else the world
// in which nothing but what is certain has finished. There false means false for ever, as a judgement
// never changes once it is made. An expression that fails is the machine's to report.
func (f *foresight) ask(t *task, up []string, u upstreamOutcomes) triggered {
	unless := maySkip
	if failure(u) {
		unless |= mayMiss
	}
	can := func(w world) bool {
		f.left--
		j, err := f.exprs.Judge(t.Trigger.Expr.Src, w)
		return err != nil || j.Truth != expr.False
	}
	if n := worlds(u); n > maxWorlds || n > f.left {
		return triggered{run: can(settled(f.plan, up, u)), unless: unless}
	}
	w := world{plan: f.plan, up: up, state: make(map[string]machine.State, len(up))}
	return triggered{run: tries(w, u, 0, can), unless: unless}
}

// worlds counts the ends that upstream tasks may come to together, up to the bound.
func worlds(u upstreamOutcomes) int {
	n := 1
	for _, o := range u {
		some := 0
		for _, s := range states {
			if o&s.of != 0 {
				some++
			}
		}
		if n *= some; n > maxWorlds {
			break
		}
	}
	return n
}

// tries sets the upstream tasks from one position on to each of their outcomes in turn, until a
// world can do it.
func tries(w world, u upstreamOutcomes, from int, can func(world) bool) bool {
	if from == len(u) {
		return can(w)
	}
	for _, s := range states {
		if u[from]&s.of == 0 {
			continue
		}
		w.state[w.up[from]] = s.name
		if tries(w, u, from+1, can) {
			return true
		}
	}
	return false
}

// settled is the world in which those have finished that have one outcome only.
func settled(plan *machine.Plan, up []string, u upstreamOutcomes) world {
	w := world{plan: plan, up: up, state: map[string]machine.State{}}
	for i, id := range up {
		for _, s := range states {
			if u[i] == s.of {
				w.state[id] = s.name
			}
		}
	}
	return w
}

// reportNever points at the upstream task that is in the way if there is one, else at the trigger.
func (d *DAG) reportNever(t *task, up []string, ends map[string]outcomes, unless outcomes) {
	what, rule := "can never run", "its trigger"
	if unless == maySkip {
		what = "is always skipped"
	}
	if t.Trigger.Rule != "" {
		rule = "the rule " + t.Trigger.Rule
	}
	still := slices.DeleteFunc(slices.Clone(up), func(id string) bool { return ends[id]&(maySucceed|mayFail) != 0 })
	if len(still) == 0 {
		at := t.f.get("trigger")
		if at == nil {
			at = t.key
		}
		d.report(gNever, d.span(at), "task %q %s: %s cannot hold, whatever becomes of its upstream tasks", t.ID, what, rule)
		return
	}
	at := t.key // upstream by a reference
	if i := slices.IndexFunc(t.needs, func(n *Node) bool { return n.Text == still[0] }); i >= 0 {
		at = t.needs[i]
	}
	diag := d.report(gNever, d.span(at), "task %q %s: %s cannot hold, for %q never runs", t.ID, what, rule, still[0]).
		label("%q never runs", still[0])
	for _, id := range still {
		off := d.byID[id]
		for _, key := range []string{"when", "for_each"} {
			if k := off.f.key(key); k != nil {
				diag.related(d.span(k), "why %q never runs", id)
				break
			}
		}
	}
	if len(up) > 1 && t.Trigger.Rule == "all_success" {
		diag.help("for a join after a branch write `trigger: none_failed_min_one_success`")
	}
}
