package machine

import "slices"

// A ClearOrder chooses the tasks of a run that are to run again.
type ClearOrder struct {
	Tasks      []string // none = every task
	Upstream   bool     // also all that these depend on
	Downstream bool     // also all that depends on these
	Failed     bool     // of all these, only those that are failed or upstream_failed
}

// A Clearing is one task that runs again, and why.
type Clearing struct {
	Task  string `json:"task_id"`
	State State  `json:"state"` // it has now
	Why   string `json:"why"`   // "it failed"
	New   bool   `json:"new,omitempty"`
}

// ClearSet returns the tasks that run again if the order is carried out under a plan, in the
// plan's order: what was chosen, and, since what they read may change, everything that depends on
// it under that plan. It is empty if nothing was chosen.
//
// Tasks that the plan in force does not have run as well, chosen or not: the machine makes them
// anew whenever it takes up another plan. Names that the plan does not know choose nothing.
func (r *Run) ClearSet(p *Plan, o ClearOrder) []Clearing {
	why := make([]string, len(p.Tasks)) // "" = it does not run again
	r.choose(p, o, why)
	if !slices.ContainsFunc(why, func(s string) bool { return s != "" }) {
		return nil
	}
	spread(p.down, why, func(from int) string { return "it depends on " + p.Tasks[from].ID })
	var out []Clearing
	for i := range p.Tasks {
		c := Clearing{Task: p.Tasks[i].ID, Why: why[i]}
		if at, ok := r.plan.index[c.Task]; ok {
			c.State = r.nodes[at].state
		} else {
			c.New, c.Why = true, "it is new in this version"
		}
		if c.Why != "" {
			out = append(out, c)
		}
	}
	return out
}

// choose notes why each task was chosen.
func (r *Run) choose(p *Plan, o ClearOrder, why []string) {
	for i := range p.Tasks {
		if len(o.Tasks) == 0 {
			why[i] = "every task runs again"
		}
	}
	for _, id := range o.Tasks {
		if i, ok := p.index[id]; ok {
			chooseAround(p, o, i, why)
		}
	}
	if !o.Failed {
		return
	}
	for i := range p.Tasks {
		at, known := r.plan.index[p.Tasks[i].ID]
		switch {
		case why[i] == "":
		case known && r.nodes[at].state == Failed:
			why[i] = "it failed"
		case known && r.nodes[at].state == UpstreamFailed:
			why[i] = "what it depends on failed"
		default:
			why[i] = ""
		}
	}
}

// chooseAround chooses a task and, as the order says, those above and below it.
func chooseAround(p *Plan, o ClearOrder, i int, why []string) {
	id := p.Tasks[i].ID
	why[i] = "it was asked for"
	around := func(edges [][]int, reason string) {
		found := make([]string, len(why))
		found[i] = why[i]
		spread(edges, found, func(int) string { return reason })
		for k := range found {
			why[k] = orElse(why[k], found[k])
		}
	}
	if o.Upstream {
		around(p.up, id+" depends on it")
	}
	if o.Downstream {
		around(p.down, "it depends on "+id)
	}
}

// spread follows edges from every task that has a reason, and gives those without one the reason
// that says names by the task they were reached from.
func spread(edges [][]int, why []string, says func(from int) string) {
	var queue []int
	for i := range why {
		if why[i] != "" {
			queue = append(queue, i)
		}
	}
	for k := 0; k < len(queue); k++ {
		for _, j := range edges[queue[k]] {
			if why[j] == "" {
				why[j] = says(queue[k])
				queue = append(queue, j)
			}
		}
	}
}

// Refusal says why the run takes no order by hand (Reopened, Marked) just now; "" if it does.
func (r *Run) Refusal() string {
	switch {
	case r.settled():
		return ""
	case r.state == RunRunning && r.ending == byCancel:
		return "it is being cancelled"
	case r.state == RunRunning:
		return "it is being ended by its timeout"
	}
	return "it has not begun"
}
