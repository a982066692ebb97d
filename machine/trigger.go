package machine

import (
	"fmt"
	"slices"
	"strings"

	"weft/expr"
)

// A decision is what a trigger says at a moment.
type decision uint8

const (
	wait decision = iota
	run
	skip
	failUpstream
)

func (d decision) String() string {
	return [...]string{"wait", "run", "skip", "upstream_failed"}[d]
}

// A tally is the upstream tasks of one task by their states; D = S+K+F+U.
type tally struct{ N, S, K, F, U, D int }

// rules is section 5's table, row by row: Airflow 3's scheduler (airflow/ti_deps/deps/
// trigger_rule_dep.py), but for all_success with a skipped task, where Airflow's answer depends on
// who finishes first. At most one of the three columns holds at any moment; the end state never
// depends on the order of arrival.
var rules = map[string]struct {
	failUpstream, skip, run func(t tally) bool
}{
	"all_success": {
		failUpstream: func(t tally) bool { return t.U > 0 || t.F > 0 },
		skip:         func(t tally) bool { return t.K > 0 && t.D == t.N && t.U+t.F == 0 },
		run:          func(t tally) bool { return t.S == t.N },
	},
	"all_failed": {
		failUpstream: never,
		skip:         func(t tally) bool { return t.S > 0 || t.K > 0 },
		run:          func(t tally) bool { return t.F+t.U == t.N },
	},
	"all_done": {
		failUpstream: never, skip: never,
		run: func(t tally) bool { return t.D == t.N },
	},
	"all_skipped": {
		failUpstream: never,
		skip:         func(t tally) bool { return t.S+t.F+t.U > 0 },
		run:          func(t tally) bool { return t.K == t.N },
	},
	"one_success": {
		failUpstream: func(t tally) bool { return t.D == t.N && t.S == 0 && t.K < t.N },
		skip:         func(t tally) bool { return t.K == t.N },
		run:          func(t tally) bool { return t.S >= 1 },
	},
	"one_failed": {
		failUpstream: never,
		skip:         func(t tally) bool { return t.D == t.N && t.F+t.U == 0 },
		run:          func(t tally) bool { return t.F+t.U >= 1 },
	},
	"one_done": {
		failUpstream: never,
		skip:         func(t tally) bool { return t.D == t.N && t.F+t.S == 0 },
		run:          func(t tally) bool { return t.F+t.S >= 1 },
	},
	"none_failed": {
		failUpstream: func(t tally) bool { return t.U > 0 || t.F > 0 },
		skip:         never,
		run:          func(t tally) bool { return t.S+t.K == t.N },
	},
	"none_failed_min_one_success": {
		failUpstream: func(t tally) bool { return t.U > 0 || t.F > 0 },
		skip:         func(t tally) bool { return t.K == t.N },
		run:          func(t tally) bool { return t.S+t.K == t.N && t.S >= 1 },
	},
	"none_skipped": {
		failUpstream: never,
		skip:         func(t tally) bool { return t.K > 0 },
		run:          func(t tally) bool { return t.D == t.N && t.K == 0 },
	},
	"always": {
		failUpstream: never, skip: never,
		run: func(tally) bool { return true },
	},
	"all_done_min_one_success": {
		failUpstream: func(t tally) bool { return t.D == t.N && t.K == 0 && t.S == 0 },
		skip:         func(t tally) bool { return t.K > 0 },
		run:          func(t tally) bool { return t.D == t.N && t.K == 0 && t.S >= 1 },
	},
}

func never(tally) bool { return false }

// TriggerRules returns the names of the trigger rules, in the order of the language's table.
func TriggerRules() []string {
	return []string{
		"all_success", "all_failed", "all_done", "all_skipped", "one_success", "one_failed", "one_done",
		"none_failed", "none_failed_min_one_success", "none_skipped", "always", "all_done_min_one_success",
	}
}

func (n *node) tally(upstream int) tally {
	t := tally{N: upstream, S: n.up[Success], K: n.up[Skipped], F: n.up[Failed], U: n.up[UpstreamFailed]}
	t.D = t.S + t.K + t.F + t.U
	return t
}

// judge asks a node's trigger. because names the part that decided.
func (r *Run) judge(n *node) (d decision, because string, err error) {
	t := n.tally(len(r.plan.up[n.ti]))
	if n.def.Trigger.Expr != nil {
		return r.judgeExpr(n, t)
	}
	rule := n.def.Trigger.Rule
	row, ok := rules[rule]
	if !ok {
		return failUpstream, rule, fmt.Errorf("trigger rule %q is not known", rule)
	}
	switch {
	case t.N == 0 || row.run(t):
		return run, t.words(), nil
	case row.failUpstream(t):
		return failUpstream, t.words(), nil
	case row.skip(t):
		return skip, t.words(), nil
	}
	return wait, "", nil
}

// judgeExpr asks a trigger expression, as early as logic allows. Where it can never be true any
// more: upstream_failed as soon as any upstream failed, skipped when all have finished and none did.
func (r *Run) judgeExpr(n *node, t tally) (decision, string, error) {
	j, err := r.exprs.Judge(n.def.Trigger.Expr.Src, upstreamFacts{r, n})
	if err != nil {
		return failUpstream, "", err
	}
	switch {
	case j.Truth == expr.True:
		return run, j.Because, nil
	case j.Truth == expr.False && t.F+t.U > 0:
		return failUpstream, j.Because, nil
	case j.Truth == expr.False && t.D == t.N:
		return skip, j.Because, nil
	}
	return wait, j.Because, nil
}

// words says a tally in words: "2 success, 1 failed, 1 not finished".
func (t tally) words() string {
	if t.N == 0 {
		return "no upstream"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		name string
	}{{t.S, "success"}, {t.K, "skipped"}, {t.F, "failed"}, {t.U, "upstream_failed"}, {t.N - t.D, "not finished"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.name))
		}
	}
	return strings.Join(parts, ", ")
}

func asksInstances(t Trigger) bool {
	return t.Expr != nil && strings.Contains(t.Expr.Src, "instances")
}

// upstreamFacts is what a trigger may ask about the direct upstream tasks of n; of every task where
// n is nil (a verdict).
type upstreamFacts struct {
	r *Run
	n *node
}

func (f upstreamFacts) State(task string) (string, bool) {
	i, ok := f.find(task)
	if !ok {
		return "", false
	}
	return f.r.nodes[i].finished(), true
}

// find gives the position of a task that may be asked about. Of others nobody would tell the
// trigger that they have finished: it could wait for ever.
func (f upstreamFacts) find(task string) (int, bool) {
	i, ok := f.r.plan.index[task]
	if ok && f.n != nil {
		_, ok = slices.BinarySearch(f.r.plan.up[f.n.ti], i)
	}
	return i, ok
}

func (f upstreamFacts) Upstream() expr.Population {
	up := f.r.plan.up[f.n.ti]
	return population(f.n.up, len(up), func(yield func(string, int, string) bool) {
		for _, i := range up {
			if u := f.r.nodes[i]; !yield(u.id, -1, u.finished()) {
				return
			}
		}
	})
}

func (f upstreamFacts) Instances(task string) (expr.Population, bool) {
	i, ok := f.find(task)
	if !ok || f.r.plan.Tasks[i].ForEach == nil {
		return expr.Population{}, false
	}
	u := f.r.nodes[i]
	if len(u.inst) == 0 && !u.state.Finished() {
		return expr.Population{Unsized: true}, true
	}
	return population(u.count, len(u.inst), func(yield func(string, int, string) bool) {
		for k := range u.inst {
			s := ""
			if u.inst[k].state.Finished() {
				s = u.inst[k].state.String()
			}
			if !yield(u.id, u.inst[k].index, s) {
				return
			}
		}
	}), true
}

func (n *node) finished() string {
	if n.state.Finished() {
		return n.state.String()
	}
	return ""
}

func population(count [stateCount]int, size int, each func(func(string, int, string) bool)) expr.Population {
	p := expr.Population{Counts: make(map[string]int, 4), Open: size, Each: each}
	for s := Success; int(s) < stateCount; s++ {
		if count[s] > 0 {
			p.Counts[s.String()] = count[s]
			p.Open -= count[s]
		}
	}
	return p
}
