package local

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/store"
	"weft/store/mem"
)

// drained stops an engine in order, and tells how long that took.
func (h *house) drained(t *testing.T, grace time.Duration) (took time.Duration, err error) {
	t.Helper()
	begin := time.Now()
	err = h.Drain(t.Context(), grace)
	took = time.Since(begin)
	h.Close()
	if len(h.locks.held) > 0 {
		t.Errorf("these locks are still held: %v", h.locks.held)
	}
	return took, err
}

// durable is what the journal of a run says of its tasks.
func durable(t *testing.T, st *mem.Store, run string) map[string]machine.State {
	t.Helper()
	sum, err := Load(t.Context(), st, run)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]machine.State{}
	for id, task := range sum.Tasks {
		out[id] = task.State
	}
	return out
}

// What ends within the grace has ended; what does not is stopped, shown as queued, and runs again under
// its number when weft comes back. Nothing begins meanwhile, and what waits waits on.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		h := newHouse(t, st, l)
		h.hands.takes = map[string]time.Duration{"quick": 20 * time.Second, "slow": time.Hour}
		sensor := machine.Task{ID: "waits", Sensor: &machine.Sensor{PokeInterval: machine.Duration(time.Second), OnError: "retry"}}
		p := plan(t, 1, machine.Task{ID: "quick"}, machine.Task{ID: "slow"}, sensor, machine.Task{ID: "after", Needs: []string{"quick"}})
		h.start(t, request(p, "r", 1))
		h.start(t, request(p, "held", 2))
		time.Sleep(10 * time.Second)
		waited := make(chan error, 1)
		go func() { _, err := h.Wait(context.Background(), "r"); waited <- err }()
		synctest.Wait()
		pokes := h.hands.pokes
		took, err := h.drained(t, 30*time.Second)
		if err != nil || took < 30*time.Second || took > 32*time.Second {
			t.Errorf("drained in %s (%v)", took, err)
		}
		if err := <-waited; !errors.Is(err, ErrDraining) {
			t.Errorf("who waited heard %v", err)
		}
		if got := fmt.Sprint(h.hands.started()); got != "[r/quick r/slow]" && got != "[r/slow r/quick]" {
			t.Errorf("began %s", got)
		}
		if h.hands.pokes != pokes {
			t.Errorf("%d pokes after the order to stop", h.hands.pokes-pokes)
		}
		if got := fmt.Sprint(durable(t, st, "r")); got != "map[after:queued quick:success slow:queued waits:up_for_reschedule]" {
			t.Errorf("afterwards the run is %s", got)
		}
		second := newHouse(t, st, l)
		if failed := second.ResumeAll(t.Context(), "r", "held"); len(failed) > 0 {
			t.Fatal(failed)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if sum, err := Load(t.Context(), st, "r"); err != nil || sum.Tasks["slow"].Attempts != 1 || sum.Tasks["after"].State != machine.Success {
			t.Errorf("afterwards: %+v (%v)", sum.Tasks, err)
		}
		if second.hands.pokes == 0 {
			t.Error("the sensor is not asked any more")
		}
	})
}

func TestDrainOfNothingTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		sensor := machine.Task{ID: "waits", Sensor: &machine.Sensor{PokeInterval: machine.Duration(time.Second), OnError: "retry"}}
		for i := range 20 {
			h.start(t, request(plan(t, 30, sensor), fmt.Sprint("r", i), 1))
		}
		time.Sleep(time.Minute)
		if took, err := h.drained(t, time.Hour); took > 100*time.Millisecond || err != nil {
			t.Errorf("drained in %s (%v)", took, err)
		}
	})
}

// However often weft is stopped in the midst of an attempt, that is never taken for its fault: a task of
// no retries that was cut off ten times ends well.
func TestDrainsAreNoCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		p := plan(t, 1, machine.Task{ID: "a"})
		for i := range 10 {
			h := newHouse(t, st, l)
			h.hands.takes["a"] = time.Hour
			if i == 0 {
				h.start(t, request(p, "r", 1))
			} else if err := h.Resume(t.Context(), "r"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if len(h.hands.started()) != 1 {
				t.Fatal("it does not run")
			}
			if _, err := h.drained(t, time.Second); err != nil {
				t.Fatal(err)
			}
			if got := durable(t, st, "r")["a"]; got != machine.Queued {
				t.Fatalf("afterwards it is %s", got)
			}
		}
		h := newHouse(t, st, l)
		if err := h.Resume(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		if sum := h.wait(t, "r", machine.RunSuccess); sum.Tasks["a"].Attempts != 1 {
			t.Errorf("it took %d attempts", sum.Tasks["a"].Attempts)
		}
	})
}

// Once an engine is being stopped it takes nothing on, but obeys a cancel of what it drives.
func TestADrainingEngineBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		h := newHouse(t, st, l)
		h.hands.takes["a"] = time.Hour
		p := plan(t, 16, machine.Task{ID: "a"})
		for i, run := range []string{"over", "r", "cancelled"} {
			h.start(t, request(p, run, 1+i))
		}
		if err := h.Cancel(t.Context(), "over", "ann", ""); err != nil {
			t.Fatal(err)
		}
		h.wait(t, "over", machine.RunCancelled)
		end := make(chan error, 1)
		go func() { end <- h.Drain(context.Background(), time.Minute) }()
		synctest.Wait()
		_, start := h.Start(t.Context(), request(p, "new", 9))
		_, hash := p.Encode()
		for what, err := range map[string]error{
			"start": start, "resume": h.Resume(t.Context(), "over"), "cancel of what it does not drive": h.Cancel(t.Context(), "over", "ann", ""),
			"reopen": h.Reopen(t.Context(), "over", machine.Reopened{Tasks: []string{"a"}, Plan: hash, Epoch: 1}),
		} {
			if !errors.Is(err, ErrDraining) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := st.GetRun(t.Context(), "new"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the run that was refused: %v", err)
		}
		if err := h.Cancel(t.Context(), "cancelled", "ann", ""); err != nil {
			t.Error(err)
		}
		h.wait(t, "cancelled", machine.RunCancelled)
		h.wait(t, "over", machine.RunCancelled)
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Drain(ctx, time.Hour); err != nil || time.Since(begin) > 2*time.Second { // the second signal
			t.Errorf("at the second order it took %s (%v)", time.Since(begin), err)
		}
		if err := <-end; err != nil {
			t.Error(err)
		}
		if _, err := h.Wait(t.Context(), "r"); !errors.Is(err, ErrDraining) {
			t.Errorf("Wait says %v", err)
		}
	})
}

// deaf is an executor whose attempts end when they like.
type deaf struct{ hands }

func (d *deaf) Attempt(_ context.Context, _ machine.Order, done func(machine.Outcome)) {
	time.Sleep(time.Hour)
	done(machine.Outcome{State: machine.Success})
}

// What cannot be ended keeps nobody: the drain says so, and the journal says that it runs, which is so.
func TestADrainWaitsForNobodyTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		h := houseOf(t, st, l, &Crew{Exec: &deaf{}, Store: st})
		h.start(t, request(plan(t, 16, machine.Task{ID: "a"}), "r", 1))
		time.Sleep(time.Second)
		took, err := h.drained(t, 10*time.Second)
		if err == nil || err.Error() != "not all came to an end in order: run r: attempt a/-/0/1 did not end" || took > 12*time.Second {
			t.Errorf("drained in %s (%v)", took, err)
		}
		if got := durable(t, st, "r")["a"]; got != machine.Running {
			t.Errorf("it is shown as %s", got)
		}
		time.Sleep(2 * time.Hour)
	})
}
