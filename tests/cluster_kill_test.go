package tests

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServersAndWorkersKilledAtAnyMoment is R02 on Temporal: kill -9 of the server that leads, of the one that stands by
// and of workers, at random moments under the same DAGs as TestAServerKilledAtAnyMoment and held to the same promises.
func TestServersAndWorkersKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	kills := 5
	if soak() {
		kills = 60
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	c := newCluster(t)
	s := serveIn(t)
	c.joins(s.world)
	often := beat{2 * time.Second, "all"}
	s.mixed(often)
	s.write("gate", "")
	other := &serving{world: s.world, verb: "serve", env: []string{"WEFT_HOME=" + filepath.Join(s.dir, "other")}}
	t.Cleanup(other.kill)
	both := []*serving{s, other}
	s.start()
	other.launch()
	ledger := []string{"LEDGER=" + s.ledger}
	workers := []*serving{c.worker("one", ledger), c.worker("two", ledger)}

	led := 0
	for n := range kills {
		if rng.IntN(3) == 0 { // the sensors wait for a while
			_ = os.Remove(s.dir + "/gate")
		} else {
			s.write("gate", "")
		}
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond) // the moment is what is tested
		who, at := workers, rng.IntN(2)
		if n%2 == 0 { // who leads is killed first, then whoever comes
			who = both
			if n == 0 {
				at = 0
			}
		}
		victim := who[at]
		if victim.verb == "serve" && strings.Contains(victim.said.String(), "msg=ready") {
			led++
		}
		victim.kill()
		s.remember()
		victim.launch()
	}
	s.waitFor("a server leads", time.Minute, func() bool {
		return strings.Contains(s.said.String()+other.said.String(), "msg=ready")
	})
	s.finish(often)
	t.Logf("%d kills, %d of a server that led, %d runs, %d tasks recorded before one", kills, led, len(s.runs()), len(s.kept))
	if len(s.kept) == 0 {
		t.Error("nothing was recorded before a kill: this shows nothing")
	}
	for _, each := range []*serving{s, other, workers[0], workers[1]} {
		each.stop()
	}
	for _, dir := range []string{s.dir, c.dir} {
		if left := survivors(dir); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	}
}
