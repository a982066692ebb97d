package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/catalog"
	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/scheduler"
	"weft/spec"
	"weft/store"
	"weft/store/mem"
)

// hands carry out tasks: "quick" at once, all others when the test lets them, or when they are stopped.
type hands struct {
	mu    sync.Mutex
	began []string // run/task
	let   chan struct{}
}

func (h *hands) Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome)) {
	h.mu.Lock()
	h.began = append(h.began, o.Run.Key()+"/"+o.Key.Task)
	h.mu.Unlock()
	if strings.HasPrefix(o.Key.Task, "quick") {
		done(machine.Outcome{State: machine.Success})
		return
	}
	select {
	case <-h.let:
		done(machine.Outcome{State: machine.Success})
	case <-ctx.Done():
		done(machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: context.Cause(ctx).Error()})
	}
}

func (h *hands) Poke(context.Context, machine.Order, int, time.Time) runner.PokeResult {
	return runner.PokeResult{}
}

func (h *hands) Evaluate(context.Context, machine.Order, machine.Evaluate) machine.Evaluated {
	return machine.Evaluated{Error: "there is nothing to evaluate here"}
}

func (h *hands) Leave(string) error { return nil }

func (h *hands) starts(of string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.began {
		if b == of {
			n++
		}
	}
	return n
}

// engine is the real one, which looks at runs as the command line's does.
type engine struct {
	*local.Engine
	st *mem.Store
}

func (e engine) Look(ctx context.Context, run string) (st Standing, err error) {
	if info, sum, seq, here := e.Standing(run); here {
		return Standing{Info: info, Summary: sum, Seq: seq}, nil
	}
	recs, err := e.st.Read(ctx, run)
	if err != nil {
		return st, err
	}
	r, err := local.Replay(ctx, e.st, run, recs)
	if err != nil {
		return st, err
	}
	return Standing{Info: r.Info(), Summary: r.Summarize(), Seq: uint64(len(recs))}, nil
}

// shelf is a catalog of two DAGs, of which one's file is broken, and of a file that was never good.
type shelf struct{}

func (shelf) Now() *catalog.Snapshot {
	return &catalog.Snapshot{
		Entries: map[string]catalog.Entry{
			"nightly": {ID: "nightly", Path: "nightly.yaml", Version: "v1", Head: spec.Head{Schedule: machine.Raw(`"0 3 * * *"`), Timezone: "Europe/Berlin"}},
			"old":     {ID: "old", Path: "old.yaml", Version: "v0", Stale: true},
		},
		Findings: []catalog.Finding{
			{File: "dags/nightly.yaml", ID: "nightly"},
			{File: "dags/old.yaml", ID: "old", Diagnostics: []spec.Diagnostic{{Code: "S101", Severity: spec.Error, File: "dags/old.yaml", Line: 2, Column: 1, Message: "unknown key"}}},
			{File: "dags/torn.yaml", ID: "torn", Diagnostics: []spec.Diagnostic{{Code: "Y003", Severity: spec.Error, File: "dags/torn.yaml", Line: 4, Column: 7, Message: "a quote is never closed"}}},
		},
	}
}

func (shelf) Shown(e catalog.Entry) string { return "dags/" + e.Path }

// desk is a scheduler that starts runs with the engine, and keeps who paused what.
type desk struct {
	eng    engine
	plan   *machine.Plan
	mu     sync.Mutex
	paused map[string]string
	back   store.Backfill
}

func (d *desk) Trigger(ctx context.Context, t scheduler.Trigger) (string, error) {
	if t.Text["bad"] != "" {
		return "", &scheduler.ParamsError{DAG: t.DAG, Problems: []spec.ParamProblem{{}}}
	}
	p := *d.plan
	p.DAG = t.DAG
	if err := p.Seal(); err != nil {
		return "", err
	}
	req := request(&p, t.Run)
	req.By = t.By
	return d.eng.Start(ctx, req)
}

func (d *desk) Pause(_ context.Context, dag, by string, pause bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.paused, dag)
	if pause {
		d.paused[dag] = by
	}
	return nil
}

func (d *desk) Backfill(_ context.Context, row store.Backfill) (store.Backfill, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.back.ID != "" {
		return row, fmt.Errorf("cannot backfill %s: %w", row.DAG, scheduler.ErrBusy)
	}
	row.ID, row.State = row.DAG+"__1", "running"
	d.back = row
	return row, d.eng.st.Settle(context.Background(), &store.Changes{Backfills: []store.Backfill{row}})
}

func (d *desk) PauseBackfill(_ context.Context, id string, pause bool) error {
	return d.end(id, map[bool]string{true: "paused", false: "running"}[pause])
}

func (d *desk) CancelBackfill(_ context.Context, id, _ string) error { return d.end(id, "cancelled") }

func (d *desk) end(id, state string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.back.ID != id {
		return fmt.Errorf("%w: %s", scheduler.ErrNoBackfill, id)
	}
	d.back.State = state
	return d.eng.st.Settle(context.Background(), &store.Changes{Backfills: []store.Backfill{d.back}})
}

// A world is a server on a socket in a folder of its own, with all that is behind it.
type world struct {
	*testing.T
	home  string
	st    *mem.Store
	hands *hands
	hub   *runner.Hub
	eng   engine
	desk  *desk
	srv   *Server
	done  chan error
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{T: t, home: t.TempDir(), st: mem.New(), hands: &hands{let: make(chan struct{})}, hub: &runner.Hub{}, done: make(chan error, 1)}
	w.eng = engine{local.New(local.Config{
		Store: w.st, Worker: &local.Crew{Exec: w.hands, Store: w.st}, Clock: clock.Real,
		Locks:   local.FileLocks{Dir: filepath.Join(w.home, "runs")},
		Options: local.Options{Observe: w.hub.Observe},
	}), w.st}
	t.Cleanup(w.eng.Close)
	w.desk = &desk{eng: w.eng, plan: planOf(t, "nightly", "quick"), paused: map[string]string{}}
	conf := Config{Engine: w.eng, Scheduler: w.desk, Catalog: shelf{}, Store: w.st, Hub: w.hub, Version: "test", Home: w.home, DAGs: "dags", PID: os.Getpid()}
	for _, f := range change {
		f(&conf)
	}
	var err error
	if w.srv, err = New(conf); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(w.home)
	if err != nil {
		t.Fatal(err)
	}
	go func() { w.done <- w.srv.Serve(l, Read, Operate) }()
	t.Cleanup(w.srv.Close)
	return w
}

func (w *world) client() *Client {
	w.Helper()
	c, err := Connect(w.home)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.Close)
	return c
}

// ask sends a request as any program could, and returns the answer and its text.
func (w *world) ask(method, path string, head map[string]string, body []byte) (*http.Response, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, "http://weft"+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for k, v := range head {
		req.Header.Set(k, v)
	}
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return Dial(w.home, time.Second) },
	}}
	resp, err := c.Do(req)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, string(text)
}

func planOf(t *testing.T, dag string, tasks ...string) *machine.Plan {
	t.Helper()
	p := &machine.Plan{Format: machine.PlanFormat, DAG: dag, MaxActiveRuns: 16, MaxActiveTasks: 16, Verdict: machine.Verdict{Rule: "leaves"}}
	for _, id := range tasks {
		task := machine.Task{ID: id, Uses: "x", Pool: "default", PoolSlots: 1}
		task.Trigger.Rule = "all_success"
		p.Tasks = append(p.Tasks, task)
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

var day = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func request(p *machine.Plan, id string) runner.Request {
	return runner.Request{Plan: p, Dir: "/somewhere", Run: id, Type: "manual", LogicalDate: day, IntervalStart: day, IntervalEnd: day}
}

// lines takes a stream to its end.
func lines(t *testing.T, st *Stream) (all []Line) {
	t.Helper()
	defer st.Close()
	for {
		l, err := st.Next()
		if err == io.EOF { //nolint:errorlint // it is that very value
			return all
		}
		if err != nil {
			t.Fatalf("after %d lines: %v", len(all), err)
		}
		all = append(all, l)
	}
}

// types are those of lines, with tasks' states: "accepted run_started t:running … run_finished".
func types(all []Line) string {
	var out []string
	for _, l := range all {
		if l.Type == "task" {
			out = append(out, l.Task+":"+l.State)
			continue
		}
		out = append(out, l.Type)
	}
	return strings.Join(out, " ")
}

func (w *world) eventually(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	w.Fatalf("waited, and still not: %s", what)
}

func problemIn(t *testing.T, text string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("the answer is no JSON: %v\n%s", err, text)
	}
	return p
}
