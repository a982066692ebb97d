package temporal

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"weft/handoff"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/temporalconf"
)

// engine makes an Engine on a server, with a handoff of its own.
func engine(t *testing.T, cl client.Client) *Engine {
	t.Helper()
	place := (&url.URL{Scheme: "file", Path: t.TempDir()}).String()
	values, err := handoff.Known().At(place)
	if err != nil {
		t.Fatal(err)
	}
	return NewEngine(EngineConfig{Client: cl, Values: values, Place: place, Plugins: plugins.NewRegistry()})
}

func request(p *machine.Plan, id string) runner.Request {
	return runner.Request{Plan: p, Dir: "/dags", Run: fmt.Sprintf("%s-%d", id, time.Now().UnixNano()), Type: "manual", LogicalDate: time.Now(), By: "anna"}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestEngine: a run is started once, goes on without whoever started it, is waited for, explained, and followed.
func TestEngine(t *testing.T) {
	cl := dial(t)
	e := engine(t, cl)
	p := plan(t, nil, machine.Task{ID: "first"}, machine.Task{ID: "then", Needs: []string{"first"}},
		machine.Task{ID: "each", Needs: []string{"first"}, ForEach: &machine.ForEach{List: machine.Raw("[1,2,3]")}})
	c := newCrew(t, p)
	c.staff(t, cl)
	req := request(p, "engine")
	run, err := e.Start(soon(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Start(soon(t), req); !errors.Is(err, ErrExists) {
		t.Errorf("a second start: %v", err)
	}
	var mu sync.Mutex
	var told []string
	sum, err := e.Follow(soon(t), run, nil, func(u runner.Update) {
		mu.Lock()
		defer mu.Unlock()
		at := ""
		if u.Index != nil {
			at = fmt.Sprint(*u.Index)
		}
		told = append(told, strings.TrimSpace(u.Type+" "+u.Task+at+" "+u.State))
	}, func(err error) { t.Log(err) })
	if err != nil || sum.State != machine.RunSuccess {
		t.Fatal(sum.State, err)
	}
	for _, want := range []string{"task first success", "task then success", "task each0 success", "task each success"} {
		if !slices.Contains(told, want) {
			t.Errorf("not told: %s, but %s", want, told)
		}
	}
	if told[0][:11] != "run_started" || told[len(told)-1] != "run_finished  success" {
		t.Errorf("told: %s", told)
	}
	waited, err := e.Wait(soon(t), run)
	if err != nil || waited.State != machine.RunSuccess || waited.Tasks["then"].Attempts != 1 {
		t.Errorf("%+v, %v", waited, err)
	}
	r, seq, err := e.Run(soon(t), run)
	if err != nil || seq == 0 {
		t.Fatal(seq, err)
	}
	if ex, ok := r.Explain("then"); !ok || ex.State != machine.Success {
		t.Errorf("%+v", ex)
	}
	if _, err := e.Start(soon(t), req); !errors.Is(err, ErrExists) {
		t.Errorf("a start of a run that is over: %v", err)
	}
	if _, _, err := e.Run(soon(t), "nobody"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a run that is not there: %v", err)
	}
	if err := e.Cancel(soon(t), "nobody", "anna", ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("cancel of a run that is not there: %v", err)
	}
	if err := e.Cancel(soon(t), run, "anna", ""); err != nil {
		t.Errorf("cancel of a run that is over: %v", err)
	}
}

// TestEngineOrders: a run that goes on, and one that is over, takes orders; what changes nothing is refused.
func TestEngineOrders(t *testing.T) {
	cl := dial(t)
	e := engine(t, cl)
	p := plan(t, nil, machine.Task{ID: "fails"}, machine.Task{ID: "waits"}, machine.Task{ID: "then", Needs: []string{"fails"}})
	c := newCrew(t, p)
	var mu sync.Mutex
	fail, let := true, make(chan struct{})
	c.attempt = func(ctx context.Context, o machine.Order) (machine.Outcome, error) {
		mu.Lock()
		defer mu.Unlock()
		if o.Key.Task == "fails" && fail {
			return machine.Outcome{State: machine.Failed, Error: "no luck"}, nil
		}
		if o.Key.Task == "waits" {
			mu.Unlock()
			select {
			case <-let:
			case <-ctx.Done():
			}
			mu.Lock()
		}
		return machine.Outcome{State: machine.Success}, nil
	}
	c.staff(t, cl)
	run, err := e.Start(soon(t), request(p, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, e, run, func(s machine.Summary) bool { return s.Tasks["fails"].State == machine.Failed })
	if err := e.Mark(soon(t), run, machine.Marked{Task: "fails", State: machine.Success, By: "anna"}); err != nil {
		t.Error(err)
	}
	until(t, e, run, func(s machine.Summary) bool { return s.Tasks["fails"].State == machine.Success })
	if err := e.Mark(soon(t), run, machine.Marked{Task: "fails", State: machine.Success, By: "anna"}); !errors.Is(err, runner.ErrRefused) {
		t.Errorf("marked what it is: %v", err)
	}
	if err := e.Cancel(soon(t), run, "anna", "enough"); err != nil {
		t.Error(err)
	}
	sum, err := e.Wait(soon(t), run)
	if err != nil || sum.State != machine.RunCancelled {
		t.Fatal(sum.State, err)
	}
	mu.Lock()
	fail = false
	close(let)
	mu.Unlock()
	_, hash := p.Encode()
	if err := e.Reopen(soon(t), run, machine.Reopened{By: "anna", Tasks: []string{"fails", "waits", "then"}, Plan: hash, Epoch: 1}); err != nil {
		t.Fatal(err)
	}
	sum, err = e.Wait(soon(t), run)
	if err != nil || sum.State != machine.RunSuccess {
		t.Errorf("after it was cleared: %s %v: %+v", sum.State, err, sum.Tasks)
	}
	if err := e.Reopen(soon(t), run, machine.Reopened{By: "anna", Tasks: []string{"fails"}, Plan: "0000", Epoch: 2}); err == nil {
		t.Error("cleared under a plan that is nowhere")
	}
}

func until(t *testing.T, e *Engine, run string, ok func(machine.Summary) bool) {
	t.Helper()
	ctx := soon(t)
	for {
		r, sum, _, err := e.Look(ctx, run)
		if err == nil && ok(sum) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v, %v, %v", r, sum.Tasks, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestNobodyIsThere: what waits for a worker is said, by the queue; and that nobody hosts runs at all.
func TestNobodyIsThere(t *testing.T) {
	cl := dial(t)
	e := engine(t, cl)
	p := plan(t, nil, machine.Task{ID: "here"}, machine.Task{ID: "heavy", Queue: "gpu"})
	c := newCrew(t, p)
	c.staff(t, cl)
	run, err := e.Start(soon(t), request(p, "nobody"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, e, run, func(s machine.Summary) bool {
		heavy := s.Tasks["heavy"]
		return s.Tasks["here"].State == machine.Success && heavy.State == machine.Queued && heavy.Reason == "waits for a worker of queue gpu: none is there"
	})
	if err := e.Cancel(soon(t), run, "anna", ""); err != nil {
		t.Error(err)
	}
}

// TestNoHost: a run that no worker hosts says so, and soon.
func TestNoHost(t *testing.T) {
	e := engine(t, dial(t))
	p := plan(t, nil, machine.Task{ID: "a"})
	began := time.Now()
	run, err := e.Start(soon(t), request(p, "alone"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = e.Run(soon(t), run)
	if temporalconf.FaultOf(err) != temporalconf.NoWorker || !strings.Contains(fmt.Sprint(err), "no worker hosts runs") || time.Since(began) > 3*queryTime {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	t.Log(err)
}

// TestHostDoesNotAnswer: a worker that has taken a run's task and is heard of no more is known to the server for a while. It
// is not said as if the server were not there.
func TestHostDoesNotAnswer(t *testing.T) {
	cl := dial(t)
	e := engine(t, cl)
	run, err := e.Start(soon(t), request(plan(t, nil, machine.Task{ID: "a"}), "silent"))
	if err != nil {
		t.Fatal(err)
	}
	took, err := cl.WorkflowService().PollWorkflowTaskQueue(soon(t), &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: client.DefaultNamespace, TaskQueue: &taskqueue.TaskQueue{Name: Queue}, Identity: "silent",
	})
	if err != nil || took.GetWorkflowExecution().GetWorkflowId() != RunID(run) {
		t.Fatalf("it took %v, error %v", took.GetWorkflowExecution(), err)
	}
	_, _, err = e.Run(soon(t), run)
	if temporalconf.FaultOf(err) != temporalconf.NoWorker || !strings.Contains(fmt.Sprint(err), "no worker has answered") {
		t.Error(err)
	}
}

// TestActivityIDs: the id of an activity says which attempt it is.
func TestActivityIDs(t *testing.T) {
	for _, key := range []machine.Key{{Task: "a", Index: -1, Epoch: 0, Attempt: 1}, {Task: "a.on_failure.mail", Index: 12, Epoch: 2, Attempt: 3}} {
		for _, id := range []string{key.String(), key.String() + "#4"} {
			if got, ok := attemptOf(id); !ok || got != key {
				t.Errorf("%s: %v %v", id, got, ok)
			}
		}
	}
	if _, ok := attemptOf("7"); ok {
		t.Error("an id that is none of ours")
	}
}
