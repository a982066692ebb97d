package tests

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reference is the DAG that is killed: side by side and in a row, mapped, retried, a sensor, a
// process that leaves children behind, a fan-in by expression, a callback. Each attempt appends to
// the ledger when it begins and when it has done its work.
const reference = `
id: reference
x-work: &work |
  echo "begin $WEFT_TASK_ID/$WEFT_INDEX/$WEFT_ATTEMPT $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"
  sleep 0.05
  echo "end $WEFT_TASK_ID/$WEFT_INDEX/$WEFT_ATTEMPT" >> "$LEDGER"
tasks:
  a: {run: *work}
  b: {needs: a, run: *work}
  c: {needs: a, run: *work}
  strays:
    needs: a
    run: |
      echo "begin $WEFT_TASK_ID/$WEFT_INDEX/$WEFT_ATTEMPT $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"
      sleep 300 &
      setsid sh -c 'trap "" TERM; sleep 300' &
      sleep 0.1
      echo "end $WEFT_TASK_ID/$WEFT_INDEX/$WEFT_ATTEMPT" >> "$LEDGER"
  flaky:
    needs: b
    retries: 3
    retry_delay: 50ms
    run: |
      echo "begin $WEFT_TASK_ID/$WEFT_INDEX/$WEFT_ATTEMPT $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"
      test "$WEFT_ATTEMPT" -ge 2
      echo "end $WEFT_TASK_ID/$WEFT_INDEX/$WEFT_ATTEMPT" >> "$LEDGER"
  arrived:
    uses: file.head
    with: {path: "${{ params.flag }}"}
    sensor: {until: output.exists, poke_interval: 50ms, timeout: 60s}
  part: {needs: c, for_each: [1, 2, 3, 4], max_parallel: 2, run: *work}
  bad: {needs: c, run: "exit 7"}
  fan_in:
    needs: [part, bad, flaky, arrived]
    trigger: count(upstream, .state == "success") >= 3
    run: *work
  after: {needs: [fan_in, strays], run: *work}
verdict: tasks.after.state == "success"
params:
  flag: {type: string}
on_success:
  told: {run: *work}
`

const referenceEnd = "a=success b=success c=success strays=success flaky=success arrived=success part=success bad=failed fan_in=success after=success on_success.told=success"

var referenceIDs = strings.Fields("a b c strays flaky arrived part bad fan_in after on_success.told")

// A killing is one run of the reference DAG that is killed and gone on with.
type killing struct {
	*world
	id   string
	file string
	flag string
}

func newKilling(t *testing.T, id string) *killing {
	w := newWorld(t)
	return &killing{world: w, id: id, file: w.write("reference.yaml", reference), flag: w.write("flag", "")}
}

func (k *killing) args() []string {
	return []string{"run", k.file, "--run-id", k.id, "-p", "flag=" + k.flag, "--json"}
}

// successes reads the journal from outside: which instances are recorded as success.
func (k *killing) successes() (map[string]bool, bool) {
	res := k.run("runs", "show", k.id, "--json")
	if res.code != 0 {
		return nil, false
	}
	done := map[string]bool{}
	for id, task := range k.last(res.out).Tasks {
		if task.State == "success" && len(task.Instances) == 0 {
			done[id+"/-"] = true
		}
		for _, in := range task.Instances {
			if in.State == "success" {
				done[id+"/"+strconv.Itoa(in.Index)] = true
			}
		}
	}
	return done, true
}

// instanceOf takes "begin part/3/1 key" to "part/3".
func instanceOf(line string) (string, bool) {
	rest, ok := strings.CutPrefix(line, "begin ")
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, " ")
	return name[:strings.LastIndex(name, "/")], true
}

// finish goes on with the run until it ends, and holds it to the promises: it ends as it should,
// nothing recorded as success begins again, nothing survives.
func (k *killing) finish() {
	k.t.Helper()
	done, known := k.successes()
	before := len(k.effects())
	var res result
	if known {
		res = k.run("runs", "resume", k.id, "--json")
	} else { // killed before the run was accepted
		res = k.run(k.args()...)
	}
	if res.code != 0 {
		k.t.Errorf("going on: exit %d\n%s%s", res.code, res.out, res.stderr)
		return
	}
	show := k.run("runs", "show", k.id, "--json")
	if got := k.last(show.out).states(referenceIDs...); got != referenceEnd {
		k.t.Errorf("ended as\n     %s\nwant %s", got, referenceEnd)
	}
	keys := map[string]string{}
	for i, line := range k.effects() {
		name, ok := instanceOf(line)
		if !ok {
			continue
		}
		if i >= before && done[name] {
			k.t.Errorf("%s was recorded as success and began again: %s", name, line)
		}
		key := line[strings.LastIndex(line, " ")+1:]
		if keys[name] != "" && keys[name] != key {
			k.t.Errorf("%s has two idempotency keys: %s and %s", name, keys[name], key)
		}
		keys[name] = key
	}
	if left := survivors(k.dir); len(left) > 0 {
		k.t.Errorf("survivors: %v", left)
	}
}

// survivors are processes whose environment names this world: none may be left after a run.
func survivors(dir string) []string {
	var left []string
	procs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, p := range procs {
		env, err := os.ReadFile(p)
		if err == nil && bytes.Contains(env, []byte("LEDGER="+dir)) {
			cmd, _ := os.ReadFile(filepath.Dir(p) + "/cmdline")
			left = append(left, filepath.Dir(p)+" "+strings.ReplaceAll(string(cmd), "\x00", " "))
		}
	}
	return left
}

// TestKilledAtAnyMoment kills `weft run` with SIGKILL at random moments and goes on.
func TestKilledAtAnyMoment(t *testing.T) {
	n := 50
	if soak() {
		n = 1000
	}
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewSource(seed))
	whole := timeOf(t)
	for i := range n {
		at := time.Duration(rnd.Int63n(int64(whole)))
		twice := rnd.Intn(3) == 0
		second := time.Duration(rnd.Int63n(int64(whole) / 2))
		t.Run(fmt.Sprintf("%d after %s", i, at.Round(time.Millisecond)), func(t *testing.T) {
			t.Parallel()
			k := newKilling(t, fmt.Sprintf("r%d", i))
			k.killAfter(at, k.args()...)
			if twice {
				k.killAfter(second, "runs", "resume", k.id, "--json")
			}
			k.finish()
		})
	}
}

// timeOf is how long the reference DAG takes undisturbed here and now.
func timeOf(t *testing.T) time.Duration {
	k := newKilling(t, "undisturbed")
	start := time.Now()
	if res := k.run(k.args()...); res.code != 0 {
		t.Fatalf("the reference DAG does not run: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	return time.Since(start)
}

func (k *killing) killAfter(d time.Duration, args ...string) {
	k.t.Helper()
	cmd := k.command(args...)
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	timer := time.AfterFunc(d, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	_ = cmd.Wait() // killed, or over before
	timer.Stop()
}

// TestKilledAtAWrite kills weft (SIGKILL, by strace's fault injection) when a thread of it comes to
// its k-th fsync or write of the database: between any two steps of durability.
func TestKilledAtAWrite(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is not here; ./check installs it")
	}
	points := 20
	if soak() {
		points = 200
	}
	const calls = "fsync,fdatasync,pwrite64"
	total := 60 // calls of the busiest thread, by a trial below
	trial := newKilling(t, "trial")
	if n := trial.strace(calls, "", trial.args()...); n > 0 {
		total = n
	}
	t.Logf("the busiest thread makes %d calls of %s", total, calls)
	killed := 0
	for i := range points {
		at := 1 + i*total/points
		t.Run(fmt.Sprintf("call %d", at), func(t *testing.T) {
			// The calls are counted by thread, and Go moves its work between threads as it likes: where
			// none comes to the k-th this time, an earlier one is taken.
			for call, cut := at, false; !cut && call > 0; call = call * 2 / 3 {
				k := newKilling(t, fmt.Sprintf("w%d", call))
				k.strace(calls, fmt.Sprintf("-einject=%s:signal=SIGKILL:when=%d", calls, call), k.args()...)
				if done, known := k.successes(); !known || !done["after/-"] {
					killed++
					cut = true
				}
				k.finish()
			}
		})
	}
	if killed < points*9/10 {
		t.Errorf("only %d of %d runs were cut off: the points are not where the writes are", killed, points)
	}
}

// strace runs weft under strace and returns how many of the calls its busiest thread made.
func (k *killing) strace(calls, inject string, args ...string) int {
	k.t.Helper()
	log := filepath.Join(k.dir, "strace")
	_ = os.RemoveAll(log)
	argv := []string{"-f", "-b", "execve", "-qq", "-o", log, "-e", "trace=" + calls}
	if inject != "" {
		argv = append(argv, inject)
	}
	weft := k.command(args...)
	cmd := exec.Command("strace", append(append(argv, binary), args...)...)
	cmd.Dir, cmd.Env = weft.Dir, weft.Env
	out, err := cmd.CombinedOutput()
	if err != nil && inject == "" {
		k.t.Fatalf("strace: %v\n%s", err, out)
	}
	b, _ := os.ReadFile(log)
	byThread, most := map[string]int{}, 0
	for _, line := range strings.Split(string(b), "\n") {
		if pid, rest, ok := strings.Cut(line, " "); ok && strings.Contains(rest, "(") {
			byThread[pid]++
			most = max(most, byThread[pid])
		}
	}
	return most
}
