package cli

import (
	"context"
	"time"

	"weft/retention"
)

// retainFirst is how long after its start a server removes what is old for the first time.
const retainFirst = 10 * time.Minute

// retain removes what is old, each gc_every, until ctx ends.
func (v *serving) retain(ctx context.Context) {
	every := v.conf.GCEvery
	if every <= 0 {
		return
	}
	wait := time.NewTimer(min(every, retainFirst))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		v.removeOld(ctx)
		v.pruneBundles(ctx)
		wait.Reset(every)
	}
}

func (v *serving) removeOld(ctx context.Context) {
	k := v.s.keeper(v.sandbox)
	plan, err := k.Plan(ctx, retention.Policy{OlderThan: v.conf.GCOlderThan, Keep: v.conf.GCKeep})
	if err == nil && !plan.Empty() {
		var res *retention.Result
		res, err = k.Carry(ctx, plan)
		v.s.locks().Sweep()
		if res != nil {
			v.log.Info("old runs are removed", "runs", res.Runs, "bytes", res.Bytes())
			for _, n := range res.Failed {
				v.log.Warn("something old stays", "what", n.What, "reason", n.Why)
			}
		}
	}
	if err != nil && ctx.Err() == nil {
		v.log.Error("cannot remove what is old; it is tried again", "error", err)
	}
}

// stallEvery is how often a server sees whether its disk takes what is written.
const stallEvery = 2 * time.Second

// tellStalls says when runs wait because their records cannot be written, and when they go on.
func (v *serving) tellStalls(ctx context.Context) {
	tick := time.NewTicker(stallEvery)
	defer tick.Stop()
	stalled := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		st := v.s.engine.Stalled()
		switch {
		case st != nil && !stalled:
			v.log.Error("what runs cannot be recorded; nothing begins until it can", "runs", st.Runs, "since", st.Since, "error", st.Err)
		case st == nil && stalled:
			v.log.Info("what runs is recorded again")
		}
		stalled = st != nil
	}
}
