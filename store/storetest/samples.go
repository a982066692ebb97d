package storetest

import (
	"strings"
	"time"

	"weft/machine"
)

// Samples returns events of every type there is, small and large; a test counts the types.
func Samples() []machine.Event {
	exit := 3
	key := machine.Key{Task: "load", Index: -1, Epoch: 2, Attempt: 5}
	ref := &machine.Ref{URI: "s3://bucket/d/r/load/-/5/output.json", Size: 1 << 40, SHA256: strings.Repeat("0f", 32)}
	large := machine.Raw(`"` + strings.Repeat("x", machine.InlineLimit-2) + `"`)
	facts := []machine.Fact{
		machine.RunStarted{
			Rules: 1, DAG: "nightly.orders", Run: "manual__2026-01-02T00:00:00+00:00", RunType: "manual",
			LogicalDate: day, IntervalStart: day, IntervalEnd: day.Add(time.Microsecond), DS: "2026-01-02",
			Params: machine.Raw(`{"n":1,"s":"ü\u0000\u2028😀"}`), Vars: machine.Raw(`{}`),
			Plan: strings.Repeat("ab", 16), By: "command line", Hold: true, MaxInstances: 10000, Handoff: "file:///x",
		},
		machine.RunStarted{},
		machine.RunAdmitted{},
		machine.AttemptStarted{Key: key},
		machine.AttemptEnded{Key: key, Outcome: machine.Outcome{State: machine.Success, Output: machine.Raw(`[1,2.5,null,{"a":"b"}]`), Elapsed: 1<<62 + 1}},
		machine.AttemptEnded{Key: key, Outcome: machine.Outcome{State: machine.Success, Output: large}},
		machine.AttemptEnded{Key: key, Outcome: machine.Outcome{State: machine.Success, Ref: ref}},
		machine.AttemptEnded{Key: key, Outcome: machine.Outcome{State: machine.Failed, Kind: "temporary", Error: "ended with 3: \"no\"\nline", Exit: &exit, Final: true}},
		machine.AttemptEnded{Key: machine.Key{Task: "part", Index: 9999}, Outcome: machine.Outcome{State: machine.Skipped}},
		machine.AttemptLost{Key: key, Reason: "the machine went down"},
		machine.AttemptLost{Key: key, Reason: "weft was stopped", Ordered: true},
		machine.TimerFired{Timer: "retry/load/-/2/5"},
		machine.PastAnswered{Task: "load", Epoch: 1, OK: true, Run: "scheduled__2026-01-01T00:00:00+00:00"},
		machine.Evaluated{ID: "q1", Value: machine.Raw(`true`)},
		machine.Evaluated{ID: "q2", Ref: ref, Len: 10000},
		machine.Evaluated{ID: "q3", Error: "cannot index null"},
		machine.CancelAsked{By: "someone", Reason: "wrong day"},
		machine.RunDecided{State: machine.RunFailed, Reason: "leaf load failed"},
		machine.RunFinished{State: machine.RunFailed},
		machine.Reopened{By: "someone", Tasks: []string{"load", "report"}, Plan: strings.Repeat("cd", 16), Epoch: 1},
		machine.Marked{By: "someone", Task: "load", State: machine.UpstreamFailed},
	}
	out := make([]machine.Event, len(facts))
	for i, f := range facts {
		out[i] = machine.Event{At: day.Add(time.Duration(i)*time.Hour + time.Nanosecond), Fact: f}
	}
	return out
}
