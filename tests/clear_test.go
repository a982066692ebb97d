package tests

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// told is a DAG whose tasks each leave a line in the ledger, id and key; load fails as long as the
// file bad is there.
const told = `
id: told
x-tell: &tell echo "$WEFT_TASK_ID $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"
tasks:
  get: {run: *tell}
  load:
    needs: get
    run: |
      echo "$WEFT_TASK_ID $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"
      echo loading
      test ! -e "$(dirname "$LEDGER")/bad"
  part: {needs: get, for_each: [1, 2], run: *tell}
  report: {needs: [load, part], run: *tell}
  aside: {run: *tell}
`

// did lists the ids of the ledger's lines behind the first n, sorted as they came.
func (w *world) did(n int) []string {
	var ids []string
	for _, line := range w.effects()[n:] {
		id, _, _ := strings.Cut(line, " ")
		ids = append(ids, id)
	}
	return ids
}

// ledgerHas tells whether the ledger has that line.
func (w *world) ledgerHas(line string) bool {
	for _, l := range w.effects() {
		if l == line {
			return true
		}
	}
	return false
}

// failedRun makes run r of the DAG told, in which load has failed.
func failedRun(t *testing.T) (w *world, file string, before int) {
	t.Helper()
	w = newWorld(t)
	w.write("bad", "")
	file = w.write("dags/told.yaml", told)
	if sum, res := w.runJSON(file, "--run-id", "r"); sum.State != "failed" {
		t.Fatalf("the run is %s\n%s", sum.State, res.stderr)
	}
	if err := os.Remove(filepath.Join(w.dir, "bad")); err != nil {
		t.Fatal(err)
	}
	return w, file, len(w.effects())
}

// TestRetryRunsAgainWhatFailed and nothing else, in a new epoch: new keys, attempts that count on.
func TestRetryRunsAgainWhatFailed(t *testing.T) {
	w, _, before := failedRun(t)
	res := w.run("retry", "r", "--json")
	if sum := w.last(res.out); res.code != 0 || sum.State != "success" || sum.Run != "r" {
		t.Fatalf("exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	if got := fmt.Sprint(w.did(before)); got != "[load report]" {
		t.Errorf("ran again: %s", got)
	}
	if !w.ledgerHas("load r/load/-/1") || !w.ledgerHas("get r/get/-/0") {
		t.Errorf("keys: %q", w.effects())
	}
	if left := survivors(w.dir); len(left) > 0 {
		t.Errorf("survivors: %v", left)
	}
	res = w.run("retry", "r")
	if res.code != 0 || !strings.Contains(res.out, "nothing to run again") || len(w.did(before)) != 2 {
		t.Errorf("a second retry: exit %d, %s", res.code, res.out)
	}
	if res = w.run("logs", "r", "load"); strings.Count(res.out, "==> load, attempt ") != 2 {
		t.Errorf("the logs of both epochs:\n%s", res.out)
	}
}

// TestClearTakesUpTheCurrentVersion: what it changes, adds and drops; --same-version does not.
func TestClearTakesUpTheCurrentVersion(t *testing.T) {
	w, file, before := failedRun(t)
	w.write("dags/told.yaml", strings.NewReplacer(
		"  aside: {run: *tell}\n", "  added: {needs: load, run: *tell}\n",
		"[1, 2]", "[1, 2, 3]").Replace(told))
	if res := w.run("clear", "r", "--task", "load", "--plan"); res.code != 0 || !strings.Contains(res.out, "changes part, adds added, removes aside") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if n := len(w.effects()); n != before {
		t.Fatalf("--plan ran %v", w.did(before))
	}
	res := w.run("clear", "r", "--task", "part", "--same-version", "--json")
	if sum := w.last(res.out); res.code != 0 && res.code != 1 || len(sum.Tasks["part"].Instances) != 2 {
		t.Fatalf("--same-version: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if got := w.did(before); len(got) != 2 || got[0] != "part" || got[1] != "part" {
		t.Errorf("part is cleared whole, and report waits for load: ran %v", got)
	}
	if err := os.Rename(file, filepath.Join(w.dir, "elsewhere.yaml")); err != nil {
		t.Fatal(err)
	}
	if res := w.run("retry", "r"); res.code != 3 || !strings.Contains(res.stderr, "--same-version") {
		t.Errorf("a file that is gone: exit %d\n%s", res.code, res.stderr)
	}
	if err := os.Rename(filepath.Join(w.dir, "elsewhere.yaml"), file); err != nil {
		t.Fatal(err)
	}
	res = w.run("retry", "r", "--json")
	sum := w.last(res.out)
	if got := sum.states("get", "load", "part", "report", "added"); res.code != 0 || len(sum.Tasks) != 5 ||
		got != "get=success load=success part=success report=success added=success" {
		t.Errorf("exit %d, %s, %d tasks\n%s", res.code, got, len(sum.Tasks), res.stderr)
	}
	if n := len(sum.Tasks["part"].Instances); n != 2 {
		t.Errorf("part was not cleared, and has %d instances", n)
	}
}

// TestClearFollowsADAGThatHasMoved: its scripts run from where they are now, with params that the
// run never had.
func TestClearFollowsADAGThatHasMoved(t *testing.T) {
	w := newWorld(t)
	file := w.write("dags/old/it.yaml", "id: it\ntasks:\n  a: {run: ./a.sh}\n")
	w.write("dags/old/a.sh", "exit 1\n")
	if sum, _ := w.runJSON(file, "--run-id", "r"); sum.State != "failed" {
		t.Fatalf("the run is %s", sum.State)
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	w.write("dags/new/it.yaml", "id: it\nparams: {who: {type: string, default: you}}\ntasks:\n  a: {run: '. ./a.sh \"${{ params.who }}\"'}\n")
	w.write("dags/new/a.sh", "echo \"moved, $1\"\n")
	res := w.run("retry", "r", "--json")
	if sum := w.last(res.out); res.code != 0 || string(sum.Tasks["a"].Output) != `"moved, you"` {
		t.Errorf("exit %d, a gave %s\n%s", res.code, sum.Tasks["a"].Output, res.stderr)
	}
}

// TestOrdersToARunThatAnotherDrives are left for its driver, which obeys.
func TestOrdersToARunThatAnotherDrives(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", `
id: x
x-tell: &tell echo "$WEFT_TASK_ID $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"
tasks:
  a: {run: *tell}
  b: {needs: a, run: *tell}
  gate: {uses: file.head, with: {path: `+w.dir+`/open}, sensor: {until: output.exists, poke_interval: 50ms, timeout: 5m}}
  never: {needs: gate, run: "exit 1"}
`)
	driver := w.command("run", file, "--run-id", "r", "--json")
	var out strings.Builder
	driver.Stdout = &out
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b has run", func() bool { return w.ledgerHas("b r/b/-/0") })
	res := w.run("clear", "r", "--task", "b", "--same-version")
	if res.code != 0 || !strings.Contains(res.out, "another weft drives r") {
		t.Errorf("clear: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	eventually(t, "b has run again", func() bool { return w.ledgerHas("b r/b/-/1") })
	w.write("x.yaml", strings.Replace(mustRead(t, file), `"exit 1"`, `"true"`, 1)+"  more: {needs: gate, run: *tell}\n")
	if res := w.run("clear", "r", "--task", "a"); res.code != 0 {
		t.Errorf("clear under a new version: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if res := w.run("mark", "r", "never", "skipped"); res.code != 0 || !strings.Contains(res.out, "another weft drives r") {
		t.Errorf("mark: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	eventually(t, "b has run a third time", func() bool { return w.ledgerHas("b r/b/-/2") })
	w.write("open", "")
	if err := driver.Wait(); err != nil {
		t.Errorf("the driver: %v", err)
	}
	sum := w.last(out.String())
	if got := sum.states("a", "b", "gate", "never", "more"); sum.State != "success" || got != "a=success b=success gate=success never=skipped more=success" {
		t.Errorf("%s: %s", sum.State, got)
	}
}

// TestClearTakesOverWhatAKillCutOff: what lived is ended first, and the run goes on to its end.
func TestClearTakesOverWhatAKillCutOff(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", `
id: x
tasks:
  a: {run: 'echo "a $WEFT_IDEMPOTENCY_KEY" >> "$LEDGER"; test -e `+w.dir+`/quick || sleep 600'}
  b: {needs: a, run: echo b >> "$LEDGER"}
`)
	cmd := w.command("run", file, "--run-id", "r")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a begins", func() bool { return len(w.effects()) == 1 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	w.write("quick", "")
	if res := w.run("clear", "r", "--yes"); res.code != 0 {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if got := strings.Join(w.effects(), ", "); got != "a r/a/-/0, a r/a/-/1, b" {
		t.Errorf("effects: %s", got)
	}
	if left := survivors(w.dir); len(left) > 0 {
		t.Errorf("survivors: %v", left)
	}
}

// TestMarkDecidesWhatFollows in a run that is over, and stops what runs in one that was cut off.
func TestMarkDecidesWhatFollows(t *testing.T) {
	w, _, before := failedRun(t)
	res := w.run("mark", "r", "report", "success", "--json")
	if sum := w.last(res.out); res.code != 0 || sum.State != "success" || sum.Tasks["report"].State != "success" {
		t.Errorf("exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	if n := len(w.effects()); n != before {
		t.Errorf("a mark ran %v", w.did(before))
	}
	if res := w.run("explain", "r", "report"); !strings.Contains(res.out, "marked success by ") {
		t.Errorf("explain does not say who:\n%s", res.out)
	}
	res = w.run("mark", "r", "load", "success")
	if res.code != 0 {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
	if res = w.run("clear", "r", "--task", "report", "--json"); res.code != 0 {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if got := fmt.Sprint(w.did(before)); got != "[report]" {
		t.Errorf("ran %s, want report alone: load stands marked", got)
	}
}

// TestClearIsInterruptedLikeARun by Ctrl-C: the run is cancelled, and can be cleared again.
func TestClearIsInterruptedLikeARun(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", "id: x\ntasks:\n  a: {run: 'echo a >> \"$LEDGER\"; test -e "+w.dir+"/quick || sleep 600'}\n")
	w.write("quick", "")
	w.runJSON(file, "--run-id", "r")
	if err := os.Remove(filepath.Join(w.dir, "quick")); err != nil {
		t.Fatal(err)
	}
	cmd := w.command("clear", "r")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a begins again", func() bool { return len(w.effects()) == 2 })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("exit %d, want 130", cmd.ProcessState.ExitCode())
	}
	w.write("quick", "")
	if res := w.run("retry", "r"); res.code != 0 || !strings.Contains(res.out, "r of x is cancelled") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}

// TestClearAsksAtATerminal and takes nothing but a yes for one.
func TestClearAsksAtATerminal(t *testing.T) {
	w, _, before := failedRun(t)
	for _, c := range []struct {
		answer string
		again  int
	}{{"\n", 0}, {"no\n", 0}, {"y\n", 2}} {
		out := w.atTerminal(c.answer, "retry", "r")
		if !strings.Contains(out, "go on? [y/N]") || strings.Contains(out, "nothing is cleared") != (c.again == 0) {
			t.Errorf("%q: it says\n%s", c.answer, out)
		}
		if got := w.did(before); len(got) != c.again {
			t.Errorf("%q: ran again %v", c.answer, got)
		}
	}
	out := w.atTerminal("", "clear", "r", "--task", "report", "--yes")
	if got := w.did(before); strings.Contains(out, "go on?") || len(got) != 3 {
		t.Errorf("--yes: ran again %v\n%s", got, out)
	}
}

// atTerminal calls weft at a terminal at which someone has typed that, and returns what it shows.
func (w *world) atTerminal(typed string, args ...string) string {
	w.t.Helper()
	return w.onTerminal(w.command(args...), typed)
}

// onTerminal is atTerminal for a command that is made already.
func (w *world) onTerminal(cmd *exec.Cmd, typed string) string {
	w.t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer near.Close()
	if err := unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		w.t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN)
	if err != nil {
		w.t.Fatal(err)
	}
	far, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	_ = far.Close()
	if _, err := near.WriteString(typed); err != nil {
		w.t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	out, _ := io.ReadAll(near) // ends with an error when the last process at the terminal has gone
	_ = cmd.Wait()
	return string(out)
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
