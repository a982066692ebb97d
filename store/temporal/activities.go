package temporal

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
	wire "weft/runner/temporal"
	"weft/store"
)

// Register has a worker of runner/temporal's Queue host what is remembered, and do the activities that ask for it.
func Register(r worker.Registry, c client.Client) { register(r, c, SweepEvery) }

func register(r worker.Registry, c client.Client, sweepEvery time.Duration) {
	registerFlows(r)
	a := &activities{client: c, far: NewFar(c), sweepEvery: sweepEvery}
	for name, f := range map[string]any{
		wire.ArriveActivity: a.arrive, wire.LeaveActivity: a.leave, wire.PastActivity: a.past, sweepActivity: a.sweep,
	} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

func registerFlows(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(dagFlow, workflow.RegisterOptions{Name: DAGWorkflow})
	r.RegisterWorkflowWithOptions(poolsFlow, workflow.RegisterOptions{Name: PoolsWorkflow})
	r.RegisterWorkflowWithOptions(leaderFlow, workflow.RegisterOptions{Name: LeaderWorkflow})
}

func (a *activities) arrive(ctx context.Context, arrival wire.Arrival) (wire.Place, error) {
	return a.far.Arrive(ctx, arrival)
}

func (a *activities) leave(ctx context.Context, d wire.Departure) error { return a.far.Leave(ctx, d) }

// pastDelay is how often a task that hangs on the past asks again.
const pastDelay = 2 * time.Second

// past answers depends_on_past by the newest earlier run that is not manual, as the local engine does.
func (a *activities) past(ctx context.Context, p wire.Past) (wire.PastAnswer, error) {
	last, err := a.far.Past(ctx, p)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && last.Run == "":
		return wire.PastAnswer{OK: true}, nil
	case err != nil:
		return wire.PastAnswer{}, err
	}
	if last.State == nil {
		last.State = a.stateOf(ctx, last.Run, p.Task)
	}
	ok := last.State != nil && (*last.State == machine.Success || *last.State == machine.Skipped)
	if !ok && p.Until {
		return wire.PastAnswer{}, temporal.NewApplicationErrorWithOptions("the task has not succeeded in run "+last.Run, wire.ErrNotYet,
			temporal.ApplicationErrorOptions{NextRetryDelay: pastDelay})
	}
	return wire.PastAnswer{OK: ok, Run: last.Run}, nil
}

// stateOf is the state of a task in a run, by that run's own workflow; success if its DAG did not have the task then, nil
// if it cannot be told.
func (a *activities) stateOf(ctx context.Context, run, task string) *machine.State {
	answer, err := a.client.QueryWorkflow(ctx, wire.RunID(run), "", wire.QuerySnapshot)
	var snap wire.Snapshot
	if err == nil {
		err = answer.Get(&snap)
	}
	if err != nil || snap.State == nil {
		return nil
	}
	r, err := machine.Restore(plansOf(snap.Plans), snap.State)
	if err != nil {
		return nil
	}
	t, there := r.Summarize().Tasks[task]
	if !there {
		t.State = machine.Success
	}
	return &t.State
}

// plansOf finds plans among those that a run tells of itself.
func plansOf(bodies []wire.Body) machine.Plans {
	return func(hash string) *machine.Plan {
		for _, b := range bodies {
			if b.Hash != hash {
				continue
			}
			if p, err := machine.DecodePlan(b.Plan); err == nil {
				return p
			}
		}
		return nil
	}
}
