package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// versioned is a DAG whose tasks all tell its version.
func versioned(v int) string {
	return fmt.Sprintf(`
id: edited
x-version: &v "echo v%d"
tasks:
  a: {run: *v}
  b: {needs: a, for_each: [1, 2], run: *v}
  c: {needs: b, run: *v}
  only_v%d: {needs: c, run: *v}
`, v, v)
}

// TestEditsDuringRuns (R16) edits, renames and deletes the file of a DAG while it runs: each run
// keeps the version it began with, and none is green with unfinished tasks.
func TestEditsDuringRuns(t *testing.T) {
	runs := 25
	if soak() {
		runs = 250
	}
	w := newWorld(t)
	file := filepath.Join(w.dir, "edited.yaml")
	const enough = 500
	var edits atomic.Int64
	stop := make(chan struct{})
	var author sync.WaitGroup
	t.Cleanup(func() { close(stop); author.Wait() }) // before the folder goes
	author.Go(func() {                               // who never rests
		for n := 0; ; n++ {
			edits.Store(int64(n))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			switch n % 5 {
			case 3:
				_ = os.Rename(file, file+".away")
			case 4:
				_ = os.Remove(file)
			default:
				_ = os.WriteFile(file+".new", []byte(versioned(n)), 0o644)
				_ = os.Rename(file+".new", file)
			}
		}
	})
	ended := 0
	for ended < runs || edits.Load() < enough {
		res := w.run("run", file, "--json")
		if res.code == 3 && strings.Contains(res.stderr, "cannot") {
			continue // the file was away just then, and that is what it said
		}
		ended++
		sum := w.last(res.out)
		if res.code != 0 || sum.State != "success" {
			t.Fatalf("exit %d, %s\n%s", res.code, sum.State, res.stderr)
		}
		version := string(sum.Tasks["a"].Output)
		want := map[string]string{"a": version, "b": "[" + version + "," + version + "]", "c": version, "only_" + strings.Trim(version, `"`): version}
		for id, out := range want {
			if task := sum.Tasks[id]; task.State != "success" || string(task.Output) != out {
				t.Errorf("%s: %s is %s and gave %s, want %s", sum.Run, id, task.State, task.Output, out)
			}
		}
		if len(sum.Tasks) != len(want) {
			t.Errorf("%s has %d tasks, want %d", sum.Run, len(sum.Tasks), len(want))
		}
	}
	t.Logf("%d runs through %d edits", ended, edits.Load())
}

// TestAResumedRunKeepsItsVersion cuts a run off, edits its file, and goes on.
func TestAResumedRunKeepsItsVersion(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", "id: x\ntasks:\n  a: {run: 'echo x >> \"$LEDGER\"; sleep 0.2; echo old'}\n  b: {needs: a, run: echo old}\n")
	cmd := w.command("run", file, "--run-id", "r")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a begins", func() bool { return len(w.effects()) == 1 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	w.write("x.yaml", "id: x\ntasks:\n  a: {run: echo new}\n  b: {needs: a, run: echo new}\n  c: {needs: b, run: echo new}\n")
	res := w.run("runs", "resume", "r", "--json")
	sum := w.last(res.out)
	if got := sum.states("a", "b"); got != "a=success b=success" || len(sum.Tasks) != 2 {
		t.Errorf("%s, %d tasks\n%s", got, len(sum.Tasks), res.stderr)
	}
	if out := string(sum.Tasks["b"].Output); out != `"old"` {
		t.Errorf("b gave %s: the run took up the new version", out)
	}
}
