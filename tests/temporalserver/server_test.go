package temporalserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

var _ log.Logger = silent{}

// dial makes a client as a program would, with TLS or without.
func dial(t *testing.T, options client.Options) client.Client {
	t.Helper()
	options.Logger = silent{}
	c, err := client.DialContext(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answers waits until a workflow that says its word once it gets the signal has ended.
func answers(ctx workflow.Context, word string) (string, error) {
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return word, nil
}

// works runs a worker for it until the test ends.
func works(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, "story", worker.Options{})
	w.RegisterWorkflowWithOptions(answers, workflow.RegisterOptions{Name: "answers"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

func begin(t *testing.T, c client.Client, id string) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: "story", WorkflowTaskTimeout: time.Second, // one that a broken poll took comes again soon
	}, "answers", id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func end(t *testing.T, c client.Client, run client.WorkflowRun) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := c.SignalWorkflow(ctx, run.GetID(), "", "go", nil); err != nil {
		t.Fatal(err)
	}
	var word string
	if err := run.Get(ctx, &word); err != nil || word != run.GetID() {
		t.Errorf("the workflow %s says %q, %v", run.GetID(), word, err)
	}
}

// history is the kinds of events of a workflow, in order.
func history(t *testing.T, c client.Client, id string) string {
	t.Helper()
	var kinds []string
	for events := c.GetWorkflowHistory(t.Context(), id, "", false, 0); events.HasNext(); {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.GetEventType().String())
	}
	return strings.Join(kinds, " ")
}

// until waits for something that comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("in 30 s it has not come to this: %s", what)
		}
	}
}

// A workflow goes on over a crash of the server, over a link that is cut, and over one that swallows all.
func TestTheServerAndTheWayToIt(t *testing.T) {
	t.Parallel()
	s := Start(t)
	link := NewLink(t, s.Address)
	namespace := s.Namespace()
	near := dial(t, client.Options{HostPort: s.Address, Namespace: namespace})
	works(t, dial(t, client.Options{HostPort: link.Address, Namespace: namespace}))

	run := begin(t, near, "over a crash")
	const begun = "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted"
	until(t, "the workflow waits for its signal", func() bool { return history(t, near, run.GetID()) == begun })
	s.Restart()
	if got := history(t, near, run.GetID()); got != begun {
		t.Errorf("after the restart the history is %s", got)
	}
	end(t, near, run)

	run = begin(t, near, "over a cut")
	link.Cut()
	until(t, "no connection is left", func() bool { return link.Connections() == 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	if _, err := client.DialContext(ctx, client.Options{HostPort: link.Address, Logger: silent{}}); err == nil {
		t.Error("a client gets through a link that is cut")
	}
	cancel()
	link.Heal()
	end(t, near, run)

	run = begin(t, near, "over a hole")
	link.Blackhole()
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	_, err := client.DialContext(ctx, client.Options{HostPort: link.Address, Logger: silent{}})
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("through a link that swallows all a client gets an answer: %v", err)
	}
	cancel()
	link.Heal()
	end(t, near, run)
}
