package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestExplainNamesRuleUpstreamAndWhatDecided asks about a skipped, a failed, a waiting and a
// never-started task.
func TestExplainNamesRuleUpstreamAndWhatDecided(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", `
id: x
tasks:
  good: {run: "true"}
  bad: {run: "exit 3"}
  off: {needs: good, when: "1 == 2", run: "true"}
  skipped: {needs: off, run: "true"}
  never: {needs: [good, bad], run: "true"}
  two: {needs: [good, bad, off], trigger: 'count(upstream, .state == "success") >= 2', run: "true"}
  waiting:
    uses: file.head
    with: {path: `+w.dir+`/never}
    sensor: {until: output.exists, poke_interval: 1s, timeout: 1h}
  later: {needs: waiting, run: "true"}
`)
	cmd := w.command("run", file, "--run-id", "r1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { w.run("cancel", "r1"); _ = cmd.Wait() }()
	eventually(t, "the run waits for its file alone", func() bool {
		res := w.run("runs", "show", "r1", "--json")
		return res.code == 0 && w.last(res.out).states("two", "skipped", "never", "waiting") ==
			"two=upstream_failed skipped=skipped never=upstream_failed waiting=up_for_reschedule"
	})
	for _, c := range []struct{ task, says string }{
		{"skipped", "all_success|off is skipped|1 skipped"},
		{"off", "when is false: 1 == 2|good is success"},
		{"bad", "exited with status 3|no upstream"},
		{"never", "upstream_failed|all_success|good is success|bad is failed|1 failed"},
		{"two", `count(upstream, .state == "success") >= 2|bad is failed|off is skipped|good is success`},
		{"waiting", "up_for_reschedule|until"},
		{"later", "none|waits for|waiting (up_for_reschedule)"},
	} {
		res := w.run("explain", "r1", c.task)
		for _, want := range strings.Split(c.says, "|") {
			if !strings.Contains(res.out, want) {
				t.Errorf("explain %s does not say %q:\n%s%s", c.task, want, res.out, res.stderr)
			}
		}
	}
}

// TestAThousandSensorsHoldNoSlot: a ready task starts at once while 1,000 sensors wait.
func TestAThousandSensorsHoldNoSlot(t *testing.T) {
	w := newWorld(t)
	w.write("weft.yaml", "pools: {default: 2}\n")
	var b strings.Builder
	b.WriteString("id: many\ntasks:\n")
	fmt.Fprintf(&b, "  wait: {for_each: %s, uses: file.head, with: {path: %s/flag}, sensor: {until: output.exists, poke_interval: 1s, timeout: 1h}}\n", numbers(1000), w.dir)
	b.WriteString("  pause: {uses: wait, with: {for: 1s}}\n")
	fmt.Fprintf(&b, "  ready: {needs: pause, run: 'date +%%s%%N >> \"$LEDGER\"'}\n")
	fmt.Fprintf(&b, "  open: {needs: ready, run: touch %s/flag}\n", w.dir)
	sum, res := w.runJSON(w.write("many.yaml", b.String()))
	if got := sum.states("wait", "ready", "open"); got != "wait=success ready=success open=success" {
		t.Errorf("%s\n%s", got, res.stderr)
	}
	var paused, began time.Time
	for _, u := range updates(t, res.out) {
		if u.Task == "pause" && u.State == "success" {
			paused = u.At
		}
		if u.Task == "ready" && u.State == "running" {
			began = u.At
		}
	}
	if d := began.Sub(paused); paused.IsZero() || began.IsZero() || d > time.Second {
		t.Errorf("ready began %s after its upstream ended", d)
	}
}

// TestTenThousandTasksInOneDAG runs them for real.
func TestTenThousandTasksInOneDAG(t *testing.T) {
	const n = 10_000
	w := newWorld(t)
	w.write("weft.yaml", "pools: {default: 64}\n")
	var b strings.Builder
	b.WriteString("id: big\nmax_active_tasks: 64\ntasks:\n")
	for i := range n {
		fmt.Fprintf(&b, "  t%d: {uses: noop, with: {output: %d}", i, i)
		if i >= 100 {
			fmt.Fprintf(&b, ", needs: [t%d, t%d]", i-100, i-99)
		}
		b.WriteString("}\n")
	}
	file := w.write("big.yaml", b.String())
	if len(b.String()) > 1<<20 {
		t.Fatal("larger than a DAG file may be")
	}
	sum, res := w.runJSON(file)
	if sum.State != "success" || len(sum.Tasks) != n {
		t.Errorf("%s, %d tasks of %d\n%s", sum.State, len(sum.Tasks), n, res.stderr)
	}
	for id, task := range sum.Tasks {
		if task.State != "success" || string(task.Output) != id[1:] {
			t.Fatalf("%s is %s and gave %s", id, task.State, task.Output)
		}
	}
}

func numbers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return "[" + strings.Join(list, ", ") + "]"
}
