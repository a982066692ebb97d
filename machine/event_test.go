package machine

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// everyFact is one event of each type, with every field set, as it stands in a journal.
var everyFact = []struct {
	event   Event
	journal string
}{
	{
		Event{epoch, RunStarted{
			Rules: 1, DAG: "d", Run: "r", RunType: "scheduled", LogicalDate: epoch, IntervalStart: epoch, IntervalEnd: epoch.Add(time.Hour), DS: "2026-01-02",
			Params: Raw(`{"n":1}`), Vars: Raw(`{}`), Plan: "p", By: "ann", Hold: true, MaxInstances: 5, Handoff: "file:///h", Sandbox: true,
		}},
		`{"at":"2026-01-02T03:00:00Z","type":"run_started","rules":1,"dag":"d","run":"r","run_type":"scheduled","logical_date":"2026-01-02T03:00:00Z","data_interval_start":"2026-01-02T03:00:00Z","data_interval_end":"2026-01-02T04:00:00Z","ds":"2026-01-02","params":{"n":1},"vars":{},"plan":"p","by":"ann","hold":true,"max_instances":5,"handoff":"file:///h","sandbox":true}`,
	},
	{Event{epoch, RunAdmitted{}}, `{"at":"2026-01-02T03:00:00Z","type":"run_admitted"}`},
	{Event{epoch.Add(time.Microsecond), AttemptStarted{Key{"a", -1, 0, 1}}}, `{"at":"2026-01-02T03:00:00.000001Z","type":"attempt_started","task":"a","index":-1,"epoch":0,"attempt":1}`},
	{
		Event{epoch, AttemptEnded{Key{"a", 2, 1, 3}, Outcome{
			State: Failed, Kind: "temporary", Error: "exit 7", Exit: new(int), Final: true, Output: Raw(`[1]`), Ref: &Ref{"s3://b/k", 9, "ab"}, Elapsed: 12,
		}}},
		`{"at":"2026-01-02T03:00:00Z","type":"attempt_ended","task":"a","index":2,"epoch":1,"attempt":3,"state":"failed","kind":"temporary","error":"exit 7","exit":0,"final":true,"output":[1],"ref":{"uri":"s3://b/k","size":9,"sha256":"ab"},"elapsed":12}`,
	},
	{Event{epoch, AttemptLost{Key: Key{"a", -1, 0, 1}, Reason: "gone"}}, `{"at":"2026-01-02T03:00:00Z","type":"attempt_lost","task":"a","index":-1,"epoch":0,"attempt":1,"reason":"gone"}`},
	{Event{epoch, AttemptLost{Key{"a", -1, 0, 1}, "told", true}}, `{"at":"2026-01-02T03:00:00Z","type":"attempt_lost","task":"a","index":-1,"epoch":0,"attempt":1,"reason":"told","ordered":true}`},
	{
		Event{epoch, RemoteIntended{Key{"a", -1, 0, 1}, "weft-1f", Raw(`{"name":"j"}`)}},
		`{"at":"2026-01-02T03:00:00Z","type":"remote_intended","task":"a","index":-1,"epoch":0,"attempt":1,"token":"weft-1f","target":{"name":"j"}}`,
	},
	{
		Event{epoch, RemoteSubmitted{Key{"a", -1, 0, 1}, Raw(`{"run":"jr_1"}`), "glue job j run jr_1"}},
		`{"at":"2026-01-02T03:00:00Z","type":"remote_submitted","task":"a","index":-1,"epoch":0,"attempt":1,"handle":{"run":"jr_1"},"text":"glue job j run jr_1"}`,
	},
	{Event{epoch, TimerFired{"run/late"}}, `{"at":"2026-01-02T03:00:00Z","type":"timer_fired","timer":"run/late"}`},
	{Event{epoch, PastAnswered{"a", 1, true, "r0"}}, `{"at":"2026-01-02T03:00:00Z","type":"past_answered","task":"a","epoch":1,"ok":true,"run":"r0"}`},
	{Event{epoch, Evaluated{"when/a", Raw(`true`), &Ref{"u", 1, "c"}, 3, "e"}}, `{"at":"2026-01-02T03:00:00Z","type":"evaluated","id":"when/a","value":true,"ref":{"uri":"u","size":1,"sha256":"c"},"len":3,"error":"e"}`},
	{Event{epoch, CancelAsked{"ann", "why"}}, `{"at":"2026-01-02T03:00:00Z","type":"cancel_asked","by":"ann","reason":"why"}`},
	{Event{epoch, RunDecided{RunFailed, "a failed"}}, `{"at":"2026-01-02T03:00:00Z","type":"run_decided","state":"failed","reason":"a failed"}`},
	{Event{epoch, RunFinished{RunFailed}}, `{"at":"2026-01-02T03:00:00Z","type":"run_finished","state":"failed"}`},
	{Event{epoch, Reopened{By: "ann", Tasks: []string{"a"}, Plan: "p", Epoch: 1}}, `{"at":"2026-01-02T03:00:00Z","type":"reopened","by":"ann","tasks":["a"],"plan":"p","epoch":1}`},
	{Event{epoch, Marked{"ann", "a", Skipped}}, `{"at":"2026-01-02T03:00:00Z","type":"marked","by":"ann","task":"a","state":"skipped"}`},
}

// TestEventsInTheJournal pins the journal's words: old journals mean what they meant.
func TestEventsInTheJournal(t *testing.T) {
	met := map[string]bool{}
	for _, c := range everyFact {
		met[c.event.Name()] = true
		b, err := json.Marshal(c.event)
		if err != nil || string(b) != c.journal {
			t.Errorf("%s is written\n%s\nwant\n%s (%v)", c.event.Name(), b, c.journal, err)
		}
		var back Event
		if err := json.Unmarshal([]byte(c.journal), &back); err != nil || !reflect.DeepEqual(back, c.event) {
			t.Errorf("%s is read as\n%+v\nwant\n%+v (%v)", c.event.Name(), back, c.event, err)
		}
		if lazy := c.event.Name() == "attempt_started"; c.event.Lazy() != lazy {
			t.Errorf("%s is lazy: %v", c.event.Name(), c.event.Lazy())
		}
	}
	for name := range facts {
		if !met[name] {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func TestEventsRefused(t *testing.T) {
	for _, c := range []struct{ journal, says string }{
		{`{"at":"2026-01-02T03:00:00Z","type":"rolled_back"}`, `cannot read event: type "rolled_back" is not known to this weft`},
		{`{"at":"2026-01-02T03:00:00Z"}`, `type "" is not known`},
		{`{"at":"yesterday","type":"run_admitted"}`, "cannot read event: "},
		{`{"at":"9999-12-31T23:59:59-01:00","type":"run_admitted"}`, "the year 10000 has no place"},
		{`{"at":"2026-01-02T03:00:00Z","type":"marked","state":"odd"}`, `cannot read event marked: cannot read task state "odd"`},
		{`[]`, "cannot read event: "},
	} {
		var e Event
		if err := e.UnmarshalJSON([]byte(c.journal)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s is read with %v, want %s", c.journal, err, c.says)
		}
	}
	if _, err := json.Marshal(Event{At: epoch.AddDate(9000, 0, 0), Fact: RunAdmitted{}}); err == nil {
		t.Error("an event of the year 11026 is written")
	}
}

// TestReplayRefuses tells what Step alone would pass over.
func TestReplayRefuses(t *testing.T) {
	p := fanIn(t, 0, []Trigger{{Rule: "always"}})
	plans := func(hash string) *Plan {
		if hash == "known" {
			return p
		}
		return nil
	}
	for _, c := range []struct {
		says   string
		events []Event
	}{
		{"newer rules (2, this weft knows 1)", []Event{{epoch, RunStarted{Rules: 2, Plan: "known"}}}},
		{"event 1: cannot follow the journal: plan gone is missing", []Event{{epoch, RunStarted{Rules: 1, Plan: "gone"}}}},
		{"event 1: cannot follow the journal: timer_fired comes before run_started", []Event{{epoch, TimerFired{}}}},
		{"event 2: cannot follow the journal: plan gone is missing", []Event{{epoch, RunStarted{Rules: 1, Plan: "known"}}, {epoch, Reopened{Plan: "gone"}}}},
	} {
		if _, err := Replay(plans, c.events); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("replayed with %v, want %s", err, c.says)
		}
		r := New(plans)
		for _, ev := range c.events {
			r.Step(ev) // is total all the same
		}
	}
}

// FuzzEvent reads anything; what can be read is written the same way for good.
func FuzzEvent(f *testing.F) {
	for _, c := range everyFact {
		f.Add([]byte(c.journal))
	}
	f.Add([]byte(`{"at":"9999-12-31T23:59:59-01:00","type":"run_admitted"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		once, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("%s can be read and not be written: %v", b, err)
		}
		var back Event
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("%s was written and cannot be read: %v", once, err)
		}
		if twice, err := json.Marshal(back); err != nil || string(twice) != string(once) {
			t.Fatalf("%s becomes %s (%v)", once, twice, err)
		}
	})
}

// FuzzStep feeds a run any journal, a line an event: it never panics, and stays a run.
func FuzzStep(f *testing.F) {
	w := newWorld(3)
	if err := w.live(); err != nil {
		f.Fatal(err)
	}
	var journal []byte
	for _, ev := range w.events {
		b, err := json.Marshal(ev)
		if err != nil {
			f.Fatal(err)
		}
		journal = append(append(journal, b...), '\n')
	}
	f.Add(journal)
	for _, c := range everyFact {
		f.Add([]byte(c.journal + "\n" + c.journal))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := New(w.find)
		r.Step(w.events[0])
		for line := range strings.Lines(string(b)) {
			var ev Event
			if json.Unmarshal([]byte(line), &ev) != nil {
				continue
			}
			r.Step(ev)
			if err := invariants(r); err != nil {
				t.Fatalf("after %s: %v", line, err)
			}
		}
	})
}
