// temporal is the yardstick of weft's runs on Temporal: a bare workflow whose activities do what the shell task `true`
// does at least, `/bin/sh -c true`. It knows no DAG, no logs, no outputs and no errors but the end.
//
//	temporal work           a worker, until it is ended
//	temporal run ID N K     a workflow of N activities, K in flight (1: a chain)
//	temporal wait ID        waits for the end of a workflow, whoever began it
//	temporal count          what workflows of the namespace have ended, with events and bytes of their history
//
// Address and namespace: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const queue = "bare"

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return err
	}
	options.Logger = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	c, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer c.Close()
	switch {
	case len(args) == 1 && args[0] == "work":
		return work(c)
	case len(args) == 4 && args[0] == "run":
		return run(c, args[1], args[2], args[3])
	case len(args) == 2 && args[0] == "wait":
		return c.GetWorkflow(context.Background(), args[1], "").Get(context.Background(), nil)
	case len(args) == 1 && args[0] == "count":
		return count(c, options.Namespace)
	}
	return fmt.Errorf("usage: temporal work | run ID N K | wait ID | count")
}

// work is a worker as the SDK has it by default.
func work(c client.Client) error {
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(fan, workflow.RegisterOptions{Name: "fan"})
	w.RegisterActivity(task)
	stop := make(chan any, 1)
	ctx, done := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer done()
	go func() {
		<-ctx.Done()
		close(stop)
	}()
	return w.Run(stop)
}

func run(c client.Client, id, number, inFlight string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	k, err := strconv.Atoi(inFlight)
	if err != nil {
		return err
	}
	ctx := context.Background()
	running, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "fan", Left{N: n, K: k})
	if err != nil {
		return err
	}
	return running.Get(ctx, nil)
}

// count prints a line for each execution that has ended: its workflow's id, when it began and ended (Unix seconds),
// events and bytes of its history. The server lists what has ended a moment late: it is asked until twice the same.
func count(c client.Client, namespace string) error {
	ctx := context.Background()
	var before []string
	for again := time.NewTicker(300 * time.Millisecond); ; <-again.C {
		ended, err := list(ctx, c, namespace)
		if err != nil {
			return err
		}
		if before != nil && slices.Equal(before, ended) {
			break
		}
		before = ended
	}
	for _, line := range before {
		fmt.Println(line)
	}
	return nil
}

// list returns the lines of count.
func list(ctx context.Context, c client.Client, namespace string) ([]string, error) {
	lines := []string{}
	var next []byte
	for {
		page, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: namespace, NextPageToken: next, Query: "ExecutionStatus != 'Running'",
		})
		if err != nil {
			return nil, err
		}
		for _, w := range page.Executions {
			d, err := c.DescribeWorkflowExecution(ctx, w.Execution.WorkflowId, w.Execution.RunId)
			if err != nil {
				return nil, err
			}
			i := d.WorkflowExecutionInfo
			lines = append(lines, fmt.Sprintf("%s\t%.4f\t%.4f\t%d\t%d", w.Execution.WorkflowId,
				seconds(i.StartTime.AsTime()), seconds(i.CloseTime.AsTime()), i.HistoryLength, i.HistorySizeBytes))
		}
		if next = page.NextPageToken; len(next) == 0 {
			slices.Sort(lines)
			return lines, nil
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Left is what a workflow has to do still: N activities, K in flight.
type Left struct{ N, K int }

// most activities of one execution: six events each at worst, and a history holds 51,200.
const most = 5000

// fan has K activities in flight until N have ended. One with K = 1 is a chain.
func fan(ctx workflow.Context, left Left) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	now := min(left.N, most)
	begun := 0
	var failed error
	wait := workflow.NewWaitGroup(ctx)
	for range min(left.K, now) {
		wait.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wait.Done()
			for begun < now && failed == nil {
				begun++
				if err := workflow.ExecuteActivity(ctx, task, begun).Get(ctx, nil); err != nil {
					failed = err
				}
			}
		})
	}
	wait.Wait(ctx)
	if left.N -= now; left.N > 0 && failed == nil {
		return workflow.NewContinueAsNewError(ctx, "fan", left)
	}
	return failed
}

func task(ctx context.Context, _ int) error {
	return exec.CommandContext(ctx, "/bin/sh", "-c", "true").Run()
}
