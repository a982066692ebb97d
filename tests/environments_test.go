package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The package that these tests require is built by code that tells the ledger: what is built twice is
// seen from outside.
const (
	tells = "open(os.environ['LEDGER'], 'a').write('built\\n')"
	wants = `
id: env
max_active_tasks: 10
tasks:
  part:
    for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    retries: 1
    retry_delay: 1ms
    uses: python
    with: {requirements: [counted], find_links: %s, code: "import counted\ndef main(): return 7"}
`
)

// counted is a world in which the package counted is to be had.
func counted(t *testing.T, code string) (*world, string) {
	t.Helper()
	pipAlone(t)
	links := t.TempDir()
	writeSource(t, links, "counted", code)
	w := newWorld(t)
	return w, w.write("env.yaml", fmt.Sprintf(wants, links))
}

// environments are what the cache holds, each by what would change were it made anew.
func (w *world) environments() (list []string) {
	w.t.Helper()
	found, _ := filepath.Glob(filepath.Join(w.dir, "state/cache/venvs/*/pyvenv.cfg"))
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, fmt.Sprint(path, info.ModTime(), info.Sys().(*syscall.Stat_t).Ino))
	}
	return list
}

func TestTenTasksBuildOneEnvironment(t *testing.T) {
	w, file := counted(t, tells)
	sum, res := w.runJSON(file)
	first := w.environments()
	if sum.State != "success" || len(w.effects()) != 1 || len(first) != 1 {
		t.Fatalf("%s, ledger %q, environments %q\n%s", sum.State, w.effects(), first, res.stderr)
	}
	sum, _ = w.runJSON(file)
	if second := w.environments(); sum.State != "success" || len(w.effects()) != 1 || !slices.Equal(first, second) {
		t.Errorf("the second run: %s, ledger %q, environments %q, were %q", sum.State, w.effects(), second, first)
	}
	if log := w.run("logs", sum.Run, "part", "--index", "3").out; strings.Contains(log, "environment") {
		t.Errorf("the second run's log says\n%s", log)
	}
	w.nothingLeft()
}

// TestABuilderKilledInTheMiddle: pip itself is killed, as by a machine that has run out of memory. One
// attempt fails, who waited takes over, and the environment is right.
func TestABuilderKilledInTheMiddle(t *testing.T) {
	w, file := counted(t, `
flag = os.environ['LEDGER'] + '.killed'
if not os.path.exists(flag):
    open(flag, 'w').close()
    os.kill(os.getppid(), 9)
    os._exit(1)
`+tells)
	sum, res := w.runJSON(file)
	attempts := 0
	for _, u := range updates(t, res.out) {
		if u.Task == "part" && u.State == "up_for_retry" {
			attempts++
		}
	}
	if sum.State != "success" || attempts != 1 || len(w.effects()) != 1 || len(w.environments()) != 1 {
		t.Errorf("%s, %d failed attempts, ledger %q, environments %q\n%s", sum.State, attempts, w.effects(), w.environments(), res.out)
	}
	w.nothingLeft()
}

// TestWeftKilledWhileItBuilds: the next one ends the builder that is left, and builds anew.
func TestWeftKilledWhileItBuilds(t *testing.T) {
	w, file := counted(t, `
import time
flag = os.environ['LEDGER'] + '.hangs'
if not os.path.exists(flag):
    open(flag, 'w').close()
    time.sleep(300)
`+tells)
	cmd := w.command("run", file, "--run-id", "r")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it builds", func() bool { _, err := os.Stat(w.ledger + ".hangs"); return err == nil })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	res := w.run("runs", "resume", "r", "--json")
	if sum := w.last(res.out); res.code != 0 || sum.State != "success" || len(w.effects()) != 1 || len(w.environments()) != 1 {
		t.Errorf("exit %d, %s, ledger %q, environments %q\n%s", res.code, sum.State, w.effects(), w.environments(), res.stderr)
	}
	w.nothingLeft()
}

// TestPattern4WithTheRealPackage takes s3pathlib from the index that whoever runs the tests has.
func TestPattern4WithTheRealPackage(t *testing.T) {
	if !soak() {
		t.Skip("it fetches forty megabytes; TestThePatternsInEveryOutcome has a package of that name, made by the test")
	}
	probe := exec.Command("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", t.TempDir(), "s3pathlib>=2.0.1,<3.0.0")
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("no package index can be reached from here: %v\n%s", err, out)
	}
	file, err := filepath.Abs("../dags/p4_packages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	args := []string{file, "-p", "python=3"}
	sum, res := w.runJSON(args...)
	if sum.State != "success" || !strings.Contains(string(sum.Tasks["task1"].Output), `"version":"2.`) || strings.Contains(string(sum.Tasks["task1"].Output), `"pip"`) {
		t.Fatalf("%s: %s\n%s%s", sum.State, sum.Tasks["task1"].Output, sum.Tasks["task1"].Reason, res.stderr)
	}
	first := w.environments()
	if sum, _ := w.runJSON(args...); sum.State != "success" || len(first) != 1 || !slices.Equal(first, w.environments()) {
		t.Errorf("the second run: %s, environments %q, were %q", sum.State, w.environments(), first)
	}
}
