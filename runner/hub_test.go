package runner_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"weft/runner"
)

func update(run string, seq uint64) runner.Update {
	return runner.Update{Type: "task", Run: run, Seq: seq}
}

// heard takes what waits for a listener, and how that ends; "waiting" where nothing more has come yet.
func heard(l *runner.Listener) (got []string, end error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errWaiting)
	for {
		u, err := l.Next(ctx)
		if err != nil {
			return got, err
		}
		got = append(got, fmt.Sprint(u.Run, u.Seq))
	}
}

var errWaiting = errors.New("waiting")

func TestHubTellsWhoListens(t *testing.T) {
	var h runner.Hub
	h.Observe(update("a", 1)) // nobody hears it
	one, all, other := h.Listen("a", 4), h.Listen("", 4), h.Listen("b", 4)
	h.Observe(update("a", 2))
	h.Observe(update("c", 1))
	late := h.Listen("a", 4)
	h.Observe(update("a", 3))
	for _, c := range []struct {
		name string
		l    *runner.Listener
		want string
	}{
		{"of one run", one, "[a2 a3]"},
		{"of all runs", all, "[a2 c1 a3]"},
		{"of another run", other, "[]"},
		{"that came later", late, "[a3]"},
	} {
		if got, end := heard(c.l); fmt.Sprint(got) != c.want || !errors.Is(end, errWaiting) {
			t.Errorf("a listener %s heard %v (%v), want %s", c.name, got, end, c.want)
		}
	}
}

// Who does not keep up is cut off, hears so, and delays nobody; all others go on.
func TestHubCutsOffWhoIsSlow(t *testing.T) {
	var h runner.Hub
	slow, quick := h.Listen("a", 2), h.Listen("a", 100)
	for i := range 50 {
		h.Observe(update("a", uint64(i)))
	}
	if got, end := heard(slow); fmt.Sprint(got) != "[a0 a1]" || !errors.Is(end, runner.ErrSlow) {
		t.Errorf("the slow one heard %v (%v), want its first two and that it is cut off", got, end)
	}
	if _, end := heard(slow); !errors.Is(end, runner.ErrSlow) {
		t.Errorf("asked again it hears %v", end)
	}
	if got, end := heard(quick); len(got) != 50 || !errors.Is(end, errWaiting) {
		t.Errorf("the quick one heard %d (%v)", len(got), end)
	}
}

func TestHubEnds(t *testing.T) {
	var h runner.Hub
	left, stays := h.Listen("a", 4), h.Listen("a", 4)
	h.Observe(update("a", 1))
	left.Close()
	left.Close()
	h.Observe(update("a", 2))
	if got, end := heard(left); fmt.Sprint(got) != "[a1]" || !errors.Is(end, runner.ErrHubClosed) {
		t.Errorf("one that was closed heard %v (%v)", got, end)
	}
	h.Close()
	h.Observe(update("a", 3))
	if got, end := heard(stays); fmt.Sprint(got) != "[a1 a2]" || !errors.Is(end, runner.ErrHubClosed) {
		t.Errorf("at the end of the hub one heard %v (%v)", got, end)
	}
	if _, end := heard(h.Listen("a", 1)); !errors.Is(end, runner.ErrHubClosed) {
		t.Errorf("one that came after the end heard %v", end)
	}
	stays.Close()
}

// Many listen, come and go while updates come: each that stays hears all of its run in order.
func TestHubUnderManyListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h runner.Hub
		var wg sync.WaitGroup
		const updates = 200
		for i := range 20 {
			run := fmt.Sprint(i % 4)
			l := h.Listen(run, 4*updates)
			wg.Go(func() {
				for seq := range uint64(updates) {
					if i >= 10 && seq == 50 {
						l.Close()
						return
					}
					if u, err := l.Next(t.Context()); err != nil || u.Seq != seq || u.Run != run {
						t.Errorf("listener %d of run %s heard %+v (%v), want %d", i, run, u, err, seq)
						return
					}
				}
			})
		}
		for seq := range uint64(updates) {
			for run := range 4 {
				h.Observe(update(fmt.Sprint(run), seq))
			}
		}
		wg.Wait()
	})
}
