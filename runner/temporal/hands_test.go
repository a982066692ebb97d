package temporal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"weft/handoff"
	"weft/machine"
	"weft/runner"
)

// bubble is the clock of a synctest bubble.
type bubble struct{ from time.Time }

func (b bubble) Now() time.Time      { return time.Now().UTC() }
func (b bubble) Mono() time.Duration { return time.Since(b.from) }
func (b bubble) After(d time.Duration) (<-chan struct{}, func()) {
	done := make(chan struct{})
	t := time.AfterFunc(d, func() { close(done) })
	return done, func() { t.Stop() }
}

// A line to Temporal, as a test has it.
type wireTo struct {
	mu     sync.Mutex
	answer error // to heartbeats
	mute   bool  // no answer comes
	beats  int
}

func (w *wireTo) RecordActivityHeartbeat(ctx context.Context, _ []byte, _ ...any) error {
	w.mu.Lock()
	answer, mute := w.answer, w.mute
	w.beats++
	w.mu.Unlock()
	if mute {
		<-ctx.Done()
		return ctx.Err()
	}
	return answer
}

func (w *wireTo) set(mute bool, answer error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mute, w.answer = mute, answer
}

// A tool is an executor in doubles.
type tool struct {
	attempt func(ctx context.Context, o machine.Order) machine.Outcome
	poke    func(ctx context.Context, n int, since time.Time) runner.PokeResult
	check   func(ws []*runner.Watch) []runner.Checked
	submit  func(ctx context.Context, again bool) runner.Submitted
	left    []string
	alive   time.Time // when an attempt ended last
}

func (x *tool) Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome)) {
	out := x.attempt(ctx, o)
	x.alive = time.Now()
	done(out)
}

func (x *tool) Poke(ctx context.Context, _ machine.Order, n int, since time.Time) runner.PokeResult {
	return x.poke(ctx, n, since)
}

func (x *tool) Evaluate(_ context.Context, _ machine.Order, q machine.Evaluate) machine.Evaluated {
	return machine.Evaluated{ID: q.ID, Value: machine.Raw("true")}
}
func (x *tool) Remote(machine.Order) bool { return true }
func (x *tool) Intend(context.Context, machine.Order) runner.Intent {
	return runner.Intent{Token: "weft-1"}
}

func (x *tool) Submit(ctx context.Context, _ machine.Order, again bool) runner.Submitted {
	return x.submit(ctx, again)
}
func (x *tool) Group(machine.Order) string { return "job" }
func (x *tool) Check(_ context.Context, ws []*runner.Watch) []runner.Checked {
	return x.check(ws)
}

func (x *tool) Halt(context.Context, *runner.Watch, string) machine.Outcome {
	return machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped"}
}

func (x *tool) Leave(run string) error {
	x.left = append(x.left, run)
	return nil
}

// A bench is a worker without a server.
type bench struct {
	t     *testing.T
	h     *hands
	to    *wireTo
	tool  *tool
	order Order
	info  activity.Info
}

var benchPlan = &machine.Plan{
	Format: machine.PlanFormat, DAG: "etl", File: "etl.yaml", MaxActiveTasks: 16,
	Tasks: []machine.Task{
		{ID: "load", Uses: "shell", With: machine.Raw(`{"run":"true"}`)},
		{ID: "wait", Uses: "shell", With: machine.Raw(`{"run":"true"}`), Sensor: &machine.Sensor{
			PokeInterval: machine.Duration(10 * time.Second), ExponentialBackoff: true, MaxWait: machine.Duration(time.Minute),
		}},
	},
}

// newBench makes a worker; change may change its configuration.
func newBench(t *testing.T, task string, change func(*Config)) *bench {
	t.Helper()
	dir := t.TempDir()
	place := handoff.FileURI(dir)
	values, err := handoff.Known().At(place)
	if err != nil {
		t.Fatal(err)
	}
	body, hash := benchPlan.Encode()
	if _, err := values.Put(t.Context(), PlanKey(hash), bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	plan, err := machine.DecodePlan(body)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, to: &wireTo{}, tool: &tool{}}
	cfg := Config{
		Exec: b.tool, Place: place, Values: values, Concurrency: 2, Clock: bubble{time.Now()}, Version: "1.2",
		Knows: func(uses string) bool { return uses == "shell" }, Metrics: NewMetrics(),
	}
	if change != nil {
		change(&cfg)
	}
	b.h = newHands(cfg.orUsual(), b.to)
	o := machine.Order{
		Run:  machine.RunInfo{RunStarted: machine.RunStarted{Rules: machine.Rules, DAG: "etl", Run: "r1", RunType: "manual"}},
		Plan: plan, Task: plan.Task(task), ID: task, Key: machine.Key{Task: task, Index: -1, Attempt: 1}, Attempt: 1,
	}
	b.order = b.encode(o, hash, dir)
	b.info = activity.Info{ActivityID: task, Attempt: 1, ScheduledTime: time.Now()}
	return b
}

func (b *bench) encode(o machine.Order, hash, dir string) Order {
	b.t.Helper()
	raw, err := o.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	return Order{Body: raw, Plan: hash, Source: Source{Dir: dir}}
}

// untilEnded is an attempt that goes on until it is ended.
func untilEnded(ctx context.Context, _ machine.Order) machine.Outcome {
	<-ctx.Done()
	return machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: context.Cause(ctx).Error()}
}

// says tells what an activity ended with, in a line.
func says(out machine.Outcome, err error) string {
	var app *temporal.ApplicationError
	switch {
	case err == nil:
		return strings.TrimSpace(fmt.Sprintf("%s %s", out.State, out.Kind))
	case errors.As(err, &app) && app.Type() == ErrLost:
		l, _ := lostBy(err)
		return fmt.Sprintf("lost ordered=%t pokes=%d final=%t", l.Ordered, l.Pokes, app.NonRetryable())
	case errors.As(err, &app):
		return fmt.Sprintf("%s again in %s: %s", app.Type(), app.NextRetryDelay(), app.Message())
	}
	return err.Error()
}

func TestHowAnAttemptEndsIsToldOrItRunsAgain(t *testing.T) {
	for _, row := range []struct {
		name string
		mute bool
		hear error
		do   func(b *bench, ctx context.Context) machine.Outcome // what the attempt does; nil = goes on until it is ended
		want string
		by   time.Duration // when nothing of it lives any more, at the latest
	}{
		{name: "it succeeds", do: func(*bench, context.Context) machine.Outcome { return machine.Outcome{State: machine.Success} }, want: "success", by: 0},
		{name: "it fails", do: func(*bench, context.Context) machine.Outcome {
			return machine.Outcome{State: machine.Failed, Kind: "temporary"}
		}, want: "failed temporary", by: 0},
		{name: "the run cancels it", hear: temporal.NewCanceledError(), want: "failed cancelled", by: 3 * time.Second},
		{name: "the server has given it up", hear: serviceerror.NewNotFound("activity"), want: "lost ordered=false pokes=0 final=true", by: 3 * time.Second},
		{name: "somebody pauses it", hear: activity.ErrActivityPaused, want: "weft.unready again in 20ms: it was paused", by: 3 * time.Second},
		{name: "the server refuses to hear: that is no answer", hear: serviceerror.NewPermissionDenied("no", ""), want: "lost ordered=false pokes=0 final=true", by: 20 * time.Second},
		{name: "nobody answers", mute: true, want: "lost ordered=false pokes=0 final=true", by: 20 * time.Second},
		{name: "nobody answers, and it succeeds as it is ended", mute: true, want: "success", by: 20 * time.Second, do: func(_ *bench, ctx context.Context) machine.Outcome {
			<-ctx.Done()
			return machine.Outcome{State: machine.Success}
		}},
		{name: "nobody answers, then somebody does", mute: true, want: "success", by: 40 * time.Second, do: func(b *bench, ctx context.Context) machine.Outcome {
			time.Sleep(15 * time.Second)
			b.to.set(false, nil)
			time.Sleep(25 * time.Second)
			if ctx.Err() != nil {
				return untilEnded(ctx, machine.Order{})
			}
			return machine.Outcome{State: machine.Success}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "load", nil)
				b.to.set(row.mute, row.hear)
				b.tool.attempt = untilEnded
				if row.do != nil {
					b.tool.attempt = func(ctx context.Context, _ machine.Order) machine.Outcome { return row.do(b, ctx) }
				}
				begun := time.Now()
				out, err := b.h.attempt(t.Context(), b.info, b.order, nil)
				if got := says(out, err); got != row.want {
					t.Errorf("it ends with %q, want %q", got, row.want)
				}
				if took := b.tool.alive.Sub(begun); took > row.by {
					t.Errorf("something of it lived for %s, at most %s", took, row.by)
				}
				if jobs, _ := b.h.running(); jobs != 0 {
					t.Errorf("%d jobs are in hand at the end", jobs)
				}
			})
		})
	}
}

func TestHeartbeatsThatGetNoAnswerEndWhatTheyAreOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var said []string
		var mu sync.Mutex
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprintf("%s after %s", what, time.Since(begun)))
		}
		to := &wireTo{}
		b := &beat{
			pace: Pace{}.orUsual(), clock: bubble{begun}, to: to,
			heard: func(v verdict) { note(reasons[v]) }, hurry: func() { note("hurry") }, miss: func(error) {},
		}
		b.begin()
		time.Sleep(10 * time.Second) // the last that is answered is sent after 9 s
		to.set(true, nil)
		time.Sleep(time.Minute)
		to.set(false, serviceerror.NewNotFound("activity"))
		time.Sleep(time.Minute)
		b.end()
		want := []string{"Temporal does not answer, and may have it done elsewhere after 29s", "hurry after 35s"}
		if len(said) != 3 || said[0] != want[0] || said[1] != want[1] || !strings.HasPrefix(said[2], "the run wants it no more after 1m1") {
			t.Errorf("heard %q", said)
		}
		before := to.beats
		time.Sleep(time.Minute)
		if to.beats != before {
			t.Error("it goes on after its end")
		}
	})
}

func TestWhatCannotBeDoneHereWaits(t *testing.T) {
	for _, row := range []struct {
		name   string
		config func(*Config)
		order  func(*bench)
		tries  int32
		want   string
	}{
		{name: "a plan that is gone", order: func(b *bench) { b.order.Plan = "00ff" }, want: "weft.unready again in 1s: cannot find plan 00ff of the run: it is not in the handoff"},
		{name: "the fifth time", order: func(b *bench) { b.order.Plan = "00ff" }, tries: 5, want: "weft.unready again in 16s: cannot find plan"},
		{name: "the hundredth time", order: func(b *bench) { b.order.Plan = "00ff" }, tries: 100, want: "weft.unready again in 30s: cannot find plan"},
		{name: "a plan that is another", order: func(b *bench) { b.put("00ff", `{"format":1,"dag":"etl","file":"x"}`) }, want: "weft.unready again in 1s: cannot read plan 00ff: what came is another one"},
		{name: "a plan of a newer weft", order: func(b *bench) { b.put("00ff", `{"format":99}`) }, want: "weft.unready again in 1s: cannot read plan: format 99, this weft knows up to"},
		{name: "an order of a newer weft", order: func(b *bench) {
			b.order.Body = machine.Raw(`{"run":{"rules":99,"dag":"etl","run":"r1"},"id":"load","key":{"task":"load"}}`)
		}, want: "weft.unready again in 1s: cannot go by rules 99 of run"},
		{name: "an order that is damaged", order: func(b *bench) { b.order.Body = machine.Raw(`{"run":`) }, want: "weft.unready again in 1s: cannot read the order"},
		{name: "a plugin that this weft lacks", config: func(c *Config) { c.Knows = func(string) bool { return false } }, want: "weft.unready again in 1s: cannot use shell: this weft (1.2) has no such plugin; task load waits for a worker that has it"},
		{name: "a folder that is not here", order: func(b *bench) { b.order.Source.Dir = "/nowhere" }, want: "weft.unready again in 1s: cannot find the folder of the DAG: /nowhere is not on this machine"},
		{name: "a set that is nowhere any more", config: func(c *Config) {
			c.Folder = func(context.Context, Source) (string, error) {
				return "", errors.New("cannot find the files of the DAG")
			}
		}, want: "weft.unready again in 1s: cannot find the files of the DAG"},
		{name: "a disk that is full", config: func(c *Config) {
			c.Space = func() error { return errors.New("cannot begin anything: the disk is full") }
		}, want: "weft.unready again in 1s: cannot begin anything: the disk is full"},
		{name: "a worker that is being stopped", order: func(b *bench) { b.h.draining = true }, want: "weft.unready again in 20ms: this worker is being stopped"},
		{name: "a worker that is full", order: func(b *bench) { b.h.gate.inside = 2 }, want: "weft.unready again in 500ms: this worker has no slot free"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "load", row.config)
				b.tool.attempt = func(context.Context, machine.Order) machine.Outcome {
					t.Error("it was carried out")
					return machine.Outcome{State: machine.Success}
				}
				if row.order != nil {
					row.order(b)
				}
				b.info.Attempt = max(row.tries, 1)
				out, err := b.h.attempt(t.Context(), b.info, b.order, nil)
				if got := says(out, err); !strings.HasPrefix(got, row.want) {
					t.Errorf("it ends with\n%q, want\n%q…", got, row.want)
				}
			})
		})
	}
}

// put puts a plan under a hash, for the bench's order.
func (b *bench) put(hash, body string) {
	b.t.Helper()
	if _, err := b.h.cfg.Values.Put(b.t.Context(), PlanKey(hash), strings.NewReader(body), int64(len(body))); err != nil {
		b.t.Fatal(err)
	}
	b.order.Plan = hash
}

func TestAWorkerThatIsStoppedGivesBackWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "load", nil)
		b.tool.attempt = func(ctx context.Context, o machine.Order) machine.Outcome {
			if o.Key.Attempt == 1 {
				return untilEnded(ctx, o)
			}
			time.Sleep(20 * time.Second) // within the drain
			return machine.Outcome{State: machine.Success}
		}
		ends := make(chan string, 3)
		carry := func(order Order) {
			go func() { ends <- says(b.h.attempt(t.Context(), b.info, order, nil)) }()
			synctest.Wait()
		}
		carry(b.order)
		second := b.order
		second.Body = machine.Raw(strings.Replace(string(second.Body), `"attempt":1`, `"attempt":2`, 1))
		carry(second)

		grace, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begun := time.Now()
		go b.h.drain(grace)
		synctest.Wait()
		carry(b.order)
		for _, want := range []string{"weft.unready again in 20ms: this worker is being stopped", "success", "lost ordered=true pokes=0 final=true"} {
			if got := <-ends; got != want {
				t.Errorf("after %s: %q, want %q", time.Since(begun), got, want)
			}
		}
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("the last ended after %s, want 30s", took)
		}
	})
}

func TestPokesAreTriedAgainAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "wait", nil)
		first := time.Now()
		at := time.Now().Add(90 * time.Second)
		for _, row := range []struct {
			name string
			poke int // before this activity
			try  int32
			res  runner.PokeResult
			n    int // of the poke, as the plugin sees it
			want string
		}{
			{"the first", 0, 1, runner.PokeResult{}, 1, "weft.not_yet again in 9."},
			{"the second waits twice as long", 0, 2, runner.PokeResult{}, 2, "weft.not_yet again in 1"},
			{"up to max_wait", 0, 30, runner.PokeResult{}, 30, "weft.not_yet again in 5"},
			{"of an activity that goes on from another", 7, 2, runner.PokeResult{}, 9, "weft.not_yet again in 5"},
			{"the plugin knows when", 0, 3, runner.PokeResult{NotBefore: at}, 3, "weft.not_yet again in 1m30s: not yet, after poke 3"},
			{"it holds", 0, 4, runner.PokeResult{Done: true, Outcome: machine.Outcome{State: machine.Success}}, 4, "success"},
			{"it fails", 0, 5, runner.PokeResult{Done: true, Outcome: machine.Outcome{State: machine.Failed, Kind: "remote"}}, 5, "failed remote"},
		} {
			b.tool.poke = func(_ context.Context, n int, since time.Time) runner.PokeResult {
				if n != row.n || !since.Equal(first) {
					t.Errorf("%s: poke %d since %s, want %d since %s", row.name, n, since, row.n, first)
				}
				return row.res
			}
			b.order.Poke, b.info.Attempt = row.poke, row.try
			if got := says(b.h.poke(t.Context(), b.info, b.order, nil)); !strings.HasPrefix(got, row.want) {
				t.Errorf("%s: %q, want %q…", row.name, got, row.want)
			}
		}
	})
}

func TestAPokeThatIsEndedIsNoAnswer(t *testing.T) {
	for _, row := range []struct {
		name string
		hear error
		mute bool
		want string
	}{
		{"the run cancels it", temporal.NewCanceledError(), false, "failed cancelled"},
		{"nobody answers", nil, true, "lost ordered=false pokes=5 final=true"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "wait", nil)
				b.to.set(row.mute, row.hear)
				b.tool.poke = func(ctx context.Context, _ int, _ time.Time) runner.PokeResult {
					<-ctx.Done()
					return runner.PokeResult{}
				}
				b.order.Poke, b.info.Attempt = 3, 2
				if got := says(b.h.poke(t.Context(), b.info, b.order, nil)); got != row.want {
					t.Errorf("%q, want %q", got, row.want)
				}
			})
		})
	}
}

func TestASuccessWaitsUntilItCanBeHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		b := newBench(t, "load", func(c *Config) {
			c.Stow = func(context.Context, any) error {
				if tries++; tries < 6 {
					return errors.New("the handoff is out of reach")
				}
				return nil
			}
		})
		b.tool.attempt = func(context.Context, machine.Order) machine.Outcome { return machine.Outcome{State: machine.Success} }
		begun := time.Now()
		if got := says(b.h.attempt(t.Context(), b.info, b.order, nil)); got != "success" || tries != 6 {
			t.Errorf("%q after %d tries", got, tries)
		}
		if b.to.beats == 0 {
			t.Errorf("for %s the server was not told that it lives", time.Since(begun))
		}
	})
}
