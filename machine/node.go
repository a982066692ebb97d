package machine

import (
	"fmt"
	"slices"
	"time"
)

const stateCount = int(UpstreamFailed) + 1

// A node is a task of the plan, or a callback that has begun.
type node struct {
	def   *Task
	id    string // as in keys
	ti    int    // position in the plan; -1 for a callback
	chain *chain // of a callback

	state   State
	epoch   int
	base    int // the highest attempt number of earlier epochs
	cause   Cause
	ended   time.Time
	up      [stateCount]int  // finished upstream tasks by state
	said    decision         // of the trigger; wait = it has not decided
	blind   []blind          // what the snapshot does not see
	saw     map[string]*node // upstream tasks as they were, where they began anew since
	past    pastState
	pastRun string
	mapped  bool
	list    *itemList
	inst    []instance
	count   [stateCount]int // instances by state
	drain   int             // attempts of an earlier epoch that have not ended
	touched bool
	taskErr *TaskError // of a task's callback: why the task failed
}

type pastState uint8

const (
	pastUnasked pastState = iota
	pastAsked
	pastRefused // asked, answered no: the engine asks on
	pastOK
)

// A Cause is why a task is in its state: what explain prints.
type Cause struct {
	Rule    string    // the trigger's rule or expression, once it has decided
	Because string    // the part that decided
	Text    string    // one sentence
	At      time.Time // when the trigger decided; of a task it never decided on, when somebody did
}

// An instance is one execution of a node: an unmapped node has one, with index -1.
type instance struct {
	index   int
	state   State
	stop    string // why StopAttempt was given: cancelled, timeout, cleared; "" = it was not
	attempt int    // number of the last attempt
	tries   int    // failed attempts of this epoch
	lost    int    // in a row
	since   time.Time
	started time.Time
	ended   time.Time
	retryAt time.Time
	result  Outcome // of the last attempt that ended
	reason  string
	asking  bool    // a value is awaited (Evaluate)
	remote  *Remote // of remote work, from its intent to the end of the attempt
}

// alive tells whether a StartAttempt is outstanding.
func (in *instance) alive() bool {
	switch in.state {
	case Queued, Running, UpForReschedule, Deferred:
		return true
	}
	return false
}

func (n *node) key(k int) Key {
	in := &n.inst[k]
	return Key{Task: n.id, Index: in.index, Epoch: n.epoch, Attempt: in.attempt}
}

// find returns the node and the position of the instance a key names, if the key is of this epoch
// and of the last attempt.
func (r *Run) find(key Key) (*node, int, bool) {
	n := r.node(key.Task, key.Index)
	if n == nil || n.epoch != key.Epoch {
		return nil, 0, false
	}
	k := max(key.Index, 0)
	if n.ti < 0 {
		k = 0
	}
	if k >= len(n.inst) || n.inst[k].index != key.Index || n.inst[k].attempt != key.Attempt {
		return nil, 0, false
	}
	return n, k, true
}

func (r *Run) node(id string, index int) *node {
	if i, ok := r.plan.index[id]; ok {
		return r.nodes[i]
	}
	return r.calls[callKey{id, index}]
}

// setInst moves one instance, and with it its node.
func (r *Run) setInst(n *node, k int, s State, reason string) {
	in := &n.inst[k]
	n.count[in.state]--
	n.count[s]++
	in.state, in.reason = s, reason
	if s.Finished() {
		in.ended = r.now
	}
	r.mix(uint64(int64(n.ti)), uint64(int64(in.index)), uint64(n.epoch), uint64(in.attempt), uint64(s))
	if n.mapped {
		r.changes = append(r.changes, Change{
			Task: n.id, Index: in.index, Attempt: in.attempt, State: s, Reason: reason, Next: n.next(k),
		})
		for _, d := range r.watchers(n) {
			if s.Finished() {
				r.touch(d)
			}
		}
	}
	if ns := n.derived(); ns != n.state || !n.mapped {
		r.setNode(n, ns, n.nodeReason(ns, reason))
	}
}

func (r *Run) watchers(n *node) []int {
	if n.ti < 0 {
		return nil
	}
	return r.watch[n.ti]
}

// next is the moment worth showing beside a state.
func (n *node) next(k int) time.Time {
	switch in := &n.inst[k]; in.state {
	case UpForRetry:
		return in.retryAt
	case UpForReschedule:
		if n.def.Sensor != nil && n.def.Sensor.Timeout > 0 {
			return in.since.Add(time.Duration(n.def.Sensor.Timeout))
		}
	case Deferred:
		if n.def.Timeout > 0 {
			return in.started.Add(time.Duration(n.def.Timeout))
		}
	}
	return time.Time{}
}

// nodeReason is why the node as a whole is in the state s that an instance has brought it to.
func (n *node) nodeReason(s State, reason string) string {
	switch {
	case !n.mapped:
		return reason
	case s == Skipped:
		return "every instance was skipped"
	case s != Failed:
		return ""
	}
	for k := range n.inst {
		if in := &n.inst[k]; in.state == Failed {
			return fmt.Sprintf("%d of %d instances failed, first [%d]: %s", n.count[Failed], len(n.inst), in.index, in.reason)
		}
	}
	return reason
}

// derived is the state of a node by its instances: while some have not finished, the liveliest of
// theirs; then, of a mapped task, failed before upstream_failed before success, skipped if all are.
func (n *node) derived() State {
	for _, s := range ranking {
		if n.count[s] > 0 {
			if s == None {
				return Scheduled
			}
			return s
		}
	}
	return Skipped
}

// ranking is the order in which the state of one instance stands for the whole.
var ranking = [...]State{
	Running, Deferred, Queued, UpForReschedule, UpForRetry, Scheduled, None, Failed, UpstreamFailed, Success, Skipped,
}

func rank(s State) int { return slices.Index(ranking[:], s) }

// setNode moves a node. A finished one tells its downstream tasks, or lets its chain go on.
func (r *Run) setNode(n *node, s State, reason string) {
	was := n.state
	if n.mapped && s == was {
		return
	}
	n.state, n.cause.Text = s, reason
	if n.cause.At.IsZero() {
		n.cause.At = r.now
	}
	if s.Finished() {
		n.ended = r.now
	}
	ch := Change{Task: n.id, Index: -1, State: s, Reason: reason}
	if !n.mapped && len(n.inst) > 0 {
		ch.Index, ch.Attempt, ch.Next = n.inst[0].index, n.inst[0].attempt, n.next(0)
	}
	r.changes = append(r.changes, ch)
	r.mix(uint64(int64(n.ti)), uint64(n.epoch), uint64(s))
	if !s.Finished() || was.Finished() {
		return
	}
	if n.ti < 0 {
		r.advance(n.chain)
		return
	}
	r.open--
	for _, d := range r.plan.down[n.ti] {
		r.nodes[d].up[s]++
		r.touch(d)
	}
}
