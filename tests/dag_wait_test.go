package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// waits is a DAG that waits for load by what it is told.
func waits(with, sensor string) string {
	return fmt.Sprintf(`
id: waits
tasks:
  wait: {uses: dag.wait, with: {id: load%s}, sensor: {poke_interval: 50ms, %s}}
  after: {needs: wait, run: 'echo "${{ tasks.wait.output.run_id }}"'}
`, with, sensor)
}

// TestOneDAGWaitsForAnother: for the run of its own date, which may come later, be old, or be one of several.
func TestOneDAGWaitsForAnother(t *testing.T) {
	w := chain(t, "dags/waits.yaml", waits("", "timeout: 30s"), "go", "")
	load := func(id, date string, code int) {
		t.Helper()
		w.must(code, "", "run", "load", "-p", "day=x", "--run-id", id, "--logical-date", date)
	}
	gave := func(date, want string) {
		t.Helper()
		sum, res := w.runJSON("waits", "--logical-date", date)
		if got := string(sum.Tasks["wait"].Output); got != fmt.Sprintf(`{"run_id":"%s","state":"success"}`, want) {
			t.Errorf("for %s it gave %s, not %s: %s\n%s", date, got, want, sum.Tasks["wait"].Reason, res.stderr)
		}
	}
	load("old", "2026-01-01", 0)
	load("other", "2026-01-03", 0)
	later := w.start("run", "waits", "--logical-date", "2026-01-02", "--run-id", "r")
	eventually(t, "it waits", func() bool {
		return strings.Contains(w.run("logs", "r", "wait").out, "there is no run of load for 2026-01-02T00:00:00Z yet")
	})
	load("later", "2026-01-02", 0)
	if code, out := later.ends(t); code != 0 || !strings.Contains(w.run("logs", "r", "after").out, "later") {
		t.Errorf("exit %d\n%s", code, out)
	}
	gave("2026-01-01", "old")
	load("again", "2026-01-01", 0)
	gave("2026-01-01", "again")

	w.write("dags/waits.yaml", waits(`, logical_date: "${{ run.logical_date - duration('1d') }}"`, "timeout: 30s"))
	gave("2026-01-04", "other")
}

// TestWaitingForWhatEndsOtherwise: the poke fails at once, unless that state is waited for; on_error says
// whether it goes on waiting, as Airflow's sensor does, and then a run that is cleared is what it waited for.
func TestWaitingForWhatEndsOtherwise(t *testing.T) {
	w := chain(t, "go", "", "bad", "", "weft.yaml", "vars: {end: skipped, other: cancelled}\n") // written out they are no states to `weft validate`
	w.must(1, "", "run", "load", "-p", "day=x", "--run-id", "red", "--logical-date", "2026-01-02")
	for _, c := range []struct{ with, sensor, ends string }{
		{"", "timeout: 30s", "failed: run red of load has failed: report upstream_failed (work: exited with status 1) (on_error: wait takes a failed poke for not yet)"},
		{", states: [failed, cancelled]", "timeout: 30s", `success {"run_id":"red","state":"failed"}`},
		{", task: work", "timeout: 30s", "failed: task work of run red of load is failed, and not success (on_error: wait takes a failed poke for not yet)"},
		{", task: report, states: [upstream_failed, skipped]", "timeout: 30s", `success {"run_id":"red","state":"upstream_failed"}`},
		{", task: wrok", "timeout: 30s", "failed: cannot wait for task wrok of load: run red has no such task, but report, work"},
		{`, states: ["${{ vars.end }}"]`, "timeout: 30s", "failed: dags/waits.yaml:4:53: cannot use dag.wait: with.states.0 is no state of a run: it ends as success, failed or cancelled"},
		{`, task: work, states: ["${{ vars.other }}"]`, "timeout: 30s", "failed: dags/waits.yaml:4:65: cannot use dag.wait: with.states.0 is no state of a task: it ends as success, failed, skipped or upstream_failed"},
		{"", "timeout: 30s, on_error: skip", "skipped: run red of load has failed: report upstream_failed (work: exited with status 1)"},
		{"", "timeout: 300ms, on_error: wait", "failed: the sensor waited longer than its timeout of 300ms"},
		{"", "timeout: 300ms, on_error: wait, soft_fail: true", "skipped: the sensor waited longer than its timeout of 300ms"},
	} {
		w.write("dags/waits.yaml", waits(c.with, c.sensor))
		sum, _ := w.runJSON("waits", "--logical-date", "2026-01-02")
		got := sum.Tasks["wait"]
		said := got.State + ": " + got.Reason
		if got.State == "success" {
			said = "success " + string(got.Output)
		}
		if !strings.HasPrefix(said, c.ends) {
			t.Errorf("with %q and %q\n got %s\nwant %s", c.with, c.sensor, said, c.ends)
		}
	}
	w.write("dags/waits.yaml", waits("", "timeout: 1m, on_error: wait"))
	patient := w.start("run", "waits", "--logical-date", "2026-01-02", "--run-id", "p")
	eventually(t, "it takes the failure for not yet", func() bool {
		return strings.Contains(w.run("logs", "p", "wait").out, "not yet: run red of load has failed")
	})
	w.write("dags/load.yaml", strings.Replace(startedLoad, `test ! -e "$here/bad"`, "true", 1))
	w.must(0, "", "retry", "red")
	if code, out := patient.ends(t); code != 0 {
		t.Errorf("exit %d after the other was cleared\n%s", code, out)
	}
}

// TestWaitingForATaskOfARunThatGoesOn: its state is seen while the run goes on, in this process and in
// another; and weft may be killed meanwhile.
func TestWaitingForATaskOfARunThatGoesOn(t *testing.T) {
	w := chain(t, "dags/waits.yaml", waits(", task: first", "timeout: 1m"), "dags/load.yaml", `
id: load
tasks:
  first: {run: 'echo "begin first" >> "$LEDGER"'}
  second:
    needs: first
    run: |
      until test -e "$(dirname "$LEDGER")/go"; do sleep 0.02; done
`)
	before := w.start("run", "waits", "--logical-date", "2026-01-02", "--run-id", "before")
	eventually(t, "it waits", func() bool { return w.run("runs", "show", "before").code == 0 })
	_ = before.Process.Kill()
	before.ends(t)
	load := w.start("run", "load", "--logical-date", "2026-01-02")
	w.begun(1)
	start := time.Now()
	w.must(0, "", "run", "waits", "--logical-date", "2026-01-02")
	w.must(0, "", "runs", "resume", "before")
	t.Logf("two waits took %s", time.Since(start).Round(time.Millisecond))
	w.write("go", "")
	if code, out := load.ends(t); code != 0 {
		t.Errorf("exit %d\n%s", code, out)
	}
}
