package temporal

import (
	"context"
	"errors"
	"sync"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"weft/machine"
	wire "weft/runner/temporal"
)

// lostState is the state of a run whose workflow is gone without a word.
const lostState = machine.RunFailed

// atOnce bounds the calls of one weft that go on at one time: each may wait for another worker.
const atOnce = 16

// sweep looks after the holders of a workflow. It ends when some are gone, or when there are none any more; else it is an
// error that is tried again.
func (a *activities) sweep(ctx context.Context, workflow string) ([]Gone, error) {
	again := temporal.NewApplicationErrorWithOptions("all holders are there", wire.ErrNotYet, temporal.ApplicationErrorOptions{NextRetryDelay: a.sweepEvery})
	if activity.GetInfo(ctx).Attempt == 1 {
		return nil, again // they have just come
	}
	var holders []Holder
	answer, err := a.client.QueryWorkflow(ctx, workflow, "", queryHolders)
	if err == nil {
		err = answer.Get(&holders)
	}
	if err != nil {
		return nil, err
	}
	if len(holders) == 0 {
		return nil, nil
	}
	all := make([]*Gone, len(holders))
	each(len(holders), func(i int) { all[i] = a.gone(ctx, holders[i]) })
	var out []Gone
	for _, g := range all {
		if g != nil {
			out = append(out, *g)
		}
	}
	if len(out) == 0 {
		return nil, again
	}
	return out, nil
}

// gone tells whether a holder's workflow has ended. What cannot be asked is held for being there.
func (a *activities) gone(ctx context.Context, h Holder) *Gone {
	row, err := describe(ctx, a.client, h.Workflow)
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing):
		return &Gone{Holder: h, State: lostState, At: time.Now()}
	case err != nil || !row.State.Terminal():
		return nil
	}
	return &Gone{Holder: h, State: row.State, At: row.FinishedAt}
}

// states are those of runs by those of their workflows.
var states = map[enums.WorkflowExecutionStatus]machine.RunState{
	enums.WORKFLOW_EXECUTION_STATUS_RUNNING:          machine.RunRunning,
	enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: machine.RunRunning,
	enums.WORKFLOW_EXECUTION_STATUS_PAUSED:           machine.RunRunning,
	enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:        machine.RunSuccess,
	enums.WORKFLOW_EXECUTION_STATUS_FAILED:           machine.RunFailed,
	enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:        machine.RunFailed,
	enums.WORKFLOW_EXECUTION_STATUS_CANCELED:         machine.RunCancelled,
	enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:       machine.RunCancelled,
}

// each calls f with 0 to n-1, some at one time.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			f(i)
		})
	}
	wg.Wait()
}

// activities are those of Queue that look at what is remembered, or change it.
type activities struct {
	client     client.Client
	far        Far
	sweepEvery time.Duration
}
