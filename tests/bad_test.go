package tests

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"
)

// bad is what people get wrong: the file, the call, the exit code, what stderr must say.
var bad = []struct {
	name, yaml, args string
	code             int
	says             string
}{
	{"a tab", "id: x\ntasks:\n\ta: {run: x}\n", "run bad.yaml", 3, "bad.yaml:3:1|error[Y001]|tab"},
	{"a key twice", "id: x\nid: y\ntasks: {a: {run: x}}\n", "run bad.yaml", 3, "bad.yaml:2:1|Y008"},
	{"an unknown plugin", "id: x\ntasks:\n  a: {uses: file.haed, with: {path: x}}\n", "run bad.yaml", 3, `bad.yaml:3:13|S105|did you mean "file.head"?`},
	{"an unknown key", "id: x\ntasks:\n  a: {run: x, retires: 2}\n", "run bad.yaml", 3, `S101|did you mean "retries"?`},
	{"a cycle", "id: x\ntasks:\n  a: {run: x, needs: c}\n  b: {run: x, needs: a}\n  c: {run: x, needs: b}\n", "run bad.yaml", 3, "G203|a|b|c"},
	{"a cycle by a reference", "id: x\ntasks:\n  a: {run: 'echo ${{ tasks.b.output }}'}\n  b: {run: x, needs: a}\n", "run bad.yaml", 3, "G203"},
	{"an unknown task", "id: x\ntasks:\n  greet: {run: x}\n  b: {run: x, needs: gret}\n", "run bad.yaml", 3, `G201|did you mean "greet"?`},
	{"an unknown name in an expression", "id: x\ntasks:\n  a: {when: 'runn.ds == \"x\"', run: x}\n", "run bad.yaml", 3, `E303|"run"`},
	{"an expression in single quotes", "id: x\ntasks:\n  a:\n    run: |\n      echo\n      echo 'today ${{ run.ds }}'\n", "run bad.yaml", 3, "bad.yaml:6|X603"},
	{"no YAML at all", "\x00\x01\x02", "run bad.yaml", 3, "bad.yaml"},
	{"a missing param", "id: x\nparams: {day: {type: string}}\ntasks: {a: {run: 'echo ${{ params.day }}'}}\n", "run bad.yaml", 2, "day|-p day="},
	{"an undeclared param", "id: x\nparams: {day: {type: string, default: x}}\ntasks: {a: {run: 'echo ${{ params.day }}'}}\n", "run bad.yaml -p dya=1", 2, `dya|did you mean`},
	{"a param of the wrong type", "id: x\nparams: {n: {type: integer}}\ntasks: {a: {run: 'echo ${{ params.n }}'}}\n", "run bad.yaml -p n=many", 2, `param "n"|whole number|hint:`},
	{"a param of more than 64 bits", "id: x\nparams: {n: {type: integer}}\ntasks: {a: {run: 'echo ${{ params.n }}'}}\n", "run bad.yaml -p n=99999999999999999999", 2, `param "n"|64 bits`},
	{"the run id that means the newest", "id: x\ntasks: {a: {run: x}}\n", "run bad.yaml --run-id latest", 2, "newest"},
	{"an empty run id", "id: x\ntasks: {a: {run: x}}\n", "run bad.yaml --run-id=", 2, "run id"},
	{"a file that is not there", "", "run other.yaml", 3, "cannot read other.yaml"},
	{"an id that is not there", "", "run nightly", 3, `cannot find DAG "nightly"|hint:`},
	{"a run that is not there", "", "runs show r1", 3, "cannot find any runs|hint:"},
	{"a bad run id", "id: x\ntasks: {a: {run: x}}\n", "run bad.yaml --run-id ../../x", 2, "run id"},
	{"a bad date", "id: x\ntasks: {a: {run: x}}\n", "run bad.yaml --logical-date soon", 2, "--logical-date"},
	{"an unknown flag", "", "run bad.yaml --fast", 2, "--fast|--help"},
	{"an unknown command", "", "rnu", 2, "rnu|did you mean"},
}

func TestBadInputIsSaidClearly(t *testing.T) {
	for _, b := range bad {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if b.yaml != "" {
				w.write("bad.yaml", b.yaml)
			}
			res := w.run(strings.Fields(b.args)...)
			if res.code != b.code {
				t.Errorf("exit %d, want %d", res.code, b.code)
			}
			for _, want := range strings.Split(b.says, "|") {
				if !strings.Contains(res.stderr, want) {
					t.Errorf("it does not say %q:\n%s%s", want, res.stderr, res.out)
				}
			}
			if strings.Contains(res.stderr, "Usage:") {
				t.Errorf("the usage text comes after a problem:\n%s", res.stderr)
			}
		})
	}
}

// TestARunIDNamesOneRunForGood: another DAG cannot have it, the same DAG is shown what became of it.
func TestARunIDNamesOneRunForGood(t *testing.T) {
	w := newWorld(t)
	one := w.write("one.yaml", "id: one\ntasks: {a: {run: 'true'}}\n")
	two := w.write("two.yaml", "id: two\ntasks: {a: {run: 'true'}}\n")
	if res := w.run("run", one, "--run-id", "r"); res.code != 0 {
		t.Fatalf("exit %d\n%s", res.code, res.stderr)
	}
	if res := w.run("run", two, "--run-id", "r"); res.code != 3 || !strings.Contains(res.stderr, "a run of one has that id") {
		t.Errorf("another DAG under the same id: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if res := w.run("run", one, "--run-id", "r"); res.code != 0 || !strings.Contains(res.out, "1 success") {
		t.Errorf("the same DAG under the same id: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}

// TestAReaderWhoGoesDoesNotStopTheRun: `weft run … | head -1`.
func TestAReaderWhoGoesDoesNotStopTheRun(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", "id: x\ntasks: {a: {run: 'sleep 0.2; echo x >> \"$LEDGER\"'}, b: {needs: a, run: 'echo y >> \"$LEDGER\"'}}\n")
	cmd := w.command("run", file, "--run-id", "r")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || len(w.effects()) != 2 {
		t.Errorf("it ended with %v, effects %v", err, w.effects())
	}
}

// TestAHangupCancels: the terminal goes away, and nothing is left running.
func TestAHangupCancels(t *testing.T) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // whoever started the tests may have it ignored, which is inherited
	w := newWorld(t)
	file := w.write("x.yaml", "id: x\ntasks: {a: {run: 'echo x >> \"$LEDGER\"; sleep 300'}}\n")
	cmd := w.command("run", file, "--run-id", "r")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a begins", func() bool { return len(w.effects()) == 1 })
	_ = cmd.Process.Signal(syscall.SIGHUP)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d, want 130", code)
	}
	if left := survivors(w.dir); len(left) > 0 {
		t.Errorf("survivors: %v", left)
	}
}

// TestNohupOutlastsAHangup: who started it has said that a hangup is not to matter.
func TestNohupOutlastsAHangup(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", "id: x\ntasks: {a: {run: 'echo x >> \"$LEDGER\"; while ! test -e go; do sleep 0.01; done'}, b: {needs: a, run: ':'}}\n")
	cmd := w.command("nohup", w.command().Path, "run", file, "--run-id", "r")
	cmd.Path, cmd.Args = "/usr/bin/nohup", cmd.Args[1:]
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a begins", func() bool { return len(w.effects()) == 1 })
	_ = cmd.Process.Signal(syscall.SIGHUP)
	w.write("go", "")
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestTwoProcessesOnOneRun(t *testing.T) {
	w := newWorld(t)
	file := w.write("slow.yaml", "id: slow\ntasks: {a: {run: 'echo x >> \"$LEDGER\"; sleep 30'}}\n")
	first := w.command("run", file, "--run-id", "one")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Wait() }()
	eventually(t, "the first begins", func() bool { return len(w.effects()) == 1 })
	for _, args := range [][]string{{"run", file, "--run-id", "one"}, {"runs", "resume", "one"}} {
		res := w.run(args...)
		if res.code != 3 || !strings.Contains(res.stderr, fmt.Sprintf("another weft drives it (process %d)", first.Process.Pid)) {
			t.Errorf("weft %s: exit %d\n%s", strings.Join(args, " "), res.code, res.stderr)
		}
	}
	if res := w.run("cancel", "one"); res.code != 0 || !strings.Contains(res.out, "cancelled") {
		t.Errorf("cancel from another process: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if len(w.effects()) != 1 {
		t.Errorf("the task began %d times", len(w.effects()))
	}
	res := w.run("run", file, "--run-id", "one", "--json") // it is over: it is shown, not started again
	if sum := w.last(res.out); sum.State != "cancelled" || res.code != 1 || len(w.effects()) != 1 {
		t.Errorf("the same id again: exit %d, %s, began %d times", res.code, sum.State, len(w.effects()))
	}
	if left := survivors(w.dir); len(left) > 0 {
		t.Errorf("survivors: %v", left)
	}
}

func TestAJournalFromTheFuture(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", "id: x\ntasks: {a: {run: 'true'}}\n")
	w.runJSON(file)
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "state", "weft.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 9999"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"runs"}, {"run", file}} {
		if res := w.run(args...); res.code != 3 || !strings.Contains(res.stderr, "newer weft") {
			t.Errorf("weft %v: exit %d\n%s", args, res.code, res.stderr)
		}
	}
}

// TestAFullDisk fills the disk under a run: it says so, loses nothing, and goes on when there is
// space again.
func TestAFullDisk(t *testing.T) {
	w := newWorld(t)
	home := filepath.Join(w.dir, "state")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", home, "tmpfs", 0, "size=3m"); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skip("a disk of its own needs root; store/sqlite tests a bounded database without it")
		}
		t.Fatal(err)
	}
	defer func() { _ = syscall.Unmount(home, syscall.MNT_DETACH) }()
	file := w.write("x.yaml", `
id: x
tasks:
  first: {run: 'echo "begin first" >> "$LEDGER"'}
  fill:
    needs: first
    run: 'test -e "$LEDGER.full" || head -c 10000000 /dev/zero > "`+home+`/filler" || true; touch "$LEDGER.full"'
  many: {needs: fill, for_each: `+numbers(40)+`, run: 'echo "begin many" >> "$LEDGER"'}
`)
	res := w.run("run", file, "--run-id", "r", "--json")
	if res.code != 3 || !strings.Contains(res.stderr, "cannot") || !strings.Contains(res.stderr, "weft runs resume r") {
		t.Fatalf("on a full disk: exit %d\n%s", res.code, res.stderr)
	}
	if err := os.Remove(filepath.Join(home, "filler")); err != nil {
		t.Fatal(err)
	}
	res = w.run("runs", "resume", "r", "--json")
	if sum := w.last(res.out); res.code != 0 || sum.State != "success" {
		t.Errorf("with space again: exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	first := 0
	for _, line := range w.effects() {
		if line == "begin first" {
			first++
		}
	}
	if first != 1 {
		t.Errorf("first was recorded as success, and began %d times", first)
	}
}
