package tests

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// everything is a DAG of which, at any moment, some tasks run, some are queued in a pool that all workers share, wait, are
// between two attempts, are elsewhere, and wait for a worker of a queue that nobody serves.
const everything = `
id: everything
max_active_runs: 3
x-work: &work |
  echo "begin $WEFT_RUN_ID $WEFT_TASK_ID" >> "$LEDGER"
  sleep 300
tasks:
  runs: {run: *work}
  first: {pool: small, run: *work}
  second: {pool: small, run: *work}
  flaky:
    retries: 100
    retry_delay: 1s
    run: |
      echo "begin $WEFT_RUN_ID $WEFT_TASK_ID" >> "$LEDGER"
      exit 1
  waits: {run: 'test -f nowhere', sensor: {poke_interval: 1s, timeout: 1h, on_error: wait}}
  nobody: {queue: nobodys, run: *work}
  job: {JOB}
  later: {needs: [runs, waits], run: *work}
`

// TestRunsAreCancelledWhateverTheyDoOnTemporal is R15 with a real server and a real worker; a thousand moments of it are in
// runner/temporal, in virtual time.
func TestRunsAreCancelledWhateverTheyDoOnTemporal(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 15))
	n := 5
	if soak() {
		n = 60
	}
	s := newStrait(t, abroads[0])
	c := newCluster(t)
	w := s.world()
	c.joins(w)
	w.write("weft.yaml", "pools: {small: 1}\n")
	worker := c.worker("one", append([]string{"LEDGER=" + w.ledger, "WEFT_GRACE=1s"}, s.env...))
	file := w.write("everything.yaml", strings.Replace(everything, "JOB", s.task("job${{ run.id }}", "RUNNING 1h", "-"), 1))
	begin := func(id, file string) {
		t.Helper()
		if res := w.run("run", file, "--run-id", id, "-d"); res.code != 0 {
			t.Fatalf("run %s: %s", id, res.stderr)
		}
	}
	began := func(id string) int {
		return strings.Count("\n"+strings.Join(w.effects(), "\n")+"\n", "\nbegin "+id+" ")
	}
	for i := range n { // the last ones are held
		begin(fmt.Sprintf("r%d", i), file)
	}
	worker.waitFor("it works", time.Minute, func() bool { return began("r0") > 3 })
	worst := time.Duration(0)
	counts := map[string]int{}
	for _, i := range rng.Perm(n) {
		id := fmt.Sprintf("r%d", i)
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond) // the moment is what is tested
		if i == 0 {                                                  // restarting
			worker.kill() // what it had in hand counts as its own for half a minute
			worker.start()
		}
		at := time.Now()
		res := w.run("cancel", id)
		if res.code != 0 && !strings.Contains(res.stderr, "the order is given") {
			t.Errorf("cancel %s: %d %s", id, res.code, res.stderr)
		}
		c.ends(w, id)
		if took := time.Since(at); res.code == 0 {
			worst = max(worst, took)
		}
		counts[id] = began(id)
		sum, _ := c.shown(w, id)
		if sum.State != "cancelled" {
			t.Errorf("%s is %s: %s", id, sum.State, sum.Reason)
		}
		for name, task := range sum.Tasks {
			if task.State != "failed" || !strings.Contains(task.Reason, "cancelled") {
				t.Errorf("%s of %s is %s: %s", name, id, task.State, task.Reason)
			}
		}
	}
	begin("after", w.write("after.yaml", "id: after\ntasks: {a: {pool: small, run: 'true'}}\n"))
	c.ends(w, "after") // it has the slot
	for id, before := range counts {
		if now := began(id); now != before {
			t.Errorf("%d tasks of %s begin after its end", now-before, id)
		}
		for _, job := range s.known("job" + id) {
			if job.State != s.stopped {
				t.Errorf("the job of %s is %s", id, job.State)
			}
		}
	}
	worker.stop()
	if left := survivors(w.dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	t.Logf("%d runs, each over at the latest %s after it was cancelled", n, worst.Round(100*time.Millisecond))
}
