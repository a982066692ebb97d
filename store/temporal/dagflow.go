package temporal

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	wire "weft/runner/temporal"
	"weft/store"
)

// When a workflow that never ends goes on as a new execution. A server bounds the updates of one (2,000) and its
// events (51,200), and suggests it some time before; but a short history is also read fast by who has not got it yet.
const (
	mostUpdates = 1000
	mostEvents  = 4000
)

// dagFlow is the workflow around an Entity: updates change it, queries tell of it, runs that it lets in are told so, and
// while some go on it is looked after that they are there.
func dagFlow(ctx workflow.Context, e *Entity) error {
	if e == nil {
		e = &Entity{}
	}
	f := &dagflow{Entity: e}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // what is remembered is not cancelled
	if err := f.answer(ctx); err != nil {
		return err
	}
	for {
		if err := workflow.Await(ctx, func() bool {
			return len(e.Admitted) > 0 || f.sweep.wanted(len(e.Going()) > 0) || f.old(ctx)
		}); err != nil {
			return err
		}
		if len(e.Admitted) > 0 {
			f.tell(ctx)
			continue
		}
		if f.old(ctx) {
			return workflow.NewContinueAsNewError(ctx, DAGWorkflow, e)
		}
		f.sweep.begin(ctx, func(gone []Gone) { e.Lost(gone, workflow.Now(ctx)) })
	}
}

type dagflow struct {
	*Entity
	updates int
	sweep   sweeping
}

// old tells that it is time to go on as a new execution, and that nothing is under way.
func (f *dagflow) old(ctx workflow.Context) bool {
	return oldFlow(ctx, f.updates) && workflow.AllHandlersFinished(ctx) && len(f.Admitted) == 0
}

func oldFlow(ctx workflow.Context, updates int) bool {
	info := workflow.GetInfo(ctx)
	return updates >= mostUpdates || info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() >= mostEvents
}

// answer sets the handlers of updates and queries. None of them waits for anything.
func (f *dagflow) answer(ctx workflow.Context) error {
	fenced := func(token int64) error { return refusal(f.Refuses(token)) }
	updates := []struct {
		name             string
		handle, validate any
	}{
		{updateClaim, func(_ workflow.Context, c Claim) (Claimed, error) {
			f.updates++
			out, err := f.Claim(c)
			return out, refusal(err)
		}, func(_ workflow.Context, c Claim) error { return fenced(c.Token) }},
		{updateSettle, func(_ workflow.Context, s Settle) (Settled, error) {
			f.updates++
			out, err := f.Settle(s)
			return out, refusal(err)
		}, func(_ workflow.Context, s Settle) error { return fenced(s.Token) }},
		{updateLine, func(ctx workflow.Context, turns []Turn) ([]wire.Place, error) {
			f.updates++
			return f.Take(turns, workflow.Now(ctx)), nil
		}, nil},
	}
	for _, u := range updates {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handle, workflow.UpdateHandlerOptions{Validator: u.validate}); err != nil {
			return err
		}
	}
	queries := []struct {
		name   string
		handle any
	}{
		{queryKept, func() (Kept, error) { return f.Kept, nil }},
		{queryMissed, func(limit int) ([]Numbered, error) { return f.ListMissed(limit), nil }},
		{queryBackfills, func(limit int) ([]store.Backfill, error) { return f.ListBackfills(limit), nil }},
		{queryRuns, func(a Asked) ([]Known, error) { return f.List(a), nil }},
		{queryPast, func(p wire.Past) (Earlier, error) { return f.Past(p), nil }},
		{queryHolders, func() ([]Holder, error) { return f.Going(), nil }},
	}
	for _, q := range queries {
		if err := workflow.SetQueryHandler(ctx, q.name, q.handle); err != nil {
			return err
		}
	}
	return nil
}

// refusal is an error that says on the other side what it is.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(err.Error(), errFenced, nil)
}

// tell lets runs know that they may begin. One whose workflow is gone leaves its place to the next.
func (f *dagflow) tell(ctx workflow.Context) {
	type told struct {
		run    string
		came   uint64
		answer workflow.Future
	}
	var all []told
	for _, run := range f.Admitted {
		if k := f.find(run); k != nil {
			all = append(all, told{run, k.Came, workflow.SignalExternalWorkflow(ctx, wire.RunID(run), "", wire.SignalAdmitted, nil)})
		}
	}
	f.Admitted = nil
	for _, t := range all {
		if err := t.answer.Get(ctx, nil); err != nil {
			f.Lost([]Gone{{Holder: Holder{Workflow: wire.RunID(t.run), N: t.came}, State: lostState}}, workflow.Now(ctx))
		}
	}
}

// A sweeping looks after holders whose workflows are gone: ended by hand, or with the data of their namespace. It is one
// activity that goes on as long as there are holders, and makes no history while nothing is wrong.
type sweeping struct{ going bool }

// SweepEvery is how often holders are looked after.
const SweepEvery = 30 * time.Second

func (s *sweeping) wanted(holders bool) bool { return holders && !s.going }

// begin has holders looked after. It waits for nothing.
func (s *sweeping) begin(ctx workflow.Context, lost func([]Gone)) {
	if s.going {
		return
	}
	s.going = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:           wire.Queue,
			StartToCloseTimeout: 2 * time.Minute, // of one look
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: SweepEvery, BackoffCoefficient: 1, MaximumInterval: SweepEvery},
		})
		var gone []Gone
		err := workflow.ExecuteActivity(ctx, sweepActivity, workflow.GetInfo(ctx).WorkflowExecution.ID).Get(ctx, &gone)
		s.going = false
		if err == nil {
			lost(gone)
		}
	})
}
