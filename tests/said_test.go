package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestARunThatIsOverSaysSo: the same --run-id again shows how the run ended, and that nothing ran.
func TestARunThatIsOverSaysSo(t *testing.T) {
	w := newWorld(t)
	file := w.write("once.yaml", "id: once\ntasks:\n  a: {run: echo ran >> ran.txt}\n")
	if res := w.run("run", file, "--run-id", "r"); res.code != 0 || strings.Contains(res.stderr, "is over") {
		t.Fatalf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	res := w.run("run", file, "--run-id", "r")
	if res.code != 0 || !strings.Contains(res.stderr, "run r is over, and is not run again; weft clear r does that\n") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if got, err := os.ReadFile(filepath.Join(w.dir, "ran.txt")); err != nil || string(got) != "ran\n" {
		t.Errorf("it ran again: %q, %v", got, err)
	}
}

// TestWhatDecidedIsSaidOnce: where the whole of a trigger decided, it is not repeated as the reason.
func TestWhatDecidedIsSaidOnce(t *testing.T) {
	const trigger = `count(upstream, .state == "success") >= 2`
	w := newWorld(t)
	file := w.write("two.yaml", "id: two\ntasks:\n  a: {run: 'true'}\n  b: {run: 'true'}\n  c: {needs: [a, b], trigger: '"+trigger+"', run: 'true'}\n")
	if res := w.run("run", file, "--run-id", "r"); res.code != 0 {
		t.Fatalf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	for _, args := range [][]string{{"runs", "show", "r"}, {"explain", "r", "c"}} {
		if res := w.run(args...); strings.Count(res.out, trigger) != 1 {
			t.Errorf("weft %s\n%s%s", strings.Join(args, " "), res.out, res.stderr)
		}
	}
}

// TestASecretOnTheLastLine: who echoes one gives it as the output without meaning to, and is told.
func TestASecretOnTheLastLine(t *testing.T) {
	w := newWorld(t)
	t.Setenv("WEFT_SECRET_PW", "correct horse battery")
	file := w.write("say.yaml", "id: say\ntasks:\n  a:\n    env: {PW: '${{ secrets.PW }}'}\n    run: echo \"$PW\"\n")
	const want = "cannot keep the output, the last line of stdout: it holds secret PW (a task that needs it reads secrets.PW itself)"
	if sum, res := w.runJSON(file); sum.Tasks["a"].Reason != want {
		t.Errorf("told %q\n%s", sum.Tasks["a"].Reason, res.stderr)
	}
}

// TestTheHintsNameWhoDecided: of two failed tasks the one that the verdict asks for is the one to look at.
func TestTheHintsNameWhoDecided(t *testing.T) {
	w := newWorld(t)
	file := w.write("v.yaml", "id: v\nverdict: tasks.report.state == \"success\"\ntasks:\n  check: {run: exit 1}\n  report: {needs: check, trigger: all_done, run: exit 2}\n")
	res := w.run("run", file, "--run-id", "r")
	if want := "\n  weft logs r report\n  weft explain r report\n  weft retry r\n"; res.code != 1 || !strings.HasSuffix(res.out, want) {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}
