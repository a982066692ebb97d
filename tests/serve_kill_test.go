package tests

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each task of the served DAGs appends `begin RUN TASK` before its work and `end RUN TASK` after it.
const servedTask = `echo "begin $WEFT_DAG_ID/$WEFT_RUN_ID $WEFT_TASK_ID.$WEFT_INDEX" >>"$LEDGER"; sleep 0.0%d; echo "end $WEFT_DAG_ID/$WEFT_RUN_ID $WEFT_TASK_ID.$WEFT_INDEX" >>"$LEDGER"`

func task(hundredths int) string { return "'" + fmt.Sprintf(servedTask, hundredths) + "'" }

// A beat is how often the served DAGs are due, and whether ticks that nobody was there for run as well.
type beat struct {
	every   time.Duration
	catchup string
}

func (b beat) times(n int) string {
	return fmt.Sprintf("{every: %s, catchup: %s}", time.Duration(n)*b.every, b.catchup)
}

// beats are how many of them lie between two ticks of each DAG.
var beats = map[string]int{"chain": 1, "fan": 2, "wait": 3, "flaky": 2}

// mixed are DAGs of each kind of work.
func (s *serving) mixed(b beat) {
	s.dag("chain.yaml", `
schedule: `+b.times(beats["chain"])+`
tasks:
  a: {run: `+task(2)+`}
  b: {needs: a, run: `+task(9)+`}
  c: {needs: b, run: `+task(4)+`}
`)
	s.dag("fan.yaml", `
schedule: `+b.times(beats["fan"])+`
tasks:
  part: {for_each: [1, 2, 3, 4], max_parallel: 2, run: `+task(5)+`}
  join: {needs: part, run: `+task(1)+`}
`)
	s.dag("wait.yaml", `
schedule: `+b.times(beats["wait"])+`
tasks:
  arrived: {run: 'test -f "$GATE"', env: {GATE: `+s.dir+`/gate}, sensor: {poke_interval: 1s, timeout: 1h, on_error: wait}}
  after: {needs: arrived, run: `+task(1)+`}
`)
	s.dag("flaky.yaml", `
schedule: `+b.times(beats["flaky"])+`
tasks:
  flaky: {run: 'test $WEFT_ATTEMPT -ge 2', retries: 3, retry_delay: 300ms}
  after: {needs: flaky, run: `+task(3)+`}
`)
}

// begun counts how often each task of each run has begun.
func (s *serving) begun() map[string]int {
	n := map[string]int{}
	for _, line := range s.effects() {
		if what, ok := strings.CutPrefix(line, "begin "); ok {
			n[what]++
		}
	}
	return n
}

// recorded are the tasks of unfinished runs that are known to have succeeded, as the ledger names them.
func (s *serving) recorded() (out []string) {
	s.t.Helper()
	for _, r := range s.unfinished() {
		res := s.run("runs", "show", r.Run, "--json")
		if strings.Contains(res.stderr, "cannot look at run") { // on Temporal a worker answers, and that one has just died
			continue
		}
		if res.code != 0 {
			s.t.Fatalf("weft runs show %s: %d\n%s", r.Run, res.code, res.stderr)
		}
		for id, task := range s.last(res.out).Tasks {
			if task.State == "success" && len(task.Instances) == 0 {
				out = append(out, fmt.Sprintf("%s %s.", r.Run, id))
			}
			for _, in := range task.Instances {
				if in.State == "success" {
					out = append(out, fmt.Sprintf("%s %s.%d", r.Run, id, in.Index))
				}
			}
		}
	}
	return out
}

// TestAServerKilledAtAnyMoment is R02: kill -9 at random moments under mixed DAGs. Nothing is lost, nothing that is
// recorded runs again, every run ends without anybody's help, and no tick of the schedules is missing.
func TestAServerKilledAtAnyMoment(t *testing.T) {
	kills := 50
	if soak() {
		kills = 1000
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	s := serveIn(t)
	often := beat{time.Second, "false"}
	s.mixed(often)
	s.write("gate", "")
	for range kills {
		if rng.IntN(3) == 0 { // the sensors wait for a while
			_ = os.Remove(s.dir + "/gate")
		} else {
			s.write("gate", "")
		}
		s.start()
		for _, r := range s.unfinished() {
			if r.CutOff {
				s.waitFor(r.Run+" is driven", 5*time.Second, func() bool {
					for _, now := range s.unfinished() {
						if now.Run == r.Run && now.CutOff {
							return false
						}
					}
					return true
				})
			}
		}
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond) // the moment is what is tested
		s.kill()
		s.remember()
	}
	s.start()
	s.finish(often)
	s.stop()
	t.Logf("%d kills, %d runs, %d tasks recorded before one", kills, len(s.runs()), len(s.kept))
}

// finish waits until all is over, with DAGs that are due no more, and holds the rest to the promises.
func (s *serving) finish(b beat) {
	t := s.t
	t.Helper()
	s.write("gate", "")
	s.waitFor("each DAG has begun three runs", time.Minute, func() bool { // who is down most of the time starts few
		began := map[string]int{}
		for _, r := range s.runs() {
			began[r.DAG]++
		}
		return len(began) == len(beats) && slices.Min(slices.Collect(maps.Values(began))) >= 3
	})
	for name := range beats {
		if err := os.Remove(s.dir + "/dags/" + name + ".yaml"); err != nil {
			t.Fatal(err)
		}
	}
	s.waitFor("every run is over", 3*time.Minute, func() bool { return len(s.unfinished()) == 0 })
	after := s.begun()
	for what, n := range s.kept {
		if after[what] != n {
			t.Errorf("doubled: %s was recorded, had begun %d times then, and %d times in the end", what, n, after[what])
		}
	}
	dates := map[string][]time.Time{}
	for _, r := range s.runs() {
		// Who is killed so often may hit one attempt three times in a row: that fails its task, and the run says so.
		if r.State != "success" {
			if shown := s.run("runs", "show", r.Run).out; !strings.Contains(shown, "cut off 3 times in a row") {
				t.Errorf("%s is %s\n%s", r.Run, r.State, shown)
			}
		}
		dates[r.DAG] = append(dates[r.DAG], r.Logical)
	}
	for dag, n := range beats {
		all, every := dates[dag], time.Duration(n)*b.every
		for tick, n := range ticks(all, every) {
			if n != 1 {
				t.Errorf("%s has %d runs of %s", dag, n, tick.Format(time.TimeOnly))
			}
		}
	}
}

// ticks gives each tick from the first of the dates to the last, and how many of them are of it.
func ticks(dates []time.Time, every time.Duration) iter.Seq2[time.Time, int] {
	return func(yield func(time.Time, int) bool) {
		if len(dates) == 0 {
			return
		}
		of := map[int64]int{}
		for _, d := range dates {
			of[d.Unix()]++
		}
		last := slices.MaxFunc(dates, time.Time.Compare)
		for d := slices.MinFunc(dates, time.Time.Compare); !d.After(last) && yield(d, of[d.Unix()]); d = d.Add(every) {
		}
	}
}

// remember notes what is recorded as done. It is read before the ledger: what was recorded by then has begun by then.
func (s *serving) remember() {
	s.t.Helper()
	done := s.recorded()
	begun := s.begun()
	for _, what := range done {
		s.keep(what, begun[what])
	}
}

// keep notes that a task is recorded as done, and how often it has begun.
func (s *serving) keep(what string, begun int) {
	if s.kept == nil {
		s.kept = map[string]int{}
	}
	if _, known := s.kept[what]; !known {
		s.kept[what] = begun
	}
}

// TestTwoServersOnOneStateFolder is R07: one leads, the other says who does and ends, whatever the leader's process is
// in.
func TestTwoServersOnOneStateFolder(t *testing.T) {
	s := serveIn(t)
	s.dag("chain.yaml", "schedule: every 1s\ntasks: {a: {run: "+task(1)+"}}\n")
	s.start()
	refused := func(when string) {
		t.Helper()
		res := s.run("serve")
		if want := fmt.Sprintf("another server serves this state folder: process %d", s.cmd.Process.Pid); res.code == 0 || !strings.Contains(res.stderr, want) {
			t.Errorf("%s the second server ends with %d:\n%s\nand does not say %q", when, res.code, res.stderr, want)
		}
	}
	refused("beside a leader")
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	refused("beside a leader that is stopped")
	time.Sleep(2500 * time.Millisecond) // ticks become due meanwhile
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	refused("beside a leader that goes on")
	s.waitFor("it goes on", 10*time.Second, func() bool { return len(s.runs()) >= 4 })
	s.stop()
	for what, n := range s.begun() {
		if n != 1 {
			t.Errorf("doubled: %s has begun %d times", what, n)
		}
	}
	if res := s.run("runs", "--json"); res.code != 0 {
		t.Errorf("after it: %s", res.stderr)
	}
}

// TestAServerIsStopped is R14: what runs has its time, what does not end in it runs again; nothing is shown to run that
// does not, and the next server goes on by itself.
func TestAServerIsStopped(t *testing.T) {
	s := serveIn(t, "WEFT_DRAIN=1s", "WEFT_GRACE=1s")
	s.dag("long.yaml", `
schedule: "@once"
tasks:
  quick: {run: 'echo "quick $WEFT_ATTEMPT" >>"$LEDGER"; sleep 0.5; echo "quick done" >>"$LEDGER"'}
  next: {needs: quick, run: 'echo next >>"$LEDGER"'}
  slow: {run: 'echo "slow $WEFT_ATTEMPT $WEFT_IDEMPOTENCY_KEY" >>"$LEDGER"; test -f `+s.dir+`/gate || sleep 60', retries: 0}
  waits: {run: 'test -f `+s.dir+`/gate', sensor: {poke_interval: 1s, timeout: 1h, on_error: wait}}
`)
	s.start()
	s.waitFor("both run", 10*time.Second, func() bool { return len(s.effects()) >= 2 })
	if took := s.stop(); took > 4*time.Second {
		t.Errorf("it takes %s to stop", took)
	}
	run := s.runs()[0]
	shown := s.last(s.run("runs", "show", run.Run, "--json").out)
	if got := shown.states("quick", "slow"); strings.Contains(got, "running") || !strings.HasPrefix(got, "quick=success") {
		t.Errorf("stopped, it shows %s", got)
	}
	if n := survivors(s.dir); len(n) > 0 {
		t.Errorf("left over: %v", n)
	}
	s.write("gate", "")
	s.start()
	s.waitFor("the run is over", 20*time.Second, func() bool { return len(s.unfinished()) == 0 })
	s.stop()
	if r := s.runs()[0]; r.State != "success" {
		t.Errorf("the run is %s\n%s", r.State, s.run("runs", "show", r.Run).out)
	}
	var slow []string
	for _, line := range s.effects() {
		if strings.HasPrefix(line, "slow") {
			slow = append(slow, line)
		}
	}
	if len(slow) != 2 || slow[0] != slow[1] {
		t.Errorf("what was stopped runs again under its number and key: %q", slow)
	}
}
