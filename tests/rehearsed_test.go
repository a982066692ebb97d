package tests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPredictedIsReal runs random DAGs with real processes, writes what became of every task down as
// what is expected, and has weft test play them: it must come to the same.
func TestPredictedIsReal(t *testing.T) {
	dags := 30
	if soak() {
		dags = 1000
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	found := make([]bool, dags)
	t.Run("each", func(t *testing.T) {
		for i := range dags {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				f := fated(rand.New(rand.NewPCG(seed, uint64(i))))
				w := newWorld(t)
				file := w.write("dags/fated.yaml", f.dag(nil))
				sum, _ := w.runJSON(file)
				w.write("dags/fated.test.yaml", f.cases(sum))
				if res := w.run("test", file); res.code != 0 {
					t.Errorf("exit %d\n%s%s\n%s\n%s", res.code, res.out, res.stderr, f.dag(nil), f.cases(sum))
				}
				// The same, of a DAG in which one word is another: that must be seen where it matters.
				for at := range f.tasks[:6] {
					w.write("dags/fated.yaml", f.dag(&at))
					res := w.run("test", file)
					found[i] = found[i] || res.code == 1 && strings.Contains(res.out, "C701")
				}
			})
		}
	})
	if n := len(slices.DeleteFunc(slices.Clone(found), func(f bool) bool { return !f })); n < dags/2 {
		t.Errorf("a wrong trigger is seen in %d of %d DAGs alone: the comparison sees little", n, dags)
	}
}

// A fate is a DAG whose every process ends as it is told.
type fate struct {
	tasks   []fatedTask
	verdict string
}

type fatedTask struct {
	id, trigger string
	needs       []string
	when        bool
	exits       []int // attempt by attempt
	instances   []int // of a mapped task: the exit of each; else nil
}

func fated(rng *rand.Rand) fate {
	f := fate{verdict: []string{"leaves", "strict", `tasks.t0.state == "success" || tasks.t3.state == "skipped"`}[rng.IntN(3)]}
	exit := func() int { return []int{0, 0, 0, 0, 1, 1, 99, 100}[rng.IntN(8)] }
	rules := []string{
		"all_success", "all_failed", "all_done", "all_skipped", "one_success", "one_failed", "one_done", "none_failed",
		"none_failed_min_one_success", "none_skipped", "always", "all_done_min_one_success",
	}
	for i := range 8 + rng.IntN(6) {
		t := fatedTask{id: fmt.Sprintf("t%d", i), when: rng.IntN(6) > 0, exits: []int{exit()}, trigger: "all_success"}
		for _, j := range rng.Perm(i)[:min(i, rng.IntN(4))] {
			t.needs = append(t.needs, fmt.Sprintf("t%d", j))
		}
		if n := len(t.needs); n > 0 && rng.IntN(3) > 0 {
			t.trigger = rules[rng.IntN(len(rules))]
			if rng.IntN(3) == 0 {
				t.trigger = fmt.Sprintf(`count(upstream, .state == "success") >= %d || failed(%s)`, 1+rng.IntN(n), t.needs[0])
			}
		}
		switch rng.IntN(5) {
		case 0: // fails at first, and is tried again
			t.exits = []int{1, exit()}
		case 1:
			t.instances = []int{exit(), exit(), exit()}
		}
		f.tasks = append(f.tasks, t)
	}
	return f
}

// dag writes the DAG. wrong is a task that gets another trigger than it should have.
func (f fate) dag(wrong *int) string {
	var b strings.Builder
	b.WriteString("id: fated\ndefaults: {retry_delay: 0s}\nparams:\n")
	for _, t := range f.tasks {
		fmt.Fprintf(&b, "  %s: {type: array, default: %s}\n", t.id, list(t.codes()))
	}
	b.WriteString("tasks:\n")
	for i, t := range f.tasks {
		if wrong != nil && *wrong == i {
			t.trigger = map[bool]string{true: "all_success", false: "all_done"}[t.trigger == "all_done"]
		}
		fmt.Fprintf(&b, "  %s:\n    needs: [%s]\n    trigger: %s\n    when: \"%t\"\n", t.id, strings.Join(t.needs, ", "), t.trigger, t.when)
		if t.instances != nil {
			fmt.Fprintf(&b, "    for_each: ${{ params.%s }}\n    env: {CODE: \"${{ item }}\"}\n", t.id)
		} else {
			fmt.Fprintf(&b, "    retries: %d\n    env: {CODE: \"${{ params.%s[0] }}\", THEN: \"${{ params.%s[-1] }}\"}\n", len(t.exits)-1, t.id, t.id)
		}
		b.WriteString("    run: if [ \"$WEFT_ATTEMPT\" = 1 ]; then exit \"$CODE\"; fi; exit \"$THEN\"\n")
	}
	fmt.Fprintf(&b, "verdict: %s\non_success: {yes: {run: \"true\"}}\non_failure: {no: {run: \"false\"}}\n", f.verdict)
	return b.String()
}

func (t fatedTask) codes() []int {
	if t.instances != nil {
		return t.instances
	}
	return t.exits
}

func list(codes []int) string { return strings.ReplaceAll(fmt.Sprint(codes), " ", ", ") }

// cases writes what each process is told, and what became of the run that was.
func (f fate) cases(sum summary) string {
	var b strings.Builder
	b.WriteString("cases:\n  what was:\n    given:\n      on_failure.no: failed\n")
	for _, t := range f.tasks {
		if t.instances != nil {
			fmt.Fprintf(&b, "      %s:\n        instances:\n", t.id)
			for i, code := range t.instances {
				fmt.Fprintf(&b, "          %d: {exit: %d}\n", i, code)
			}
			continue
		}
		fmt.Fprintf(&b, "      %s:\n", t.id)
		for _, code := range t.exits {
			fmt.Fprintf(&b, "        - exit: %d\n", code)
		}
	}
	b.WriteString("    expect:\n")
	for _, id := range slices.Sorted(maps.Keys(sum.Tasks)) {
		t := sum.Tasks[id]
		fmt.Fprintf(&b, "      %s:\n        state: %s\n        attempts: %d\n", id, t.State, t.Attempts)
		if len(t.Instances) > 0 {
			fmt.Fprintf(&b, "        size: %d\n        instances:\n", len(t.Instances))
			for _, in := range t.Instances {
				fmt.Fprintf(&b, "          %d: %s\n", in.Index, in.State)
			}
		}
	}
	for _, callback := range []string{"on_success.yes", "on_failure.no"} {
		if _, ran := sum.Tasks[callback]; !ran {
			fmt.Fprintf(&b, "      %s: none\n", callback)
		}
	}
	fmt.Fprintf(&b, "    verdict: %s\n", sum.State)
	return b.String()
}
