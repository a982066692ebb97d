package machine

import (
	"fmt"
	"reflect"
)

// invariants checks what the comment of Run promises between steps.
func invariants(r *Run) error {
	open := 0
	for i, n := range r.nodes {
		if n.ti != i || n.touched {
			return fmt.Errorf("task %s stands at %d, not %d (touched: %v)", n.id, n.ti, i, n.touched)
		}
		if !n.state.Finished() {
			open++
		}
		var up [stateCount]int
		for _, u := range r.plan.up[i] {
			if s := r.nodes[u].state; s.Finished() {
				up[s]++
			}
		}
		if up != n.up {
			return fmt.Errorf("task %s counts %v upstream, it is %v", n.id, n.up, up)
		}
		drains := 0
		for k := range r.drains {
			if k.Task == n.id {
				drains++
			}
		}
		if drains != n.drain || (drains > 0 && len(n.inst) > 0) {
			return fmt.Errorf("task %s waits for %d old attempts, there are %d", n.id, n.drain, drains)
		}
	}
	if open != r.open {
		return fmt.Errorf("%d tasks are open, %d are counted", open, r.open)
	}
	if r.decided != nil && (open > 0 || len(r.drains) > 0) {
		return fmt.Errorf("the run is decided while %d tasks are open", open)
	}
	return nodeInvariants(r)
}

func nodeInvariants(r *Run) error {
	for _, list := range [][]*node{r.nodes, r.callList} {
		for _, n := range list {
			var count [stateCount]int
			for k := range n.inst {
				in := &n.inst[k]
				count[in.state]++
				if err := bareInvariant(r, n.key(k)); err != nil {
					return err
				}
				if r.state.Terminal() && !in.state.Finished() {
					return fmt.Errorf("the run is over and %s is %s", n.key(k), in.state)
				}
				if in.remote != nil && (!in.alive() || (in.state == Deferred) != (in.remote.Handle != nil)) {
					return fmt.Errorf("%s is %s, its remote work is %+v", n.key(k), in.state, in.remote)
				}
				if _, set := r.timers[r.timerName(attemptTimer, n, k)]; set && in.remote == nil {
					return fmt.Errorf("%s is %s and has a timeout of remote work", n.key(k), in.state)
				}
				if _, set := r.timers[r.timerName("retry", n, k)]; set != (in.state == UpForRetry) {
					return fmt.Errorf("%s is %s, its retry timer is set: %v", n.key(k), in.state, set)
				}
			}
			if count != n.count {
				return fmt.Errorf("%s counts %v instances, it is %v", n.id, n.count, count)
			}
			if len(n.inst) > 0 && n.state != n.derived() {
				return fmt.Errorf("%s is %s, its instances say %s", n.id, n.state, n.derived())
			}
		}
	}
	return nil
}

// bareInvariant: a Bare order is the Order, but for what the task sees of others.
func bareInvariant(r *Run, key Key) error {
	whole, ok := r.Order(key)
	bare, alike := r.Bare(key)
	whole.Tasks = nil
	if ok != alike || !reflect.DeepEqual(whole, bare) {
		return fmt.Errorf("the order of %s is %+v, %v; bare it is %+v, %v", key, whole, ok, bare, alike)
	}
	return nil
}
