package spec

import (
	"slices"
	"strings"

	"weft/expr"
	"weft/machine"
)

// ruleBranch warns of joins that branches never let run: upstream tasks whose conditions exclude each other, and a
// trigger that wants them all. It does what ruleNever does, once for each way in which the conditions may turn out:
// every value that a param, an output or another name of theirs may have is tried, as far as they tell values apart.
// What it does not understand may be either way, so what it says is certain.
func ruleBranch(d *DAG) {
	plan, ok := d.sealed()
	if !ok {
		return
	}
	b := brancher{d: d, plan: plan, when: map[string]*expr.Branch{}, before: map[string][]string{}, left: maxTries, asks: foresight{plan: plan}}
	b.read()
	if len(b.when) == 0 {
		return
	}
	order := upstreamFirst(plan)
	b.at, b.met, b.wide = make(map[string]int, len(order)), make([]int, len(order)), make([]bool, len(order))
	for i, id := range order {
		b.at[id] = i
	}
	for _, id := range order {
		t := d.byID[id]
		if up := len(plan.Upstream(id)); !d.never[id] && (up > 1 || up > 0 && b.when[id] != nil || up == 0 && asksTwice(b.when[id])) {
			b.look(t)
		}
	}
}

// asksTwice tells whether a condition compares one term more than once: else it may hold.
func asksTwice(b *expr.Branch) bool {
	if b == nil {
		return false
	}
	seen := map[string]bool{}
	return slices.ContainsFunc(b.Uses(), func(u expr.Use) bool {
		again := seen[u.Term.Text]
		seen[u.Term.Text] = true
		return again
	})
}

// A brancher asks about one file.
type brancher struct {
	d      *DAG
	plan   *machine.Plan
	at     map[string]int          // where a task stands if upstream ones stand first
	met    []int                   // by that place: in whose cone it was met last, which is told by cones
	cones  int                     // how many were looked for
	wide   []bool                  // by that place: its cone is too much, and so are those that it is in
	room   []string                // of the last cone
	when   map[string]*expr.Branch // conditions that are understood
	before map[string][]string     // see finished
	left   int                     // worlds that may still be tried
	asks   foresight               // keeps what it has read of triggers
}

// Bounds of what is tried for one task.
const (
	maxCone     = 60
	maxBranches = 512
)

// waits are the rules that say run only when all upstream tasks have finished.
var waits = []string{
	"all_success", "all_failed", "all_done", "all_skipped", "none_failed", "none_failed_min_one_success", "none_skipped", "all_done_min_one_success",
}

// read reads the conditions.
func (b *brancher) read() {
	read := map[string]*expr.Branch{} // a file may say the same many times
	for id, t := range b.d.byID {
		if t.When != nil && t.ForEach == nil && !t.constant {
			br, known := read[t.When.Src]
			if !known {
				br = expr.ReadBranch(t.When.Src)
				read[t.When.Src] = br
			}
			if br != nil {
				b.when[id] = br
			}
		}
	}
}

// finished are tasks that have finished for certain when a task runs, the nearest first, at most maxCone: only
// the outputs of those are the same for all who ask.
func (b *brancher) finished(id string) []string {
	if list, known := b.before[id]; known {
		return list
	}
	var list []string
	for next := []string{id}; len(next) > 0 && len(list) < maxCone; next = next[1:] {
		t := b.d.byID[next[0]]
		if !slices.Contains(waits, t.Trigger.Rule) {
			continue
		}
		for _, up := range b.plan.Upstream(next[0]) {
			if !slices.Contains(list, up) {
				list = append(list, up)
				if t.Trigger.Rule == "all_success" {
					next = append(next, up)
				}
			}
		}
	}
	if len(b.before) >= maxKept {
		clear(b.before)
	}
	b.before[id] = list
	return list
}

// cone is a task and all that it depends on, upstream first; nil if that is too much. It holds until the next is asked for.
func (b *brancher) cone(id string) []string {
	b.cones++
	b.met[b.at[id]] = b.cones
	out := append(b.room[:0], id)
	for i := 0; i < len(out); i++ {
		for _, up := range b.plan.Upstream(out[i]) {
			if at := b.at[up]; b.wide[at] {
				b.wide[b.at[id]] = true
				return nil
			} else if b.met[at] != b.cones {
				b.met[at] = b.cones
				out = append(out, up)
			}
		}
		if b.room = out; len(out) > maxCone {
			b.wide[b.at[id]] = true
			return nil
		}
	}
	slices.SortFunc(out, func(x, y string) int { return b.at[x] - b.at[y] })
	return out
}

// A axis is one term and the values that it is tried with.
type axis struct {
	term   string
	values []any
}

// axes are the terms of a cone's conditions. A term that may differ from one task to another is none.
func (b *brancher) axes(cone []string) []axis {
	uses, order := map[string][]expr.Use{}, []string{}
	for _, id := range cone {
		if b.when[id] == nil {
			continue
		}
		for _, u := range b.when[id].Uses() {
			if !b.stable(id, u.Term) {
				continue
			}
			if uses[u.Term.Text] == nil {
				order = append(order, u.Term.Text)
			}
			uses[u.Term.Text] = append(uses[u.Term.Text], u)
		}
	}
	var out []axis
	for _, term := range order {
		out = append(out, axis{term, b.domain(term, uses[term])})
	}
	return out
}

// stable tells whether a term has the same value for all tasks of a run that may ask.
func (b *brancher) stable(id string, t expr.Term) bool {
	switch t.Root {
	case "params", "vars", "dag":
		return true
	case "run":
		return t.Text != `run."epoch"`
	case "tasks":
		return t.Task != "" && slices.Contains(b.finished(id), t.Task) && strings.HasPrefix(strings.TrimPrefix(t.Text, `tasks."`+t.Task+`"`), `."output"`)
	}
	return false
}

// domain is what a term is tried with. Only of params it is certain that they are of their type: an output that is not
// there is null.
func (b *brancher) domain(term string, uses []expr.Use) []any {
	for name, p := range b.d.params {
		if term == `params."`+name+`"` {
			return expr.Domain(uses, schemaType(p.Schema), slices.Contains(admitted(schemaValue(p.Schema)), "null"))
		}
	}
	return expr.Domain(uses, expr.Type{}, true)
}

// look tries a task in all worlds.
func (b *brancher) look(t *task) {
	cone := b.cone(t.ID)
	axes := b.axes(cone)
	n := 1
	for _, a := range axes {
		if n *= len(a.values); n > maxBranches {
			return
		}
	}
	if n == 1 || n*len(cone) > b.left {
		return
	}
	b.left -= n * len(cone)
	v := verdict{together: map[[2]int]bool{}}
	b.try(t, cone, axes, map[string]any{}, &v)
	if !v.runs {
		b.d.never[t.ID] = true
		b.report(t, &v)
	}
}

// A verdict is what all worlds say of a task.
type verdict struct {
	runs     bool            // in some world
	asked    bool            // its trigger says run in some world
	together map[[2]int]bool // upstream tasks, by place, that may succeed in one world
	unless   outcomes
}

func (b *brancher) try(t *task, cone []string, axes []axis, values map[string]any, v *verdict) {
	if v.runs {
		return
	}
	if len(axes) == 0 {
		b.world(t, cone, values, v)
		return
	}
	for _, value := range axes[0].values {
		values[axes[0].term] = value
		b.try(t, cone, axes[1:], values, v)
	}
	delete(values, axes[0].term)
}

// world works out what may become of the tasks of a cone where the terms have some values.
func (b *brancher) world(t *task, cone []string, values map[string]any, v *verdict) {
	ends := make(map[string]outcomes, len(cone))
	for _, id := range cone {
		task := b.d.byID[id]
		up := b.plan.Upstream(id)
		u := make(upstreamOutcomes, len(up))
		for i, x := range up {
			u[i] = ends[x]
		}
		got := byRule(task.Trigger.Rule, u)
		if task.Trigger.Expr != nil {
			b.asks.left = maxWorlds
			got = b.asks.ask(task, up, u)
		}
		no := b.when[id] != nil && b.when[id].Holds(b.seen(id, values)) == expr.False
		if id == t.ID {
			v.asked = v.asked || got.run
			v.runs = v.runs || got.run && !no
			v.unless |= got.unless
			if got.run {
				v.unless |= maySkip
			}
			v.note(u)
			return
		}
		switch {
		case b.d.never[id]: // it was reported: it counts as one that runs
			ends[id] = mayEvery
		case !got.run:
			ends[id] = got.unless
		case no || switchedOff(task):
			ends[id] = maySkip | got.unless
		case task.ForEach != nil:
			ends[id] = mayEvery
		default:
			ends[id] = mayRun | got.unless
		}
	}
}

// seen are the values of those terms that a task sees as all others do.
func (b *brancher) seen(id string, values map[string]any) map[string]any {
	out := map[string]any{}
	for _, u := range b.when[id].Uses() {
		if v, ok := values[u.Term.Text]; ok && b.stable(id, u.Term) {
			out[u.Term.Text] = v
		}
	}
	return out
}

// note notes which upstream tasks may succeed together.
func (v *verdict) note(u upstreamOutcomes) {
	for i := range u {
		for k := range i {
			if u[i]&maySucceed != 0 && u[k]&maySucceed != 0 {
				v.together[[2]int{k, i}] = true
			}
		}
	}
}

func (b *brancher) report(t *task, v *verdict) {
	d, up := b.d, b.plan.Upstream(t.ID)
	what := "can never run"
	if v.unless == maySkip {
		what = "is always skipped"
	}
	if len(up) == 0 {
		d.report(gBranch, d.span(t.f.get("when")), "task %q is always skipped: no value makes its `when` true", t.ID)
		return
	}
	if v.asked { // its trigger may hold, its condition then does not
		d.report(gBranch, d.span(t.f.get("when")), "task %q %s: its `when` is false whenever its upstream tasks let it run", t.ID, what)
		return
	}
	at := t.f.get("trigger")
	if at == nil {
		at = t.key
	}
	pair := func() (string, string, bool) {
		for i := range up {
			for k := range i {
				if !v.together[[2]int{k, i}] {
					return up[k], up[i], true
				}
			}
		}
		return "", "", false
	}
	one, other, found := pair()
	if !found {
		d.report(gBranch, d.span(at), "task %q %s: its trigger cannot hold, however the conditions upstream turn out", t.ID, what)
		return
	}
	if i := slices.IndexFunc(t.needs, func(n *Node) bool { return n.Text == other }); i >= 0 && t.f.get("trigger") == nil {
		at = t.needs[i]
	}
	diag := d.report(gBranch, d.span(at), "task %q %s: %q and %q never run in the same run", t.ID, what, one, other)
	for _, id := range []string{one, other} {
		if w := d.byID[id].f.get("when"); w != nil {
			diag.related(d.span(w), "when %q runs", id)
		}
	}
	if t.Trigger.Rule == "all_success" {
		diag.help("for a join after a branch write `trigger: none_failed_min_one_success`")
	}
}
