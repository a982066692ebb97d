package local

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/store/mem"
)

// earlyHands prepare attempts, and note what becomes of each.
type earlyHands struct {
	hands
	notes []string
}

func (h *earlyHands) note(what string, o machine.Order) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notes = append(h.notes, what+" "+o.Key.Task)
}

func (h *earlyHands) Prepare(o machine.Order) func(context.Context, <-chan func(machine.Outcome)) {
	return func(ctx context.Context, leave <-chan func(machine.Outcome)) {
		h.note("prepared", o)
		done, ok := <-leave
		if !ok {
			h.note("thrown away", o)
			return
		}
		h.note("begun", o)
		h.Attempt(ctx, o, done)
	}
}

// preparing is an engine with one slot whose journal waits to be flushed.
func preparing(t *testing.T) (*house, *earlyHands) {
	st := mem.NewHeld()
	h := &earlyHands{hands: hands{takes: map[string]time.Duration{"a": time.Second, "b": time.Hour, "long": time.Hour}}}
	e := New(Config{
		Store: st, Worker: &Crew{Exec: h, Store: st}, Clock: clock.Real, Locks: &locks{held: map[string]bool{}},
		Options: Options{Limits: machine.Limits{Pools: map[string]int{"default": 1}}},
	})
	t.Cleanup(e.Close)
	return &house{Engine: e, st: st, hands: &h.hands}, h
}

func (h *house) flush() {
	for synctest.Wait(); h.st.Flush() > 0; {
		synctest.Wait()
	}
}

// begin starts a run of a chain and has its first link end; the record of that is not durable.
func begin(t *testing.T, h *house) {
	t.Helper()
	h.start(t, request(plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}}), "r", 1))
	h.flush()
	time.Sleep(time.Second)
	synctest.Wait()
}

func TestALinkIsPreparedAndBeginsOnceTheOneBeforeIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, x := preparing(t)
		begin(t, h)
		time.Sleep(time.Minute) // however long the disk takes
		if got := x.started(); !slices.Equal(x.notes, []string{"prepared b"}) || len(got) != 1 {
			t.Errorf("before it is durable: %v, began %v", x.notes, got)
		}
		h.flush()
		if got := x.started(); !slices.Equal(x.notes, []string{"prepared b", "begun b"}) || len(got) != 2 {
			t.Errorf("once it is durable: %v, began %v", x.notes, got)
		}
		h.cancelled(t, "r")
	})
}

// cancelled has a run cancelled whose attempt takes an hour.
func (h *house) cancelled(t *testing.T, run string) {
	t.Helper()
	from, failed := time.Now(), make(chan error, 1)
	go func() { failed <- h.Cancel(t.Context(), run, "someone", "") }()
	h.flush()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	h.flush()
	h.wait(t, run, machine.RunCancelled)
	if took := time.Since(from); took > time.Minute {
		t.Errorf("its stop took %s", took)
	}
}

// Somebody orders a cancel while the record of a link is on its way to the disk. The order is recorded behind it, and
// nothing begins in between.
func TestNothingBeginsBetweenAnOrderAndItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, x := preparing(t)
		begin(t, h)
		failed := make(chan error, 1)
		go func() { failed <- h.Cancel(t.Context(), "r", "someone", "") }()
		synctest.Wait()
		for h.st.FlushFirst() > 0 {
			synctest.Wait()
			if got := x.started(); !slices.Equal(got, []string{"r/a"}) {
				t.Errorf("began %v", got)
			}
		}
		if err := <-failed; err != nil {
			t.Error(err)
		}
		h.wait(t, "r", machine.RunCancelled)
	})
}

// Another run takes the slot while the record is on its way: what was prepared is thrown away, and the
// attempt begins as any other once the slot is free, where a stop finds it.
func TestAPreparedLinkWhoseSlotIsTakenIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, x := preparing(t)
		begin(t, h)
		h.start(t, request(plan(t, 16, machine.Task{ID: "long"}), "q", 2))
		h.flush()
		if !slices.Equal(x.notes, []string{"prepared b", "thrown away b"}) {
			t.Fatalf("the slot is taken: %v", x.notes)
		}
		time.Sleep(90 * time.Minute)
		h.flush()
		if got := x.started(); !slices.Equal(got, []string{"r/a", "q/long", "r/b"}) || len(x.notes) != 2 {
			t.Fatalf("began %v: %v", got, x.notes)
		}
		h.cancelled(t, "r")
	})
}

// A run whose journal cannot be written begins nothing of what was prepared.
func TestAPreparedLinkOfARunThatIsGivenUpIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, x := preparing(t)
		begin(t, h)
		h.st.Fail(errors.New("the disk is full"))
		h.flush()
		if got := x.started(); !slices.Equal(x.notes, []string{"prepared b", "thrown away b"}) || len(got) != 1 {
			t.Errorf("given up: %v, began %v", x.notes, got)
		}
	})
}

// slowToGo are hands whose preparations go when they are let.
type slowToGo struct {
	earlyHands
	let chan struct{}
}

func (h *slowToGo) Prepare(o machine.Order) func(context.Context, <-chan func(machine.Outcome)) {
	return func(_ context.Context, leave <-chan func(machine.Outcome)) {
		h.note("prepared", o)
		<-leave
		<-h.let
		h.note("gone", o)
	}
}

// What is prepared has the attempt's log open and its places taken: the same attempt, or what is prepared of it anew, waits
// until that is gone.
func TestAnAttemptBeginsWhenWhatWasPreparedOfItIsGone(t *testing.T) {
	for what, again := range map[string]func(*Crew, machine.Order){
		"it begins":            func(c *Crew, o machine.Order) { c.Attempt(o, func(machine.Outcome) {}) },
		"it is prepared again": func(c *Crew, o machine.Order) { c.Prepare(o) },
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &slowToGo{let: make(chan struct{})}
			c := &Crew{Exec: h}
			o := machine.Order{Run: machine.RunInfo{RunStarted: machine.RunStarted{Run: "r"}}, Key: machine.Key{Task: "b", Index: -1, Attempt: 1}}
			c.Prepare(o)
			synctest.Wait()
			c.Forget(o.Run.Key(), o.Key)
			again(c, o)
			synctest.Wait()
			if got := append(h.notes, h.started()...); !slices.Equal(got, []string{"prepared b"}) {
				t.Errorf("%s: before the first is gone: %v", what, got)
			}
			close(h.let)
			synctest.Wait()
			if got := append(h.notes, h.started()...); len(got) != 3 || got[1] != "gone b" {
				t.Errorf("%s: %v", what, got)
			}
			c.Forget(o.Run.Key(), o.Key)
		})
	}
}
