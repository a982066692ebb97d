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

func TestEachEndOfAJob(t *testing.T) {
	for script, want := range map[string]string{
		"RUNNING 50ms":                            `output {"job_run_id":"jr_`,
		"RUNNING 50ms, FAILED out of memory":      "remote: glue job j run jr_… has failed (FAILED): out of memory",
		"RUNNING 0s, STOPPED":                     "remote: glue job j run jr_… was stopped (STOPPED)",
		"RUNNING 0s, ERROR":                       "remote: glue job j run jr_… ended with an error (ERROR)",
		"WAITING 0s, EXPIRED":                     "remote: glue job j run jr_… expired before it began (EXPIRED)",
		"RUNNING 1s, TIMEOUT":                     "timeout: glue job j run jr_… took longer than the job's own timeout (TIMEOUT), after 1s",
		"RUNNING 0s, FAILED a, b: \"c\" and more": "remote: glue job j run jr_… has failed (FAILED): a, b: \"c\" and more",
	} {
		t.Run(script, func(t *testing.T) {
			in, _ := json.Marshal(map[string]any{"name": "j", "arguments": map[string]any{"--weft_sandbox": script, "--n": 3, "--yes": true}})
			call := newCall(t, string(in))
			h, err := Job{}.Submit(t.Context(), call, submission(t, Job{}, call, "weft-1"))
			if err != nil {
				t.Fatal(err)
			}
			p := ends(t, Job{}, call, h.Data)
			got := "output " + string(p.Result.Output)
			if p.Failed != nil {
				before, rest, _ := strings.Cut(p.Failed.Error(), "jr_")
				_, rest, _ = strings.Cut(rest, " ")
				got = fmt.Sprintf("%s: %sjr_… %s", p.Failed.Kind, before, rest)
			}
			if got != want && !strings.HasPrefix(got, want+strings.TrimPrefix(strings.TrimPrefix(h.Text, "glue job j run "), "jr_")) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestInputsThatCannotBeStarted(t *testing.T) {
	for in, want := range map[string]string{
		`{"name":" "}`: "cannot start a glue job without a name",
		`{"name":"j","arguments":{"--weft_token":"x"}}`:                 "weft finds its runs by it",
		`{"name":"j","max_capacity":2,"worker_type":"G.1X"}`:            "Glue takes one or the other",
		`{"name":"j","arguments":{"--list":[1]}}`:                       "toJSON makes a text of it",
		`{"name":"j","arguments":{"--map":{}},"number_of_workers":2}`:   "toJSON makes a text of it",
		`{"name":"j","arguments":{"--null":null},"worker_type":"G.1X"}`: "toJSON makes a text of it",
	} {
		if _, err := (Job{}).Target(json.RawMessage(in)); err == nil || plugins.KindOf(err) != plugins.BadInput || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want bad_input and %q", in, err, want)
		}
	}
}

func TestAStartThatIsRefusedForAWhileIsTriedOn(t *testing.T) {
	call := newCall(t, `{"name":"j"}`, sandbox.Fault{Service: "glue", Operation: "StartJobRun", Times: 3})
	if _, err := (Job{}).Submit(t.Context(), call, submission(t, Job{}, call, "weft-1")); err != nil {
		t.Fatalf("throttled three times: %v", err)
	}
}

func TestWhatAStartIsRefusedFor(t *testing.T) {
	for code, want := range map[string]struct {
		kind   plugins.Kind
		unsure bool
		says   string
	}{
		"EntityNotFoundException":              {plugins.BadInput, false, "there is none of that name (check the name"},
		"InvalidInputException":                {plugins.BadInput, false, "It was ordered so"},
		"ConcurrentRunsExceededException":      {plugins.Temporary, false, "as many of its runs as the job allows"},
		"ResourceNumberLimitExceededException": {plugins.Temporary, false, "It was ordered so"},
		"OperationTimeoutException":            {plugins.Temporary, true, "start glue job j"},
		"AccessDeniedException":                {plugins.Remote, false, "grant glue:StartJobRun"},
	} {
		call := newCall(t, `{"name":"j"}`, sandbox.Fault{Service: "glue", Operation: "StartJobRun", Times: 9, Code: code})
		_, err := Job{}.Submit(t.Context(), call, submission(t, Job{}, call, "weft-1"))
		var e *plugins.Error
		if !asError(err, &e) || e.Kind != want.kind || e.Unsure != want.unsure || !strings.Contains(e.Error(), want.says) {
			t.Errorf("%s: %v (%+v)", code, err, e)
		}
	}
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

func TestARunIsAskedForInItsOwnRegion(t *testing.T) {
	call := newCall(t, `{"name":"j"}`)
	h, err := Job{}.Submit(t.Context(), call, submission(t, Job{}, call, "weft-1"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := *call
	elsewhere.Env = append(append([]string(nil), call.Env...), "AWS_REGION=eu-west-1")
	if _, err := (Job{}).Check(t.Context(), &elsewhere, h.Data); err == nil || !strings.Contains(err.Error(), "set AWS_REGION to us-east-1") {
		t.Errorf("asked in another region: %v", err)
	}
}

func TestAStopIsNoErrorWhereTheRunHasEnded(t *testing.T) {
	call := newCall(t, `{"name":"j","arguments":{"--weft_sandbox":"RUNNING 0s"}}`)
	h, err := Job{}.Submit(t.Context(), call, submission(t, Job{}, call, "weft-1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := (Job{}).Stop(t.Context(), call, h.Data); err != nil {
		t.Error(err)
	}
	slow := newCall(t, `{"name":"j","arguments":{"--weft_sandbox":"RUNNING 1h"}}`)
	if h, err = (Job{}).Submit(t.Context(), slow, submission(t, Job{}, slow, "weft-1")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := (Job{}).Stop(t.Context(), slow, h.Data); err != nil {
			t.Error(err)
		}
	}
	if p := ends(t, Job{}, slow, h.Data); p.State != "STOPPED" {
		t.Errorf("it is %s", p.State)
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
