package spec

import (
	"fmt"
	"strings"
)

// Edges lead upstream here, from a task to what it waits for, as they are written. Tasks are named by
// their position in the file, so that all that is found comes in the order of the file.

// An edge is one task's wish for another, and where it says so.
type edge struct {
	to  int // position of the upstream task
	at  Span
	ref bool // by a reference in an expression
}

// ruleCycle finds the cycles of needs and references together, and reports each whole, with the
// places of its edges. A reference to the task itself is one of its own.
func ruleCycle(d *DAG) {
	for _, t := range d.tasks {
		for _, r := range t.refs {
			if r.id == t.ID {
				d.report(gSelf, r.at, "task %q refers to itself", t.ID).help("its own output is `output`, in `until` and `fail_when`")
			}
		}
	}
	g := d.wishes()
	for _, group := range components(g) {
		if len(group) > 1 {
			d.reportCycle(g, shortestCycle(g, group))
			d.cyclic = true
		}
	}
}

// wishes returns each task's edges, upstream, in file order of the edges; one a pair, needs first.
func (d *DAG) wishes() [][]edge {
	g := make([][]edge, len(d.tasks))
	for i, t := range d.tasks {
		if len(t.needs)+len(t.refs) == 0 {
			continue
		}
		g[i] = make([]edge, 0, len(t.needs)+min(len(t.refs), 16))
		seen := map[int]bool{}
		for _, n := range t.needs {
			j := d.byID[n.Text].at
			seen[j] = true
			g[i] = append(g[i], edge{j, d.span(n), false})
		}
		for _, r := range t.refs {
			if j := d.byID[r.id].at; r.edge && j != i && !seen[j] {
				seen[j] = true
				g[i] = append(g[i], edge{j, r.at, true})
			}
		}
	}
	return g
}

// components are Tarjan's strongly connected ones (R. Tarjan, Depth-first search and linear graph
// algorithms, 1972), each ascending, in the order of their first task. It keeps its own stack: a
// chain of tasks may be as long as a file.
func components(g [][]edge) [][]int {
	n := len(g)
	order, low := make([]int, n), make([]int, n) // order 0 = not seen
	on := make([]bool, n)
	var stack []int
	groups := make([]int, n) // task → root of its component + 1
	count := 0
	type frame struct{ node, next int }
	for start := range g {
		if order[start] != 0 {
			continue
		}
		frames := []frame{{start, 0}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v := f.node
			if f.next == 0 && order[v] == 0 {
				count++
				order[v], low[v] = count, count
				stack, on[v] = append(stack, v), true
			}
			if f.next < len(g[v]) {
				w := g[v][f.next].to
				f.next++
				if order[w] == 0 {
					frames = append(frames, frame{w, 0})
				} else if on[w] {
					low[v] = min(low[v], order[w])
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				up := frames[len(frames)-1].node
				low[up] = min(low[up], low[v])
			}
			if low[v] == order[v] {
				for {
					w := stack[len(stack)-1]
					stack, on[w] = stack[:len(stack)-1], false
					groups[w] = v + 1
					if w == v {
						break
					}
				}
			}
		}
	}
	return gather(groups)
}

// gather makes lists of what has the same root. It goes by position, so the lists and their members
// ascend, whatever order the search took.
func gather(groups []int) [][]int {
	at := map[int]int{}
	var out [][]int
	for v, root := range groups {
		i, ok := at[root]
		if !ok {
			i = len(out)
			at[root] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], v)
	}
	return out
}

// shortestCycle returns the tasks of a shortest cycle through the first task of a component, by
// breadth-first search. A component may hold a thousand tasks and as many cycles; one short one is
// what a person can follow, and mending it shows the next.
func shortestCycle(g [][]edge, group []int) []int {
	in := map[int]bool{}
	for _, v := range group {
		in[v] = true
	}
	start := group[0]
	from := map[int]int{}
	queue := []int{start}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, e := range g[v] {
			if e.to == start {
				cycle := []int{v}
				for v != start {
					v = from[v]
					cycle = append(cycle, v)
				}
				for i, j := 0, len(cycle)-1; i < j; i, j = i+1, j-1 {
					cycle[i], cycle[j] = cycle[j], cycle[i]
				}
				return cycle
			}
			if _, seen := from[e.to]; !seen && in[e.to] {
				from[e.to] = v
				queue = append(queue, e.to)
			}
		}
	}
	return group // not reached: a component has a cycle
}

// reportCycle reports at the first edge of a cycle; the others are related places.
func (d *DAG) reportCycle(g [][]edge, cycle []int) {
	names := make([]string, 0, len(cycle)+1)
	for _, v := range cycle {
		names = append(names, fmt.Sprintf("%q", d.tasks[v].ID))
	}
	names = append(names, names[0])
	var diag *Diagnostic
	for i, v := range cycle {
		to := cycle[(i+1)%len(cycle)]
		for _, e := range g[v] {
			if e.to != to {
				continue
			}
			verb := "needs"
			if e.ref {
				verb = "refers to"
			}
			if diag == nil {
				diag = d.report(gCycle, e.at, "these tasks wait for each other: %s", strings.Join(names, " → ")).
					label("%s %s %s", names[i], verb, names[i+1])
			} else {
				diag.related(e.at, "%s %s %s", names[i], verb, names[i+1])
			}
			break
		}
	}
}
