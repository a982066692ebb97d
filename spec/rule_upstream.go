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
	g := reach{edges: d.wishes(), seen: make([]int, len(d.tasks))}
	for i, t := range d.tasks {
		if len(t.needs) > 0 {
			t.Needs = make([]string, len(t.needs))
		}
		for k, n := range t.needs {
			t.Needs[k] = n.Text
		}
		for _, e := range g.edges[i] {
			if e.ref && !g.reaches(i, e.to, e.to) {
				t.Refs = append(t.Refs, d.tasks[e.to].ID)
			}
		}
	}
	for i, t := range d.tasks {
		for _, r := range t.refs {
			if r.edge || r.id == t.ID || r.where == "trigger" || g.reaches(i, -1, d.byID[r.id].at) {
				continue
			}
			d.report(gNotUpstream, r.at, "`%s` of task %q reads %q, which is not upstream", r.where, t.ID, r.id).
				help("add %q to `needs`: a reference in `%s` makes no edge", r.id, r.where)
		}
	}
}

// A reach walks edges as they were wished for, needs and references alike: which references become edges does not change
// who can be reached, as one is dropped only where another way leads there.
type reach struct {
	edges [][]edge
	seen  []int // by task: the walk that was there last
	walks int
	next  []int // of a walk
}

// reaches tells whether a task is upstream of another by an edge of that one, its edge to a third left out (-1 = none).
func (g *reach) reaches(from, but, to int) bool {
	g.walks++
	g.next = g.next[:0]
	for _, e := range g.edges[from] {
		if e.to != but {
			g.next = append(g.next, e.to)
		}
	}
	for len(g.next) > 0 {
		v := g.next[len(g.next)-1]
		g.next = g.next[:len(g.next)-1]
		if v == to {
			return true
		}
		if g.seen[v] == g.walks {
			continue
		}
		g.seen[v] = g.walks
		for _, e := range g.edges[v] {
			if g.seen[e.to] != g.walks {
				g.next = append(g.next, e.to)
			}
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
