package local

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/store/mem"
)

// Runs of one plan have one plan, whoever begins or resumes them; a plan that is known and kept is not
// put again, one that is about to be removed is.
func TestRunsShareTheirPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		h := newHouse(t, st, l)
		h.hands.takes["a"] = time.Hour
		p := plan(t, 100, machine.Task{ID: "a"})
		_, hash := p.Encode()
		h.start(t, request(p, "r0", 1))
		if err := st.MarkIdle(t.Context(), []string{hash}, time.Now()); err != nil {
			t.Fatal(err)
		}
		for i := 1; i < 8; i++ {
			h.start(t, request(plan(t, 100, machine.Task{ID: "a"}), fmt.Sprint("r", i), 1)) // another copy
		}
		if has, err := st.HasPlan(t.Context(), hash); !has || err != nil {
			t.Errorf("a run has begun, and its plan is still marked (%v)", err)
		}
		synctest.Wait()
		shared := func(h *house) {
			t.Helper()
			seen := map[*machine.Plan]bool{}
			for _, d := range h.core.drives {
				seen[d.run.Plan()] = true
			}
			if len(h.core.drives) != 8 || len(seen) != 1 {
				t.Errorf("%d runs have %d plans", len(h.core.drives), len(seen))
			}
		}
		shared(h)
		if _, err := h.drained(t, 0); err != nil {
			t.Fatal(err)
		}
		second := newHouse(t, st, l)
		second.hands.takes["a"] = time.Minute
		if failed := second.ResumeAll(t.Context(), "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"); len(failed) > 0 {
			t.Fatal(failed)
		}
		synctest.Wait()
		shared(second)
		for i := range 8 {
			second.wait(t, fmt.Sprint("r", i), machine.RunSuccess)
		}
	})
}

// A plan that no run follows any more is not kept.
func TestAPlanIsForgottenWithItsRuns(t *testing.T) {
	ps := newPlans()
	st := mem.New()
	for i := range 50 {
		p := plan(t, 1, machine.Task{ID: fmt.Sprint("a", i)})
		hash, err := ps.keep(t.Context(), st, p)
		if err != nil {
			t.Fatal(err)
		}
		if ps.share(hash, p) != p {
			t.Fatal("it is another")
		}
		runtime.KeepAlive(p)
	}
	for range 1000 {
		runtime.GC()
		ps.mu.Lock()
		left := len(ps.byHash) + len(ps.hashes)
		ps.mu.Unlock()
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond) // the cleanups have a goroutine of their own
	}
	t.Errorf("%d plans and %d hashes are kept", len(ps.byHash), len(ps.hashes))
}
