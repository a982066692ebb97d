package machine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// randomPlan makes a DAG of up to 12 tasks with something of everything.
func randomPlan(rng *rand.Rand) *Plan {
	p := &Plan{Format: PlanFormat, DAG: "random", MaxActiveTasks: 4, Verdict: randomVerdict(rng)}
	if rng.IntN(4) == 0 {
		p.Timeout = Duration(time.Hour)
	}
	if rng.IntN(4) == 0 {
		p.Deadline = Duration(time.Minute)
	}
	for i := range 1 + rng.IntN(12) {
		if rng.IntN(8) == 0 {
			continue // versions of one DAG differ in which tasks there are
		}
		p.Tasks = append(p.Tasks, randomTask(rng, fmt.Sprintf("t%d", i), p.Tasks))
	}
	if len(p.Tasks) == 0 {
		p.Tasks = []Task{randomTask(rng, "t0", nil)}
	}
	p.OnSuccess, p.OnFailure, p.OnLate = randomCallbacks(rng), randomCallbacks(rng), randomCallbacks(rng)
	return p
}

func randomVerdict(rng *rand.Rand) Verdict {
	switch rng.IntN(4) {
	case 0:
		return Verdict{Rule: "strict"}
	case 1:
		return Verdict{Expr: &Expr{Src: `count(upstream, .state == "failed") == 0`}}
	}
	return Verdict{Rule: "leaves"}
}

func randomTask(rng *rand.Rand, id string, before []Task) Task {
	t := Task{ID: id, Uses: "noop", Trigger: Trigger{Rule: "all_success"}, Pool: "default", PoolSlots: 1}
	for i := range before {
		if rng.IntN(3) == 0 {
			t.Needs = append(t.Needs, before[i].ID)
		}
	}
	if rng.IntN(2) == 0 {
		t.Trigger = Trigger{Rule: pick(rng, TriggerRules())}
	}
	randomExpressions(rng, &t, before)
	if rng.IntN(2) == 0 {
		t.Retries, t.RetryDelay, t.RetryJitter = rng.IntN(3), Duration(time.Second), 0.5
		t.RetryBackoff = 2
	}
	if rng.IntN(6) == 0 {
		t.RetryIf = &Expr{Src: pick(rng, []string{"attempt < 2", "exit_code == 1", "error.kind + 1"})}
	}
	if rng.IntN(5) == 0 {
		t.Sensor = &Sensor{PokeInterval: Duration(time.Second), Timeout: Duration(rng.IntN(60)) * Duration(time.Second), SoftFail: rng.IntN(2) == 0}
	}
	if rng.IntN(3) == 0 {
		t.Timeout = Duration(rng.IntN(5)+1) * Duration(time.Second)
	}
	t.DependsOnPast = rng.IntN(8) == 0
	t.OnFailure = randomCallbacks(rng)
	for _, id := range reads(&t) {
		if slices.Contains(t.Needs, id) {
			t.Reads = append(t.Reads, id)
		}
	}
	return t
}

func randomExpressions(rng *rand.Rand, t *Task, before []Task) {
	up, mapped := "nobody", ""
	if len(t.Needs) > 0 {
		up = pick(rng, t.Needs)
	}
	for i := range before {
		if before[i].ForEach != nil && slices.Contains(t.Needs, before[i].ID) {
			mapped = before[i].ID
		}
	}
	switch {
	case mapped != "" && rng.IntN(2) == 0:
		t.Trigger = Trigger{Expr: &Expr{Src: `count(tasks.` + mapped + `.instances, .state == "success") >= 1`}}
	case len(t.Needs) > 0 && rng.IntN(4) == 0:
		t.Trigger = Trigger{Expr: &Expr{Src: pick(rng, []string{
			`count(upstream, .state == "success") >= 2`, "failed(" + up + ")", "done(" + up + ") && !skipped(" + up + ")",
		})}}
	}
	if rng.IntN(4) == 0 {
		t.When = &Expr{Src: pick(rng, []string{"true", "false", "run.epoch == 0", `tasks.` + up + `.state == "success"`, `tasks.` + up + `.output == 1`, "1"})}
	}
	if rng.IntN(4) == 0 {
		t.ForEach = &ForEach{Expr: &Expr{Src: pick(rng, []string{"[1, 2, 3]", "[]", "null", "tasks." + up + ".output", "7", `{"a": 1}`})}}
	}
	if rng.IntN(6) == 0 {
		t.ForEach = &ForEach{List: Raw(`[1,"${{ run.id }}",{"x":1.5}]`)}
	}
	if rng.IntN(4) == 0 {
		t.With = Raw(`{"x":"${{ tasks.` + up + `.output }}"}`)
	}
}

func randomCallbacks(rng *rand.Rand) (out []Task) {
	for i := range max(0, rng.IntN(5)-2) {
		out = append(out, Task{ID: fmt.Sprintf("c%d", i), Trigger: Trigger{Rule: "always"}, Retries: rng.IntN(2), Pool: "default", PoolSlots: 1})
	}
	return out
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
