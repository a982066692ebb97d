package machine

import "slices"

// A callKey names a callback that has begun: its id, and the instance of the task it belongs to.
type callKey struct {
	id    string
	index int
}

// A hookKey names a list of callbacks that may run: the hook of the DAG (owner "") or of one
// instance of a task.
type hookKey struct {
	owner, hook string
	index       int // of the instance; -1 = none
}

// A chain is callbacks that run one after another, whatever becomes of each.
type chain struct {
	hookKey
	plan  string // hash: a chain goes on under the plan it began with
	tasks []Task
	next  int
	err   *TaskError
}

// startChain begins the callbacks of a hook. Callbacks never change a verdict. Where those of an
// earlier epoch still run they are waited for: no callback is ever alive twice.
func (r *Run) startChain(owner *node, hook string, index int, tasks []Task) {
	if len(tasks) == 0 || r.ending == byCancel {
		return
	}
	c := &chain{hookKey: hookKey{hook: hook, index: index}, plan: r.info.Plan, tasks: tasks}
	if owner != nil {
		c.owner, c.err = owner.id, owner.taskError(index)
	}
	r.chains[c.hookKey] = append(r.chains[c.hookKey], c)
	if len(r.chains[c.hookKey]) == 1 {
		r.advance(c)
	}
}

// taskError is why a task failed, or one instance of it.
func (n *node) taskError(index int) *TaskError {
	k := max(index, 0)
	if k >= len(n.inst) {
		return &TaskError{Message: n.cause.Text}
	}
	res := n.inst[k].result
	return &TaskError{Kind: res.Kind, Message: orElse(res.Error, n.inst[k].reason), Exit: res.Exit}
}

// advance starts the next callback of a chain, or ends the chain.
func (r *Run) advance(c *chain) {
	if c.next >= len(c.tasks) || r.ending == byCancel {
		r.endChain(c)
		return
	}
	def := &c.tasks[c.next]
	c.next++
	id := CallbackID(c.owner, c.hook, def.ID)
	n := &node{def: def, id: id, ti: -1, chain: c, epoch: r.epoch, taskErr: c.err}
	if old := r.calls[callKey{id, c.index}]; old != nil { // of an earlier epoch
		n.base = old.lastAttempt()
		n.epoch = max(n.epoch, old.epoch+1) // begun again, it has another idempotency key
		i := slices.Index(r.callList, old)
		r.callList = slices.Delete(r.callList, i, i+1)
	}
	r.calls[callKey{id, c.index}] = n
	r.callList = append(r.callList, n)
	n.cause = Cause{Rule: c.hook, At: r.now}
	r.makeInstances(n, 1)
	r.gate(n, 0)
}

// endChain lets the next chain of the same hook begin.
func (r *Run) endChain(c *chain) {
	queue := r.chains[c.hookKey][1:]
	if len(queue) == 0 {
		delete(r.chains, c.hookKey)
		return
	}
	r.chains[c.hookKey] = queue
	r.advance(queue[0])
}

func (n *node) lastAttempt() int {
	last := n.base
	for k := range n.inst {
		last = max(last, n.inst[k].attempt)
	}
	return last
}
