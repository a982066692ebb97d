package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weft/tests/s3server"
)

// mostMemory is what weft itself may take at most, whatever passes through it.
const mostMemory = 128 << 20

// runWatched runs a DAG as runJSON does and tells the most memory that weft has had resident.
func (w *world) runWatched(env []string, args ...string) (summary, int64) {
	w.t.Helper()
	cmd := w.command(append([]string{"run", "--json"}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var most int64
	for {
		select {
		case <-ended:
			if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
				w.t.Fatalf("weft run: exit %d\n%s%s", code, out.String(), errs.String())
			}
			if most == 0 {
				w.t.Fatal("nobody saw how much memory weft had")
			}
			return w.last(out.String()), most
		case <-time.After(10 * time.Millisecond): // the kernel keeps the maximum, so little is missed
			most = max(most, highWater(cmd.Process.Pid))
		}
	}
}

// peakOf watches a process that has begun, and tells what memory it took at most, in bytes, once it has ended. What the
// kernel says of a process in the end counts the memory of whoever started it, too.
func peakOf(cmd *exec.Cmd) (most func() int64) {
	var peak atomic.Int64
	go func() {
		for now := highWater(cmd.Process.Pid); now > 0; now = highWater(cmd.Process.Pid) {
			peak.Store(now)
			time.Sleep(5 * time.Millisecond) // the kernel keeps the maximum, so little is missed
		}
	}()
	return peak.Load
}

// highWater is the most memory that a process has had resident, 0 if it has ended.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, _ = fmt.Sscan(rest, &kib) // a process that is ending has none
	return kib << 10
}

const largeArtifact = `
id: large
%s
params:
  size: {type: integer}
tasks:
  make:
    run: truncate -s ${{ params.size }} "$WEFT_TMPDIR/big"
    artifacts: {big: big}
  use:
    inputs: {in/big: "${{ tasks.make.artifacts.big }}"}
    env: {SUM: "${{ tasks.make.artifacts.big.sha256 }}"}
    run: |
      echo "$SUM  $WEFT_TMPDIR/in/big" | sha256sum --check --quiet
      stat -c %%s "$WEFT_TMPDIR/in/big"
`

func TestALargeArtifactTakesLittleMemory(t *testing.T) {
	size := 256 << 20
	if soak() {
		size = 1 << 30
	}
	check := func(t *testing.T, handoff string, env []string, args ...string) {
		w := newWorld(t)
		file := w.write("large.yaml", fmt.Sprintf(largeArtifact, handoff))
		began := time.Now()
		sum, most := w.runWatched(env, append(args, file, "-p", fmt.Sprintf("size=%d", size))...)
		if got := string(sum.Tasks["use"].Output); sum.State != "success" || got != fmt.Sprintf(`"%d"`, size) {
			t.Fatalf("the run is %s (%s), use gave %s", sum.State, sum.Tasks["use"].Reason, got)
		}
		t.Logf("%d MiB there and back in %s, at most %d MiB resident", size>>20, time.Since(began).Round(10*time.Millisecond), most>>20)
		if most > mostMemory {
			t.Errorf("weft took %d MiB, at most %d are promised", most>>20, mostMemory>>20)
		}
	}
	t.Run("a folder", func(t *testing.T) { check(t, "", nil) })
	t.Run("the sandbox's S3", func(t *testing.T) { check(t, "handoff: s3://acme/handoff", nil, "--sandbox") })
	if soak() {
		t.Run("another S3", func(t *testing.T) { check(t, "handoff: s3://acme/handoff", s3server.Start(t, "acme").Env()) })
	}
}

// TestALargeOutputIsAReference: three megabytes cross as a value, a hundred as a reference, and who
// asks for their value is told.
func TestALargeOutputIsAReference(t *testing.T) {
	w := newWorld(t)
	file := w.write("outputs.yaml", `
id: outputs
tasks:
  small: {run: '{ printf "\""; head -c 3000000 /dev/zero | tr "\0" x; printf "\""; } > "$WEFT_OUTPUT"'}
  large: {run: '{ printf "\""; head -c 100000000 /dev/zero | tr "\0" x; printf "\""; } > "$WEFT_OUTPUT"'}
  value: {uses: noop, with: {output: "${{ len(tasks.small.output) }}"}}
  ref: {uses: noop, with: {output: "${{ tasks.large.ref.size }}"}}
  whole:
    inputs: {large.json: "${{ tasks.large.ref }}", small.json: "${{ tasks.small.ref }}"}
    run: cd "$WEFT_TMPDIR"; echo $(cat large.json | wc -c) $(cat small.json | wc -c)
  never: {uses: noop, with: {output: "${{ tasks.large.output }}"}}
`)
	sum, most := w.runWatched(nil, file)
	if got := sum.states("value", "ref", "whole", "never"); got != "value=success ref=success whole=success never=failed" {
		t.Errorf("ended as %s", got)
	}
	for id, want := range map[string]string{"value": "3000000", "ref": "100000002", "whole": `"100000002 3000002"`} {
		if got := string(sum.Tasks[id].Output); got != want {
			t.Errorf("%s gave %s, want %s", id, got, want)
		}
	}
	if got, want := sum.Tasks["never"].Reason, "cannot read tasks.large.output: it has 100000002 bytes, at most 67108864 are read (use tasks.large.ref)"; got != want {
		t.Errorf("never failed with %q, want %q", got, want)
	}
	t.Logf("at most %d MiB resident", most>>20)
	if most > mostMemory {
		t.Errorf("weft took %d MiB, at most %d are promised", most>>20, mostMemory>>20)
	}
}

// TestKilledInTheMiddleOfACopy kills weft while an artifact is half in the handoff, and goes on.
func TestKilledInTheMiddleOfACopy(t *testing.T) {
	for range 5 { // the copy may be over before the kill
		w := newWorld(t)
		file := w.write("large.yaml", fmt.Sprintf(largeArtifact, ""))
		cmd := w.command("run", file, "--run-id", "r", "-p", fmt.Sprintf("size=%d", 200<<20), "--json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(w.dir, "state/handoff/large/r/make/-/1/artifacts")
		half, whole := filepath.Join(folder, ".big.part"), filepath.Join(folder, "big")
		eventually(t, "the copy has begun", func() bool {
			info, err := os.Stat(half)
			return err == nil && info.Size() > 0 || exists(whole)
		})
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		if exists(whole) {
			continue
		}
		if s := w.last(w.run("runs", "show", "r", "--json").out); s.State != "running" || len(s.Tasks["make"].Artifacts) > 0 {
			t.Errorf("after the kill the run is %s, and make has left %v", s.State, s.Tasks["make"].Artifacts)
		}
		sum := w.last(w.run("runs", "resume", "r", "--json").out)
		if got := sum.states("make", "use"); got != "make=success use=success" {
			t.Errorf("went on to %s: %s %s", got, sum.Tasks["make"].Reason, sum.Tasks["use"].Reason)
		}
		if exists(half) {
			t.Error("half a copy is left over")
		}
		return
	}
	t.Skip("the copy was over before the kill, five times")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestACancelEndsACopy cancels a run while an artifact is copied.
func TestACancelEndsACopy(t *testing.T) {
	w := newWorld(t)
	file := w.write("large.yaml", fmt.Sprintf(largeArtifact, ""))
	cmd := w.command("run", file, "--run-id", "r", "-p", fmt.Sprintf("size=%d", 8<<30), "--json") // longer than the test may last
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // it may have ended
	part := filepath.Join(w.dir, "state/handoff/large/r/make/-/1/artifacts/.big.part")
	eventually(t, "the copy has begun", func() bool { return exists(part) })
	began := time.Now()
	if res := w.run("cancel", "r"); res.code != 0 {
		t.Fatalf("cancel: %s", res.stderr)
	}
	_ = cmd.Wait() // the summary says how it ended
	t.Logf("over %s after the cancel", time.Since(began).Round(time.Millisecond))
	if s := w.last(w.run("runs", "show", "r", "--json").out); s.State != "cancelled" || exists(part) {
		t.Errorf("the run is %s, half a copy there: %v", s.State, exists(part))
	}
}

func TestRunsShowListsArtifacts(t *testing.T) {
	w := newWorld(t)
	file, _ := filepath.Abs("../dags/artifacts.yaml")
	if sum, _ := w.runJSON(file, "--run-id", "r"); sum.State != "success" {
		t.Fatalf("the run is %s", sum.State)
	}
	res := w.run("runs", "show", "r")
	base := "file://" + filepath.Join(w.dir, "state/handoff/artifacts/r")
	for _, want := range []string{
		"ARTIFACT       BYTES           URI\n",
		"train.model    300000          " + base + "/train/-/1/artifacts/model\n",
		"train.report   44 in 2 files   " + base + "/train/-/1/artifacts/report/\n",
		"part[1].text   7               " + base + "/part/1/1/artifacts/text\n",
	} {
		if !strings.Contains(spaces(res.out), spaces(want)) {
			t.Errorf("lacks %q:\n%s", want, res.out)
		}
	}
	sum := w.last(w.run("runs", "show", "r", "--json").out)
	if a := sum.Tasks["train"].Artifacts; len(a) != 2 || a[0].Name != "model" || a[0].Size != 300000 || a[1].Files != 2 {
		t.Errorf("--json shows %+v", a)
	}
}

func spaces(s string) string { return strings.Join(strings.Fields(s), " ") }
