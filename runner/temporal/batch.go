package temporal

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
)

// A batch takes care of attempts beside their run, which hears of each by a signal and may go on as a new execution
// meanwhile. It ends once the run has been told of all. If there is no run any more to be told, it stops what it has.
type batch struct {
	in      BatchInput
	ctx     workflow.Context
	sel     workflow.Selector
	doer    *doer
	facts   []machine.Event
	telling bool
	rests   bool // the run could not be told; it is again after a while
	nobody  bool // there is no run
}

// tellAgain is how long after a failure a run is told again.
const tellAgain = 5 * time.Second

func runBatch(ctx workflow.Context, in BatchInput) error {
	own, _ := workflow.NewDisconnectedContext(ctx)
	b := &batch{in: in, ctx: own, sel: workflow.NewSelector(own)}
	b.doer = newDoer(own, b.sel, func(f machine.Fact) {
		b.facts = append(b.facts, machine.Event{At: workflow.Now(own).UTC(), Fact: f})
	})
	b.sel.AddReceive(workflow.GetSignalChannel(own, SignalStop), func(c workflow.ReceiveChannel, _ bool) {
		var stops []Stop
		c.Receive(own, &stops)
		for _, s := range stops {
			b.doer.stop(s.Key, s.Reason)
		}
	})
	b.sel.AddReceive(ctx.Done(), func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(own, nil)
		b.stopAll()
	})
	for _, w := range in.Work {
		var views Views
		if w.View >= 0 && w.View < len(in.Views) {
			views = in.Views[w.View]
		}
		b.doer.begin(w, views)
	}
	for len(b.doer.hand) > 0 || len(b.facts) > 0 || b.telling {
		b.sel.Select(own)
		for b.sel.HasPending() {
			b.sel.Select(own)
		}
		b.tell()
	}
	return nil
}

// tell tells the run what it has not been told; one signal at a time, so that what comes meanwhile goes together.
func (b *batch) tell() {
	if b.nobody {
		b.facts = nil
		return
	}
	if b.telling || b.rests || len(b.facts) == 0 {
		return
	}
	facts := b.facts
	b.facts, b.telling = nil, true
	sent := workflow.SignalExternalWorkflow(b.ctx, b.in.Run, "", SignalTold, Told{Batch: b.in.Batch, Facts: facts})
	b.sel.AddFuture(sent, func(f workflow.Future) {
		b.telling = false
		var unknown *temporal.UnknownExternalWorkflowExecutionError
		switch err := f.Get(b.ctx, nil); {
		case err == nil:
		case errors.As(err, &unknown):
			b.nobody = true
			b.stopAll()
		default:
			b.facts, b.rests = append(facts, b.facts...), true
			b.sel.AddFuture(workflow.NewTimer(b.ctx, tellAgain), func(workflow.Future) { b.rests = false })
		}
	})
}

func (b *batch) stopAll() {
	for _, w := range b.in.Work {
		b.doer.stop(w.Key, "cancelled")
	}
}
