package machine

import "time"

// reopen clears tasks: each begins a new epoch, under the plan named. Tasks that are not named keep
// their states; tasks the plan in force did not have are new. Callbacks that still run go on.
//
// Where an attempt of a cleared task may still live it is stopped first: the new epoch of its task
// begins when it has ended (two attempts of one task are never alive together).
func (r *Run) reopen(f Reopened) {
	plan := r.plans(f.Plan)
	if plan == nil || f.Epoch != r.epoch+1 || !r.settled() {
		return
	}
	r.epoch = f.Epoch
	was := r.info.Plan
	cleared := make(map[string]bool, len(f.Tasks))
	for _, id := range f.Tasks {
		cleared[id] = true
	}
	old := make(map[string]*node, len(r.nodes))
	for _, n := range r.nodes {
		old[n.id] = n
		if _, stays := plan.index[n.id]; !stays {
			r.gone[n.id] = r.fresh(n, was)
		}
	}
	changed := f.Plan != r.info.Plan
	r.plan, r.info.Plan = plan, f.Plan
	if len(f.Params) > 0 {
		r.info.Params = f.Params
	}
	var anew []Change
	r.nodes = make([]*node, len(plan.Tasks))
	for i := range plan.Tasks {
		def := &plan.Tasks[i]
		n := old[def.ID]
		switch {
		case n == nil:
			n = r.join(def.ID)
			anew = append(anew, Change{Task: n.id, Index: -1, Reason: "added"})
		case cleared[def.ID] || (changed && n.undecided()):
			n = r.fresh(n, was)
			anew = append(anew, Change{Task: n.id, Index: -1, Reason: "cleared"})
		}
		n.def, n.ti = def, i
		r.nodes[i] = n
	}
	r.lookUps()
	r.recount()
	r.remember(old)
	r.revive()
	r.changes = append(r.changes, anew...)
	if changed {
		r.askAnew()
	}
}

// fresh is a node's next epoch; its attempts count on. plan is the hash of the plan that it followed.
func (r *Run) fresh(n *node, plan string) *node {
	r.retire(n, plan)
	return &node{id: n.id, def: n.def, ti: n.ti, epoch: n.epoch + 1, base: n.lastAttempt(), drain: n.drain}
}

// join gives the node of a task that the plan in force did not have. One that an earlier plan had
// counts on: a key names one attempt for good.
func (r *Run) join(id string) *node {
	if n := r.gone[id]; n != nil {
		delete(r.gone, id)
		return n
	}
	return &node{id: id}
}

// undecided tells whether a node waits for the answer to a question that another plan may not ask.
func (n *node) undecided() bool { return n.state == Scheduled && len(n.inst) == 0 }

// remember keeps what nodes that go on have seen of upstream tasks that begin anew, or are gone: a
// snapshot stays what it was when the trigger decided.
func (r *Run) remember(old map[string]*node) {
	for _, n := range r.nodes {
		if n.state == None || n.state.Finished() {
			continue
		}
		for _, id := range n.def.Reads {
			was := old[id]
			if i, ok := r.plan.index[id]; was == nil || (ok && r.nodes[i] == was) || n.saw[id] != nil {
				continue
			}
			if n.saw == nil {
				n.saw = map[string]*node{}
			}
			n.saw[id] = was
		}
	}
}

// askAnew asks when again of instances that await its value: the new plan may ask otherwise.
func (r *Run) askAnew() {
	for _, n := range r.nodes {
		for k := range n.inst {
			if in := &n.inst[k]; in.asking {
				in.asking = false
				delete(r.asks, r.askID("when", n, in.index))
				r.gate(n, k)
			}
		}
	}
}

// retire stops what lives of a node that goes out of the run's sight, and remembers its keys.
func (r *Run) retire(n *node, plan string) {
	for k := range n.inst {
		in := &n.inst[k]
		r.dropTimer(r.timerName("sensor", n, k))
		r.dropTimer(r.timerName("retry", n, k))
		r.dropTimer(r.timerName(attemptTimer, n, k))
		if in.alive() {
			r.stop(n, k, cleared)
			r.drain(n, k, plan)
		}
	}
	for id, q := range r.asks {
		if q.Key.Task == n.id {
			delete(r.asks, id)
		}
	}
}

// recount derives the tallies from the states: after a change of plan, or a state set by hand.
func (r *Run) recount() {
	r.open = 0
	for _, n := range r.nodes {
		n.up = [stateCount]int{}
	}
	for i, n := range r.nodes {
		if !n.state.Finished() {
			r.open++
			continue
		}
		for _, d := range r.plan.down[i] {
			r.nodes[d].up[n.state]++
		}
	}
}

// revive lets a run that was decided or over go on; its timeout counts anew.
func (r *Run) revive() {
	r.ending, r.endingBy, r.decided, r.deciding, r.finishing = notEnding, "", nil, false, false
	r.finishedAt = time.Time{}
	if r.state != RunRunning {
		r.setRun(RunRunning, "reopened")
	}
	if !r.Wants(timeoutTimer) && r.plan.Timeout > 0 {
		r.setTimer(timeoutTimer, r.now.Add(time.Duration(r.plan.Timeout)), nil, 0)
	}
	if !r.Wants(lateTimer) && r.plan.Deadline > 0 && !r.late && r.deadline().After(r.now) {
		r.setTimer(lateTimer, r.deadline(), nil, 0)
	}
	r.mix(uint64(r.epoch))
	for i := range r.nodes {
		r.touch(i)
	}
}

// settled tells whether tasks may be changed by hand: the run has begun, and is not just ending.
func (r *Run) settled() bool {
	return r.state.Terminal() || (r.state == RunRunning && r.ending == notEnding)
}

// cleared is the reason of a stop for an epoch that is over.
const cleared = "cleared"

// drain remembers an attempt of an epoch that is over; until it has ended its task does not begin.
func (r *Run) drain(n *node, k int, plan string) {
	r.drains[n.key(k)] = &drain{plan: plan, remote: n.inst[k].remote}
	n.drain++
}

// drained takes the end of such an attempt.
func (r *Run) drained(key Key) bool {
	if r.drains[key] == nil {
		return false
	}
	delete(r.drains, key)
	r.mix(uint64(key.Epoch), uint64(key.Attempt))
	if n := r.gone[key.Task]; n != nil {
		n.drain--
	} else if n := r.node(key.Task, key.Index); n != nil {
		n.drain--
		r.touch(n.ti)
	}
	return true
}

// mark sets a task's state by hand. What it decides downstream is decided anew only for tasks that
// have not been decided yet.
func (r *Run) mark(f Marked) {
	i, ok := r.plan.index[f.Task]
	if !ok || (f.State != Success && f.State != Failed && f.State != Skipped) || !r.settled() {
		return
	}
	n := r.nodes[i]
	if n.state == f.State {
		return
	}
	marked := r.fresh(n, r.info.Plan)
	r.nodes[i] = marked
	r.setNode(marked, f.State, "marked "+f.State.String()+" by "+orElse(f.By, "hand"))
	r.recount()
	r.remember(map[string]*node{n.id: n})
	r.revive()
}
