package temporal

import (
	"context"
	"errors"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	wire "weft/runner/temporal"
)

// SetPools has the workflow be there that lends the slots of the pools which all workers share, and says how many each
// has. With onlyNew it says so to one alone that was not there before.
func SetPools(ctx context.Context, c client.Client, sizes map[string]int, onlyNew bool) error {
	o := client.StartWorkflowOptions{ID: wire.PoolsID, TaskQueue: wire.Queue, StaticSummary: "the slots of pools that all workers share"}
	if onlyNew {
		o.WorkflowIDConflictPolicy, o.WorkflowExecutionErrorWhenAlreadyStarted = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, true
		_, err := c.ExecuteWorkflow(ctx, o, PoolsWorkflow, &Pools{Sizes: sizes})
		var there *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &there) {
			return nil
		}
		return err
	}
	_, err := c.SignalWithStartWorkflow(ctx, wire.PoolsID, signalSizes, sizes, o, PoolsWorkflow, &Pools{Sizes: sizes})
	return err
}

// Leader names the process that leads, as pid@host; "" if none does.
func Leader(ctx context.Context, c client.Client) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d, err := c.DescribeWorkflowExecution(ctx, LeaderID, "")
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, p := range d.GetPendingActivities() {
		if p.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
			return p.GetLastWorkerIdentity(), nil
		}
	}
	return "", nil
}
