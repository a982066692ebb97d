package dag

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"weft/plugins"
)

// house is a plugins.Runs in memory.
type house struct {
	runs  map[string]plugins.RunStatus
	asked []string
	fails error
}

func (h *house) Start(_ context.Context, o plugins.RunOrder) (plugins.RunStatus, error) {
	h.asked = append(h.asked, fmt.Sprintf("start %s of %s at %s with %s", o.ID, o.DAG, o.LogicalDate.Format(time.RFC3339Nano), o.Params["day"]))
	if s, ok := h.runs[o.ID]; ok || h.fails != nil {
		return s, h.fails
	}
	s := plugins.RunStatus{ID: o.ID, DAG: o.DAG, State: "queued"}
	h.runs[o.ID] = s
	return s, nil
}

func (h *house) Look(_ context.Context, id string) (plugins.RunStatus, bool, error) {
	s, ok := h.runs[id]
	if id == "unasked" {
		return s, false, errors.New("the store is away")
	}
	return s, ok, nil
}

func (h *house) Newest(context.Context, string, time.Time, string) (plugins.RunStatus, bool, error) {
	return plugins.RunStatus{}, false, h.fails
}

func (h *house) Cancel(_ context.Context, id, by string) error {
	h.asked = append(h.asked, "cancel "+id+" by "+by)
	return nil
}

var intended = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

func submission(t *testing.T, p Run, input string) plugins.Submission {
	t.Helper()
	target, err := p.Target(json.RawMessage(input))
	if err != nil {
		t.Fatal(err)
	}
	return plugins.Submission{Token: "weft-0123456789abcdef01234567", Intended: intended, Target: target}
}

// TestASubmissionHasOneRun: its id follows from what was recorded before, so whoever submits again, or looks
// for it after a crash, finds the run that there is.
func TestASubmissionHasOneRun(t *testing.T) {
	h := &house{runs: map[string]plugins.RunStatus{}}
	p, call := Run{Runs: h}, &plugins.Call{By: plugins.Caller{Task: "load", Run: "r"}}
	sub := submission(t, p, `{"id": "b", "params": {"day": "x"}, "wait": true}`)
	if _, found, err := p.Find(t.Context(), call, sub); found || err != nil {
		t.Errorf("found before it was submitted (%v)", err)
	}
	first, err := p.Submit(t.Context(), call, sub)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Submit(t.Context(), call, sub)
	found, ok, failed := p.Find(t.Context(), call, sub)
	if err != nil || failed != nil || !ok || string(first.Data) != string(again.Data) || string(first.Data) != string(found.Data) {
		t.Errorf("%s, %s, %s (%v %v)", first.Data, again.Data, found.Data, err, failed)
	}
	const id = "manual__2026-01-02T03:04:05.123456+00:00_01234567"
	if first.Text != "run "+id+" of b" || len(h.runs) != 1 {
		t.Errorf("%s, runs %v", first.Text, h.runs)
	}
	if want := "start " + id + ` of b at 2026-01-02T03:04:05.123456Z with "x"`; h.asked[0] != want {
		t.Errorf("asked for %s, not %s", h.asked[0], want)
	}
	if err := p.Stop(t.Context(), call, first.Data); err != nil || h.asked[2] != "cancel "+id+" by task load of run r" {
		t.Errorf("%s (%v)", h.asked, err)
	}
}

// TestWhatIsNotWaitedForIsDoneAndStays: the task has its output from the start, and a stop cancels nothing.
func TestWhatIsNotWaitedForIsDoneAndStays(t *testing.T) {
	h := &house{runs: map[string]plugins.RunStatus{}}
	p, call := Run{Runs: h}, &plugins.Call{}
	got, err := p.Submit(t.Context(), call, submission(t, p, `{"id": "b", "logical_date": "2026-02-03"}`))
	if err != nil || !got.Soon || !strings.Contains(h.asked[0], "at 2026-02-03T00:00:00Z") {
		t.Fatalf("%+v %s (%v)", got, h.asked, err)
	}
	h.runs = nil
	done, err := p.Check(t.Context(), call, got.Data)
	if err != nil || !done.Done || string(done.Result.Output) != `{"run_id":"manual__2026-01-02T03:04:05.123456+00:00_01234567","state":"queued"}` {
		t.Errorf("%+v (%v)", done, err)
	}
	if err := p.Stop(t.Context(), call, got.Data); err != nil || len(h.asked) != 1 {
		t.Errorf("a stop asks for %s (%v)", h.asked, err)
	}
}

// TestHowTheOtherIs: one that cannot be asked about does not stand in the way of the others.
func TestHowTheOtherIs(t *testing.T) {
	h := &house{runs: map[string]plugins.RunStatus{
		"on": {State: "running"}, "good": {State: "success", Ended: true},
		"bad": {State: "failed", Ended: true, Reason: "x failed"}, "cut": {State: "cancelled", Ended: true},
	}}
	var handles []json.RawMessage
	ids := []string{"on", "good", "unasked", "bad", "cut", "gone"}
	for _, id := range ids {
		handles = append(handles, json.RawMessage(fmt.Sprintf(`{"dag":"b","run":"%s","wait":true}`, id)))
	}
	all, err := Run{Runs: h}.CheckAll(t.Context(), &plugins.Call{}, handles)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"running", `success, {"run_id":"good","state":"success"}`, "not known: the store is away",
		"failed, run bad of b has failed: x failed (remote)", "cancelled, run cut of b was cancelled (remote)", "gone, run gone of b is gone: it was removed (remote)",
	}
	for i, p := range all {
		got := p.State
		switch {
		case p.Unasked != nil:
			got = "not known: " + p.Unasked.Error()
		case p.Failed != nil:
			got += ", " + p.Failed.Error() + " (" + string(p.Failed.Kind) + ")"
		case p.Done:
			got += ", " + string(p.Result.Output)
		}
		if got != want[i] {
			t.Errorf("%s: %s\nwant %s", ids[i], got, want[i])
		}
	}
}

// TestWhereNothingRuns: the plugins say so, and why a store cannot be read is passed on.
func TestWhereNothingRuns(t *testing.T) {
	_, err := Run{}.Submit(t.Context(), &plugins.Call{}, submission(t, Run{}, `{"id": "b"}`))
	_, late := Wait{}.Run(t.Context(), &plugins.Call{Input: json.RawMessage(`{"id": "b"}`)})
	if plugins.KindOf(err) != plugins.Internal || plugins.KindOf(late) != plugins.Internal {
		t.Errorf("%v; %v", err, late)
	}
	away := plugins.Errorf(plugins.Temporary, "the store is away")
	_, err = Wait{Runs: &house{fails: away}}.Run(t.Context(), &plugins.Call{Input: json.RawMessage(`{"id": "b"}`)})
	if !errors.Is(err, error(away)) {
		t.Errorf("%v", err)
	}
}
