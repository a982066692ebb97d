package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A ferry is a strait whose weft is workers of a cluster. struck has each blow that ends them all: whoever made the
// request that is on its way is among them.
type ferry struct {
	*strait
	c       *cluster
	w       *world
	workers []*serving
	struck  chan chan struct{}
}

func newFerry(t *testing.T, e abroad, workers int) *ferry {
	t.Helper()
	f := &ferry{strait: newStrait(t, e), c: newCluster(t), struck: make(chan chan struct{})}
	f.w = f.world()
	f.c.joins(f.w)
	for n := range workers {
		f.workers = append(f.workers, f.c.worker(fmt.Sprintf("worker%d", n), f.env, "--concurrency", "4"))
	}
	return f
}

// strikes has all workers be killed at some starts, before they hear that the service has carried them out, and loses
// the answers to others.
func (f *ferry) strikes(kills []int, lost func(n int) bool) {
	f.after = func(n int) bool {
		if !slices.Contains(kills, n) {
			return lost(n)
		}
		dead := make(chan struct{})
		select {
		case f.struck <- dead:
			<-dead
		case <-f.t.Context().Done():
		}
		return true
	}
}

// sails waits until a run is over, and has other workers be there after each blow.
func (f *ferry) sails(run string, afterwards func()) (sum summary, blows int) {
	f.t.Helper()
	limit := time.After(5 * time.Minute)
	for {
		select {
		case dead := <-f.struck:
			for _, worker := range f.workers {
				worker.kill()
			}
			close(dead)
			for _, worker := range f.workers {
				worker.start()
			}
			blows++
			if afterwards != nil {
				afterwards()
			}
		case <-time.After(200 * time.Millisecond):
			res := f.w.run("runs", "show", run, "--json")
			if res.code != 0 {
				break // nobody can be asked just now
			}
			if sum = f.w.last(res.out); slices.Contains([]string{"success", "failed", "cancelled"}, sum.State) {
				return sum, blows
			}
		case <-limit:
			f.t.Fatalf("it does not end\n%s", f.w.run("runs", "show", run).out)
		}
	}
}

// TestEachAttemptHasOneRunOfItsJobOnTemporal is R21 with workers of a cluster: they die, or lose the answer, between the
// start of a job and its record. In the long run 500 of each plugin.
func TestEachAttemptHasOneRunOfItsJobOnTemporal(t *testing.T) {
	n, kills := 24, []int{3, 11}
	if soak() {
		n, kills = 500, []int{5, 50, 100, 150, 200, 250, 300, 350, 400, 450}
	}
	eachFerried(t, "glue.job", func(t *testing.T, e abroad) {
		f := newFerry(t, e, 2)
		lost := 0
		f.strikes(kills, func(n int) bool {
			if e.repeats && n%2 == 0 {
				return false
			}
			lost++
			return true
		})
		file := f.w.write("jobs.yaml", jobs(e, n))
		if res := f.w.run("run", file, "--run-id", "r", "-d"); res.code != 0 {
			t.Fatalf("run: %s", res.stderr)
		}
		sum, blows := f.sails("r", nil)
		good := f.oneEach(sum, n)
		t.Logf("R21: %d/%d: one run each; all workers were killed %d times, %d answers were lost", good, n, blows, lost)
		if blows < len(kills) {
			t.Errorf("the workers were killed %d times, want %d", blows, len(kills))
		}
	})
}

// eachFerried is eachAbroad in the long run; the ordinary one has one plugin. Of some a lost start is looked for, of
// emr_serverless.job it is made again.
func eachFerried(t *testing.T, usual string, test func(t *testing.T, e abroad)) {
	t.Helper()
	t.Parallel()
	eachAbroad(t, func(t *testing.T, e abroad) {
		if !soak() && e.uses != usual {
			t.Skip("a minute of workers: WEFT_SOAK=1")
		}
		test(t, e)
	})
}

// TestAJobIsStoppedOverACrashOnTemporal: cancel and timeout stop what runs elsewhere, also where the worker died before
// anybody knew of it.
func TestAJobIsStoppedOverACrashOnTemporal(t *testing.T) {
	eachFerried(t, "emr_serverless.job", func(t *testing.T, e abroad) {
		for how, says := range stops {
			if !soak() && how == "timeout" {
				continue
			}
			t.Run(how, func(t *testing.T) {
				t.Parallel()
				f := newFerry(t, e, 1)
				f.strikes([]int{2}, func(int) bool { return false })
				file := f.w.write("long.yaml", long(e, how))
				if res := f.w.run("run", file, "--run-id", "r", "-d"); res.code != 0 {
					t.Fatalf("run: %s", res.stderr)
				}
				began := time.Now()
				sum, blows := f.sails("r", func() {
					began = time.Now()
					if how != "cancel" {
						return
					}
					eventually(t, "it is shown with what runs elsewhere", func() bool {
						show := f.w.run("runs", "show", "r").out
						return strings.Contains(show, "first   deferred") && strings.Contains(show, e.called("first"))
					})
					// What the worker had in hand counts as its own for half a minute more.
					if res := f.w.run("cancel", "r"); res.code != 0 && !strings.Contains(res.stderr, "the order is given") {
						t.Errorf("cancel: exit %d\n%s%s", res.code, res.out, res.stderr)
					}
				})
				if blows != 1 {
					t.Errorf("the worker was killed %d times", blows)
				}
				f.bothStopped(sum, says)
				t.Logf("both stopped %s after a worker was back", time.Since(began).Round(100*time.Millisecond))
			})
		}
	})
}
