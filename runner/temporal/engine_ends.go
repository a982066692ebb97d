package temporal

import (
	"context"
	"fmt"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"weft/machine"
	"weft/temporalconf"
)

// Ends tells of the ends of runs, soon after them, until ctx ends: of each once, with its moment. It asks the server for
// its list of those that ended lately, which lags behind a little, each interval: what it costs does not grow with the
// runs that go on. missing is told of a server that cannot be asked, once, and with nil once it can.
func (e *Engine) Ends(ctx context.Context, every time.Duration, told func(run string, at time.Time, state machine.RunState), missing func(error)) {
	const lag = 2 * time.Minute
	heard := map[string]time.Time{} // by execution
	since := e.conf.Now().Add(-lag)
	failing := false
	for tick := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		asked := e.conf.Now()
		err := e.ended(ctx, since.Add(-lag), func(run, execution string, at time.Time, state machine.RunState) {
			if _, known := heard[execution]; !known {
				heard[execution] = at
				told(run, at, state)
			}
		})
		if ctx.Err() != nil {
			tick.Stop()
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			missing(err)
		}
		if err != nil {
			continue
		}
		since = asked
		for execution, at := range heard {
			if at.Before(since.Add(-2 * lag)) {
				delete(heard, execution)
			}
		}
	}
}

// endStates are how a workflow ends whose run has ended so. One that somebody ended in Temporal counts as failed.
var endStates = map[enums.WorkflowExecutionStatus]machine.RunState{
	enums.WORKFLOW_EXECUTION_STATUS_COMPLETED: machine.RunSuccess, enums.WORKFLOW_EXECUTION_STATUS_CANCELED: machine.RunCancelled,
	enums.WORKFLOW_EXECUTION_STATUS_FAILED: machine.RunFailed, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED: machine.RunFailed,
	enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: machine.RunFailed,
}

// ended lists runs that have ended since a moment.
func (e *Engine) ended(ctx context.Context, since time.Time, with func(run, execution string, at time.Time, state machine.RunState)) error {
	req := &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 1000, Query: fmt.Sprintf("WorkflowType = %q AND CloseTime > %q AND ExecutionStatus != 'ContinuedAsNew' AND ExecutionStatus != 'Running'", RunWorkflow, since.UTC().Format(time.RFC3339Nano)),
	}
	for {
		at, cancel := context.WithTimeout(ctx, callTime)
		page, err := e.conf.Client.ListWorkflow(at, req)
		cancel()
		if err != nil {
			return temporalconf.Explain(err)
		}
		for _, info := range page.GetExecutions() {
			if info.GetCloseTime() == nil { // to some servers what goes on ends in a far future
				continue
			}
			with(strings.TrimPrefix(info.GetExecution().GetWorkflowId(), RunID("")), info.GetExecution().GetRunId(), info.GetCloseTime().AsTime(), endStates[info.GetStatus()])
		}
		if req.NextPageToken = page.GetNextPageToken(); len(req.NextPageToken) == 0 {
			return nil
		}
	}
}
