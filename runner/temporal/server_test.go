package temporal

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

var server struct {
	sync.Once
	address string
	err     error
	stop    func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code)
}

// dial connects to a real server, one for all tests of this package.
func dial(t *testing.T) client.Client {
	t.Helper()
	server.Do(startServer)
	if server.err != nil {
		t.Skip(server.err)
	}
	cl, err := client.Dial(client.Options{HostPort: server.address, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func startServer() {
	bin, err := exec.LookPath("temporal")
	if err != nil {
		server.err = fmt.Errorf("no Temporal server: %w", err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		server.err = err
		return
	}
	server.address = l.Addr().String()
	_, port, _ := net.SplitHostPort(server.address)
	_ = l.Close()
	cmd := exec.Command(bin, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--log-level", "error")
	if server.err = cmd.Start(); server.err != nil {
		return
	}
	server.stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		cl, err := client.Dial(client.Options{HostPort: server.address, Logger: quiet{}})
		if err == nil {
			cl.Close()
			return
		}
		server.err = err
	}
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
			DeadlockDetectionTimeout: time.Minute, WorkerStopTimeout: time.Second,
		})
		if queue == Queue {
			RegisterWorkflows(w)
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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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

// events counts those of a workflow's executions, all of them.
func events(t *testing.T, cl client.Client, id string) (n, executions int) {
	t.Helper()
	run := ""
	for {
		d, err := cl.DescribeWorkflowExecution(t.Context(), id, run)
		if err != nil {
			t.Fatal(err)
		}
		n, executions = n+int(d.WorkflowExecutionInfo.HistoryLength), executions+1
		it := cl.GetWorkflowHistory(t.Context(), id, d.WorkflowExecutionInfo.Execution.RunId, false, 0)
		first, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		run = first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
		if run == "" {
			return n, executions
		}
	}
}
