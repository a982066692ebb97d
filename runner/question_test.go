package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"weft/machine"
	"weft/plugins"
	"weft/runner"
)

// waits is a sensor whose plugin works apart.
func waits(task machine.Task, s machine.Sensor) machine.Task {
	task.Uses, task.Sensor = "light", &s
	return task
}

// instance is an order of a mapped task that reads an upstream task and a param.
func instance(task machine.Task) machine.Order {
	o := order(task)
	o.Run.Params = machine.Raw(`{"dir":"data","rows":3}`)
	o.Key.Index, o.Item, o.HasItem = 4, "part-4", true
	o.Tasks = map[string]machine.TaskView{"day": {State: machine.Success, Output: machine.Raw(`"monday"`)}}
	return o
}

// bare is what is left of an order for a poke after the first.
func bare(o machine.Order) machine.Order {
	o.Tasks = nil
	return o
}

// on pokes once more: with what is kept of the poke before, if there is something.
func (b *bench) on(o machine.Order, before runner.PokeResult, n int) runner.PokeResult {
	if before.Kept != nil {
		return before.Kept.Ask(b.t.Context(), bare(o), n, noon)
	}
	return b.Poke(b.t.Context(), o, n, noon)
}

func TestTheNextPokeIsTheSameCall(t *testing.T) {
	var calls []plugins.Call
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		calls = append(calls, *c)
		return plugins.Result{Output: json.RawMessage(`{"exists":false}`)}, nil
	})
	task := waits(with(`{"path":"${{ params.dir }}/${{ tasks.day.output }}/${{ item }}","n":"${{ index }}"}`), machine.Sensor{Until: ask("output.exists")})
	task.Env = []machine.Var{{Name: "DAY", Value: "${{ tasks.day.output }}"}}
	task.Workdir = "in/${{ tasks.day.output }}"
	o := instance(task)
	res := b.Poke(t.Context(), o, 1, noon)
	for n := 2; n <= 3; n++ {
		if res.Done || res.Kept == nil {
			t.Fatalf("before poke %d: %+v", n, res)
		}
		res = b.on(o, res, n)
	}
	if got := string(calls[0].Input); got != `{"n":4,"path":"data/monday/part-4"}` || !slices.Contains(calls[0].Env, "DAY=monday") {
		t.Errorf("input %s, env %q", got, calls[0].Env)
	}
	for i, c := range calls {
		if string(c.Input) != string(calls[0].Input) || !slices.Equal(c.Env, calls[0].Env) || c.Dir != calls[0].Dir ||
			c.Poke != i+1 || !c.Since.Equal(noon) || c.Grace != time.Second || c.Logf == nil || c.Now == nil || c.TmpDir+c.Output != "" {
			t.Errorf("poke %d: %+v", i+1, c)
		}
	}
	if b.log() != "" {
		t.Errorf("log %q", b.log())
	}
}

// Each row is what a sensor is like, and whether the next poke may do without rendering it.
func TestWhatIsKeptOfASensor(t *testing.T) {
	until := func(src string) machine.Task { return waits(machine.Task{}, machine.Sensor{Until: ask(src)}) }
	changed := func(change func(*machine.Task)) machine.Task {
		task := until("output == 2")
		change(&task)
		return task
	}
	for _, c := range []struct {
		what string
		task machine.Task
		kept bool
	}{
		{"until reads the output", until("output == 2"), true},
		{"it reads what the run and the instance are", until(`output == params.rows + len(item) + index + len(run.id + dag.id)`), true},
		{"it reads the poke's number", until("poke > 5"), true},
		{"it reads what another task gave, which may be large", until("output == tasks.day.output"), false},
		{"it reads the environment, which may hold that", until("output == env.N"), false},
		{"fail_when does", waits(machine.Task{}, machine.Sensor{FailWhen: ask("output == env.N"), Until: ask("false")}), false},
		{"it reads what is computed", until(`output == [params][0]["ro" + "ws"]`), true},
		{"the plugin has a folder of its own", changed(func(task *machine.Task) { task.Uses = "fake" }), false},
		{"inputs are laid out for each poke", changed(func(task *machine.Task) {
			task.Inputs = []machine.Var{{Name: "x", Value: "${{ tasks.day.ref }}"}}
		}), false},
		{"a secret is looked up for each poke", changed(func(task *machine.Task) {
			task.With = machine.Raw(`{"token":"${{ secrets.TOKEN }}"}`)
		}), false},
		{"a poke that failed, and counts as not yet", waits(with(`{"fail":true}`), machine.Sensor{OnError: "wait"}), true},
		{"a poke that could not be rendered", waits(with(`{"fail":"${{ 1 / 0 }}"}`), machine.Sensor{OnError: "wait"}), false},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
				if string(c.Input) == `{"fail":true}` {
					return plugins.Result{}, errors.New("cannot reach it")
				}
				return plugins.Result{Output: json.RawMessage(`1`)}, nil
			})
			b.Secrets = &vault{values: map[string]string{"TOKEN": "correct horse battery"}}
			o := instance(c.task)
			o.Tasks["day"] = machine.TaskView{State: machine.Success, Output: machine.Raw(`2`)}
			res := b.Poke(t.Context(), o, 1, noon)
			if kept := res.Kept != nil; kept != c.kept {
				t.Errorf("kept %v, want %v (%+v)", kept, c.kept, res)
			}
		})
	}
}

// What is kept must be small: an instance whose environment is not that of the others has it rendered anew.
func TestAnEnvironmentOfItsOwnIsNotKept(t *testing.T) {
	b := newBench(t, gives(`1`))
	task := waits(machine.Task{Env: []machine.Var{{Name: "PART", Value: "${{ item }}"}}}, machine.Sensor{Until: ask("output == 2")})
	first := instance(task)
	same, other := first, first
	other.Item = "part-5"
	for _, c := range []struct {
		what string
		o    machine.Order
		kept bool
	}{{"the first", first, true}, {"one that has the same", same, true}, {"one that has another", other, false}} {
		if res := b.Poke(t.Context(), c.o, 1, noon); (res.Kept != nil) != c.kept {
			t.Errorf("%s: kept %v, want %v", c.what, res.Kept != nil, c.kept)
		}
	}
}

func TestARunThatIsReopenedIsAskedAnew(t *testing.T) {
	b := newBench(t, gives(`1`))
	o := instance(waits(with(`{"dir":"${{ params.dir }}"}`), machine.Sensor{Until: ask("output == 2")}))
	res := b.Poke(t.Context(), o, 1, noon)
	if !res.Kept.Fits(bare(o)) {
		t.Error("it does not fit the next poke")
	}
	again, plan, other := o, o, o
	again.Run.Epoch++
	other.Run.Run = "r2"
	copied := *o.Plan
	plan.Plan = &copied
	for what, o := range map[string]machine.Order{"of another epoch": again, "under another plan": plan, "of another run": other} {
		if res.Kept.Fits(bare(o)) {
			t.Errorf("it fits an order %s", what)
		}
	}
	again.Run.Params = machine.Raw(`{"dir":"elsewhere"}`)
	var input string
	b.light.run = func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		input = string(c.Input)
		return plugins.Result{Output: json.RawMessage(`1`)}, nil
	}
	b.on(again, b.Poke(t.Context(), again, 2, noon), 3)
	if input != `{"dir":"elsewhere"}` {
		t.Errorf("input %s", input)
	}
}

func TestAPanicOfALaterPokeIsAFailure(t *testing.T) {
	b := newBench(t, gives(`1`))
	o := instance(waits(machine.Task{}, machine.Sensor{Until: ask("output == 2"), OnError: "retry"}))
	res := b.Poke(t.Context(), o, 1, noon)
	b.light.run = func(context.Context, *plugins.Call) (plugins.Result, error) { panic("oh") }
	res = b.on(o, res, 2)
	shows(t, res.Outcome, machine.Failed, "internal", "cannot go on: light panicked: oh")
	if !res.Done || b.sealed != 1 {
		t.Errorf("done %v, sealed %d", res.Done, b.sealed)
	}
}

// Whatever a sensor is and gets, a poke with what was kept comes to what it would have come to in full.
func TestAskingOnIsAskingInFull(t *testing.T) {
	questions := []string{
		"", "output == 2", "output.n > 2", "output.n >= params.rows", "poke >= 4", "poke >= 3 && output != null", "item == output", `output.name == run.id`,
		"index < output", "output + 1 > 2", "output", "1 / (output - 1) > 0", `output.n in [1, 3] || poke > 6`, "tasks.day.output == output", `env.N == "3"`, "len(output) > 3",
	}
	outputs := []string{"", "null", "1", "2", `{"n":1}`, `{"n":3}`, `{"n":3,"name":"x"}`, `"part-4"`, `"monday"`, "NaN", "true", `[1,2,3,4]`, string(jsonText(300))}
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	kept, ended := 0, map[string]int{}
	for range 500 {
		s := machine.Sensor{OnError: pick([]string{"retry", "wait", "skip"}), SoftFail: rng.IntN(2) == 0}
		if src := pick(questions); src != "" {
			s.Until = ask(src)
		}
		if src := pick(questions); src != "" && rng.IntN(4) == 0 {
			s.FailWhen = ask(src)
		}
		task := waits(machine.Task{Env: []machine.Var{{Name: "N", Value: "${{ params.rows }}"}}}, s)
		given, last := make([]answer, 8), pick(outputs)
		for i := range given {
			if rng.IntN(3) == 0 {
				last = pick(outputs)
			}
			given[i].output = last
			switch rng.IntN(12) {
			case 0:
				given[i].err = plugins.Errorf(plugins.Temporary, "throttled")
			case 1:
				given[i].text = true
			}
		}
		o := instance(task)
		run := func(poke func(b *bench, before runner.PokeResult, n int) runner.PokeResult) (list []runner.PokeResult, log string) {
			b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
				a := given[c.Poke-1]
				return plugins.Result{Output: json.RawMessage(a.output), Text: a.text}, a.err
			})
			var res runner.PokeResult
			for n := 1; n <= len(given) && !res.Done; n++ {
				res = poke(b, res, n)
				if res.Kept != nil {
					kept++
				}
				seen := res
				seen.Kept, seen.Outcome.Elapsed = nil, 0
				list = append(list, seen)
			}
			return list, b.log()
		}
		full, fullLog := run(func(b *bench, _ runner.PokeResult, n int) runner.PokeResult { return b.Poke(t.Context(), o, n, noon) })
		on, onLog := run(func(b *bench, before runner.PokeResult, n int) runner.PokeResult { return b.on(o, before, n) })
		if !reflect.DeepEqual(full, on) || fullLog != onLog {
			t.Fatalf("seed %d: sensor %+v, answers %v:\nin full %+v\n%s\nasked on %+v\n%s", seed, s, given, full, fullLog, on, onLog)
		}
		ended[full[len(full)-1].Outcome.State.String()]++
	}
	if kept < 500 || len(ended) < 4 {
		t.Errorf("seed %d: %d pokes were kept, and the sensors ended %v: that tells too little", seed, kept, ended)
	}
}

// Ten thousand sensors of a task share what they have alike, and a poke of one makes little garbage.
func TestAPokeMakesLittleGarbage(t *testing.T) {
	b := newBench(t, gives(`{"exists":false,"size":null}`))
	for i := range 60 {
		b.Environ = append(b.Environ, fmt.Sprintf("SOME_VARIABLE_%d=value", i))
	}
	o := instance(waits(with(`{"path":"${{ params.dir }}/${{ item }}"}`), machine.Sensor{Until: ask("output.exists")}))
	res := b.Poke(t.Context(), o, 1, noon)
	plain := bare(o)
	if n := testing.AllocsPerRun(100, func() { res = res.Kept.Ask(t.Context(), plain, 2, noon) }); n > 8 {
		t.Errorf("%v allocations", n)
	}
}

// 100,000 sensors at polls of 30 s are 3,333 pokes a second: at 10 % of a core one may cost 30 µs, with
// all that the engine does for it.
func BenchmarkPokeOn(b *testing.B) {
	p := newBench(b, gives(`{"exists":false,"size":null}`))
	o := instance(waits(with(`{"path":"${{ params.dir }}/${{ item }}"}`), machine.Sensor{Until: ask("output.exists")}))
	res := p.Poke(b.Context(), o, 1, noon)
	plain := bare(o)
	b.ReportAllocs()
	for b.Loop() {
		res = res.Kept.Ask(b.Context(), plain, 2, noon)
	}
}
