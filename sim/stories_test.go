package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

func TestAFreedSlotIsRefilledBeforeTheRecordIsDurableAndADependentWaits(t *testing.T) {
	b := newBench(t, map[string]int{"default": 1}, 0)
	b.start(plan(t, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}, Priority: 9}, machine.Task{ID: "c"}), "r", 0)
	b.flush()
	b.wantStarts("r/a")
	b.end("r/a", succeeded)
	b.turn()
	b.wantStarts("r/a", "r/c") // b has the higher priority, and a's end is on no disk
	b.end("r/c", succeeded)
	b.turn()
	b.wantStarts("r/a", "r/c")
	b.flush()
	b.wantStarts("r/a", "r/c", "r/b")
}

func TestALazyStartRidesWithTheEndOrWithin50ms(t *testing.T) {
	b := newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "quick"}, machine.Task{ID: "slow"}), "r", 0)
	b.turn()
	if n := b.store.Pending(); n != 0 {
		t.Fatalf("%d appends for starts alone, and nobody waits for them", n)
	}
	b.end("r/quick", succeeded)
	b.turn()
	if n := b.store.Pending(); n != 1 {
		t.Fatalf("%d appends, want one for the starts and the end", n)
	}
	b.flush()
	want := []string{"run_started", "attempt_started", "attempt_started", "attempt_ended"}
	if got := b.events("r"); !slices.Equal(got, want) {
		t.Fatalf("durable: %v, want %v", got, want)
	}

	b = newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "slow"}), "r", 0)
	b.turn()
	b.mono = 44 * time.Millisecond
	if b.turn(); b.store.Pending() != 0 {
		t.Fatal("the start did not wait for company")
	}
	b.mono = 50 * time.Millisecond
	if b.turn(); b.store.Pending() != 1 {
		t.Fatal("the start waits longer than 50 ms")
	}
}

func TestAnEndWaitsForCompanyWhileOthersWaitForASlot(t *testing.T) {
	b := newBench(t, map[string]int{"default": 1}, 0)
	b.start(plan(t, machine.Task{ID: "a"}, machine.Task{ID: "b"}, machine.Task{ID: "c"}, machine.Task{ID: "d", Needs: []string{"a"}}), "r", 0)
	b.turn()
	b.end("r/a", succeeded)
	b.turn()
	b.wantStarts("r/a", "r/b") // the slot is not kept
	if n := b.store.Pending(); n != 0 {
		t.Fatalf("%d appends, and c could not have begun sooner for them", n)
	}
	b.mono = 5 * time.Millisecond
	if b.turn(); b.store.Pending() != 1 {
		t.Fatal("the end waits longer than 5 ms")
	}
	b.flush()
	b.end("r/b", succeeded)
	b.turn()
	b.end("r/c", succeeded)
	b.turn()
	b.wantStarts("r/a", "r/b", "r/c", "r/d")
	if n := b.store.Pending(); n != 1 {
		t.Fatalf("%d appends once nobody waits for a slot any more, want one for both ends", n)
	}
}

func TestAThousandWaitingSensorsHoldNoSlot(t *testing.T) {
	b := newBench(t, map[string]int{"default": 2}, 64)
	tasks := []machine.Task{{ID: "work"}}
	for i := range 1000 {
		tasks = append(tasks, machine.Task{ID: fmt.Sprintf("s%d", i), Sensor: &machine.Sensor{PokeInterval: seconds(60)}})
	}
	b.start(plan(t, tasks...), "r", 0)
	b.turn()
	b.wantStarts("r/work")
	if len(b.asked) != 48 { // one lane takes three quarters
		t.Fatalf("%d pokes at once, want 48", len(b.asked))
	}
	for len(b.asked) > 0 {
		for _, done := range b.takePokes() {
			done(runner.PokeResult{})
		}
		b.flush()
	}
	if len(b.pokes) != 1000 {
		t.Fatalf("%d sensors were asked, want 1000", len(b.pokes))
	}
}

// takePokes takes the pokes in flight, in the order of their names.
func (b *bench) takePokes() []func(runner.PokeResult) {
	var names []string
	for name := range b.asked {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []func(runner.PokeResult)
	for _, name := range names {
		out = append(out, b.asked[name])
		delete(b.asked, name)
	}
	return out
}

func TestALaneThatHangsDelaysNobody(t *testing.T) {
	b := newBench(t, nil, 8)
	b.lane = func(o machine.Order) string { return o.Key.Task[:4] }
	var tasks []machine.Task
	for i := range 50 {
		tasks = append(tasks,
			machine.Task{ID: fmt.Sprintf("dead%d", i), Sensor: &machine.Sensor{PokeInterval: seconds(1)}},
			machine.Task{ID: fmt.Sprintf("live%d", i), Sensor: &machine.Sensor{PokeInterval: seconds(1)}})
	}
	b.start(plan(t, tasks...), "r", 0)
	for range 60 { // the dead host never answers
		b.turn()
		for name, done := range b.asked {
			if name[2:6] == "live" {
				delete(b.asked, name)
				done(runner.PokeResult{Done: true, Outcome: succeeded})
			}
		}
		b.flush()
	}
	for i := range 50 {
		if n := b.pokes[fmt.Sprintf("r/live%d", i)]; n != 1 {
			t.Fatalf("live%d was asked %d times while the dead lane hung, want once", i, n)
		}
	}
}

func TestAJournalThatFailsGivesTheRunUpAndResumeFinishesIt(t *testing.T) {
	b := newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "a"}, machine.Task{ID: "b"}, machine.Task{ID: "c", Needs: []string{"a", "b"}}), "r", 0)
	b.flush()
	b.end("r/a", succeeded)
	b.store.Fail(errDisk)
	b.flush()
	if !slices.Equal(b.stops, []string{"r/b"}) || b.core.Run("r") == nil {
		t.Fatalf("stopped %v, want what lives; the run is let go only when nothing of it lives", b.stops)
	}
	b.end("r/b", succeeded)
	b.flush()
	if b.core.Run("r") != nil || len(b.core.Alive()) != 0 {
		t.Fatal("the run was not given up")
	}
	if err := b.core.Resume(context.Background(), b.store, "r", nil); err != nil {
		t.Fatal(err)
	}
	b.flush()
	for _, name := range []string{"r/a", "r/b", "r/c"} {
		b.end(name, succeeded)
		b.flush()
	}
	b.wantStarts("r/a", "r/b", "r/a", "r/b", "r/c")
	if s := b.row("r").State; s != machine.RunSuccess {
		t.Fatalf("the run is %s", s)
	}
}

func TestAWallThatIsSetNeitherDelaysNorHastensARetry(t *testing.T) {
	for _, jump := range []time.Duration{-10 * 365 * 24 * time.Hour, -time.Hour, time.Hour, 400 * 24 * time.Hour} {
		for _, early := range []bool{true, false} { // set before the end is durable, or after
			b := newBench(t, nil, 0)
			b.start(plan(t, machine.Task{ID: "a", Retries: 1, RetryDelay: seconds(30)}), "r", 0)
			b.pass(time.Second)
			b.end("r/a", failed)
			b.turn()
			if early {
				b.skew = jump
			}
			b.pass(time.Millisecond)
			b.skew = jump
			b.pass(29 * time.Second)
			b.wantStarts("r/a")
			b.pass(time.Second)
			b.wantStarts("r/a", "r/a")
		}
	}
}

func TestMaxActiveRunsHoldsInOrderOfLogicalDate(t *testing.T) {
	b := newBench(t, nil, 0)
	p := plan(t, machine.Task{ID: "a"})
	p.MaxActiveRuns = 2
	for _, day := range []int{4, 3, 2, 0, 1} {
		b.start(p, fmt.Sprintf("day%d", day), day)
		b.flush()
	}
	b.wantStarts("day4/a", "day3/a") // these came first; of those that wait the oldest goes first
	for _, day := range []int{4, 3, 0, 1, 2} {
		if got := b.row(fmt.Sprintf("day%d", day)).State; got != machine.RunRunning {
			t.Fatalf("day%d is %s", day, got)
		}
		b.end(fmt.Sprintf("day%d/a", day), succeeded)
		b.flush()
	}
	b.wantStarts("day4/a", "day3/a", "day0/a", "day1/a", "day2/a")
}

func TestAStopThatMeetsTheEndOfAPokeIsNotLost(t *testing.T) {
	b := newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "s", Sensor: &machine.Sensor{PokeInterval: seconds(1)}}), "r", 0)
	b.flush()
	b.core.Record("r", machine.CancelAsked{})
	b.turn()
	b.store.Flush()                     // the order is durable: its news comes first
	b.asked["r/s"](runner.PokeResult{}) // and behind it the poke's "not yet"
	b.pass(time.Minute)
	if s, n := b.row("r").State, b.pokes["r/s"]; s != machine.RunCancelled || n != 1 {
		t.Fatalf("the run is %s after %d pokes", s, n)
	}
}

func TestNewsOfAPokeThatComesTwiceCountsOnce(t *testing.T) {
	b := newBench(t, nil, 1)
	b.start(plan(t, machine.Task{ID: "s", Sensor: &machine.Sensor{PokeInterval: seconds(1)}}), "r", 0)
	b.flush()
	first := b.asked["r/s"]
	first(runner.PokeResult{})
	first(runner.PokeResult{})
	b.pass(time.Second)
	first(runner.PokeResult{})
	b.pass(10 * time.Second)
	if n := b.pokes["r/s"]; n != 2 {
		t.Fatalf("%d pokes, want 2: the second has not ended", n)
	}
}

func TestNoPokeStartsAfterTheDeadline(t *testing.T) {
	b := newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "s", Sensor: &machine.Sensor{PokeInterval: seconds(10), Timeout: seconds(15)}}), "r", 0)
	b.flush()
	b.asked["r/s"](runner.PokeResult{})
	b.pass(10 * time.Second)
	b.asked["r/s"](runner.PokeResult{})
	b.turn()
	b.mono += 10 * time.Second // the machine stood still: deadline and poke are due in one turn
	b.turn()
	if n := b.pokes["r/s"]; n != 2 {
		t.Fatalf("%d pokes, want 2", n)
	}
	b.pass(time.Second)
	if sum := b.row("r"); sum.State != machine.RunFailed {
		t.Fatalf("the run is %s, want failed by the deadline", sum.State)
	}

	b = newBench(t, nil, 0) // and none when weft was away while it passed
	b.start(plan(t, machine.Task{ID: "s", Sensor: &machine.Sensor{PokeInterval: seconds(10), Timeout: seconds(15)}}), "r", 0)
	b.pass(time.Second)
	b.store.Crash(0)
	b.mono += time.Hour
	b.begin(nil, 0)
	if err := b.core.Resume(context.Background(), b.store, "r", nil); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Second)
	if n := b.pokes["r/s"]; n != 1 || b.row("r").State != machine.RunFailed {
		t.Fatalf("%d pokes, and the run is %s", n, b.row("r").State)
	}
}

func TestAClearThatComesAsTheRunEndsOpensItAgain(t *testing.T) {
	for _, behind := range []bool{false, true} { // the clear is recorded before RunFinished, or behind it
		b := newBench(t, nil, 0)
		p := plan(t, machine.Task{ID: "a"})
		b.start(p, "r", 0)
		b.flush()
		b.end("r/a", succeeded)
		again := machine.Reopened{Tasks: []string{"a"}, Plan: b.row("r").Plan, Epoch: 1}
		b.turn()
		if !behind {
			b.core.Record("r", again)
		}
		b.store.Flush() // the attempt's end: verdict and end of the run are recorded
		b.turn()
		if behind {
			b.core.Record("r", again)
		}
		b.flush()
		if s := b.row("r").State; s != machine.RunRunning {
			t.Fatalf("behind %v: the run is listed as %s, and goes on", behind, s)
		}
		b.end("r/a", succeeded)
		b.flush()
		if s := b.row("r").State; s != machine.RunSuccess || b.core.Run("r") != nil {
			t.Fatalf("behind %v: the run is %s", behind, s)
		}
		b.wantStarts("r/a", "r/a")
	}
}

func TestAClearThatIsRefusedLeavesTheRunOver(t *testing.T) {
	b := newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "a"}), "r", 0)
	b.flush()
	b.end("r/a", succeeded)
	for len(b.events("r")) < 4 { // all but RunFinished
		b.turn()
		b.store.Flush()
	}
	b.turn()
	b.core.Record("r", machine.Reopened{Tasks: []string{"a"}, Plan: b.row("r").Plan, Epoch: 7})
	b.flush()
	if row := b.row("r"); row.State != machine.RunSuccess || row.FinishedAt.IsZero() || b.core.Run("r") != nil {
		t.Fatalf("the run is listed as %s, ended %s", row.State, row.FinishedAt)
	}
}

func TestAnOrderIsForgottenOnlyWhenItsRecordIsDurable(t *testing.T) {
	b := newBench(t, nil, 0)
	b.start(plan(t, machine.Task{ID: "a"}, machine.Task{ID: "b"}), "r", 0)
	b.flush()
	b.end("r/a", succeeded)
	b.turn() // the end is on its way to the disk
	b.orders = []store.Ask{{ID: 7, Run: "r", Event: machine.Event{Fact: machine.CancelAsked{By: "ann"}}}}
	for b.mono < 600*time.Millisecond { // the disk stalls, and the order is read
		b.mono += 100 * time.Millisecond
		b.core.Tick()
		for len(b.inbox) > 0 {
			f := b.inbox[0]
			b.inbox = b.inbox[1:]
			f()
		}
	}
	b.store.Flush() // the end is durable, the order's record is not sent yet
	for _, f := range b.inbox {
		f()
	}
	b.inbox = nil
	if len(b.dropped) > 0 {
		t.Fatal("the order was forgotten, and a crash now would lose it")
	}
	b.flush()
	if !slices.Equal(b.dropped, []int64{7}) {
		t.Fatalf("forgotten: %v, want 7, once", b.dropped)
	}
}

func TestARunThatExistsIsNotStartedAgain(t *testing.T) {
	b := newBench(t, nil, 0)
	p := plan(t, machine.Task{ID: "a"})
	b.start(p, "r", 0)
	b.flush()
	err := b.core.Start(context.Background(), b.store, runner.Request{Plan: p, Run: "r", Type: "manual", LogicalDate: epoch})
	if !errors.Is(err, store.ErrExists) {
		t.Fatalf("got %v", err)
	}
	b.flush()
	b.wantStarts("r/a")
}
