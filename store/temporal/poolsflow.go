package temporal

import (
	"go.temporal.io/sdk/workflow"

	wire "weft/runner/temporal"
)

// poolsFlow is the workflow around Pools.
func poolsFlow(ctx workflow.Context, p *Pools) error {
	if p == nil {
		p = &Pools{}
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // what is lent is not cancelled
	if err := workflow.SetQueryHandler(ctx, queryHolders, func() ([]Holder, error) { return p.Holders(), nil }); err != nil {
		return err
	}
	if err := workflow.SetQueryHandler(ctx, queryPools, func() (*Pools, error) { return p, nil }); err != nil {
		return err
	}
	in := inlets{
		want:  workflow.GetSignalChannel(ctx, wire.SignalWant),
		free:  workflow.GetSignalChannel(ctx, wire.SignalFree),
		sizes: workflow.GetSignalChannel(ctx, signalSizes),
	}
	var sweep sweeping
	for {
		if err := workflow.Await(ctx, func() bool {
			return in.waits() || p.untold() || sweep.wanted(len(p.Leases)+len(p.Wants) > 0) || oldFlow(ctx, 0)
		}); err != nil {
			return err
		}
		in.take(p)
		for p.Admit(); p.untold(); p.Admit() { // what comes back from one who is gone is the next one's
			grant(ctx, p)
		}
		if in.waits() {
			continue
		}
		if oldFlow(ctx, 0) {
			return workflow.NewContinueAsNewError(ctx, PoolsWorkflow, p)
		}
		if sweep.wanted(len(p.Leases)+len(p.Wants) > 0) {
			sweep.begin(ctx, func(gone []Gone) {
				p.Lost(gone)
				p.Admit()
			})
		}
	}
}

// inlets are the signals that the pools take.
type inlets struct{ want, free, sizes workflow.ReceiveChannel }

func (in *inlets) waits() bool { return in.want.Len()+in.free.Len()+in.sizes.Len() > 0 }

// take takes all that has come, so that one admission is made of it. What is freed goes first, for the key of an attempt
// that was lost is freed and wanted again.
func (in *inlets) take(p *Pools) {
	var sizes map[string]int
	for in.sizes.ReceiveAsync(&sizes) {
		p.Resize(sizes)
		sizes = nil
	}
	for f := (wire.Freed{}); in.free.ReceiveAsync(&f); f = (wire.Freed{}) {
		p.Free(f)
	}
	for w := (wire.Wanted{}); in.want.ReceiveAsync(&w); w = (wire.Wanted{}) {
		p.Want(w)
	}
}

// grant tells runs what they have got. Of one that is gone it is taken back.
func grant(ctx workflow.Context, p *Pools) {
	grants := p.Grants()
	answers := make([]workflow.Future, len(grants))
	for i, g := range grants {
		answers[i] = workflow.SignalExternalWorkflow(ctx, g.Workflow, "", wire.SignalGranted, g.Keys)
	}
	for i, a := range answers {
		if err := a.Get(ctx, nil); err != nil {
			p.Lost([]Gone{{Holder: grants[i].Holder}})
		}
	}
}
