package cli

import (
	"container/heap"
	"encoding/json"
	"slices"
	"time"

	"weft/machine"
	"weft/runner"
)

// A board is what is known of a run that is watched: one row a task, folded from updates. It is
// plain data; whoever shares it between goroutines locks around it.
type board struct {
	dag, run string
	state    string // of the run
	reason   string
	started  time.Time
	finished time.Time
	rows     []*row
	at       map[string]*row
	counts   map[string]int // rows by state
	widest   int            // id among the callbacks to come, so that no column moves when one begins
	summary  *machine.Summary
	children []*child // in the order in which they began
	childOf  map[string]*child
}

// A row is one task, or a callback once it began.
type row struct {
	id      string
	state   string
	attempt int
	begun   time.Time // first attempt; of a sensor: first poke
	ended   time.Time
	next    time.Time // when it tries again, or until when it waits
	reason  string
	log     string // of the latest attempt; of a mapped task: of the instance that says most
	mapped  bool
	size    int // instances that are known of
	parts   map[int]string
	states  map[string]int // instances by state
	logs    map[int]string // of the instances that live
	failLog string         // of the first instance that failed
}

// newBoard has a row for every task, upstream before downstream and else in file order.
func newBoard(p *machine.Plan) *board {
	b := &board{dag: p.DAG, state: string(machine.RunQueued), at: map[string]*row{}, counts: map[string]int{}}
	for _, i := range topological(p) {
		t := &p.Tasks[i]
		r := b.add(t.ID)
		if t.ForEach != nil {
			r.mapped, r.parts, r.states, r.logs = true, map[int]string{}, map[string]int{}, map[int]string{}
			var list []json.RawMessage
			if json.Unmarshal(t.ForEach.List, &list) == nil {
				r.size = len(list)
			}
		}
	}
	for hook, callbacks := range hooks(p) {
		for i := range callbacks {
			b.widest = max(b.widest, len(hook+".")+len(callbacks[i].ID))
		}
	}
	return b
}

// hooks are the DAG's own callbacks, by the name that opens their ids.
func hooks(p *machine.Plan) map[string][]machine.Task {
	return map[string][]machine.Task{"on_success": p.OnSuccess, "on_failure": p.OnFailure, "on_late": p.OnLate}
}

func (b *board) add(id string) *row {
	r := &row{id: id, state: machine.None.String()}
	b.rows = append(b.rows, r)
	b.at[id] = r
	b.counts[r.state]++
	return r
}

// fold takes one update in. Updates of one run come in order; what is not known is let pass.
func (b *board) fold(u runner.Update) {
	if isChild(u) {
		b.child(u)
		return
	}
	switch u.Type {
	case "run_started":
		b.run, b.started, b.state = u.Run, u.At, string(machine.RunRunning)
		b.finished, b.summary = time.Time{}, nil
		if u.State != "" {
			b.state = u.State
		}
	case "reopened", "marked": // a run that was over goes on
		b.state, b.finished, b.summary = u.State, time.Time{}, nil
	case "run_decided":
		b.state, b.reason = u.State, u.Reason
	case cancelling:
		b.state, b.reason = u.State, u.Reason
	case "run_finished":
		b.state, b.finished, b.summary = u.State, u.At, u.Summary
	case "task":
		b.task(u)
	}
	if u.Run != "" {
		b.run = u.Run
	}
}

func (b *board) task(u runner.Update) {
	r := b.at[u.Task]
	if r == nil {
		r = b.add(u.Task) // a callback
	}
	if u.Index != nil && r.mapped {
		r.instance(*u.Index, u)
		return
	}
	if u.State == machine.None.String() { // cleared: what the epoch before left is not of this one
		r.forget()
	}
	if u.State != "" && u.State != r.state {
		b.counts[r.state]--
		b.counts[u.State]++
		r.state = u.State
	}
	r.reason, r.next = u.Reason, u.Next
	r.stamp(u)
	if u.Log != "" {
		r.log = u.Log
	}
}

// forget has a row begin anew.
func (r *row) forget() {
	r.attempt, r.log, r.failLog = 0, "", ""
	r.begun, r.ended = time.Time{}, time.Time{}
	clear(r.parts)
	clear(r.states)
	clear(r.logs)
}

// instance notes one instance of a mapped task.
func (r *row) instance(i int, u runner.Update) {
	if was, ok := r.parts[i]; ok {
		r.states[was]--
	}
	r.parts[i] = u.State
	r.states[u.State]++
	r.size = max(r.size, len(r.parts), i+1)
	if u.Log != "" && u.State == machine.Running.String() {
		r.log, r.logs[i] = u.Log, u.Log
	}
	if u.State == machine.Failed.String() && r.failLog == "" {
		r.failLog = r.logs[i]
	}
	if finished(u.State) {
		delete(r.logs, i)
	}
	if r.begun.IsZero() && u.State == machine.Running.String() {
		r.begun = u.At
	}
}

// stamp keeps the times: begun at the first attempt, ended when finished, both anew after a clear.
func (r *row) stamp(u runner.Update) {
	if u.Attempt > 0 {
		r.attempt = u.Attempt
	}
	switch {
	case finished(u.State):
		r.ended = u.At
	case u.State == machine.Running.String() || u.State == machine.UpForReschedule.String():
		if r.begun.IsZero() || !r.ended.IsZero() {
			r.begun = u.At
		}
		r.ended = time.Time{}
	default:
		r.ended = time.Time{}
	}
}

// done counts the instances that have finished, and those that failed.
func (r *row) done() (all, failed int) {
	for s, n := range r.states {
		if finished(s) {
			all += n
		}
	}
	return all, r.states[machine.Failed.String()] + r.states[machine.UpstreamFailed.String()]
}

func finished(state string) bool {
	var s machine.State
	return s.UnmarshalText([]byte(state)) == nil && s.Finished()
}

// topological is the file's order, but for tasks that stand before what they need.
func topological(p *machine.Plan) []int {
	open := make([]int, len(p.Tasks))
	at := make(map[string]int, len(p.Tasks))
	ready := &intHeap{}
	for i := range p.Tasks {
		at[p.Tasks[i].ID] = i
		if open[i] = len(p.Upstream(p.Tasks[i].ID)); open[i] == 0 {
			heap.Push(ready, i)
		}
	}
	var out []int
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		out = append(out, i)
		for _, id := range p.Downstream(p.Tasks[i].ID) {
			j := at[id]
			if open[j]--; open[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	return out
}

type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = slices.Delete(old, len(old)-1, len(old))
	return x
}
