package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"weft/machine"
)

// MaxUpstream is how many upstream tasks a table may have: eight can end in 65,536 ways.
const MaxUpstream = 8

// A Table is what a task's trigger makes of every combination of its upstream tasks' ends.
type Table struct {
	Task     string
	Trigger  string // rule or expression
	When     string // asked once the trigger says run; "" = nothing
	Upstream []string
	Ends     [][]machine.State // by upstream task: how it can end
	Rows     []TableRow        // the last upstream task's end changes fastest

	truth *truth
}

// A TableRow is one combination.
type TableRow struct {
	States []machine.State
	Says   string // run, skip, upstream_failed; failed where the trigger cannot be evaluated
	// Soonest are the least sets of upstream tasks, by position, whose ends decide. The trigger says
	// what it says as soon as all of one of them have ended.
	Soonest [][]int
}

// says is a decision in one byte.
type says uint8

const waits says = 0

var saysWords = []string{"wait", "run", "skip", "upstream_failed", "failed"}

// A truth is what the trigger says of every partial combination: of each upstream task either nothing
// (0), or that it has ended (n = in the n-th of its ends). Its index counts the last one fastest.
type truth struct {
	t    *Table
	size []int // by upstream task: places of its digit
	all  []says
}

// Exhaust asks a task's trigger about every combination of its upstream tasks' ends.
func Exhaust(plan *machine.Plan, task string) (*Table, error) {
	tr, err := newTruth(plan, task)
	if err != nil {
		return nil, err
	}
	digits := make([]int, len(tr.t.Upstream))
	for i := range digits {
		digits[i] = 1
	}
	for more := true; more; more = tr.next(digits, 1) {
		row := TableRow{States: make([]machine.State, len(digits)), Soonest: tr.soonest(digits)}
		for i, d := range digits {
			row.States[i] = tr.t.Ends[i][d-1]
		}
		row.Says = saysWords[tr.all[tr.index(digits)]]
		tr.t.Rows = append(tr.t.Rows, row)
	}
	tr.t.truth = tr
	return tr.t, nil
}

func newTruth(plan *machine.Plan, task string) (*truth, error) {
	judge, ok := plan.Judge(task)
	if !ok {
		return nil, fmt.Errorf("there is no task %q in %s", task, plan.File)
	}
	def := plan.Task(task)
	t := &Table{Task: task, Trigger: def.Trigger.Rule, Upstream: plan.Upstream(task)}
	if def.Trigger.Expr != nil {
		t.Trigger = def.Trigger.Expr.Src
	}
	if def.When != nil {
		t.When = def.When.Src
	}
	switch {
	case len(t.Upstream) == 0:
		return nil, fmt.Errorf("%s has no upstream task: it runs at once", task)
	case len(t.Upstream) > MaxUpstream:
		return nil, fmt.Errorf("%s has %d upstream tasks; the ends of %d at most can be listed", task, len(t.Upstream), MaxUpstream)
	case strings.Contains(t.Trigger, "instances"):
		return nil, fmt.Errorf("the trigger of %s asks about instances, and how many there are is known in a run alone; write cases", task)
	}
	tr := &truth{t: t}
	for _, id := range t.Upstream {
		ends := []machine.State{machine.Success, machine.Failed, machine.Skipped, machine.UpstreamFailed}
		if plan.UpstreamCount(id) == 0 {
			ends = ends[:3] // nothing before it can fail
		}
		t.Ends = append(t.Ends, ends)
		tr.size = append(tr.size, len(ends)+1)
	}
	tr.ask(judge)
	return tr, nil
}

// ask asks the trigger about everything.
func (tr *truth) ask(judge *machine.Judge) {
	digits, states := make([]int, len(tr.size)), make([]machine.State, len(tr.size))
	for more := true; more; more = tr.next(digits, 0) {
		for i, d := range digits {
			states[i] = machine.None
			if d > 0 {
				states[i] = tr.t.Ends[i][d-1]
			}
		}
		word, err := judge.Says(states)
		one := says(slices.Index(saysWords, word))
		if err != nil {
			one = says(len(saysWords) - 1)
		}
		tr.all = append(tr.all, one)
	}
}

// next counts digits on from a least one; false at their end.
func (tr *truth) next(digits []int, least int) bool {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i]++; digits[i] < tr.size[i] {
			return true
		}
		digits[i] = least
	}
	return false
}

func (tr *truth) index(digits []int) (n int) {
	for i, d := range digits {
		n = n*tr.size[i] + d
	}
	return n
}

// soonest finds the least sets of upstream tasks whose ends decide, smaller sets first.
func (tr *truth) soonest(digits []int) [][]int {
	var least []uint
	some := make([]int, len(digits))
	var out [][]int
	for _, set := range subsets(len(digits)) {
		if slices.ContainsFunc(least, func(l uint) bool { return l&set == l }) {
			continue
		}
		members := []int{}
		for i, d := range digits {
			some[i] = 0
			if set&(1<<i) != 0 {
				some[i], members = d, append(members, i)
			}
		}
		if tr.all[tr.index(some)] != waits {
			least, out = append(least, set), append(out, members)
		}
	}
	return out
}

// subsets are those of n things as bits, smaller ones first, then by their members' order.
func subsets(n int) []uint {
	list := make([]uint, 1<<n)
	for i := range list {
		list[i] = uint(i)
	}
	slices.SortStableFunc(list, func(a, b uint) int {
		if d := ones(a) - ones(b); d != 0 {
			return d
		}
		for i := range n {
			if x, y := a>>i&1, b>>i&1; x != y {
				return int(y) - int(x)
			}
		}
		return 0
	})
	return list
}
