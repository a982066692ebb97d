package machine

import (
	"flag"
	"testing"
	"time"
)

var (
	seeds    = flag.Int("seeds", 600, "how many random runs are played")
	fromSeed = flag.Uint64("seed", 1, "the first of them")
)

// TestRandomRuns plays random runs of random DAGs, with garbage, late and repeated events, cancels,
// clears under other plans and states set by hand. The machine never panics; it keeps its
// invariants and the contract of its commands; Outstanding is what was ordered and not answered; a
// run whose orders are answered ends; a replay and a restored snapshot are the same run.
func TestRandomRuns(t *testing.T) {
	began := time.Now()
	events, terminal := 0, map[RunState]int{}
	for seed := *fromSeed; seed < *fromSeed+uint64(*seeds); seed++ {
		w := newWorld(seed)
		if err := w.live(); err != nil {
			t.Fatalf("go test ./machine -run TestRandomRuns -seed %d -seeds 1: %v", seed, err)
		}
		written, err := viaJSON(w.events)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		replayed := New(w.find)
		for _, ev := range written { // Replay would refuse the garbage
			replayed.Step(ev)
		}
		if err := sameRuns(w.run, replayed); err != nil {
			t.Fatalf("seed %d, replayed: %v", seed, err)
		}
		events += len(w.events)
		terminal[w.run.State()]++
	}
	t.Logf("seeds %d to %d: %d events, ends %v, %v", *fromSeed, *fromSeed+uint64(*seeds)-1, events, terminal, time.Since(began).Round(time.Millisecond))
	if *seeds >= 100 && len(terminal) < 3 {
		t.Errorf("the runs end only in %v: the generator is too tame", terminal)
	}
}
