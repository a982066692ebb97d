package tests

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weft/tests/s3server"
)

// startedLoad is the DAG that others start. Its task says in the ledger that it begins and that it is done; it
// ends once the file go is there, and fails if bad is.
const startedLoad = `
id: load
params:
  day: {type: string}
  parts: {type: integer, default: 2}
tasks:
  work:
    run: |
      echo "begin ${{ run.id }} ${{ params.day }}/${{ params.parts }} ${{ run.ds }}" >> "$LEDGER"
      here="$(dirname "$LEDGER")"
      until test -e "$here/go"; do sleep 0.02; done
      test ! -e "$here/bad"
      echo "end ${{ run.id }}" >> "$LEDGER"
  report: {needs: work, run: 'echo reported'}
`

// startsLoad is a DAG that starts load and waits for its end.
const startsLoad = `
id: nightly
tasks:
  load:
    uses: dag.run
    with: {id: load, params: {day: "${{ run.ds }}", parts: "${{ 1 + 2 }}"}, logical_date: "${{ run.logical_date }}", wait: true}
  publish: {needs: load, run: 'echo "${{ tasks.load.output.run_id }} is ${{ tasks.load.output.state }}"'}
`

// chain is a world with both.
func chain(t *testing.T, more ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.write("dags/load.yaml", startedLoad)
	w.write("dags/nightly.yaml", startsLoad)
	for i := 0; i+1 < len(more); i += 2 {
		w.write(more[i], more[i+1])
	}
	return w
}

// runsOf are the runs of a DAG, the newest first, as "state type date"; ids are their ids.
func (w *world) runsOf(dag string) (rows, ids []string) {
	w.t.Helper()
	res := w.run("runs", "--json", "-n", "0", "--dag", dag)
	if res.code != 0 && strings.Contains(res.stderr, "there is no state folder") {
		return nil, nil
	}
	var list []struct {
		ID    string    `json:"run_id"`
		Type  string    `json:"run_type"`
		State string    `json:"state"`
		Date  time.Time `json:"logical_date"`
	}
	if err := json.Unmarshal([]byte(res.out), &list); err != nil {
		w.t.Fatalf("the runs of %s: %v\n%s%s", dag, err, res.out, res.stderr)
	}
	for _, r := range list {
		rows = append(rows, r.State+" "+r.Type+" "+r.Date.Format(time.DateOnly))
		ids = append(ids, r.ID)
	}
	return rows, ids
}

// begun waits until as many lines of the ledger begin with "begin".
func (w *world) begun(n int) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%d attempts have begun", n), func() bool {
		return len(slices.DeleteFunc(w.effects(), func(l string) bool { return !strings.HasPrefix(l, "begin") })) >= n
	})
}

// ends waits for the end of a call and returns its exit code, -1 for a signal, and what it wrote.
func (c *pending) ends(t *testing.T) (code int, out string) {
	t.Helper()
	kill := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	_ = c.Wait() // the exit code says how
	body, err := os.ReadFile(c.out)
	if err != nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(body)
}

// TestOneDAGStartsAnother: the other has the params and the date that it was given, its run has an id of
// its own, the task waits for it and gives its id, and both can be asked about each other.
func TestOneDAGStartsAnother(t *testing.T) {
	w := chain(t, "go", "")
	sum, res := w.runJSON("nightly", "--logical-date", "2026-01-02T03:00:00Z")
	if got := sum.states("load", "publish"); got != "load=success publish=success" {
		t.Fatalf("ended as %s\n%s%s", got, res.out, res.stderr)
	}
	rows, ids := w.runsOf("load")
	if fmt.Sprint(rows) != "[success manual 2026-01-02]" || !strings.HasPrefix(ids[0], "manual__") || ids[0] == sum.Run {
		t.Errorf("the runs of load: %s %s", rows, ids)
	}
	if got := string(sum.Tasks["load"].Output); got != fmt.Sprintf(`{"run_id":"%s","state":"success"}`, ids[0]) {
		t.Errorf("the output is %s", got)
	}
	if got := w.effects()[0]; got != "begin "+ids[0]+" 2026-01-02/3 2026-01-02" {
		t.Errorf("load saw %s", got)
	}
	w.must(0, "started by task load of nightly, run "+sum.Run, "runs", "show", ids[0])
	w.must(0, "run "+ids[0]+" of load is success", "logs", sum.Run, "load")
}

// TestStartedAndNotWaitedFor: the task is done at once; the command stays until what it has started has
// ended, a line a run, and a program's last line is the summary all the same.
func TestStartedAndNotWaitedFor(t *testing.T) {
	w := chain(t, "dags/fire.yaml", "id: fire\ntasks:\n  start: {uses: dag.run, with: {id: load, params: {day: today}}}\n")
	g := w.start("run", "fire", "--json")
	lines := w.start("run", "fire")
	w.begun(2)
	rows, _ := w.runsOf("fire")
	if fmt.Sprint(rows) != fmt.Sprintf("[success manual %[1]s success manual %[1]s]", time.Now().UTC().Format(time.DateOnly)) {
		t.Errorf("the runs of fire: %s", rows)
	}
	w.write("bad", "")
	w.write("go", "")
	code, out := g.ends(t)
	if code != 0 {
		t.Errorf("exit %d: how the other ends is not asked", code)
	}
	code, text := lines.ends(t)
	if code != 0 {
		t.Errorf("exit %d, of the one with lines", code)
	}
	sum := w.last(out)
	if sum.DAG != "fire" || sum.State != "success" || !strings.Contains(string(sum.Tasks["start"].Output), `"state":"running"`) {
		t.Errorf("the summary is %+v", sum)
	}
	for _, want := range []string{`"type":"child_started"`, `"type":"child_finished"`, `"dag_id":"load","state":"failed","reason":"report upstream_failed"`} {
		if !strings.Contains(out, want) {
			t.Errorf("--json does not say %s:\n%s", want, out)
		}
	}
	_, ids := w.runsOf("load")
	for _, want := range []string{"load   running", "load   failed"} {
		if !strings.Contains(text, want) || !strings.Contains(text, ids[0]) && !strings.Contains(text, ids[1]) {
			t.Errorf("the lines do not say %q:\n%s", want, text)
		}
	}
}

// TestTheOtherDAGFails: so does the task, with the other's run and reason; a retry is another run, and
// clearing the task is one more.
func TestTheOtherDAGFails(t *testing.T) {
	w := chain(t, "go", "", "bad", "")
	w.write("dags/nightly.yaml", strings.Replace(startsLoad, "  load:\n", "  load:\n    retries: 1\n    retry_delay: 10ms\n    retry_if: error.kind == \"remote\"\n", 1))
	sum, _ := w.runJSON("nightly", "--run-id", "r")
	rows, ids := w.runsOf("load")
	if len(rows) != 2 || sum.State != "failed" || sum.Tasks["load"].Attempts != 2 {
		t.Fatalf("%s after %d attempts, runs of load: %s", sum.State, sum.Tasks["load"].Attempts, rows)
	}
	if got, want := sum.Tasks["load"].Reason, "run "+ids[0]+" of load has failed: report upstream_failed (work: exited with status 1)"; got != want {
		t.Errorf("the reason is %q, not %q", got, want)
	}
	if err := os.Remove(filepath.Join(w.dir, "bad")); err != nil {
		t.Fatal(err)
	}
	w.must(0, "success", "clear", "r", "--task", "load", "--yes")
	if rows, _ = w.runsOf("load"); len(rows) != 3 || !strings.HasPrefix(rows[0], "success") || !strings.HasPrefix(rows[1], "failed") {
		t.Errorf("after the clear: %s", rows)
	}
}

// TestWhatCannotBeStarted: each is said with the names that there are.
func TestWhatCannotBeStarted(t *testing.T) {
	w := chain(t, "dags/broken.yaml", "id: broken\ntasks: {a: {runs: x}}\n", "dags/wrong.yaml", `
id: wrong
params: {id: {type: string, default: laod}, day: {type: string, default: yesterday}}
tasks:
  unknown: {uses: dag.run, with: {id: "${{ params.id }}"}}
  broken: {uses: dag.run, with: {id: broken}}
  params: {uses: dag.run, with: {id: load, params: "${{ {\"dya\": \"x\", \"parts\": \"many\"} }}"}}
  date: {uses: dag.run, with: {id: load, params: {day: x}, logical_date: "${{ params.day }}"}}
  secret: {env: {TOKEN: "${{ secrets.TOKEN }}"}, uses: dag.run, with: {id: load, params: {day: correct-horse-battery}}}
  large: {uses: dag.run, with: {id: load, params: {day: "${{ join(map(1..9000, \"abcdef\"), \"\") }}"}}}
`)
	t.Setenv("WEFT_SECRET_TOKEN", "correct-horse-battery")
	sum, res := w.runJSON("wrong")
	for task, want := range map[string]string{
		"unknown": `cannot find DAG "laod": no file in dags has that id (did you mean load?)`,
		"broken":  `cannot start what dags/broken.yaml holds: it has 1 error, at 2:13 a task has no key "runs" (weft validate dags/broken.yaml shows all that is wrong)`,
		"params":  `cannot start load: param "dya" is not declared by this DAG; did you mean "day"?; param "day" is missing: it has no default; param "parts" must be a whole number, not text (its params are day, parts)`,
		"date":    `dags/wrong.yaml:8:75: cannot use dag.run: with.logical_date must be a date, as 2026-01-02 or 2026-01-02T03:04:05Z, not "yesterday"`,
		"secret":  `cannot submit it: what names it holds secret TOKEN, and would be kept with the run (secrets may stand in what is handed over, not in names)`,
		"large":   `cannot start load: its params have 54033 bytes of JSON, at most 49152 fit (hand over an address: tasks.NAME.ref.uri, or an object of S3)`,
	} {
		if got := sum.Tasks[task]; got.Reason != want || got.State != "failed" {
			t.Errorf("%s: %s\n got %s\nwant %s", task, got.State, got.Reason, want)
		}
	}
	if rows, _ := w.runsOf("load"); len(rows) > 0 {
		t.Errorf("load has run: %s\n%s", rows, res.out)
	}
}

// TestNoForkBomb: DAGs that start each other are stopped at a depth, and the run says which they are.
func TestNoForkBomb(t *testing.T) {
	w := newWorld(t)
	w.write("dags/a.yaml", "id: a\ntasks: {go: {uses: dag.run, with: {id: b, wait: true}}}\n")
	w.write("dags/b.yaml", "id: b\ntasks: {go: {uses: dag.run, with: {id: a}}}\n")
	w.must(0, "", "run", "a")
	a, ids := w.runsOf("a")
	b, _ := w.runsOf("b")
	if len(a)+len(b) != 21 {
		t.Errorf("%d runs of a and %d of b: 20 below the first are allowed", len(a), len(b))
	}
	deepest := ids[0]
	w.must(0, "cannot start b: 20 runs stand above it already, one started by the other: … → b → a → b → a → b", "logs", deepest, "go")
}

// TestKilledWhileItWaits kills weft at random moments, before, while and after the other DAG is started: it
// goes on as well, and there is one run of it for the attempt.
func TestKilledWhileItWaits(t *testing.T) {
	n := 12
	if soak() {
		n = 200
	}
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewSource(seed))
	for i := range n {
		at, both := time.Duration(10+rnd.Intn(120))*time.Millisecond, i%2 == 0
		t.Run(fmt.Sprintf("%d after %s", i, at), func(t *testing.T) {
			t.Parallel()
			w := chain(t)
			g := w.start("run", "nightly", "--run-id", "r")
			if i < 4 { // in the middle of the wait for certain
				w.begun(1)
			} else {
				time.Sleep(at)
			}
			_ = g.Process.Signal(syscall.SIGKILL)
			g.ends(t)
			w.write("go", "")
			args := []string{"runs", "resume", "r"} // which takes up the run that it waits for
			if both {
				args = args[:2]
			}
			if w.run("runs", "show", "r").code != 0 { // it was killed before the run was accepted
				args = []string{"run", "nightly", "--run-id", "r"}
			}
			w.must(0, "", args...)
			sum := w.last(w.run("runs", "show", "r", "--json").out)
			rows, ids := w.runsOf("load")
			if sum.State != "success" || len(rows) != 1 || !strings.HasPrefix(rows[0], "success") || !strings.Contains(string(sum.Tasks["load"].Output), ids[0]) {
				t.Errorf("nightly is %s with %s, runs of load: %s %s", sum.State, sum.Tasks["load"].Output, rows, ids)
			}
			if left := survivors(w.dir); len(left) > 0 {
				t.Errorf("survivors: %v", left)
			}
		})
	}
}

// TestStoppedWithTheTaskThatWaits: at a cancel, the task's timeout, a clear and Ctrl-C the run that is waited
// for ends too, and nothing of it is left alive.
func TestStoppedWithTheTaskThatWaits(t *testing.T) {
	for _, c := range []struct {
		name, task  string // more keys of the task
		stop        func(w *world, c *pending)
		code        int
		load, state string // of the runs of load, newest first; of the task
	}{
		{
			"cancel", "", func(w *world, _ *pending) { w.must(0, "r is cancelled", "cancel", "r") },
			1, "[cancelled]", "failed: cancelled by ",
		},
		{
			"timeout", "timeout: 500ms\n    retries: 1\n    retry_delay: 1ms", func(w *world, _ *pending) { w.begun(2) },
			1, "[cancelled cancelled]", "failed: timed out after 500ms, run ",
		},
		{
			"clear", "", func(w *world, _ *pending) {
				w.must(0, "done; another weft drives r", "clear", "r", "--task", "load", "--yes")
				w.begun(2)
				w.write("go", "")
			},
			0, "[success cancelled]", "success: ",
		},
		{
			"Ctrl-C", "", func(_ *world, c *pending) { _ = c.Process.Signal(syscall.SIGINT) },
			130, "[cancelled]", "failed: cancelled by ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := chain(t)
			if c.task != "" {
				w.write("dags/nightly.yaml", strings.Replace(startsLoad, "  load:\n", "  load:\n    "+c.task+"\n", 1))
			}
			g := w.start("run", "nightly", "--run-id", "r")
			w.begun(1)
			c.stop(w, g)
			if code, out := g.ends(t); code != c.code {
				t.Errorf("exit %d, want %d\n%s", code, c.code, out)
			}
			rows, _ := w.runsOf("load")
			for i := range rows {
				rows[i], _, _ = strings.Cut(rows[i], " ")
			}
			task := w.last(w.run("runs", "show", "r", "--json").out).Tasks["load"]
			if fmt.Sprint(rows) != c.load || !strings.HasPrefix(task.State+": "+task.Reason, c.state) {
				t.Errorf("the runs of load are %s, the task is %s: %s", rows, task.State, task.Reason)
			}
			if left := survivors(w.dir); len(left) > 0 {
				t.Errorf("survivors: %v", left)
			}
		})
	}
}

// TestPublishedDAGsStartEachOther: what is started is found in the bucket, as it is now.
func TestPublishedDAGsStartEachOther(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := chain(t, "go", "")
	w.must(0, "generation", "sync", "dags", "s3://acme/dags", "--yes")
	if sum, res := w.runJSON("nightly", "--dags", "s3://acme/dags"); sum.State != "success" {
		t.Errorf("the run is %s: %s\n%s", sum.State, sum.Tasks["load"].Reason, res.stderr)
	}
	w.write("dags/nightly.yaml", strings.Replace(startsLoad, "id: load,", "id: laod,", 1))
	w.must(1, `there is no DAG "laod"`, "sync", "dags", "s3://acme/dags", "--yes")
}
