package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/store"
	"weft/store/mem"
)

var errFull = errors.New("no space left on device")

// A tank is a store that can be full.
type tank struct {
	*mem.Store
	full atomic.Bool
}

func (s *tank) fail() {
	if s.full.Load() {
		s.Store.Fail(errFull)
	}
}

func (s *tank) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	s.fail()
	s.Store.Append(run, recs, update, done)
}

func (s *tank) Create(ctx context.Context, run store.Run, recs []store.Record) error {
	s.fail()
	return s.Store.Create(ctx, run, recs)
}

// tankHouse is an engine over a tank.
func tankHouse(t *testing.T, patience time.Duration, exec *hands) (*house, *tank) {
	t.Helper()
	st := &tank{Store: mem.New()}
	l := &locks{held: map[string]bool{}}
	e := New(Config{Store: st, Worker: &Crew{Exec: exec, Store: st}, Clock: clock.Real, Locks: l, Options: Options{Patience: patience}})
	t.Cleanup(e.Close)
	return &house{Engine: e, st: st.Store, locks: l, hands: exec}, st
}

func chain(t *testing.T, n int) *machine.Plan {
	t.Helper()
	tasks := []machine.Task{{ID: "a0"}}
	for i := 1; i < n; i++ {
		tasks = append(tasks, machine.Task{ID: fmt.Sprint("a", i), Needs: []string{fmt.Sprint("a", i-1)}})
	}
	return plan(t, 100, tasks...)
}

// twice are the attempts that began more than once.
func (h *hands) twice() (out []string) {
	began := h.started()
	slices.Sort(began)
	for i := 1; i < len(began); i++ {
		if began[i] == began[i-1] {
			out = append(out, began[i])
		}
	}
	return out
}

// While the disk is full nothing begins, what runs goes on, and the engine says how it is; with space
// again every run goes on at once from where it was, and nothing has run twice.
func TestAFullDiskDelaysRunsAndCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := tankHouse(t, time.Hour, &hands{takes: map[string]time.Duration{"a0": 10 * time.Second, "a1": time.Second, "a2": time.Second}})
		p := chain(t, 3)
		for i := range 20 {
			h.start(t, request(p, fmt.Sprint("r", i), 1+i))
		}
		time.Sleep(5 * time.Second)
		st.full.Store(true)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s := h.Stalled()
		if s == nil || s.Runs != 20 || !errors.Is(s.Err, errFull) || time.Since(s.Since) < 9*time.Minute {
			t.Errorf("it says %+v", s)
		}
		if n := len(h.hands.started()); n != 20 { // slots that were freed are taken at once, before anyone knows
			t.Errorf("%d attempts have begun, want the first of each run", n)
		}
		if _, err := h.Start(t.Context(), request(p, "new", 30)); !errors.Is(err, errFull) {
			t.Errorf("Start says %v", err)
		}
		asked, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Cancel(asked, "r1", "ann", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a cancel that cannot be written: %v", err)
		}
		st.full.Store(false)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if s := h.Stalled(); s != nil {
			t.Errorf("it still says %+v", s)
		}
		for i := range 20 {
			state := machine.RunSuccess
			if i == 1 {
				state = machine.RunCancelled
			}
			if sum, err := Load(t.Context(), st, fmt.Sprint("r", i)); err != nil || sum.State != state {
				t.Errorf("r%d is %s (%v)", i, sum.State, err)
			}
		}
		if twice := h.hands.twice(); len(twice) > 0 {
			t.Errorf("these began twice: %v", twice)
		}
		if given := h.GivenUp(); len(given) > 0 {
			t.Errorf("given up: %v", given)
		}
	})
}

// Patience ends. What was given up is listed with its reason, nothing of it lives, and it is taken up once the
// store can be written: before that nothing begins only to be ended. No task is blamed.
func TestWhatWasGivenUpIsTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := tankHouse(t, time.Minute, &hands{takes: map[string]time.Duration{"a0": 2 * time.Hour, "a1": time.Second}})
		p := chain(t, 2)
		short := plan(t, 100, machine.Task{ID: "s"})
		for i := range 5 {
			h.start(t, request(p, fmt.Sprint("r", i), 1+i))
		}
		for round := range 5 { // more than crashes are forgiven
			synctest.Wait()
			began := len(h.hands.started())
			st.full.Store(true)
			for i := range 5 {
				go func() { _ = h.Cancel(t.Context(), fmt.Sprint("r", i), "ann", "") }()
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			given := h.GivenUp()
			if len(given) != 5 || !errors.Is(given["r3"], errFull) {
				t.Fatalf("round %d: given up: %v", round, given)
			}
			if failed := h.TakeUp(t.Context()); len(failed) != 5 || !errors.Is(failed["r0"], errFull) {
				t.Errorf("taken up while the disk is full: %v", failed)
			}
			if n := len(h.hands.started()); n != began {
				t.Errorf("round %d: %d attempts began while the disk was full", round, n-began)
			}
			st.full.Store(false)
			if failed := h.TakeUp(t.Context()); len(failed) > 0 {
				t.Errorf("with space again: %v", failed)
			}
			if given := h.GivenUp(); len(given) > 0 {
				t.Errorf("still given up: %v", given)
			}
		}
		h.start(t, request(short, "other", 9))
		h.wait(t, "other", machine.RunSuccess)
		for i := range 5 {
			sum := h.wait(t, fmt.Sprint("r", i), machine.RunSuccess)
			if a := sum.Tasks["a0"]; a.Attempts != 1 {
				t.Errorf("r%d: %d attempts of a0", i, a.Attempts)
			}
		}
	})
}

// Nobody goes on with a run while attempts of it still live that were told to end.
func TestWhatIsBeingGivenUpIsNotTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &tank{Store: mem.New()}
		l := &locks{held: map[string]bool{}}
		d := &deaf{}
		e := New(Config{Store: st, Worker: &Crew{Exec: d, Store: st}, Clock: clock.Real, Locks: l})
		t.Cleanup(e.Close)
		h := &house{Engine: e, st: st.Store, locks: l}
		h.start(t, request(plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b"}), "r", 1))
		time.Sleep(time.Minute)
		st.full.Store(true)
		cancelled := make(chan error, 1)
		go func() { cancelled <- h.Cancel(context.Background(), "r", "ann", "") }()
		synctest.Wait()
		st.full.Store(false)
		if given := h.GivenUp(); len(given) > 0 {
			t.Errorf("it is given up while its attempts live: %v", given)
		}
		if err := h.Resume(t.Context(), "r"); err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("resume says %v", err)
		}
		if err := <-cancelled; !errors.Is(err, errFull) { // once nothing lives
			t.Errorf("the cancel: %v", err)
		}
		if given := h.GivenUp(); len(given) != 1 {
			t.Errorf("given up: %v", given)
		}
		if failed := h.TakeUp(t.Context()); len(failed) > 0 {
			t.Error(failed)
		}
		h.wait(t, "r", machine.RunSuccess)
	})
}
