package machine

// A callKey names a callback that has begun: its id, and the instance of the task it belongs to.
type callKey struct {
	id    string
	index int
}

// A chain is callbacks that run one after another, whatever becomes of each.
type chain struct {
	owner, hook string // owner "" = the DAG
	index       int    // instance of the owner; -1 = none
	tasks       []Task
	next        int
	err         *TaskError
}

// startChain begins the callbacks of a hook. Callbacks never change a verdict.
func (r *Run) startChain(owner, hook string, index int, tasks []Task) {
	if len(tasks) == 0 || r.ending == byCancel {
		return
	}
	c := &chain{owner: owner, hook: hook, index: index, tasks: tasks}
	if n := r.node(owner, index); owner != "" && n != nil {
		k := max(index, 0)
		res := n.inst[k].result
		c.err = &TaskError{Kind: res.Kind, Message: orElse(res.Error, n.inst[k].reason), Exit: res.Exit}
	}
	r.chains = append(r.chains, c)
	r.advance(c)
}

// advance starts the next callback of a chain, or ends the chain.
func (r *Run) advance(c *chain) {
	if c.next >= len(c.tasks) || r.ending == byCancel {
		for i := range r.chains {
			if r.chains[i] == c {
				r.chains = append(r.chains[:i], r.chains[i+1:]...)
				return
			}
		}
		return
	}
	def := &c.tasks[c.next]
	c.next++
	id := CallbackID(c.owner, c.hook, def.ID)
	n := &node{def: def, id: id, ti: -1, chain: c, epoch: r.epoch, taskErr: c.err}
	if old := r.calls[callKey{id, c.index}]; old != nil { // of an earlier epoch
		n.base = old.lastAttempt()
		for i := range r.callList {
			if r.callList[i] == old {
				r.callList = append(r.callList[:i], r.callList[i+1:]...)
				break
			}
		}
	}
	r.calls[callKey{id, c.index}] = n
	r.callList = append(r.callList, n)
	n.cause = Cause{Rule: c.hook, At: r.now}
	r.makeInstances(n, 1)
	r.gate(n, 0)
}

func (n *node) lastAttempt() int {
	last := n.base
	for k := range n.inst {
		last = max(last, n.inst[k].attempt)
	}
	return last
}
