package machine

import (
	"fmt"
	"slices"
	"strings"

	"weft/expr"
)

// conclude orders the verdict once every task has finished, and the end once every callback has.
func (r *Run) conclude() {
	if r.state != RunRunning {
		return
	}
	if r.decided == nil {
		if r.open == 0 && len(r.drains) == 0 && !r.deciding {
			r.deciding = true
			state, reason := r.verdict()
			r.order(Decide{State: state, Reason: reason})
		}
		return
	}
	if len(r.chains) == 0 && !r.finishing {
		r.finishing = true
		r.order(Finish{State: r.decided.State})
	}
}

// verdict is section 6: leaves, strict, or an expression over the states of all tasks.
func (r *Run) verdict() (RunState, string) {
	switch r.ending {
	case byCancel:
		return RunCancelled, strings.TrimSuffix("cancelled by "+r.endingBy, " by ")
	case byRunTimeout:
		return RunFailed, "the run took longer than its timeout"
	}
	v := r.plan.Verdict
	if v.Expr != nil {
		j, err := r.exprs.Judge(v.Expr.Src, runFacts{r})
		switch {
		case err != nil:
			return RunFailed, r.place(v.Expr) + "cannot evaluate verdict: " + err.Error()
		case j.Truth == expr.True:
			return RunSuccess, "verdict holds: " + j.Because
		}
		return RunFailed, "verdict does not hold: " + j.Because
	}
	var bad []string
	for i, n := range r.nodes {
		if v.Rule != "strict" && len(r.plan.down[i]) > 0 {
			continue
		}
		if n.state == Failed || n.state == UpstreamFailed {
			bad = append(bad, n.id+" "+n.state.String())
		}
	}
	if len(bad) == 0 {
		return RunSuccess, ""
	}
	if len(bad) > 5 {
		bad = append(bad[:5], fmt.Sprintf("and %d more", len(bad)-5))
	}
	return RunFailed, strings.Join(bad, ", ")
}

// runFacts lets a verdict ask about every task of the run.
type runFacts struct{ r *Run }

func (f runFacts) State(task string) (string, bool) { return upstreamFacts{r: f.r}.State(task) }

func (f runFacts) Upstream() expr.Population {
	var count [stateCount]int
	for _, n := range f.r.nodes {
		count[n.state]++
	}
	return population(count, len(f.r.nodes), func(yield func(string, int, string) bool) {
		for _, n := range f.r.nodes {
			if !yield(n.id, -1, n.finished()) {
				return
			}
		}
	})
}

func (f runFacts) Instances(task string) (expr.Population, bool) {
	return upstreamFacts{r: f.r}.Instances(task)
}

func (r *Run) runDecided(f RunDecided) {
	if !r.deciding || r.decided != nil || r.state != RunRunning {
		return
	}
	if state, _ := r.verdict(); f.State != state {
		return // it answers an older Decide: a state was set by hand meanwhile
	}
	r.decided = &f
	r.changes = append(r.changes, Change{Index: -1, Run: f.State, Reason: f.Reason})
	r.mix(uint64(len(f.State)))
	r.dropTimer(timeoutTimer)
	r.dropTimer(lateTimer)
	switch f.State {
	case RunSuccess:
		r.startChain(nil, "on_success", -1, r.plan.OnSuccess)
	case RunFailed:
		r.startChain(nil, "on_failure", -1, r.plan.OnFailure)
	}
}

func (r *Run) runFinished(f RunFinished) {
	if !r.finishing || r.state != RunRunning || f.State != r.decided.State {
		return
	}
	r.finishedAt = r.now
	r.setRun(f.State, r.decided.Reason)
}

func (r *Run) cancel(f CancelAsked) {
	if r.state == RunQueued {
		r.startedAt = r.now
		r.setRun(RunRunning, "")
	}
	if r.state != RunRunning || r.ending == byCancel {
		return
	}
	if r.decided != nil {
		r.stopCallbacks()
		return
	}
	r.end(byCancel, f.By, f.Reason)
}

// end fails what has not finished; what may be alive is stopped first and fails when it has ended.
func (r *Run) end(why ending, by, reason string) {
	r.ending, r.endingBy = why, by
	r.deciding = false // a verdict that has been asked for is another one now
	r.mix(uint64(len(why)))
	if why == byCancel {
		r.stopCallbacks()
	}
	for _, n := range r.nodes {
		if n.state.Finished() {
			continue
		}
		text := string(why)
		if by != "" {
			text += " by " + by
		}
		if reason != "" {
			text += ": " + reason
		}
		if len(n.inst) == 0 {
			delete(r.asks, r.askID("for_each", n, -1))
			r.setNode(n, Failed, text)
			continue
		}
		for k := range n.inst {
			r.endInst(n, k, string(why), text)
		}
	}
}

func (r *Run) endInst(n *node, k int, stop, text string) {
	in := &n.inst[k]
	switch {
	case in.state.Finished():
	case in.alive():
		r.stop(n, k, stop)
	default:
		if in.state == UpForRetry {
			r.dropTimer(r.timerName("retry", n, k))
		}
		if in.asking {
			in.asking = false
			delete(r.asks, r.askID("when", n, in.index))
		}
		in.result = Outcome{State: Failed, Kind: stop, Error: text}
		r.finishInst(n, k, Failed, text)
	}
}

// stopCallbacks ends the callbacks that live and begins no further ones.
func (r *Run) stopCallbacks() {
	for _, queue := range r.chains {
		for _, c := range queue {
			c.next = len(c.tasks)
		}
	}
	for _, n := range slices.Clone(r.callList) {
		if !n.state.Finished() {
			r.endInst(n, 0, string(byCancel), "cancelled")
		}
	}
}
