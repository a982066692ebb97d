package spec

import (
	"slices"

	"weft/expr"
	"weft/machine"
)

// Triggers are asked about worlds that might be, with the same judge that the machine has: what is
// certain here is certain there.

// A world is what a trigger is asked about before any run: its upstream tasks, some of which have
// finished, and how.
type world struct {
	plan  *machine.Plan
	up    []string                 // direct upstream tasks, file order
	state map[string]machine.State // of those that have finished
}

// State implements expr.Facts.
func (w world) State(task string) (string, bool) {
	if !slices.Contains(w.up, task) {
		return "", false
	}
	if s, ok := w.state[task]; ok {
		return s.String(), true
	}
	return "", true
}

// Upstream implements expr.Facts.
func (w world) Upstream() expr.Population {
	p := expr.Population{Counts: map[string]int{}}
	for _, id := range w.up {
		if s, finished := w.state[id]; finished {
			p.Counts[s.String()]++
		} else {
			p.Open++
		}
	}
	p.Each = func(yield func(id string, index int, state string) bool) {
		for _, id := range w.up {
			text := ""
			if s, finished := w.state[id]; finished {
				text = s.String()
			}
			if !yield(id, -1, text) {
				return
			}
		}
	}
	return p
}

// Instances implements expr.Facts: how many there are is not known before a run.
func (w world) Instances(task string) (expr.Population, bool) {
	t := w.plan.Task(task)
	return expr.Population{Unsized: true}, t != nil && t.ForEach != nil
}
