package local

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/store/mem"
)

func TestARunThatIsOverIsOpenedAgainUnderAnotherPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		first := newHouse(t, st, l)
		first.start(t, request(plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}}), "r", 1))
		first.wait(t, "r", machine.RunSuccess)

		second := newHouse(t, st, l)
		body, hash := plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "new", Needs: []string{"a"}}).Encode()
		if err := st.PutPlan(t.Context(), hash, body); err != nil {
			t.Fatal(err)
		}
		order := machine.Reopened{By: "ann", Tasks: []string{"a", "new"}, Plan: hash, Epoch: 1, Dir: "/moved"}
		if err := second.Reopen(t.Context(), "r", order); err != nil {
			t.Fatal(err)
		}
		second.wait(t, "r", machine.RunSuccess)
		if got := fmt.Sprint(second.hands.started()); got != "[r/a r/new]" {
			t.Errorf("began %s", got)
		}
		row, err := st.GetRun(t.Context(), "r")
		if err != nil || row.Plan != hash || row.Dir != "/moved" || row.State != machine.RunSuccess {
			t.Errorf("the row says %+v (%v)", row, err)
		}
	})
}

func TestAnOrderThatTheRunDoesNotTakeIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		p := plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}})
		_, hash := p.Encode()
		h.start(t, request(p, "over", 1))
		h.wait(t, "over", machine.RunSuccess)
		h.hands.takes["a"] = time.Hour
		h.start(t, request(p, "runs", 2))
		again := func(epoch int) machine.Reopened {
			return machine.Reopened{Tasks: []string{"b"}, Plan: hash, Epoch: epoch}
		}
		for _, c := range []struct {
			name string
			err  error
			want error
		}{
			{"an epoch that is to come", h.Reopen(t.Context(), "over", again(2)), ErrRefused},
			{"the next epoch", h.Reopen(t.Context(), "runs", again(1)), nil},
			{"the same epoch again", h.Reopen(t.Context(), "runs", again(1)), ErrRefused},
			{"a state", h.Mark(t.Context(), "runs", machine.Marked{Task: "b", State: machine.Skipped}), nil},
			{"the state it has", h.Mark(t.Context(), "runs", machine.Marked{Task: "b", State: machine.Skipped}), ErrRefused},
			{"no task", h.Mark(t.Context(), "runs", machine.Marked{Task: "z", State: machine.Skipped}), ErrRefused},
			{"cancel", h.Cancel(t.Context(), "runs", "ann", ""), nil},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
			}
		}
		h.wait(t, "runs", machine.RunCancelled)
		if sum := h.wait(t, "over", machine.RunSuccess); sum.FinishedAt.IsZero() {
			t.Error("a refused order has opened the run")
		}
	})
}

// An order to a run that was cut off is in force before anything of the run begins again: no attempt
// of the old epoch, and after a cancel none at all.
func TestAnOrderComesBeforeWhatWasCutOff(t *testing.T) {
	for _, c := range []struct {
		order func(e *Engine, hash string) error
		ends  machine.RunState
		begun string
	}{
		{func(e *Engine, hash string) error {
			return e.Reopen(context.Background(), "r", machine.Reopened{Tasks: []string{"a", "b"}, Plan: hash, Epoch: 1})
		}, machine.RunSuccess, "[r/a r/b]"},
		{func(e *Engine, _ string) error {
			return e.Mark(context.Background(), "r", machine.Marked{Task: "a", State: machine.Success})
		}, machine.RunSuccess, "[r/b]"},
		{func(e *Engine, _ string) error { return e.Cancel(context.Background(), "r", "ann", "") }, machine.RunCancelled, "[]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			st, l := mem.New(), &locks{held: map[string]bool{}}
			first := newHouse(t, st, l)
			first.hands.takes["a"] = time.Hour
			p := plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}})
			_, hash := p.Encode()
			first.start(t, request(p, "r", 1))
			synctest.Wait()
			first.Close()
			delete(l.held, "r") // as the kernel does

			second := newHouse(t, st, l)
			if err := c.order(second.Engine, hash); err != nil {
				t.Fatal(err)
			}
			second.wait(t, "r", c.ends)
			if got := fmt.Sprint(second.hands.started()); got != c.begun {
				t.Errorf("the second weft began %s, want %s", got, c.begun)
			}
			time.Sleep(time.Hour) // of the bubble: what the first had begun ends
		})
	}
}

// A cancel that found nobody at work any more is not obeyed by whoever opens the run again; a clear
// or mark that was left stays an order.
func TestACancelThatCameTooLateIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := mem.New()
		h := newHouse(t, st, &locks{held: map[string]bool{}})
		p := plan(t, 16, machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}})
		_, hash := p.Encode()
		h.start(t, request(p, "r", 1))
		h.wait(t, "r", machine.RunSuccess)
		for _, f := range []machine.Fact{machine.CancelAsked{By: "bob"}, machine.Marked{By: "bob", Task: "b", State: machine.Skipped}} {
			if err := st.PutAsk(t.Context(), "r", machine.Event{At: time.Now(), Fact: f}); err != nil {
				t.Fatal(err)
			}
		}
		h.hands.takes["a"] = time.Hour
		if err := h.Reopen(t.Context(), "r", machine.Reopened{Tasks: []string{"a", "b"}, Plan: hash, Epoch: 1}); err != nil {
			t.Fatal(err)
		}
		sum := h.wait(t, "r", machine.RunSuccess)
		if a, b := sum.Tasks["a"].State, sum.Tasks["b"].State; a != machine.Success || b != machine.Skipped {
			t.Errorf("a is %s and b %s, want success and skipped", a, b)
		}
		if left, err := st.TakeAsks(t.Context(), "r"); err != nil || len(left) > 0 {
			t.Errorf("orders are left: %v (%v)", left, err)
		}
	})
}
