package sim

import (
	"fmt"

	"weft/machine"
)

// An oracle is section 5 of the language, written a second time: as plain as can be, over end
// states alone, without events, clocks or early decisions. Given how each task that ran came out,
// it says how every task must have ended.
type oracle struct {
	d         *dag
	states    map[string]machine.State
	instances map[string]map[machine.State]int // of mapped tasks
}

type tally struct{ N, S, K, F, U int }

func (o *oracle) tally(id string) tally {
	up := o.d.plan.Upstream(id)
	t := tally{N: len(up)}
	for _, u := range up {
		switch o.states[u] {
		case machine.Success:
			t.S++
		case machine.Skipped:
			t.K++
		case machine.Failed:
			t.F++
		case machine.UpstreamFailed:
			t.U++
		}
	}
	return t
}

// decide is what a trigger comes to once all upstream tasks have finished: Success stands for run.
func (o *oracle) decide(t *machine.Task) machine.State {
	const runs, skip, dead = machine.Success, machine.Skipped, machine.UpstreamFailed
	n := o.tally(t.ID)
	choose := func(cond bool, yes, no machine.State) machine.State {
		if cond {
			return yes
		}
		return no
	}
	if n.N == 0 {
		return runs
	}
	if means := o.d.traits[t.ID].trigger; means != nil {
		return choose(means(o, t.ID), runs, choose(n.F+n.U > 0, dead, skip))
	}
	switch t.Trigger.Rule {
	case "all_success":
		return choose(n.F+n.U > 0, dead, choose(n.K > 0, skip, runs))
	case "all_failed":
		return choose(n.S+n.K > 0, skip, runs)
	case "all_skipped":
		return choose(n.K == n.N, runs, skip)
	case "one_success":
		return choose(n.S > 0, runs, choose(n.K == n.N, skip, dead))
	case "one_failed":
		return choose(n.F+n.U > 0, runs, skip)
	case "one_done":
		return choose(n.F+n.S > 0, runs, skip)
	case "none_failed":
		return choose(n.F+n.U > 0, dead, runs)
	case "none_failed_min_one_success":
		return choose(n.F+n.U > 0, dead, choose(n.S > 0, runs, skip))
	case "none_skipped":
		return choose(n.K > 0, skip, runs)
	case "all_done_min_one_success":
		return choose(n.K > 0, skip, choose(n.S > 0, runs, dead))
	}
	return runs // all_done, always
}

// judge holds a run's end states against the rules. It is for runs that came to their own end.
func (d *dag) judge(sum machine.Summary) error {
	o := &oracle{d: d, states: map[string]machine.State{}, instances: map[string]map[machine.State]int{}}
	for i := range d.plan.Tasks { // the generator's order is one of precedence
		t := &d.plan.Tasks[i]
		got := sum.Tasks[t.ID]
		if err := o.task(t, got); err != nil {
			return fmt.Errorf("task %s is %s (%s): %w", t.ID, got.State, got.Reason, err)
		}
		o.states[t.ID] = got.State
		o.instances[t.ID] = map[machine.State]int{}
		for _, in := range got.Instances {
			o.instances[t.ID][in.State]++
		}
	}
	return nil
}

// task holds one task against the rules; its upstream tasks have been held against them before.
func (o *oracle) task(t *machine.Task, got machine.TaskSummary) error {
	if want := o.decide(t); want != machine.Success {
		return must(got.State == want, "the trigger gives %s", want)
	}
	tr := o.d.traits[t.ID]
	passes := tr.when == nil || tr.when(o)
	if tr.list != nil {
		return o.mapped(t, got, tr.list(o), passes)
	}
	if !passes {
		return must(got.State == machine.Skipped, "when is false")
	}
	return must(got.State != machine.UpstreamFailed, "the trigger says run")
}

func (o *oracle) mapped(t *machine.Task, got machine.TaskSummary, size int, passes bool) error {
	if size == 0 || !passes {
		return must(got.State == machine.Skipped, "nothing of it runs")
	}
	if len(got.Instances) != size {
		return fmt.Errorf("it has %d instances, its list %d elements", len(got.Instances), size)
	}
	count := map[machine.State]int{}
	for _, in := range got.Instances {
		count[in.State]++
	}
	want := machine.Success
	switch {
	case count[machine.Failed] > 0:
		want = machine.Failed
	case count[machine.UpstreamFailed] > 0:
		want = machine.UpstreamFailed
	case count[machine.Skipped] == size:
		want = machine.Skipped
	}
	return must(got.State == want, "its instances give %s", want)
}

func must(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// verdictOf is section 6 over end states.
func (d *dag) verdictOf(states map[string]machine.State) machine.RunState {
	bad := func(s machine.State) bool { return s == machine.Failed || s == machine.UpstreamFailed }
	good := true
	switch {
	case d.verdict != nil:
		good = d.verdict(states)
	default:
		for _, t := range d.plan.Tasks {
			leaf := len(d.plan.Downstream(t.ID)) == 0
			if bad(states[t.ID]) && (leaf || d.plan.Verdict.Rule == "strict") {
				good = false
			}
		}
	}
	if good {
		return machine.RunSuccess
	}
	return machine.RunFailed
}
