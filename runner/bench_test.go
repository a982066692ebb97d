package runner_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/clock"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A fake is a plugin made of one function.
type fake struct {
	name  string
	input string // JSON Schema; "" = anything
	run   func(ctx context.Context, c *plugins.Call) (plugins.Result, error)
}

func (f *fake) Name() string { return f.name }

func (f *fake) Schema() plugins.Schema { return plugins.Schema{Input: json.RawMessage(f.input)} }

func (f *fake) Run(ctx context.Context, c *plugins.Call) (plugins.Result, error) {
	return f.run(ctx, c)
}

// A light fake works apart: it needs no folder, no log, no live file.
type light struct{ fake }

func (light) InProcess() {}

// gives makes the function of a plugin that answers with one JSON value.
func gives(output string) func(context.Context, *plugins.Call) (plugins.Result, error) {
	return func(context.Context, *plugins.Call) (plugins.Result, error) {
		return plugins.Result{Output: json.RawMessage(output)}, nil
	}
}

func givesText(output string) func(context.Context, *plugins.Call) (plugins.Result, error) {
	return func(context.Context, *plugins.Call) (plugins.Result, error) {
		return plugins.Result{Output: json.RawMessage(output), Text: true}, nil
	}
}

func fails(err error) func(context.Context, *plugins.Call) (plugins.Result, error) {
	return func(context.Context, *plugins.Call) (plugins.Result, error) { return plugins.Result{}, err }
}

// A bench is an executor on a home of its own, and what it logged.
type bench struct {
	*runner.Executor
	t      testing.TB
	fake   *fake
	light  *light
	sealed int
}

func newBench(t testing.TB, run func(context.Context, *plugins.Call) (plugins.Result, error)) *bench {
	t.Helper()
	b := &bench{t: t, fake: &fake{name: "fake", run: run}, light: &light{fake{name: "light", run: run}}}
	sh := &fake{name: "shell", run: run}
	home := t.TempDir()
	b.Executor = &runner.Executor{
		Plugins: plugins.NewRegistry(b.fake, b.light, sh),
		Home:    home,
		Dir:     func(string) string { return filepath.Join(home, "dags") },
		Clock:   clock.NewFake(noon),
		Environ: []string{"PATH=/bin", "HOME=/root", "OTHER=1", "WEFT_HOME=/x", "WEFT_SECRET_A=s", "=odd", "odd"},
		Grace:   time.Second,
		OpenLog: func(machine.Order) (*os.File, error) {
			return os.OpenFile(filepath.Join(home, "log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		},
		SealLog: func(machine.Order) error { b.sealed++; return nil },
	}
	return b
}

func (b *bench) log() string {
	raw, err := os.ReadFile(filepath.Join(b.Home, "log"))
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return string(raw)
}

// attempt carries out the order's attempt and checks that nothing is left of it.
func (b *bench) attempt(o machine.Order) machine.Outcome {
	b.t.Helper()
	out := b.outcome(b.t.Context(), o)
	b.nothingLeft()
	return out
}

// outcome carries out the order's attempt.
func (b *bench) outcome(ctx context.Context, o machine.Order) (out machine.Outcome) {
	b.t.Helper()
	times := 0
	b.Attempt(ctx, o, func(got machine.Outcome) {
		out = got
		times++
	})
	if times != 1 {
		b.t.Errorf("the outcome was told %d times", times)
	}
	return out
}

// nothingLeft takes the run's places away: no attempt has left anything in them, nor beside them.
func (b *bench) nothingLeft() {
	b.t.Helper()
	run := order(machine.Task{}).Run.Run
	b.emptied(run)
	if err := b.Leave(run); err != nil {
		b.t.Error(err)
	}
	left, _ := os.ReadDir(filepath.Join(b.Home, "tmp")) // or there is no such folder
	for _, e := range left {
		b.t.Errorf("left over: %s", e.Name())
	}
}

// emptied checks that what attempts of a run share holds nothing of any of them.
func (b *bench) emptied(run string) {
	b.t.Helper()
	top := filepath.Join(b.Home, "tmp", handoff.FileName(run))
	_ = filepath.WalkDir(top, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == top || e.IsDir() && filepath.Dir(p) == top {
			return nil
		}
		if info, err := e.Info(); err == nil && (filepath.Ext(p) != ".live" || info.Size() > 0) {
			b.t.Errorf("left over: %s, %d bytes", p, info.Size())
		}
		return nil
	})
}

// order is an attempt of a task with this body, the first of run r1 of the DAG "d".
func order(task machine.Task) machine.Order {
	if task.Uses == "" {
		task.Uses = "fake"
	}
	task.ID, task.Pos = "count", machine.Pos{Line: 5, Col: 3}
	plan := &machine.Plan{Format: 1, DAG: "d", File: "dags/d.yaml", Tasks: []machine.Task{task}}
	return machine.Order{
		Run: machine.RunInfo{RunStarted: machine.RunStarted{
			DAG: "d", Run: "manual__2026-03-01T12:00:00+00:00", LogicalDate: noon, IntervalStart: noon, IntervalEnd: noon,
		}},
		Plan: plan, Task: &plan.Tasks[0], ID: "count", Attempt: 1,
		Key: machine.Key{Task: "count", Index: -1, Attempt: 1},
	}
}

func with(input string, places ...machine.Place) machine.Task {
	return machine.Task{With: machine.Raw(input), Places: places}
}

// shows compares an outcome's state, kind and error.
func shows(t *testing.T, out machine.Outcome, state machine.State, kind, text string) {
	t.Helper()
	if out.State != state || out.Kind != kind || out.Error != text {
		t.Errorf("got  %s, kind %q: %s\nwant %s, kind %q: %s", out.State, out.Kind, out.Error, state, kind, text)
	}
	if strings.ContainsAny(out.Error, "\n\r") {
		t.Errorf("the error has several lines: %q", out.Error)
	}
}
