package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// binary is the real weft, built once for all tests here.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "weft-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "weft")
	build := exec.Command("go", "build", "-o", binary, "weft")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build weft: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// soak tells whether the long tier is asked for.
func soak() bool { return os.Getenv("WEFT_SOAK") != "" }

// A world is a folder in which a test's weft lives: its working directory, its state, its effects.
type world struct {
	t      *testing.T
	dir    string
	ledger string // effects, outside weft's reach: one appended line each
	env    []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	return &world{t: t, dir: dir, ledger: filepath.Join(dir, "ledger")}
}

// write puts a file into the world.
func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "LEDGER="+w.ledger, "NO_COLOR=1", "WEFT_SHELLCHECK=off", "WEFT_HOME="+filepath.Join(w.dir, "state"))
	cmd.Env = append(cmd.Env, w.env...)
	return cmd
}

// A result is how one call of weft ended.
type result struct {
	code        int
	out, stderr string
}

// run calls weft and waits for it, two minutes at most.
func (w *world) run(args ...string) result {
	w.t.Helper()
	cmd := w.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	if ctx.Err() != nil {
		w.t.Fatalf("weft %s does not end\n%s\n%s", strings.Join(args, " "), out.String(), errs.String())
	}
	res := result{code: cmd.ProcessState.ExitCode(), out: out.String(), stderr: errs.String()}
	if strings.Contains(res.stderr, "goroutine ") || strings.Contains(res.stderr, "panic:") {
		w.t.Errorf("weft %s shows a stack trace:\n%s", strings.Join(args, " "), res.stderr)
	}
	return res
}

// A summary is the last object of `weft run --json`.
type summary struct {
	Type   string `json:"type"`
	DAG    string `json:"dag_id"`
	Run    string `json:"run_id"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Tasks  map[string]struct {
		State    string          `json:"state"`
		Attempts int             `json:"attempts"`
		Reason   string          `json:"reason"`
		Output   json.RawMessage `json:"output"`
		Ref      *struct {
			URI  string `json:"uri"`
			Size int64  `json:"size"`
		} `json:"ref"`
		Artifacts []struct {
			Name  string `json:"name"`
			URI   string `json:"uri"`
			Size  int64  `json:"size"`
			Files int    `json:"files"`
		} `json:"artifacts"`
		Instances []struct {
			Index int    `json:"index"`
			State string `json:"state"`
		} `json:"instances"`
	} `json:"tasks"`
}

// states lists the tasks' states, for comparing: "a=success b=failed".
func (s summary) states(ids ...string) string {
	var out []string
	for _, id := range ids {
		out = append(out, id+"="+s.Tasks[id].State)
	}
	return strings.Join(out, " ")
}

// last reads the summary from the last line of --json output.
func (w *world) last(out string) summary {
	w.t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var s summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		w.t.Fatalf("the last line is no summary: %v\n%s", err, out)
	}
	return s
}

// runJSON runs a DAG and returns its summary.
func (w *world) runJSON(args ...string) (summary, result) {
	w.t.Helper()
	res := w.run(append([]string{"run", "--json"}, args...)...)
	if res.code != 0 && res.code != 1 {
		w.t.Fatalf("weft run %s: exit %d\n%s%s", strings.Join(args, " "), res.code, res.out, res.stderr)
	}
	return w.last(res.out), res
}

// effects returns the ledger's lines.
func (w *world) effects() []string {
	b, err := os.ReadFile(w.ledger)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// eventually waits for a condition, a minute at most.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited a minute, and still not: %s", what)
}

// An update is one event of --json output.
type update struct {
	Type    string    `json:"type"`
	At      time.Time `json:"at"`
	Task    string    `json:"task_id"`
	State   string    `json:"state"`
	Attempt int       `json:"attempt"`
}

func updates(t *testing.T, out string) []update {
	t.Helper()
	var list []update
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var u update
		if err := json.Unmarshal([]byte(line), &u); err != nil {
			t.Fatalf("a line of --json is no object: %v\n%s", err, line)
		}
		list = append(list, u)
	}
	return list
}
