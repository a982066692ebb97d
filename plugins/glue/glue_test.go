package glue

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"weft/plugins"
	"weft/sandbox"
)

// newCall is a call that leads to a Glue of its own.
func newCall(t *testing.T, input string, faults ...sandbox.Fault) *plugins.Call {
	t.Helper()
	box, err := sandbox.Start(t.Context(), sandbox.Options{Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	return &plugins.Call{Env: box.Env(), Input: json.RawMessage(input), Now: time.Now, Logf: t.Logf}
}

func submission(t *testing.T, p plugins.RemoteWork, call *plugins.Call, token string) plugins.Submission {
	t.Helper()
	target, err := p.Target(call.Input)
	if err != nil {
		t.Fatal(err)
	}
	return plugins.Submission{Token: token, Intended: time.Now(), Target: target}
}

// ends watches a submission to its end.
func ends(t *testing.T, p plugins.RemoteWork, call *plugins.Call, handle json.RawMessage) plugins.Progress {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got, err := p.Check(t.Context(), call, handle); err == nil && got.Done {
			return got
		}
	}
	t.Fatal("it does not end")
	return plugins.Progress{}
}

func asError(err error, to **plugins.Error) bool {
	e, ok := err.(*plugins.Error)
	*to = e
	return ok
}

// TestALostStartIsFoundBehindManyOthers: pages of runs lie before it.
func TestALostStartIsFoundBehindManyOthers(t *testing.T) {
	call := newCall(t, `{"name":"j"}`, sandbox.Fault{Service: "glue", Operation: "StartJobRun", Times: 1, Lost: true})
	lost := submission(t, Job{}, call, "weft-lost")
	_, err := Job{}.Submit(t.Context(), call, lost)
	var e *plugins.Error
	if !asError(err, &e) || !e.Unsure {
		t.Fatalf("the answer is lost: %v", err)
	}
	var handles []json.RawMessage
	for i := range 450 {
		h, err := Job{}.Submit(t.Context(), call, submission(t, Job{}, call, fmt.Sprint("weft-", i)))
		if err != nil {
			t.Fatal(err)
		}
		handles = append(handles, h.Data)
	}
	h, found, err := Job{}.Find(t.Context(), call, lost)
	if err != nil || !found {
		t.Fatalf("found %v: %v", found, err)
	}
	if _, found, err := (Job{}).Find(t.Context(), call, submission(t, Job{}, call, "weft-none")); err != nil || found {
		t.Errorf("what was never started is found: %v %v", found, err)
	}
	all, err := Job{}.CheckAll(t.Context(), call, append(handles, h.Data))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		if p.Unasked != nil || p.State == "" {
			t.Errorf("run %d of %d: %+v", i, len(all), p)
		}
	}
}

func TestACrawl(t *testing.T) {
	call := newCall(t, `{"name":"raw"}`)
	sub := submission(t, Crawler{}, call, "weft-1")
	if _, found, err := (Crawler{}).Find(t.Context(), call, sub); err != nil || found {
		t.Fatalf("found before it began: %v %v", found, err)
	}
	h, err := Crawler{}.Submit(t.Context(), call, sub)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Crawler{}.Submit(t.Context(), call, sub)
	if err == nil || plugins.KindOf(err) != plugins.Temporary || !strings.Contains(err.Error(), "running already") {
		t.Errorf("a second crawl at once: %v", err)
	}
	if _, found, err := (Crawler{}).Find(t.Context(), call, sub); err != nil || !found {
		t.Errorf("while it runs it is found: %v %v", found, err)
	}
	p := ends(t, Crawler{}, call, h.Data)
	if got := string(p.Result.Output); got != `{"state":"READY","last_status":"SUCCEEDED","tables_created":1,"tables_updated":0}` {
		t.Errorf("%s (%v)", got, p.Failed)
	}
	later := sub
	later.Intended = time.Now().Add(time.Minute)
	if _, found, err := (Crawler{}).Find(t.Context(), call, later); err != nil || found {
		t.Errorf("a crawl that ended before the intent is taken for it: %v %v", found, err)
	}
	if err := (Crawler{}).Stop(t.Context(), call, h.Data); err != nil {
		t.Errorf("stopped when it has ended: %v", err)
	}
	if h, err = (Crawler{}).Submit(t.Context(), call, submission(t, Crawler{}, call, "weft-2")); err != nil {
		t.Fatal(err)
	}
	if err := (Crawler{}).Stop(t.Context(), call, h.Data); err != nil {
		t.Fatal(err)
	}
	if p := ends(t, Crawler{}, call, h.Data); p.Failed == nil || !strings.Contains(p.Failed.Error(), "glue crawler raw was stopped (CANCELLED)") {
		t.Errorf("stopped: %+v", p)
	}
}
