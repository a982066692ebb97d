package dag

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"weft/plugins"
)

// Run is the plugin dag.run: it starts a run of another DAG and, if it is asked to, waits for its end.
//
// The run's id follows from the submission, which is recorded before anything begins: one attempt has one
// run, whatever is lost in between.
type Run struct{ Runs plugins.Runs }

var (
	_ plugins.Plugin       = Run{}
	_ plugins.RemoteWork   = Run{}
	_ plugins.Finder       = Run{}
	_ plugins.Idempotent   = Run{}
	_ plugins.BatchChecker = Run{}
	_ plugins.InProcess    = Run{}
)

//go:embed run_input.json
var runInput []byte

//go:embed run_output.json
var runOutput []byte

// Name implements plugins.Plugin.
func (Run) Name() string { return "dag.run" }

// InProcess implements plugins.InProcess.
func (Run) InProcess() {}

// Idempotent implements plugins.Idempotent: the token gives the run's id.
func (Run) Idempotent() {}

// Schema implements plugins.Plugin.
func (Run) Schema() plugins.Schema {
	return plugins.Schema{Title: "Starts a run of another DAG, and may wait for its end, holding no slot", Input: runInput, Output: runOutput}
}

// Run implements plugins.Plugin; only a sensor comes to it, which the validator refuses.
func (Run) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	if ctx.Err() != nil {
		return plugins.Result{}, ctx.Err()
	}
	return plugins.Result{}, &plugins.Error{
		Kind: plugins.BadInput, Err: fmt.Errorf("cannot use dag.run as a sensor: each poke would start a run"),
		Hint: "wait: true waits for its end, for nothing; dag.wait waits for a run that others start",
	}
}

type runWith struct {
	ID          string                     `json:"id"`
	Params      map[string]json.RawMessage `json:"params,omitempty"`
	LogicalDate string                     `json:"logical_date,omitempty"`
	Wait        bool                       `json:"wait,omitempty"`
}

// maxParams is how many bytes of JSON the params of a run may have. They are recorded twice.
const maxParams = 49152

// Target implements plugins.RemoteWork. All that will be kept with the run stands in it, and so is looked
// through for secrets.
func (Run) Target(input json.RawMessage) (json.RawMessage, error) {
	in, err := read[runWith](input, theInput)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.ID) == "" {
		return nil, plugins.Errorf(plugins.BadInput, "cannot start a DAG without an id")
	}
	if _, err := dateOf(in.LogicalDate, time.Time{}); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(in)
	if len(raw) > maxParams {
		e := plugins.Errorf(plugins.BadInput, "cannot start %s: its params have %d bytes of JSON, at most %d fit", in.ID, len(raw), maxParams)
		e.Hint = "hand over an address: tasks.NAME.ref.uri, or an object of S3"
		return nil, e
	}
	return raw, err
}

// A runHandle is what is recorded of a run.
type runHandle struct {
	DAG   string `json:"dag"`
	Run   string `json:"run"`
	Wait  bool   `json:"wait,omitempty"`
	State string `json:"state"` // at its start
}

func (h runHandle) String() string { return fmt.Sprintf("run %s of %s", h.Run, h.DAG) }

func (h runHandle) handle() (plugins.Handle, error) {
	raw, err := json.Marshal(h)
	return plugins.Handle{Data: raw, Text: h.String(), Soon: !h.Wait}, err
}

// runID is the id of the run that a submission starts: as those of `weft run`, by the instant of the
// request, and with the end of the token, since many may be made at once.
func runID(s plugins.Submission) string {
	at := s.Intended.UTC().Truncate(time.Microsecond)
	layout := "2006-01-02T15:04:05.000000"
	if at.Nanosecond() == 0 {
		layout = "2006-01-02T15:04:05"
	}
	return "manual__" + at.Format(layout) + "+00:00_" + s.Token[max(0, len(s.Token)-8):]
}

// Submit implements plugins.RemoteWork.
func (p Run) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	in, err := read[runWith](sub.Target, theInput)
	if err != nil {
		return plugins.Handle{}, err
	}
	if p.Runs == nil {
		return plugins.Handle{}, alone("dag.run")
	}
	date, err := dateOf(in.LogicalDate, sub.Intended)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := p.Runs.Start(ctx, plugins.RunOrder{ID: runID(sub), DAG: in.ID, Params: in.Params, LogicalDate: date, By: call.By})
	if err != nil {
		return plugins.Handle{}, err
	}
	return runHandle{DAG: in.ID, Run: s.ID, Wait: in.Wait, State: s.State}.handle()
}

// Find implements plugins.Finder.
func (p Run) Find(ctx context.Context, _ *plugins.Call, sub plugins.Submission) (plugins.Handle, bool, error) {
	in, err := read[runWith](sub.Target, theInput)
	if err != nil {
		return plugins.Handle{}, false, err
	}
	if p.Runs == nil {
		return plugins.Handle{}, false, alone("dag.run")
	}
	s, ok, err := p.Runs.Look(ctx, runID(sub))
	if err != nil || !ok {
		return plugins.Handle{}, false, err
	}
	h, err := runHandle{DAG: in.ID, Run: s.ID, Wait: in.Wait, State: s.State}.handle()
	return h, err == nil, err
}

// Batch implements plugins.BatchChecker: they are all here.
func (Run) Batch(json.RawMessage) string { return "" }

// CheckAll implements plugins.BatchChecker.
func (p Run) CheckAll(ctx context.Context, call *plugins.Call, handles []json.RawMessage) ([]plugins.Progress, error) {
	all := make([]plugins.Progress, len(handles))
	for i, h := range handles {
		var err error
		if all[i], err = p.Check(ctx, call, h); err != nil {
			all[i] = plugins.Progress{Unasked: err}
		}
	}
	return all, nil
}

// Check implements plugins.RemoteWork.
func (p Run) Check(ctx context.Context, _ *plugins.Call, handle json.RawMessage) (plugins.Progress, error) {
	h, err := read[runHandle](handle, "what was recorded of the run")
	switch {
	case err != nil:
		return plugins.Progress{}, err
	case p.Runs == nil:
		return plugins.Progress{}, alone("dag.run")
	case !h.Wait:
		res, err := done{h.Run, h.State}.result()
		return plugins.Progress{State: h.State, Done: true, Result: res}, err
	}
	s, ok, err := p.Runs.Look(ctx, h.Run)
	switch {
	case err != nil:
		return plugins.Progress{}, err
	case !ok:
		return plugins.Progress{State: "gone", Done: true, Failed: plugins.Errorf(plugins.Remote, "%s is gone: it was removed", h)}, nil
	case !s.Ended:
		return plugins.Progress{State: s.State}, nil
	case s.State != "success":
		return plugins.Progress{State: s.State, Done: true, Failed: plugins.Errorf(plugins.Remote, "%s", ended(h.Run, h.DAG, s))}, nil
	}
	res, err := done{h.Run, s.State}.result()
	return plugins.Progress{State: s.State, Done: true, Result: res}, err
}

// ended says how a run ended that was no success.
func ended(run, dag string, s plugins.RunStatus) string {
	how := map[string]string{"failed": "has failed", "cancelled": "was cancelled"}[s.State]
	if how == "" {
		how = "is " + s.State
	}
	text := fmt.Sprintf("run %s of %s %s", run, dag, how)
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// Stop implements plugins.RemoteWork. A run whose end nobody waits for goes on.
func (p Run) Stop(ctx context.Context, call *plugins.Call, handle json.RawMessage) error {
	h, err := read[runHandle](handle, "what was recorded of the run")
	switch {
	case err != nil:
		return err
	case p.Runs == nil:
		return alone("dag.run")
	case !h.Wait:
		return nil
	}
	return p.Runs.Cancel(ctx, h.Run, fmt.Sprintf("task %s of run %s", call.By.Task, call.By.Run))
}
