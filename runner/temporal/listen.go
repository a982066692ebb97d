package temporal

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"weft/machine"
)

// listen has the run hear what others tell, order and ask of it. ctx is the workflow's own, which ends where somebody
// cancels it in Temporal.
func (x *host) listen(ctx workflow.Context) error {
	x.sel.AddReceive(ctx.Done(), func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(x.ctx, nil)
		if !x.cut {
			x.cut = true
			x.drive.record(machine.CancelAsked{By: byServer})
		}
	})
	x.sel.AddReceive(x.wake, func(c workflow.ReceiveChannel, _ bool) { c.Receive(x.ctx, nil) })
	x.sel.AddReceive(workflow.GetSignalChannel(x.ctx, SignalTold), func(c workflow.ReceiveChannel, _ bool) {
		var told Told
		c.Receive(x.ctx, &told)
		for _, ev := range told.Facts {
			x.drive.heard(told.Batch, ev.Fact)
		}
	})
	x.sel.AddReceive(workflow.GetSignalChannel(x.ctx, SignalAdmitted), func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(x.ctx, nil)
		x.drive.record(machine.RunAdmitted{})
	})
	x.sel.AddReceive(workflow.GetSignalChannel(x.ctx, SignalCancel), func(c workflow.ReceiveChannel, _ bool) {
		var cancel machine.CancelAsked
		c.Receive(x.ctx, &cancel)
		x.drive.record(cancel)
	})
	x.sel.AddReceive(workflow.GetSignalChannel(x.ctx, SignalGranted), func(c workflow.ReceiveChannel, _ bool) {
		var keys []machine.Key
		c.Receive(x.ctx, &keys)
		for _, key := range keys {
			if !x.drive.slots.granted(key) {
				x.drive.todo.free = append(x.drive.todo.free, key)
			}
		}
	})
	if err := workflow.SetQueryHandler(x.ctx, QuerySnapshot, x.snapshot); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(x.ctx, UpdateOrder, x.take, workflow.UpdateHandlerOptions{Validator: mayTake})
}

// snapshot answers QuerySnapshot.
func (x *host) snapshot(has Asked) (Snapshot, error) {
	bodies := x.drive.plans.bodies
	s := Snapshot{Plans: bodies[min(has.Plans, len(bodies)):], Seq: x.drive.seq, Source: x.drive.source}
	if x.drive.run.Plan() == nil || has.Seq == s.Seq {
		return s, nil
	}
	var err error
	s.State, err = x.drive.run.Snapshot()
	return s, err
}

// mayTake refuses what is no order, before it is part of the history.
func mayTake(u OrderUpdate) error {
	switch u.Event.Fact.(type) {
	case machine.Reopened, machine.Marked:
	default:
		return errors.New("cannot take the order: a run can be cleared, and its tasks marked")
	}
	for _, b := range u.Plans {
		if _, err := b.read(); err != nil {
			return err
		}
	}
	return nil
}

// take answers UpdateOrder.
func (x *host) take(ctx workflow.Context, u OrderUpdate) (OrderTaken, error) {
	if x.over {
		return OrderTaken{Over: true}, nil
	}
	var answer OrderTaken
	done := false
	x.order(u, func(taken bool) { answer.Taken, done = taken, true })
	x.wake.SendAsync(true)
	err := workflow.Await(ctx, func() bool { return done })
	return answer, err
}

// order has the run step on an order with its next turn.
func (x *host) order(u OrderUpdate, taken func(bool)) {
	if err := x.drive.plans.add(u.Plans); err != nil {
		panic(err) // it has been read before, by a newer weft
	}
	if f, ok := u.Event.Fact.(machine.Reopened); ok && x.drive.plans.find(f.Plan) == nil {
		if taken != nil {
			taken(false)
		}
		return
	}
	x.drive.inbox = append(x.drive.inbox, note{fact: u.Event.Fact, taken: func(changed bool) {
		if changed && u.Source != nil {
			x.drive.source = *u.Source
		}
		if f, ok := u.Event.Fact.(machine.Reopened); ok && changed {
			x.line.by = f.By
		}
		if taken != nil {
			taken(changed)
		}
	}})
}
