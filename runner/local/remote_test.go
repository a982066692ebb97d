package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/store/mem"
)

// A far is a service somewhere else, and the plugin that works with it. A job is what its token started:
// two requests under one token start two.
type far struct {
	lasts time.Duration
	batch func(token string) string // nil = each is checked alone

	mu      sync.Mutex
	began   time.Time
	jobs    map[string][]*farJob
	calls   map[string]int
	refuses func(op string, n int, since time.Duration) error // of the n-th call of its kind
	loses   func(n int) bool                                  // the answer to the n-th submission
	hangs   bool                                              // submissions begin, and do not answer
}

type farJob struct{ began, stopped time.Time }

func newFar(lasts time.Duration) *far {
	return &far{lasts: lasts, began: time.Now(), jobs: map[string][]*farJob{}, calls: map[string]int{}}
}

func (f *far) Name() string { return "x" }
func (f *far) Schema() plugins.Schema {
	return plugins.Schema{Title: "far", Input: json.RawMessage(`{"type":"object"}`)}
}
func (f *far) InProcess() {}
func (f *far) Run(context.Context, *plugins.Call) (plugins.Result, error) {
	return plugins.Result{}, errors.New("a remote plugin was run")
}

func (f *far) Target(json.RawMessage) (json.RawMessage, error) {
	return json.RawMessage(`{"job":"j"}`), nil
}

// call counts a call, and refuses it where that is wanted. f.mu is held.
func (f *far) call(op string) error {
	f.calls[op]++
	if f.refuses == nil {
		return nil
	}
	return f.refuses(op, f.calls[op], time.Since(f.began))
}

func (f *far) Submit(ctx context.Context, _ *plugins.Call, s plugins.Submission) (plugins.Handle, error) {
	f.mu.Lock()
	err := f.call("submit")
	if err == nil {
		f.jobs[s.Token] = append(f.jobs[s.Token], &farJob{began: time.Now()})
	}
	lost, hangs := f.loses != nil && f.loses(f.calls["submit"]), f.hangs
	f.mu.Unlock()
	switch {
	case err != nil:
		return plugins.Handle{}, err
	case hangs:
		<-ctx.Done()
		return plugins.Handle{}, ctx.Err()
	case lost:
		return plugins.Handle{}, &plugins.Error{Kind: plugins.Temporary, Unsure: true, Err: errors.New("the connection broke")}
	}
	return farHandle(s.Token), nil
}

func farHandle(token string) plugins.Handle {
	raw, _ := json.Marshal(token)
	return plugins.Handle{Data: raw, Text: "far job " + token}
}

func (f *far) Find(_ context.Context, _ *plugins.Call, s plugins.Submission) (plugins.Handle, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("find"); err != nil {
		return plugins.Handle{}, false, err
	}
	return farHandle(s.Token), len(f.jobs[s.Token]) > 0, nil
}

func (f *far) Check(_ context.Context, _ *plugins.Call, handle json.RawMessage) (plugins.Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("check"); err != nil {
		return plugins.Progress{}, err
	}
	return f.progress(handle), nil
}

func (f *far) progress(handle json.RawMessage) plugins.Progress {
	var token string
	_ = json.Unmarshal(handle, &token)
	switch j := f.jobs[token][0]; {
	case !j.stopped.IsZero() && time.Since(j.stopped) > 2*time.Second:
		return plugins.Progress{State: "STOPPED", Done: true, Failed: plugins.Errorf(plugins.Remote, "far job was stopped")}
	case time.Since(j.began) < f.lasts:
		return plugins.Progress{State: "RUNNING"}
	}
	return plugins.Progress{State: "DONE", Done: true, Result: plugins.Result{Output: json.RawMessage(`{"n":1}`)}}
}

func (f *far) Stop(_ context.Context, _ *plugins.Call, handle json.RawMessage) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var token string
	_ = json.Unmarshal(handle, &token)
	if err := f.call("stop"); err != nil {
		return err
	}
	f.jobs[token][0].stopped = time.Now()
	return nil
}

// farBatch is a far that checks a whole batch by one call.
type farBatch struct{ *far }

func (f farBatch) Batch(handle json.RawMessage) string { return f.batch(string(handle)) }

func (f farBatch) CheckAll(_ context.Context, _ *plugins.Call, handles []json.RawMessage) ([]plugins.Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("check"); err != nil {
		return nil, err
	}
	out := make([]plugins.Progress, len(handles))
	for i, h := range handles {
		out[i] = f.progress(h)
	}
	return out, nil
}

// elsewhere runs n tasks of a plugin to the end of their run, and returns its summary.
func elsewhere(t *testing.T, p plugins.Plugin, n int, change func(*machine.Task), during func(e *Engine)) machine.Summary {
	t.Helper()
	st := mem.New()
	x := &runner.Executor{Plugins: plugins.NewRegistry(p), Home: t.TempDir()}
	e := New(Config{Store: st, Worker: &Crew{Exec: x, Store: st}, Clock: clock.Real, Locks: &locks{held: map[string]bool{}}})
	defer e.Close()
	var tasks []machine.Task
	for i := range n {
		task := machine.Task{ID: fmt.Sprintf("t%d", i)}
		if change != nil {
			change(&task)
		}
		tasks = append(tasks, task)
	}
	if _, err := e.Start(t.Context(), request(plan(t, 1, tasks...), "r", 1)); err != nil {
		t.Fatal(err)
	}
	if during != nil {
		during(e)
	}
	sum, err := e.Wait(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// wantOneEach: each task succeeded at its first attempt, and each submission began one job.
func (f *far) wantOneEach(t *testing.T, sum machine.Summary, n int) {
	t.Helper()
	for id, task := range sum.Tasks {
		if task.State != machine.Success || task.Attempts != 1 {
			t.Errorf("%s is %s after %d attempts: %s", id, task.State, task.Attempts, task.Reason)
		}
	}
	for token, jobs := range f.jobs {
		if len(jobs) != 1 {
			t.Errorf("%s began %d jobs", token, len(jobs))
		}
	}
	if len(f.jobs) != n {
		t.Errorf("%d submissions, want %d", len(f.jobs), n)
	}
}

func temporary(text string) error { return plugins.Errorf(plugins.Temporary, "%s", text) }

// R19: credentials that expire three times, a clock that is wrong for a while, and no credentials at all
// for two minutes, during 100 waits.
func TestCredentialsThatComeAndGoEndNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(15 * time.Minute)
		down := 0
		f.refuses = func(op string, _ int, since time.Duration) error {
			if op != "check" {
				return nil
			}
			within := func(from, to time.Duration) bool { return since >= from && since < to }
			switch m := time.Minute; {
			case within(m, 2*m), within(4*m, 5*m), within(7*m, 8*m):
				down++
				return temporary("the credentials have expired")
			case within(9*m, 10*m):
				down++
				return plugins.Errorf(plugins.Remote, "the clock of this machine is wrong")
			case within(11*m, 13*m):
				down++
				return temporary("no credentials were given: the connection failed")
			}
			return nil
		}
		sum := elsewhere(t, f, 100, nil, nil)
		f.wantOneEach(t, sum, 100)
		if f.calls["submit"] != 100 || down < 500 {
			t.Errorf("%d submissions, %d checks that could not ask", f.calls["submit"], down)
		}
		t.Logf("R19: 0 of 100 waits failed, 0 submitted again; %d of %d checks could not ask", down, f.calls["check"])
	})
}

// R20: half of all checks of 200 watchers are refused.
func TestThrottlingCostsNoCallsAndFailsNobody(t *testing.T) {
	calls := map[bool]int{}
	for _, throttled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFar(10 * time.Minute)
			f.refuses = func(op string, n int, _ time.Duration) error {
				if throttled && op == "check" && n%2 == 0 {
					return temporary("the service asks to slow down")
				}
				return nil
			}
			sum := elsewhere(t, f, 200, nil, nil)
			f.wantOneEach(t, sum, 200)
			calls[throttled] = f.calls["check"]
		})
	}
	ratio := float64(calls[true]) / float64(calls[false])
	t.Logf("R20: %d calls where half are refused, %d where none is: %.2f; 0 failed, 0 doubled", calls[true], calls[false], ratio)
	if ratio > 1.2 {
		t.Errorf("%.2f times the calls", ratio)
	}
}

// A thousand jobs are watched at once: by one call where they are runs of one job, else at a bounded rate.
func TestAThousandWatchedHoldNoSlotAndAskSeldom(t *testing.T) {
	for _, same := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFar(20 * time.Minute)
			f.batch = func(token string) string {
				if same {
					return "one"
				}
				return token
			}
			perMinute := 0
			sum := elsewhere(t, farBatch{f}, 1000, nil, func(e *Engine) {
				time.Sleep(9 * time.Minute)
				f.mu.Lock()
				perMinute = -f.calls["check"]
				f.mu.Unlock()
				time.Sleep(10 * time.Minute)
				f.mu.Lock()
				perMinute = (perMinute + f.calls["check"]) / 10
				f.mu.Unlock()
				held := make(chan int)
				e.post(func() { held <- len(e.core.Alive()) })
				if n := <-held; n != 0 {
					t.Errorf("%d slots are held", n)
				}
			})
			f.wantOneEach(t, sum, 1000)
			t.Logf("1,000 watched, of one job %v: %d calls a minute", same, perMinute)
			if most := map[bool]int{true: 4, false: checkRate * 60}[same]; perMinute > most {
				t.Errorf("%d calls a minute, at most %d are wanted", perMinute, most)
			}
		})
	}
}

func TestALostAnswerIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(time.Minute)
		f.loses = func(n int) bool { return n%3 > 0 }
		f.refuses = func(op string, n int, _ time.Duration) error {
			if op == "find" && n%2 == 1 {
				return temporary("it cannot be asked")
			}
			return nil
		}
		sum := elsewhere(t, f, 60, nil, nil)
		f.wantOneEach(t, sum, 60)
	})
}

func TestAStopInTheMidstOfASubmissionEndsWhatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(time.Hour)
		f.hangs = true
		sum := elsewhere(t, f, 3, nil, func(e *Engine) {
			time.Sleep(time.Second)
			if err := e.Cancel(t.Context(), "r", "ann", ""); err != nil {
				t.Fatal(err)
			}
		})
		if sum.State != machine.RunCancelled {
			t.Errorf("the run is %s", sum.State)
		}
		for token, jobs := range f.jobs {
			if len(jobs) != 1 || jobs[0].stopped.IsZero() {
				t.Errorf("%s: %d jobs, stopped %v", token, len(jobs), jobs[0].stopped)
			}
		}
	})
}

func TestWorkThatTakesTooLongIsStoppedAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(time.Hour)
		sum := elsewhere(t, f, 1, func(task *machine.Task) {
			task.Timeout, task.Retries, task.RetryDelay = machine.Duration(10*time.Minute), 1, machine.Duration(time.Minute)
		}, nil)
		if got := sum.Tasks["t0"]; got.State != machine.Failed || got.Attempts != 2 || got.Reason != "timed out after 10m0s, far job was stopped" {
			t.Errorf("it is %s after %d attempts: %s", got.State, got.Attempts, got.Reason)
		}
		if len(f.jobs) != 2 {
			t.Errorf("%d jobs, one for each attempt is wanted", len(f.jobs))
		}
		for token, jobs := range f.jobs {
			if jobs[0].stopped.IsZero() {
				t.Errorf("%s goes on", token)
			}
		}
	})
}

func TestWhatCannotBeStoppedIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(time.Hour)
		f.refuses = func(op string, _ int, _ time.Duration) error {
			if op == "stop" {
				return plugins.Errorf(plugins.Remote, "access denied")
			}
			return nil
		}
		sum := elsewhere(t, f, 1, func(task *machine.Task) {
			task.Timeout, task.Retries = machine.Duration(time.Minute), 3
		}, nil)
		if got := sum.Tasks["t0"]; got.State != machine.Failed || got.Attempts != 1 {
			t.Errorf("it is %s after %d attempts: %s", got.State, got.Attempts, got.Reason)
		}
	})
}
