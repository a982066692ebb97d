package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/store/mem"
)

// hands is an executor whose tasks take the time their name's task asks for and then succeed, unless
// they are stopped.
type hands struct {
	mu    sync.Mutex
	takes map[string]time.Duration
	began []string
	pokes int
}

func (h *hands) Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome)) {
	h.mu.Lock()
	h.began = append(h.began, o.Run.Run+"/"+o.Key.Task)
	d := h.takes[o.Key.Task]
	h.mu.Unlock()
	select {
	case <-time.After(d):
		done(machine.Outcome{State: machine.Success})
	case <-ctx.Done():
		done(machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: context.Cause(ctx).Error()})
	}
}

func (h *hands) Poke(context.Context, machine.Order, int, time.Time) runner.PokeResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pokes++
	return runner.PokeResult{}
}

func (h *hands) Evaluate(context.Context, machine.Order, machine.Evaluate) machine.Evaluated {
	return machine.Evaluated{Error: "there is nothing to evaluate here"}
}

func (h *hands) Leave(string) error { return nil }

func (h *hands) started() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.began...)
}

// locks is FileLocks in memory, shared by the engines of a test.
type locks struct {
	mu   sync.Mutex
	held map[string]bool
}

func (l *locks) Lock(run string) (func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[run] {
		return nil, fmt.Errorf("cannot take run %s: %w", run, ErrDriven)
	}
	l.held[run] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, run)
	}, nil
}

// A house is a store and locks that engines share, and one engine in it.
type house struct {
	*Engine
	st    *mem.Store
	locks *locks
	hands *hands
}

func newHouse(t *testing.T, st *mem.Store, l *locks) *house {
	t.Helper()
	h := &hands{takes: map[string]time.Duration{}}
	house := houseOf(t, st, l, &Crew{Exec: h, Store: st})
	house.hands = h
	return house
}

// houseOf makes one whose engine has a worker of its own.
func houseOf(t *testing.T, st *mem.Store, l *locks, w Worker) *house {
	t.Helper()
	e := New(Config{Store: st, Worker: w, Clock: clock.Real, Locks: l})
	t.Cleanup(e.Close)
	return &house{Engine: e, st: st, locks: l}
}

func plan(t *testing.T, activeRuns int, tasks ...machine.Task) *machine.Plan {
	t.Helper()
	p := &machine.Plan{Format: machine.PlanFormat, DAG: "d", MaxActiveRuns: activeRuns, MaxActiveTasks: 16, Verdict: machine.Verdict{Rule: "leaves"}, Tasks: tasks}
	for i := range p.Tasks {
		p.Tasks[i].Uses, p.Tasks[i].Pool, p.Tasks[i].PoolSlots = "x", "default", 1
		p.Tasks[i].Trigger.Rule = "all_success"
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

func request(p *machine.Plan, id string, day int) runner.Request {
	when := time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
	return runner.Request{Plan: p, Run: id, Type: "manual", LogicalDate: when, IntervalStart: when, IntervalEnd: when}
}

func (h *house) start(t *testing.T, req runner.Request) {
	t.Helper()
	if _, err := h.Start(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func (h *house) wait(t *testing.T, run string, want machine.RunState) machine.Summary {
	t.Helper()
	sum, err := h.Wait(t.Context(), run)
	if err != nil || sum.State != want {
		t.Fatalf("%s is %s, want %s (%v)", run, sum.State, want, err)
	}
	return sum
}

func TestOneRunHasOneDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		first, second := newHouse(t, st, l), newHouse(t, st, l)
		first.hands.takes["a"] = time.Hour
		p := plan(t, 16, machine.Task{ID: "a"})
		first.start(t, request(p, "r", 1))
		for name, err := range map[string]error{
			"start":  func() error { _, err := second.Start(t.Context(), request(p, "r", 1)); return err }(),
			"resume": second.Resume(t.Context(), "r"),
			"cancel": second.Cancel(t.Context(), "r", "someone", ""),
		} {
			if !errors.Is(err, ErrDriven) {
				t.Errorf("%s by another engine: %v, want ErrDriven", name, err)
			}
		}
		first.wait(t, "r", machine.RunSuccess)
		if err := second.Resume(t.Context(), "r"); err != nil {
			t.Errorf("resume of a run that is over: %v", err)
		}
		if got := first.hands.started(); len(got) != 1 {
			t.Errorf("began %v", got)
		}
	})
}

func TestCancelStopsWhatRunsAndWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		h.hands.takes["a"] = time.Hour
		sensor := machine.Task{ID: "s", Sensor: &machine.Sensor{PokeInterval: machine.Duration(time.Minute), OnError: "retry"}}
		h.start(t, request(plan(t, 16, machine.Task{ID: "a"}, sensor, machine.Task{ID: "b", Needs: []string{"a"}}), "r", 1))
		time.Sleep(150 * time.Second)
		synctest.Wait()
		if h.hands.pokes != 3 {
			t.Errorf("%d pokes in 150 s at one a minute", h.hands.pokes)
		}
		if err := h.Cancel(t.Context(), "r", "ann", "enough"); err != nil {
			t.Fatal(err)
		}
		sum := h.wait(t, "r", machine.RunCancelled)
		for id, task := range sum.Tasks {
			if task.State != machine.Failed {
				t.Errorf("%s is %s", id, task.State)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if h.hands.pokes != 3 || len(h.hands.started()) != 1 {
			t.Errorf("after the cancel: %d pokes, began %v", h.hands.pokes, h.hands.started())
		}
	})
}

func TestMaxActiveRunsHoldsLaterRunsByDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		h.hands.takes["a"] = time.Minute
		p := plan(t, 1, machine.Task{ID: "a"})
		h.start(t, request(p, "first", 1))
		h.start(t, request(p, "third", 3))
		h.start(t, request(p, "second", 2))
		for _, run := range []string{"first", "second", "third"} {
			h.wait(t, run, machine.RunSuccess)
		}
		if got := fmt.Sprint(h.hands.started()); got != "[first/a second/a third/a]" {
			t.Errorf("began %s", got)
		}
	})
}

func TestAJournalThatFailsGivesTheRunUpAndResumeEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		h.hands.takes["a"] = time.Minute
		h.start(t, request(plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}}), "r", 1))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		full := errors.New("no space left on device")
		h.st.Fail(full)
		for range 2 { // asked again, it still says why
			if _, err := h.Wait(t.Context(), "r"); !errors.Is(err, full) {
				t.Fatalf("Wait says %v", err)
			}
		}
		if err := h.Resume(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		h.wait(t, "r", machine.RunSuccess)
		if got := fmt.Sprint(h.hands.started()); got != "[r/a r/a r/b]" {
			t.Errorf("began %s", got)
		}
	})
}

func TestAClosedEngineSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		h.Close()
		if _, err := h.Wait(context.Background(), "r"); !errors.Is(err, ErrClosed) {
			t.Errorf("Wait says %v", err)
		}
	})
}
