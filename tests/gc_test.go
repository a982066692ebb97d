package tests

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// speaker says something, and gives a value that is too large to be kept with the run.
const speaker = `
id: speaker
%s
tasks:
  talk: {run: 'echo "hello from $WEFT_RUN_ID"'}
  large: {run: 'printf "\"%%060000d\"" 1 > "$WEFT_OUTPUT"'}
  reader: {run: 'test "${#V}" = 60000', env: {V: "${{ tasks.large.output }}"}}
`

// gone is the second object of weft gc --json, and what the first comes to.
type gone struct {
	Runs   int   `json:"runs"`
	Logs   int64 `json:"log_bytes"`
	Values struct {
		Count int   `json:"count"`
		Bytes int64 `json:"bytes"`
	} `json:"values"`
	Bytes int64 `json:"bytes"`
}

// gc calls weft gc --json and returns what was planned and what has gone.
func (w *world) gc(args ...string) (planned, done gone, res result) {
	w.t.Helper()
	res = w.run(append([]string{"gc", "--json"}, args...)...)
	lines := strings.Split(strings.TrimSpace(res.out), "\n")
	var plan struct {
		Runs []struct {
			Logs   int64 `json:"log_bytes"`
			Values struct {
				Count int   `json:"count"`
				Bytes int64 `json:"bytes"`
			} `json:"values"`
		} `json:"runs"`
		Bytes int64 `json:"bytes"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &plan); err != nil {
		w.t.Fatalf("%v\n%s%s", err, res.out, res.stderr)
	}
	planned.Runs, planned.Bytes = len(plan.Runs), plan.Bytes
	for _, r := range plan.Runs {
		planned.Logs += r.Logs
		planned.Values.Count += r.Values.Count
		planned.Values.Bytes += r.Values.Bytes
	}
	if len(lines) > 1 {
		if err := json.Unmarshal([]byte(lines[1]), &done); err != nil {
			w.t.Fatalf("%v\n%s", err, res.out)
		}
	}
	return planned, done, res
}

// files lists what lies below the state folder, the database aside.
func (w *world) files() []string {
	var out []string
	state := filepath.Join(w.dir, "state")
	_ = filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "weft.db") {
			rel, _ := filepath.Rel(state, path)
			out = append(out, rel)
		}
		return nil
	})
	slices.Sort(out)
	return out
}

// spoke runs the speaker under ids.
func (w *world) spoke(ids ...string) {
	w.t.Helper()
	file := w.write("speaker.yaml", fmt.Sprintf(speaker, ""))
	for _, id := range ids {
		if sum, res := w.runJSON(file, "--run-id", id); sum.State != "success" {
			w.t.Fatalf("%s is %s\n%s", id, sum.State, res.stderr)
		}
	}
}

func TestGCRemovesWhatItPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.spoke("r1", "r2", "r3")
	before := w.files()
	if planned, _, res := w.gc(); planned.Runs != 0 || res.code != 0 {
		t.Errorf("young runs: %+v, exit %d\n%s", planned, res.code, res.stderr)
	}
	asked := w.run("gc", "--older-than", "0s", "--keep", "1")
	if asked.code != 0 || !strings.Contains(asked.out, "nothing is removed; weft gc --yes removes it") {
		t.Errorf("exit %d\n%s%s", asked.code, asked.out, asked.stderr)
	}
	if got := w.files(); !slices.Equal(got, before) {
		t.Errorf("without --yes it has removed something: left are %q", got)
	}
	planned, done, res := w.gc("--older-than", "0s", "--keep", "1", "--yes")
	if planned != done || done.Runs != 2 || done.Values.Count != 2 || done.Values.Bytes != 2*60002 || done.Logs == 0 || res.code != 0 {
		t.Errorf("planned %+v\ngone    %+v, exit %d\n%s", planned, done, res.code, res.stderr)
	}
	for _, name := range w.files() {
		if strings.Contains(name, "r1") || strings.Contains(name, "r2") {
			t.Errorf("left is %s", name)
		}
	}
	for _, args := range []string{"logs r1", "explain r1 talk", "clear r1 --yes", "retry r1", "mark r1 talk failed", "cancel r1", "runs show r1", "runs resume r1"} {
		if res := w.run(strings.Fields(args)...); res.code != 3 || !strings.Contains(res.stderr, `cannot find run "r1"`) {
			t.Errorf("weft %s: exit %d\n%s", args, res.code, res.stderr)
		}
	}
	if res := w.run("runs"); strings.Contains(res.out, "r1") || !strings.Contains(res.out, "r3") {
		t.Errorf("weft runs shows\n%s", res.out)
	}
	if res := w.run("clear", "r3", "--task", "reader", "--yes"); res.code != 0 { // its value is there
		t.Errorf("the run that stays is not whole: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	w.spoke("r1") // the id is free
}

// A run in progress stays with its values, and goes on to its end, whatever gc is asked for.
func TestGCLeavesARunInProgressAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flag := filepath.Join(w.dir, "flag")
	file := w.write("slow.yaml", `
id: slow
tasks:
  large: {run: 'printf "\"%060000d\"" 1 > "$WEFT_OUTPUT"'}
  wait: {needs: large, run: 'touch "$WEFT_TMPDIR/mine"; while ! test -e "$FLAG"; do sleep 0.02; done; test -e "$WEFT_TMPDIR/mine"', env: {FLAG: "`+flag+`"}}
  reader: {needs: wait, run: 'test "${#V}" = 60000', env: {V: "${{ tasks.large.output }}"}}
`)
	cmd := w.command("run", file, "--run-id", "slow", "--json")
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the value and the scratch folder are there", func() bool {
		_, err := os.Stat(filepath.Join(w.dir, "state/handoff/slow/slow/large/-/1/output.json"))
		mine, _ := filepath.Glob(filepath.Join(w.dir, "state/tmp/slow/*/mine"))
		return err == nil && len(mine) == 1
	})
	w.spoke("over")
	for range 3 {
		if _, _, res := w.gc("--older-than", "0s", "--keep", "0", "--yes"); res.code != 0 {
			t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
		}
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || w.last(out.String()).State != "success" {
		t.Errorf("the run ended with %v\n%s", err, out.String())
	}
	if res := w.run("runs"); strings.Contains(res.out, "over") || !strings.Contains(res.out, "slow") {
		t.Errorf("weft runs shows\n%s", res.out)
	}
}

func TestTwoGCsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for i := range 12 {
		ids = append(ids, fmt.Sprintf("r%02d", i))
	}
	w.spoke(ids...)
	var all sync.WaitGroup
	results := make([]result, 2)
	for i := range results {
		all.Go(func() { results[i] = w.run("gc", "--older-than", "0s", "--keep", "0", "--yes") })
	}
	all.Wait()
	for _, res := range results {
		if res.code != 0 {
			t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
		}
	}
	w.gc("--older-than", "0s", "--keep", "0", "--yes") // what each left to the other
	if left := w.files(); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
	if res := w.run("runs"); res.out != "no runs\n" {
		t.Errorf("weft runs shows\n%s", res.out)
	}
}

// TestGCKilled kills weft gc (SIGKILL) when a thread of it comes to its k-th call that writes or
// removes, and has another gc go on: it comes to the same end.
func TestGCKilled(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is not here; ./check installs it")
	}
	t.Parallel()
	const calls = "fsync,fdatasync,pwrite64,unlinkat"
	args := []string{"gc", "--older-than", "0s", "--keep", "1", "--yes"}
	fresh := func(t *testing.T) *killing {
		k := &killing{world: newWorld(t)}
		k.spoke("r1", "r2", "r3", "r4")
		return k
	}
	trial := fresh(t)
	total := trial.strace(calls, "", args...)
	end := trial.files()
	points, cut := 10, 0
	if soak() {
		points = total
	}
	for i := range points {
		at := 1 + i*total/points
		k := fresh(t)
		k.strace(calls, fmt.Sprintf("-einject=%s:signal=SIGKILL:when=%d", calls, at), args...)
		if res := k.run("runs", "--json"); res.code != 0 {
			t.Fatalf("killed at call %d: weft runs: exit %d\n%s", at, res.code, res.stderr)
		} else if k.wholeRuns(res.out) > 1 {
			cut++
		}
		if res := k.run(args...); res.code != 0 {
			t.Errorf("killed at call %d, the next gc: exit %d\n%s%s", at, res.code, res.out, res.stderr)
		}
		if got := k.files(); !reflect.DeepEqual(got, end) {
			t.Errorf("killed at call %d: left are\n%q\nwant\n%q", at, got, end)
		}
		if res := k.run("runs"); strings.Count(res.out, "speaker") != 1 || !strings.Contains(res.out, "r4") {
			t.Errorf("killed at call %d: weft runs shows\n%s", at, res.out)
		}
	}
	if cut < points/4 {
		t.Errorf("only %d of %d were cut off while runs were there: the points are not where the writes are", cut, points)
	}
	t.Logf("the busiest thread makes %d calls; %d of %d kills left runs to remove", total, cut, points)
}

// wholeRuns counts the runs of a list, and holds each to its value and its log.
func (w *world) wholeRuns(list string) int {
	w.t.Helper()
	var runs []struct {
		ID string `json:"run_id"`
	}
	if err := json.Unmarshal([]byte(list), &runs); err != nil {
		w.t.Fatal(err)
	}
	for _, r := range runs {
		for _, name := range []string{"handoff/speaker/" + r.ID + "/large/-/1/output.json", "logs/speaker/" + r.ID + "/talk.1.log"} {
			if _, err := os.Stat(filepath.Join(w.dir, "state", name)); err != nil {
				w.t.Errorf("run %s can be seen: %v", r.ID, err)
			}
		}
	}
	return len(runs)
}

func TestGCOfAHandoffInTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.write("speaker.yaml", fmt.Sprintf(speaker, "handoff: s3://acme-handoff/weft"))
	objects := func() int {
		found, _ := filepath.Glob(filepath.Join(w.dir, "state/sandbox/acme-handoff/*"))
		return len(found)
	}
	for _, id := range []string{"r1", "r2"} {
		if sum, res := w.runJSON(file, "--run-id", id, "--sandbox"); sum.State != "success" {
			t.Fatalf("%s\n%s", sum.State, res.stderr)
		}
	}
	if objects() != 2 {
		t.Fatalf("%d objects", objects())
	}
	planned, done, res := w.gc("--older-than", "0s", "--keep", "1", "--yes", "--sandbox")
	if planned != done || done.Runs != 1 || done.Values.Count != 1 || done.Values.Bytes != 60002 || res.code != 0 {
		t.Errorf("planned %+v\ngone    %+v, exit %d\n%s%s", planned, done, res.code, res.out, res.stderr)
	}
	if objects() != 1 {
		t.Errorf("%d objects are left", objects())
	}
	if res := w.run("clear", "r2", "--task", "reader", "--yes", "--sandbox"); res.code != 0 {
		t.Errorf("the run that stays is not whole: exit %d\n%s", res.code, res.stderr)
	}
}

func TestGCSaysWhichHandoffItCannotReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	place := filepath.Join(w.dir, "disk")
	file := w.write("speaker.yaml", fmt.Sprintf(speaker, "handoff: file://"+place))
	if sum, _ := w.runJSON(file, "--run-id", "r1"); sum.State != "success" {
		t.Fatal(sum.State)
	}
	if err := os.Rename(place, place+".away"); err != nil {
		t.Fatal(err)
	}
	res := w.run("gc", "--older-than", "0s", "--keep", "0", "--yes")
	if res.code != 3 || !strings.Contains(res.stderr, "error: a run stays: cannot reach the handoff file://"+place+": ") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if err := os.Rename(place+".away", place); err != nil {
		t.Fatal(err)
	}
	if _, done, res := w.gc("--older-than", "0s", "--keep", "0", "--yes"); done.Runs != 1 || done.Values.Count != 1 || res.code != 0 {
		t.Errorf("gone %+v, exit %d\n%s", done, res.code, res.stderr)
	}
}

// An environment goes when no task has used it for the time, and is built again when one does.
func TestGCOfPythonEnvironments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.write("py.yaml", `
id: py
tasks:
  a: {uses: python, with: {code: "def main(): return 1", requirements: [], system_site_packages: false}}
`)
	environments := func() []string {
		found, _ := filepath.Glob(filepath.Join(w.dir, "state/cache/venvs/*/.weft-used"))
		return found
	}
	for _, old := range []bool{false, true} {
		if sum, res := w.runJSON(file); sum.State != "success" || len(environments()) != 1 {
			t.Fatalf("%s, %q\n%s", sum.State, environments(), res.stderr)
		}
		if old {
			then := time.Now().Add(-31 * 24 * time.Hour)
			if err := os.Chtimes(environments()[0], then, then); err != nil {
				t.Fatal(err)
			}
		}
		res := w.run("gc", "--yes")
		if left := len(environments()); res.code != 0 || left != 1 && !old || left != 0 && old {
			t.Errorf("old %v: exit %d, %d left\n%s%s", old, res.code, left, res.out, res.stderr)
		}
	}
	if sum, _ := w.runJSON(file); sum.State != "success" {
		t.Error(sum.State)
	}
}

func TestGCRefusesWhatItCannotUnderstand(t *testing.T) {
	w := newWorld(t)
	for args, says := range map[string]string{
		"gc --older-than 30": `cannot use --older-than: "30" is no duration`,
		"gc --keep -1":       "cannot keep -1 runs",
		"gc everything":      "weft gc takes no argument",
		"gc --keep many":     `cannot use --keep: "many" is no whole number`,
		"gc --yes=perhaps":   `cannot use --yes: "perhaps" is neither true nor false`,
	} {
		if res := w.run(strings.Fields(args)...); res.code != 2 || !strings.Contains(res.stderr, says) {
			t.Errorf("weft %s: exit %d\n%s", args, res.code, res.stderr)
		}
	}
	if res := w.run("gc"); res.code != 3 || !strings.Contains(res.stderr, "there is no state folder") {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
}

// A run keeps its values where it began to, though the configuration changes: it finds them when it is
// cleared, and gc does.
func TestTheHandoffOfARunOutlastsTheConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	place := filepath.Join(w.dir, "place")
	conf := w.write("weft.yaml", "handoff: file://"+place+"\n")
	w.spoke("r1")
	if err := os.Remove(conf); err != nil {
		t.Fatal(err)
	}
	if res := w.run("clear", "r1", "--yes"); res.code != 0 {
		t.Errorf("cleared: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if found, _ := filepath.Glob(place + "/speaker/r1/large/-/*/output.json"); len(found) != 2 {
		t.Errorf("its values are %q", found)
	}
	if _, done, res := w.gc("--older-than", "0s", "--keep", "0", "--yes"); done.Values.Count != 2 || res.code != 0 {
		t.Errorf("gone %+v, exit %d\n%s", done, res.code, res.stderr)
	}
}
