package machine

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

var null = Raw("null")

// Summarize returns the run as people and programs look at it.
func (r *Run) Summarize() Summary {
	s := Summary{
		Type: "run", DAG: r.info.DAG, Run: r.info.Key(), State: r.state,
		StartedAt: r.startedAt, FinishedAt: r.finishedAt, Tasks: make(map[string]TaskSummary, len(r.nodes)),
	}
	if r.state.Terminal() {
		s.Type = "run_finished"
	}
	if r.decided != nil {
		s.Reason = r.decided.Reason
	}
	for _, n := range r.nodes {
		s.Tasks[n.id] = n.summarize()
	}
	for _, n := range r.callList {
		t := n.summarize()
		if n.chain.index >= 0 {
			t = s.Tasks[n.id].with(t, n)
		}
		s.Tasks[n.id] = t
	}
	for id, t := range s.Tasks {
		if strings.Contains(id, ".") { // the instances of a callback, which came as they failed
			slices.SortFunc(t.Instances, func(a, b InstanceSummary) int { return a.Index - b.Index })
		}
	}
	return s
}

// with adds the callback of one instance of a mapped task to those of the others: they share an id.
func (t TaskSummary) with(one TaskSummary, n *node) TaskSummary {
	in := &n.inst[0]
	one.Instances = append(t.Instances, InstanceSummary{
		Index: in.index, State: one.State, Attempts: one.Attempts, Reason: in.reason, Artifacts: one.Artifacts,
	})
	one.Artifacts = nil
	if len(t.Instances) == 0 {
		return one
	}
	if rank(t.State) < rank(one.State) {
		one.State, one.Reason = t.State, t.Reason
	}
	one.Attempts += t.Attempts
	one.Output, one.Ref = null, nil // each has its own
	one.StartedAt = earlier(one.StartedAt, t.StartedAt)
	if t.EndedAt.After(one.EndedAt) {
		one.EndedAt = t.EndedAt
	}
	return one
}

// States returns the tasks' states by id.
func (r *Run) States() map[string]State {
	m := make(map[string]State, len(r.nodes))
	for _, n := range r.nodes {
		m[n.id] = n.state
	}
	return m
}

func (n *node) summarize() TaskSummary {
	t := TaskSummary{State: n.state, Reason: n.cause.Text, Output: null}
	if t.Reason == "" && n.state.Finished() {
		t.Reason = n.triggerWords()
	}
	for k := range n.inst {
		in := &n.inst[k]
		tries := in.attempt - n.base
		t.Attempts += tries
		t.StartedAt = earlier(t.StartedAt, orTime(in.since, in.started))
		if n.mapped {
			one := InstanceSummary{Index: in.index, State: in.state, Attempts: tries, Reason: in.reason}
			if in.state == Success {
				one.Artifacts = in.result.Artifacts
			}
			t.Instances = append(t.Instances, one)
		}
	}
	switch {
	case n.state.Finished():
		t.EndedAt = n.ended
	case !n.mapped && len(n.inst) > 0:
		t.Next = n.next(0)
	}
	if n.state != Success || len(n.inst) == 0 {
		if !n.mapped || n.state != Failed {
			return t
		}
	}
	if !n.mapped {
		t.Ref, t.Artifacts = n.inst[0].result.Ref, n.inst[0].result.Artifacts
		if out := n.inst[0].result.Output; out != nil {
			t.Output = out
		}
		return t
	}
	t.Output = n.outputs()
	return t
}

// outputs is a mapped task's output: the list in order, null where none.
func (n *node) outputs() Raw {
	outs := make([]Raw, len(n.inst))
	for k := range n.inst {
		outs[k] = null
		if in := &n.inst[k]; in.state == Success && in.result.Output != nil {
			outs[k] = in.result.Output
		}
	}
	b, err := json.Marshal(outs)
	if err != nil {
		return null // an output that is no JSON was refused when its attempt ended
	}
	return b
}

func (n *node) triggerWords() string {
	if n.cause.Rule == "" || n.ti < 0 {
		return ""
	}
	if n.cause.Because == n.cause.Rule {
		return "trigger " + n.cause.Rule
	}
	return "trigger " + n.cause.Rule + ": " + n.cause.Because
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func orTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}
