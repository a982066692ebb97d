package machine

import (
	"maps"
	"slices"
)

// Outstanding returns every order that has been given and not been answered: what an engine that
// takes a run over carries out. Orders are the same ones, by name, as were given before.
func (r *Run) Outstanding() []Command {
	if r.plan == nil || r.state != RunRunning {
		return nil
	}
	var out []Command
	for _, name := range slices.Sorted(maps.Keys(r.timers)) {
		out = append(out, SetTimer{Timer: name, At: r.timers[name].at})
	}
	for _, name := range slices.Sorted(maps.Keys(r.asks)) {
		out = append(out, r.asks[name])
	}
	keys := slices.SortedFunc(maps.Keys(r.drains), compareKeys)
	for _, k := range keys {
		out = append(out, StopAttempt{k, cleared})
	}
	for _, list := range [][]*node{r.nodes, r.callList} {
		for _, n := range list {
			if n.state == Scheduled && (n.past == pastAsked || n.past == pastRefused) {
				out = append(out, AskPast{Task: n.id, Epoch: n.epoch})
			}
			for k := range n.inst {
				if !n.inst[k].alive() {
					continue
				}
				out = append(out, r.standing(n, k))
				if s := n.inst[k].stop; s != "" {
					out = append(out, StopAttempt{n.key(k), s})
				}
			}
		}
	}
	switch {
	case r.deciding && r.decided == nil:
		state, reason := r.verdict()
		out = append(out, Decide{State: state, Reason: reason})
	case r.finishing:
		out = append(out, Finish{State: r.decided.State})
	}
	return out
}

// Compare orders keys by task, index, epoch and attempt.
func (k Key) Compare(other Key) int { return compareKeys(k, other) }

func compareKeys(a, b Key) int {
	switch {
	case a.Task != b.Task:
		if a.Task < b.Task {
			return -1
		}
		return 1
	case a.Index != b.Index:
		return a.Index - b.Index
	case a.Epoch != b.Epoch:
		return a.Epoch - b.Epoch
	}
	return a.Attempt - b.Attempt
}

// Began tells whether an outstanding attempt is known to have started.
func (r *Run) Began(key Key) bool {
	n, k, ok := r.find(key)
	if !ok {
		return false
	}
	s := n.inst[k].state
	return s == Running || s == UpForReschedule || s == Deferred
}

// standing is the order that an attempt which may be alive is under.
func (r *Run) standing(n *node, k int) Command {
	switch m := n.inst[k].remote; {
	case m == nil:
		return StartAttempt{n.key(k)}
	case m.Handle == nil:
		return SubmitRemote{n.key(k)}
	}
	return WatchRemote{n.key(k)}
}
