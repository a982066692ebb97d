package machine

import (
	"fmt"
	"time"
)

// An Explanation answers "why is this task in this state": the rule, each upstream's state, the
// part that decided, the moment, and what it waits for if it waits.
type Explanation struct {
	Task     string         `json:"task_id"`
	State    State          `json:"state"`
	Reason   string         `json:"reason,omitempty"` // one sentence
	Trigger  string         `json:"trigger"`          // rule or expression
	Verdict  string         `json:"verdict"`          // of the trigger: run, skip, upstream_failed, wait
	Because  string         `json:"because,omitempty"`
	At       time.Time      `json:"decided_at,omitzero"`
	Upstream []UpstreamView `json:"upstream"`
	Waiting  []string       `json:"waiting_for,omitempty"`
	Attempts []string       `json:"attempts,omitempty"` // a line for each instance that has begun
}

// An UpstreamView is one upstream task in an Explanation.
type UpstreamView struct {
	ID    string `json:"id"`
	State State  `json:"state"`
	Ref   bool   `json:"by_reference,omitempty"` // the edge comes from a reference
}

// maxShown bounds lists that people read.
const maxShown = 20

// Explain tells why a task (or callback that began) is in its state; ok is false if there is none.
func (r *Run) Explain(task string) (e Explanation, ok bool) {
	if r.plan == nil {
		return e, false
	}
	n := r.node(task, -1)
	if n == nil {
		for _, c := range r.callList {
			if c.id == task {
				n = c
			}
		}
	}
	if n == nil {
		return e, false
	}
	e = Explanation{
		Task: n.id, State: n.state, Reason: n.cause.Text, Trigger: n.def.Trigger.Rule,
		Because: n.cause.Because, At: n.cause.At, Upstream: []UpstreamView{},
	}
	if n.def.Trigger.Expr != nil {
		e.Trigger = n.def.Trigger.Expr.Src
	}
	if n.ti < 0 {
		e.Trigger, e.Verdict = "callback "+n.chain.hook, "run"
	} else {
		r.explainTrigger(n, &e)
	}
	r.explainInstances(n, &e)
	return e, true
}

func (r *Run) explainTrigger(n *node, e *Explanation) {
	refs := make(map[string]bool, len(n.def.Refs))
	for _, id := range n.def.Refs {
		refs[id] = true
	}
	for _, i := range r.plan.up[n.ti] {
		u := r.nodes[i]
		e.Upstream = append(e.Upstream, UpstreamView{ID: u.id, State: u.state, Ref: refs[u.id]})
		if !u.state.Finished() && n.state == None && len(e.Waiting) < maxShown {
			e.Waiting = append(e.Waiting, fmt.Sprintf("%s (%s)", u.id, u.state))
		}
	}
	switch {
	case n.state == None:
		_, because, _ := r.judge(n)
		e.Verdict, e.Because, e.At = "wait", because, time.Time{}
		if r.state == RunQueued {
			e.Reason = "the run is queued: max_active_runs"
		} else if n.drain > 0 {
			e.Reason = "an attempt of the epoch before is still ending"
		} else {
			e.Reason = "the trigger is not decided yet"
		}
	case n.said == wait: // cancelled before it was judged, or set by hand
		e.Verdict, e.At = "never decided", time.Time{}
	default:
		e.Verdict = n.said.String()
	}
	if n.past == pastAsked || n.past == pastRefused {
		e.Waiting = append(e.Waiting, "depends_on_past: "+orElse(n.pastRun, "the run before"))
	}
}

func (r *Run) explainInstances(n *node, e *Explanation) {
	for k := range n.inst {
		in := &n.inst[k]
		if in.attempt == n.base && (!n.mapped || !in.state.Finished()) {
			continue
		}
		if len(e.Attempts) == maxShown {
			e.Attempts = append(e.Attempts, fmt.Sprintf("… %d instances in all", len(n.inst)))
			return
		}
		line := in.state.String()
		if n.mapped {
			line = fmt.Sprintf("[%d] %s", in.index, in.state)
		}
		if tries := in.attempt - n.base; tries > 0 {
			line += fmt.Sprintf(", attempt %d of %d", in.attempt, n.base+max(n.def.Retries+1, tries)) // as in logs: clears count on
		}
		if in.reason != "" && (n.mapped || in.reason != e.Reason) {
			line += ": " + in.reason
		}
		switch next := n.next(k); {
		case in.state == UpForRetry:
			line += ", again at " + next.UTC().Format(time.RFC3339)
		case in.state == UpForReschedule && !next.IsZero():
			line += ", since " + in.since.UTC().Format(time.RFC3339) + ", until " + next.UTC().Format(time.RFC3339)
		case in.state == Deferred && !next.IsZero():
			line += ", until " + next.UTC().Format(time.RFC3339)
		case in.state == Queued:
			line += fmt.Sprintf(", wants %d of pool %s", n.def.PoolSlots, n.def.Pool)
		}
		e.Attempts = append(e.Attempts, line)
	}
}
