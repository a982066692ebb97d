package temporal

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"weft/tests/temporalserver"
)

// dial connects to a real server of the test's own.
func dial(t *testing.T, options ...temporalserver.Option) client.Client {
	t.Helper()
	srv := temporalserver.Start(t, options...)
	cl, err := client.Dial(client.Options{HostPort: srv.Address, Logger: quiet{}, Identity: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (q quiet) Warn(s string, kv ...any) {
	if os.Getenv("WEFT_TEST_LOG") != "" {
		fmt.Println("WARN", s, kv)
	}
}

func (q quiet) Error(s string, kv ...any) {
	if os.Getenv("WEFT_TEST_LOG") != "" {
		fmt.Println("ERROR", s, kv)
	}
}

var _ log.Logger = quiet{}

// staff starts workers: of workflows and of activities that any weft can do, and of attempts.
func (c *crew) staff(t *testing.T, cl client.Client) {
	t.Helper()
	for _, queue := range []string{Queue, TaskQueue(""), WatchQueue("")} {
		w := worker.New(cl, queue, worker.Options{
			MaxHeartbeatThrottleInterval: 200 * time.Millisecond, DefaultHeartbeatThrottleInterval: 200 * time.Millisecond,
			DeadlockDetectionTimeout: 5 * time.Second, WorkerStopTimeout: time.Second,
		})
		if queue == Queue {
			RegisterWorkflows(w)
			w.RegisterWorkflowWithOptions(lender, workflow.RegisterOptions{Name: "test.pools"})
		}
		c.registry(w)
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
	}
}

func start(t *testing.T, cl client.Client, in RunInput) client.WorkflowRun {
	t.Helper()
	id := RunID(in.Started.Key())
	w, err := cl.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: Queue}, RunWorkflow, in)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func look(t *testing.T, cl client.Client, id string) Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	v, err := cl.QueryWorkflow(ctx, id, "", QuerySnapshot)
	if err != nil {
		t.Fatal(err)
	}
	var s Snapshot
	if err := v.Get(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// executions are those of a workflow, the last first.
func executions(t *testing.T, cl client.Client, id string) (runs []string) {
	t.Helper()
	run := ""
	for {
		d, err := cl.DescribeWorkflowExecution(t.Context(), id, run)
		if err != nil {
			t.Fatal(err)
		}
		run = d.WorkflowExecutionInfo.Execution.RunId
		runs = append(runs, run)
		it := cl.GetWorkflowHistory(t.Context(), id, run, false, 0)
		first, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		if run = first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(); run == "" {
			return runs
		}
	}
}

// events counts those of a workflow's executions, and their bytes.
func events(t *testing.T, cl client.Client, id string) (n int, bytes int64) {
	t.Helper()
	for _, run := range executions(t, cl, id) {
		d, err := cl.DescribeWorkflowExecution(t.Context(), id, run)
		if err != nil {
			t.Fatal(err)
		}
		n, bytes = n+int(d.WorkflowExecutionInfo.HistoryLength), bytes+d.WorkflowExecutionInfo.HistorySizeBytes
	}
	return n, bytes
}
