package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
)

func ask(src string) *machine.Expr {
	return &machine.Expr{Src: src, Pos: machine.Pos{Line: 9, Col: 12}}
}

// An answer is what one poke gets from the plugin.
type answer struct {
	output string
	text   bool
	err    error
}

// Each row is a sensor, what its pokes find, and what each of them comes to: "not yet", or the
// state, the kind, and the output or the error.
func TestPokes(t *testing.T) {
	one := 1
	exit1 := &plugins.Error{Kind: plugins.Remote, Err: errors.New("exited with status 1"), Exit: &one}
	exit99 := &plugins.Error{Kind: plugins.Remote, Err: errors.New("exited with status 99"), Skip: true}
	exit100 := &plugins.Error{Kind: plugins.Remote, Err: errors.New("exited with status 100"), Final: true}
	bad := plugins.Errorf(plugins.BadInput, "cannot read that")
	slow := plugins.Errorf(plugins.Temporary, "throttled")
	for _, c := range []struct {
		what    string
		sensor  machine.Sensor
		outputs machine.Task
		pokes   []answer
		want    []string
	}{
		{
			what: "until holds at last", sensor: machine.Sensor{Until: ask("output.exists")},
			pokes: []answer{{output: `{"exists": false}`}, {output: `{"exists": true, "size": 3}`}},
			want:  []string{"not yet", `success {"exists":true,"size":3}`},
		},
		{
			what: "without until the first success is it", sensor: machine.Sensor{},
			pokes: []answer{{output: `"x"`}}, want: []string{`success "x"`},
		},
		{
			what: "poke is its number", sensor: machine.Sensor{Until: ask("poke >= 3")},
			pokes: []answer{{}, {}, {}}, want: []string{"not yet", "not yet", "success "},
		},
		{
			what: "fail_when", sensor: machine.Sensor{Until: ask("output == 2"), FailWhen: ask("output == 3")},
			pokes: []answer{{output: "1"}, {output: "3"}},
			want:  []string{"not yet", "failed final remote: fail_when holds: output == 3"},
		},
		{
			what: "fail_when is asked before until", sensor: machine.Sensor{FailWhen: ask("true")},
			pokes: []answer{{output: "1"}}, want: []string{"failed final remote: fail_when holds: true"},
		},
		{
			what: "fail_when, soft", sensor: machine.Sensor{FailWhen: ask("true"), SoftFail: true},
			pokes: []answer{{output: "1"}}, want: []string{"skipped: fail_when holds: true"},
		},
		{
			what: "a failed poke ends the attempt, and says what else there is", sensor: machine.Sensor{OnError: "retry"},
			pokes: []answer{{err: slow}}, want: []string{"failed temporary: throttled (on_error: wait takes a failed poke for not yet)"},
		},
		{
			what: "not of a mistake in the file", sensor: machine.Sensor{OnError: "retry"},
			pokes: []answer{{err: bad}}, want: []string{"failed bad_input: cannot read that"},
		},
		{
			what: "on_error: wait", sensor: machine.Sensor{OnError: "wait"},
			pokes: []answer{{err: exit1}, {err: slow}, {output: "1"}}, want: []string{"not yet", "not yet", "success 1"},
		},
		{
			what: "wait forgives no exit 99", sensor: machine.Sensor{OnError: "wait"},
			pokes: []answer{{err: exit99}}, want: []string{"skipped: exited with status 99"},
		},
		{
			what: "nor exit 100", sensor: machine.Sensor{OnError: "wait"},
			pokes: []answer{{err: exit100}}, want: []string{"failed final remote: exited with status 100"},
		},
		{
			what: "nor a mistake in the file", sensor: machine.Sensor{OnError: "wait"},
			pokes: []answer{{err: bad}}, want: []string{"failed bad_input: cannot read that"},
		},
		{
			what: "on_error: skip", sensor: machine.Sensor{OnError: "skip"},
			pokes: []answer{{err: exit1}}, want: []string{"skipped: exited with status 1"},
		},
		{
			what: "skip forgives no exit 100", sensor: machine.Sensor{OnError: "skip"},
			pokes: []answer{{err: exit100}}, want: []string{"failed final remote: exited with status 100"},
		},
		{
			what: "nor fail_when", sensor: machine.Sensor{OnError: "skip", FailWhen: ask("true")},
			pokes: []answer{{}}, want: []string{"failed final remote: fail_when holds: true"},
		},
		{
			what: "until that fails", sensor: machine.Sensor{Until: ask("output + 1 > 2"), OnError: "wait"},
			pokes: []answer{{output: `"x"`}}, want: []string{"failed bad_input: dags/d.yaml:9:12: cannot evaluate until: "},
		},
		{
			what: "until that is no truth", sensor: machine.Sensor{Until: ask("output")},
			pokes: []answer{{output: `1`}}, want: []string{"failed bad_input: dags/d.yaml:9:12: cannot evaluate until: "},
		},
		{
			what: "until sees typed outputs", sensor: machine.Sensor{Until: ask("output.rows > 9")}, outputs: outputs("rows", `"integer"`),
			pokes: []answer{{output: `{"rows": "9"}`, text: true}, {output: `{"rows": "10"}`, text: true}}, want: []string{"not yet", `success {"rows":10}`},
		},
		{
			what: "only the output that holds is checked", sensor: machine.Sensor{Until: ask("poke == 2")}, outputs: outputs("rows", `"integer"`),
			pokes: []answer{{output: `{}`}, {output: `{}`}}, want: []string{"not yet", "failed remote: cannot take the output: rows is declared in outputs, but missing"},
		},
		{
			what: "an output that is no JSON", sensor: machine.Sensor{Until: ask("true")},
			pokes: []answer{{output: `NaN`}}, want: []string{"failed remote: cannot take the output: JSON has no NaN"},
		},
	} {
		for _, uses := range []string{"fake", "light"} { // of the second something is kept between two pokes
			t.Run(c.what+" "+uses, func(t *testing.T) {
				task, sensor := c.outputs, c.sensor
				task.Uses, task.Sensor = uses, &sensor
				pokesCome(t, task, c.pokes, c.want)
			})
		}
	}
}

// pokesCome pokes a sensor and compares what comes of it.
func pokesCome(t *testing.T, task machine.Task, pokes []answer, wants []string) {
	t.Helper()
	n := 0
	b := newBench(t, func(_ context.Context, call *plugins.Call) (plugins.Result, error) {
		a := pokes[n]
		if n++; call.Poke != n || !call.Since.Equal(noon) {
			t.Errorf("poke %d since %v, want %d since %v", call.Poke, call.Since, n, noon)
		}
		return plugins.Result{Output: json.RawMessage(a.output), Text: a.text}, a.err
	})
	o := order(task)
	var res runner.PokeResult
	for i, want := range wants {
		res = b.on(o, res, i+1)
		b.nothingLeft()
		got := "not yet"
		if out := res.Outcome; res.Done {
			got = out.State.String()
			if out.Final {
				got += " final"
			}
			if out.Kind != "" {
				got += " " + out.Kind
			}
			if out.State == machine.Success {
				got += " " + string(out.Output)
			} else {
				got += ": " + out.Error
			}
		}
		if !strings.HasPrefix(got, want) || want == "not yet" && got != want {
			t.Errorf("poke %d: %s\nwant %s", i+1, got, want)
		}
		if task.Uses == "fake" && (b.sealed == 1) != res.Done {
			t.Errorf("poke %d: done %v, sealed %d", i+1, res.Done, b.sealed)
		}
	}
}

func TestASensorByNatureSaysWhenToAskAgain(t *testing.T) {
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		if due := c.Since.Add(time.Hour); c.Now().Before(due) {
			return plugins.Result{NotYet: true, NotBefore: due}, nil
		}
		return plugins.Result{Output: json.RawMessage(`"now"`)}, nil
	})
	o := order(machine.Task{Uses: "light", Sensor: &machine.Sensor{}})
	if res := b.Poke(t.Context(), o, 1, noon); res.Done || !res.NotBefore.Equal(noon.Add(time.Hour)) {
		t.Errorf("first poke %+v", res)
	}
	b.Clock.(*clock.Fake).Advance(time.Hour)
	if res := b.Poke(t.Context(), o, 2, noon); !res.Done || string(res.Outcome.Output) != `"now"` {
		t.Errorf("second poke %+v", res)
	}
	if b.log() != "" {
		t.Errorf("log %q", b.log())
	}
	shows(t, b.attempt(order(machine.Task{})), machine.Success, "", "")
	b.fake.run = func(context.Context, *plugins.Call) (plugins.Result, error) { return plugins.Result{NotYet: true}, nil }
	shows(t, b.attempt(order(machine.Task{})), machine.Failed, "internal", "cannot end fake: it says to wait, and is no sensor here")
}

func TestATimeoutIsOfEachPoke(t *testing.T) {
	for onError, want := range map[string]string{"retry": "failed", "wait": "not yet", "skip": "skipped"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, blocks(nil))
			o := order(machine.Task{Timeout: machine.Duration(time.Minute), Sensor: &machine.Sensor{OnError: onError}})
			begin := time.Now()
			res := b.Poke(t.Context(), o, 4, noon)
			got := "not yet"
			if res.Done {
				got = res.Outcome.State.String()
			}
			if got != want || time.Since(begin) != time.Minute {
				t.Errorf("on_error %s: %s after %v, want %s", onError, got, time.Since(begin), want)
			}
			if !strings.Contains(b.log(), "timed out after 1m0s") {
				t.Errorf("log %q", b.log())
			}
		})
	}
}

func TestAStoppedPokeIsOverWhateverOnErrorSays(t *testing.T) {
	for _, onError := range []string{"retry", "wait", "skip"} {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(t, blocks(nil))
		cancel()
		res := b.Poke(ctx, order(machine.Task{Sensor: &machine.Sensor{OnError: onError}}), 1, noon)
		if !res.Done {
			t.Errorf("on_error %s: not done", onError)
		}
		shows(t, res.Outcome, machine.Failed, "cancelled", "stopped: cancelled")
	}
}

func TestAPokesOutputSpillsOnlyOnceItHolds(t *testing.T) {
	b := newBench(t, gives(jsonText(60_000)))
	o := order(machine.Task{Sensor: &machine.Sensor{Until: ask("poke == 2 && len(output) > 50000")}})
	if res := b.Poke(t.Context(), o, 1, noon); res.Done || res.Outcome.Ref != nil {
		t.Errorf("first poke %+v", res)
	}
	if res := b.Poke(t.Context(), o, 2, noon); !res.Done || res.Outcome.Ref == nil {
		t.Errorf("second poke %+v", res)
	}
}

// 10,000 sensors at polls of 30 s are 333 pokes a second: at 3 % of a core one may cost 90 µs.
func BenchmarkPoke(b *testing.B) {
	p := newBench(b, gives(`{"exists": false, "size": null}`))
	p.light.input = `{"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}, "additionalProperties": false}`
	for i := range 60 {
		p.Environ = append(p.Environ, fmt.Sprintf("SOME_VARIABLE_%d=value", i))
	}
	task := with(`{"path": "data/${{ run.ds }}/_SUCCESS"}`)
	task.Uses, task.Sensor = "light", &machine.Sensor{Until: ask("output.exists")}
	o := order(task)
	b.ReportAllocs()
	for b.Loop() {
		if res := p.Poke(b.Context(), o, 2, noon); res.Done {
			b.Fatal(res.Outcome.Error)
		}
	}
}

func BenchmarkAttempt(b *testing.B) {
	p := newBench(b, gives(`1`))
	o := order(machine.Task{})
	b.ReportAllocs()
	for b.Loop() {
		if out := p.outcome(b.Context(), o); out.State != machine.Success {
			b.Fatal(out.Error)
		}
	}
}
