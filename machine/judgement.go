package machine

// A Judge asks the trigger of one task about runs that might be: what it says when some of the upstream
// tasks have finished, and how. It is the same trigger, by the same rules, that a run asks. It is not
// safe for concurrent use.
type Judge struct {
	r  *Run
	n  *node
	up []int
}

// Judge returns the judge of a task; ok is false if the plan has none of that id.
func (p *Plan) Judge(task string) (j *Judge, ok bool) {
	at, ok := p.index[task]
	if !ok {
		return nil, false
	}
	r := New(nil)
	r.plan = p
	r.nodes = make([]*node, len(p.Tasks))
	for i := range p.Tasks {
		r.nodes[i] = &node{def: &p.Tasks[i], id: p.Tasks[i].ID, ti: i}
	}
	return &Judge{r: r, n: r.nodes[at], up: p.up[at]}, true
}

// Says tells what the trigger says: wait, run, skip or upstream_failed. states are those of the task's
// Upstream, in that order; None has not finished. An error fails the task.
func (j *Judge) Says(states []State) (string, error) {
	j.n.up = [stateCount]int{}
	for k, i := range j.up {
		j.r.nodes[i].state = states[k]
		if states[k].Finished() {
			j.n.up[states[k]]++
		}
	}
	d, _, err := j.r.judge(j.n)
	return d.String(), err
}
