package temporal

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"weft/machine"
)

// close has a run whose history has become long go on as a new execution: what wants a slot is held back until nothing
// is in hand here any more. Where that takes too long, what begins meanwhile begins in batches, which outlive the
// execution.
func (x *host) close() {
	info := workflow.GetInfo(x.ctx)
	if !x.closing && (info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() > mostEvents) {
		x.closing, x.drive.hold = true, true
		x.drive.alarms.set(holdAlarm, workflow.Now(x.ctx).Add(holdBack), true)
	}
}

// mayGoOn tells whether the run is to go on as a new execution, now.
func (x *host) mayGoOn() bool {
	return x.closing && len(x.doer.hand) == 0 && x.asking+x.sending == 0 && !x.line.busy && !x.drive.run.State().Terminal() && x.quiet()
}

// pace keeps the history of a run that is to go on, and cannot yet, from growing: what waits for slots begins once a
// second, together; and not at all where the server's own bound comes near.
func (x *host) pace(now time.Time) {
	if !x.spill {
		return
	}
	x.drive.hold = true
	if x.drive.slots.waiting() > 0 && !x.drive.alarms.has(holdAlarm) && workflow.GetInfo(x.ctx).GetCurrentHistoryLength() < hardEvents {
		x.drive.alarms.set(holdAlarm, now.Add(spillEvery), true)
	}
}

// goOn takes along all that a new execution needs.
func (x *host) goOn() error {
	state, err := x.drive.run.Snapshot()
	if err != nil {
		panic(err)
	}
	g := &Going{
		Snapshot: state, Seq: x.drive.seq, Batches: x.batches, Arrived: x.line.arrived, Leases: x.drive.slots.leases(),
	}
	for _, n := range sorted(x.away) {
		if keys := x.drive.inBatch(n); len(keys) > 0 {
			g.Away = append(g.Away, Away{Batch: n, Keys: keys})
		}
	}
	x.over = true
	return workflow.NewContinueAsNewError(x.ctx, RunWorkflow, RunInput{
		Plans: x.drive.plans.bodies, Source: x.drive.source, Pools: x.in.Pools, Going: g,
	})
}

// inBatch are the attempts that a batch has in hand.
func (d *drive) inBatch(batch int) (keys []machine.Key) {
	for _, key := range sortedKeys(d.live) {
		if l := d.live[key]; l.stage == inHand && l.batch == batch {
			keys = append(keys, key)
		}
	}
	return keys
}
