package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store/mem"
)

func of(kind string, req runner.Request) runner.Request {
	req.Type = kind
	return req
}

// A backfill of many runs holds back no run of tonight, nor is it held back by one: each has
// max_active_runs for itself. What is scheduled and what is begun by hand share theirs.
func TestBackfillsAreBoundedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		h.hands.takes["a"] = time.Hour
		p := plan(t, 2, machine.Task{ID: "a"})
		for day := range 10 {
			h.start(t, of("backfill", request(p, fmt.Sprint("b", day), 1+day)))
		}
		h.start(t, of("scheduled", request(p, "tonight", 20)))
		h.start(t, request(p, "by_hand", 21))
		h.start(t, of("scheduled", request(p, "tomorrow", 22)))
		seen := 0
		for hour, want := range []string{"b0 b1 by_hand tonight", "b2 b3 tomorrow", "b4 b5", "b6 b7", "b8 b9", ""} {
			time.Sleep(time.Second)
			synctest.Wait()
			all := h.hands.started()
			began := strings.ReplaceAll(strings.Join(slices.Sorted(slices.Values(all[seen:])), " "), "/a", "")
			if seen = len(all); began != want {
				t.Errorf("in hour %d began %q, want %q", hour, began, want)
			}
			time.Sleep(time.Hour)
		}
	})
}

// A run that was counted while it was made durable, and then was not, gives its place back.
func TestARunThatDidNotComeLeavesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		p := plan(t, 1, machine.Task{ID: "a"})
		full := errors.New("no space left on device")
		if hold, err := h.reserve(request(p, "never", 1)); hold || err != nil {
			t.Fatalf("the first run must not be held (%v)", err)
		}
		h.start(t, request(p, "second", 2))
		synctest.Wait()
		if len(h.hands.started()) > 0 {
			t.Fatal("two were let in")
		}
		h.post(func() { h.core.arrived(p.DAG, "manual") }) // as Start does when the first could not be created
		h.wait(t, "second", machine.RunSuccess)
		h.st.Fail(full)
		if _, err := h.Start(t.Context(), request(p, "third", 3)); !errors.Is(err, full) {
			t.Errorf("Start says %v", err)
		}
		h.start(t, request(p, "fourth", 4))
		h.wait(t, "fourth", machine.RunSuccess)
		synctest.Wait()
		if n := len(h.core.lines.all); n > 0 {
			t.Errorf("%d lines are kept for runs that are over", n)
		}
	})
}

// Held runs that are cancelled leave their line; thousands of them cost no more than their number.
func TestHeldRunsLeaveTheirLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, mem.New(), &locks{held: map[string]bool{}})
		h.hands.takes["a"] = time.Minute
		p := plan(t, 1, machine.Task{ID: "a"})
		const runs = 2000
		for i := range runs {
			h.start(t, of("manual", request(p, fmt.Sprint("r", i), 1+i)))
		}
		for i := 1; i < runs-1; i++ {
			if err := h.Cancel(t.Context(), fmt.Sprint("r", i), "ann", ""); err != nil {
				t.Fatal(err)
			}
		}
		h.wait(t, fmt.Sprint("r", runs-1), machine.RunSuccess)
		if got := fmt.Sprint(h.hands.started()); got != fmt.Sprintf("[r0/a r%d/a]", runs-1) {
			t.Errorf("began %s", got)
		}
	})
}
