package spec

import "slices"

// ruleUpstream makes edges of references: tasks.X in `run with env when for_each inputs` makes X
// upstream unless it is an ancestor already, that is, unless X can be reached by another edge of
// the task. In a graph without cycles that does not depend on any order. Elsewhere a reference
// makes no edge, and must name an ancestor: nothing else has a value when the task runs.
func ruleUpstream(d *DAG) {
	if d.cyclic {
		return
	}
	g := d.wishes()
	for i, t := range d.tasks {
		if len(t.needs) > 0 {
			t.Needs = make([]string, len(t.needs))
		}
		for k, n := range t.needs {
			t.Needs[k] = n.Text
		}
		for _, e := range g[i] {
			if e.ref && !reaches(g, others(g[i], e.to), e.to) {
				t.Refs = append(t.Refs, d.tasks[e.to].ID)
			}
		}
	}
	for i, t := range d.tasks {
		for _, r := range t.refs {
			if r.edge || r.id == t.ID || r.where == "trigger" || reaches(g, others(g[i], -1), d.byID[r.id].at) {
				continue
			}
			d.report(gNotUpstream, r.at, "`%s` of task %q reads %q, which is not upstream", r.where, t.ID, r.id).
				help("add %q to `needs`: a reference in `%s` makes no edge", r.id, r.where)
		}
	}
}

// others are the tasks that some edges lead to, but for one.
func others(edges []edge, but int) []int {
	out := make([]int, 0, len(edges))
	for _, e := range edges {
		if e.to != but {
			out = append(out, e.to)
		}
	}
	return out
}

// reaches tells whether a task is among some tasks or upstream of one of them. It walks edges as they
// were wished for, needs and references alike: which references become edges does not change who can
// be reached, as one is dropped only where another way leads there.
func reaches(g [][]edge, from []int, to int) bool {
	seen := map[int]bool{}
	for len(from) > 0 {
		v := from[len(from)-1]
		from = from[:len(from)-1]
		if v == to {
			return true
		}
		if seen[v] {
			continue
		}
		seen[v] = true
		for _, e := range g[v] {
			from = append(from, e.to)
		}
	}
	return false
}

// reads are all tasks that a task's expressions name, in file order. What they gave is kept for the
// task when its trigger decides; a callback may name its own task, whose failure it is for.
func (d *DAG) reads(t *task) []string {
	var at []int
	for _, r := range t.refs {
		if r.id != t.ID || t.callback() {
			at = append(at, d.byID[r.id].at)
		}
	}
	slices.Sort(at)
	var out []string
	for _, i := range slices.Compact(at) {
		out = append(out, d.tasks[i].ID)
	}
	return out
}
