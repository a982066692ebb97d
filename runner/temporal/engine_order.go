package temporal

import (
	"context"
	"fmt"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"weft/machine"
	"weft/runner"
	"weft/temporalconf"
)

// Reopen implements runner.Engine. The plan that the order names must have been put (PutPlan).
func (e *Engine) Reopen(ctx context.Context, run string, order machine.Reopened) error {
	body, err := e.body(ctx, order.Plan)
	if err != nil {
		return fmt.Errorf("cannot clear tasks of run %s: %w", run, err)
	}
	u := OrderUpdate{Event: machine.Event{At: e.conf.Now().UTC(), Fact: order}, Plans: []Body{body}}
	if order.Dir != "" {
		source := e.conf.SourceOf(order.Dir)
		u.Source = &source
	}
	return e.order(ctx, run, u)
}

// Mark sets a task's state by hand; it returns when the order is durable.
func (e *Engine) Mark(ctx context.Context, run string, order machine.Marked) error {
	return e.order(ctx, run, OrderUpdate{Event: machine.Event{At: e.conf.Now().UTC(), Fact: order}})
}

// order has a run take an order: the one that goes on, or one that goes on with it where it was over. It may be either
// in turn while we are at it.
func (e *Engine) order(ctx context.Context, run string, u OrderUpdate) error {
	for range 5 {
		open, err := e.open(ctx, run)
		if err != nil {
			return err
		}
		var again bool
		if open {
			again, err = e.tell(ctx, run, u)
		} else {
			again, err = e.goOn(ctx, run, u)
		}
		if !again {
			return err
		}
	}
	return fmt.Errorf("cannot order that of run %s: it ends and begins again all the time: %w", run, runner.ErrRefused)
}

// tell orders it of a run that goes on; over tells that it has ended meanwhile.
func (e *Engine) tell(ctx context.Context, run string, u OrderUpdate) (over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	h, err := e.conf.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: RunID(run), UpdateName: UpdateOrder, Args: []any{u}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var taken OrderTaken
	if err == nil {
		err = h.Get(ctx, &taken)
	}
	err = temporalconf.Explain(err)
	switch {
	case temporalconf.FaultOf(err) == temporalconf.NotFound:
		return true, nil
	case temporalconf.FaultOf(err) == temporalconf.Unreached && e.deserted(context.WithoutCancel(ctx), Queue, enums.TASK_QUEUE_TYPE_WORKFLOW):
		return false, cannot("order that of", run, &temporalconf.Error{Fault: temporalconf.NoWorker, Text: "no worker hosts runs", Hint: "start one: weft worker"})
	case err != nil:
		return false, cannot("order that of", run, err)
	case taken.Over:
		return true, nil
	case !taken.Taken:
		return false, fmt.Errorf("cannot order that of run %s: %w", run, runner.ErrRefused)
	}
	return false, nil
}

// goOn goes on with a run that was over, in a new execution that begins with the order. What is refused begins nothing.
func (e *Engine) goOn(ctx context.Context, run string, u OrderUpdate) (begun bool, err error) {
	v := view{engine: e, run: run}
	if _, err := v.look(ctx); err != nil {
		return false, err
	}
	state, err := v.state.Snapshot()
	if err != nil {
		return false, err
	}
	plans := v.plans.bodies
	if err := v.plans.add(u.Plans); err != nil {
		return false, err
	}
	v.state.Step(u.Event)
	if len(v.state.Changes()) == 0 {
		return false, fmt.Errorf("cannot order that of run %s: %w", run, runner.ErrRefused)
	}
	err = e.begin(ctx, run, v.state.Info().DAG, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, RunInput{
		Plans: plans, Source: v.source, Pools: e.conf.Pools, Going: &Going{Snapshot: state, Seq: v.seq}, Order: &u,
	})
	if temporalconf.FaultOf(err) == temporalconf.Exists { // somebody else has begun it again
		return true, nil
	}
	return false, cannot("go on with", run, err)
}
