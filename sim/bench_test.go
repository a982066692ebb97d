package sim

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/store"
	"weft/store/mem"
)

// A bench is a Core driven by hand: its store makes durable, its processes end, its clocks move
// and its turns come only when a story says so.
type bench struct {
	t       *testing.T
	mono    time.Duration
	skew    time.Duration
	store   *mem.Store
	core    *local.Core
	inbox   []func()
	alive   map[string]func(machine.Outcome)   // "run/task"
	asked   map[string]func(runner.PokeResult) // pokes in flight
	starts  []string                           // attempts, as they came
	pokes   map[string]int
	stops   []string
	orders  []store.Ask
	dropped []int64
	lane    func(o machine.Order) string
}

func newBench(t *testing.T, pools map[string]int, pokeSlots int) *bench {
	b := &bench{
		t: t, store: mem.NewHeld(), alive: map[string]func(machine.Outcome){}, asked: map[string]func(runner.PokeResult){},
		pokes: map[string]int{},
	}
	b.begin(pools, pokeSlots)
	return b
}

// begin starts an engine over the store as it is.
func (b *bench) begin(pools map[string]int, pokeSlots int) {
	opt := local.Options{Limits: machine.Limits{Pools: pools}, PokeSlots: pokeSlots}
	b.inbox = nil
	b.core = local.NewCore(opt, b.store, b, b, func(f func()) { b.inbox = append(b.inbox, f) })
}

// Now implements local.Clock.
func (b *bench) Now() time.Time { return epoch.Add(b.mono + b.skew) }

// Mono implements local.Clock.
func (b *bench) Mono() time.Duration { return b.mono }

func name(o machine.Order) string {
	if o.Key.Index >= 0 {
		return fmt.Sprintf("%s/%s/%d", o.Run.Key(), o.Key.Task, o.Key.Index)
	}
	return o.Run.Key() + "/" + o.Key.Task
}

// Attempt implements local.Worker.
func (b *bench) Attempt(o machine.Order, done func(machine.Outcome)) {
	b.starts = append(b.starts, name(o))
	b.alive[name(o)] = done
}

// Poke implements local.Worker.
func (b *bench) Poke(o machine.Order, _ int, _ time.Time, done func(runner.PokeResult)) {
	b.pokes[name(o)]++
	b.asked[name(o)] = done
}

// Evaluate implements local.Worker.
func (b *bench) Evaluate(machine.Order, machine.Evaluate, func(machine.Evaluated)) {
	b.t.Fatal("nothing is spilled in these stories")
}

// Stop implements local.Worker.
func (b *bench) Stop(run string, key machine.Key, _ string) {
	b.stops = append(b.stops, run+"/"+key.Task)
}

// Past implements local.Worker.
func (b *bench) Past(machine.RunInfo, string, func(bool, string)) {
	b.t.Fatal("nothing looks at the past in these stories")
}

// Asked implements local.Worker.
func (b *bench) Asked(done func(runs []string)) {
	var runs []string
	for _, a := range b.orders {
		runs = append(runs, a.Run)
	}
	done(runs)
}

// Asks implements local.Worker.
func (b *bench) Asks(_ string, done func([]store.Ask)) { done(b.orders) }

// Drop implements local.Worker.
func (b *bench) Drop(ids []int64) { b.dropped = append(b.dropped, ids...) }

// Lane implements local.Worker.
func (b *bench) Lane(o machine.Order) string {
	if b.lane == nil {
		return ""
	}
	return b.lane(o)
}

// start has a run begin, and all that it records at once be durable.
func (b *bench) start(p *machine.Plan, run string, day int) {
	b.t.Helper()
	date := epoch.AddDate(0, 0, day)
	err := b.core.Start(context.Background(), b.store, runner.Request{
		Plan: p, Run: run, Type: "manual", LogicalDate: date, IntervalStart: date, IntervalEnd: date,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// turn is a round of the engine's loop, without time and without the disk.
func (b *bench) turn() {
	for len(b.inbox) > 0 {
		f := b.inbox[0]
		b.inbox = b.inbox[1:]
		f()
	}
	b.core.Tick()
	b.core.Turn()
}

// flush makes durable what waits, again and again until nothing does.
func (b *bench) flush() {
	b.turn()
	for b.store.Pending() > 0 {
		b.store.Flush()
		b.turn()
	}
}

// pass lets time pass; the disk keeps up with it.
func (b *bench) pass(d time.Duration) {
	for end := b.mono + d; ; {
		b.flush()
		due, ok := b.core.Next()
		if !ok || due > end {
			b.mono = end
			return
		}
		b.mono = max(b.mono, due)
	}
}

// end has a process end.
func (b *bench) end(name string, out machine.Outcome) {
	b.t.Helper()
	done := b.alive[name]
	if done == nil {
		b.t.Fatalf("%s does not run", name)
	}
	delete(b.alive, name)
	done(out)
}

func (b *bench) wantStarts(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.starts, want) {
		b.t.Fatalf("at %s these have started: %v, want %v", b.mono, b.starts, want)
	}
}

// row is a run as lists show it.
func (b *bench) row(run string) store.Run {
	b.t.Helper()
	row, err := b.store.GetRun(context.Background(), run)
	if err != nil {
		b.t.Fatal(err)
	}
	return row
}

// events are the names of what is durable of a run.
func (b *bench) events(run string) []string {
	b.t.Helper()
	recs, err := b.store.Read(context.Background(), run)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, r := range recs {
		out = append(out, r.Event.Name())
	}
	return out
}

var (
	succeeded = machine.Outcome{State: machine.Success}
	failed    = machine.Outcome{State: machine.Failed, Kind: "temporary", Error: "cannot reach it"}
)

// plan makes a DAG of tasks, with what they do not say filled in.
func plan(t *testing.T, tasks ...machine.Task) *machine.Plan {
	t.Helper()
	p := &machine.Plan{Format: 1, DAG: "d", MaxActiveRuns: 16, MaxActiveTasks: 2000, Verdict: machine.Verdict{Rule: "leaves"}}
	for _, task := range tasks {
		task.Uses, task.Trigger.Rule, task.PoolSlots = "noop", "all_success", 1
		if task.Pool == "" {
			task.Pool = "default"
		}
		if task.Sensor != nil && task.Sensor.OnError == "" {
			task.Sensor.OnError = "retry"
		}
		p.Tasks = append(p.Tasks, task)
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

func seconds(n int) machine.Duration { return machine.Duration(time.Duration(n) * time.Second) }
