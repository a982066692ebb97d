package local

import (
	"context"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// ErrRefused is runner.ErrRefused.
var ErrRefused = runner.ErrRefused

// Mark sets a task's state by hand; it returns when the order is durable. ErrRefused if the run did
// not take it.
func (e *Engine) Mark(ctx context.Context, run string, order machine.Marked) error {
	return e.with(ctx, run, order)
}

// order makes a fact durable in a run that nobody drives yet, and steps on it. Whoever drives the
// run then finds it in force: nothing begins first that it forbids.
func (e *Engine) order(ctx context.Context, d *drive, fact machine.Fact) error {
	if d.run.State().Terminal() {
		if err := e.forgetCancels(ctx, d.id); err != nil {
			return err
		}
	}
	ev := machine.Event{At: e.clock.Now().UTC(), Fact: fact}
	recs := []store.Record{{Seq: d.seq + 1, Event: ev, After: d.stepped, Hash: d.run.Hash()}}
	done := make(chan error, 1)
	e.store.Append(d.id, recs, d.update(recs), func(err error) { done <- err })
	if err := <-done; err != nil {
		return err
	}
	d.seq++
	d.durable, d.stepped = d.seq, d.seq
	d.run.Step(ev)
	d.opening = &ev
	return nil
}

// refused is ErrRefused if the run has just stepped on an order and did not take it.
func (d *drive) refused(fact machine.Fact) error {
	switch fact.(type) {
	case machine.Reopened, machine.Marked: // what is taken changes a state
		if len(d.run.Changes()) == 0 {
			return ErrRefused
		}
	}
	return nil
}

// forgetCancels drops cancels that were left for a run's driver and found it over: they are not
// meant for what the run is opened to do again.
func (e *Engine) forgetCancels(ctx context.Context, run string) error {
	asks, err := e.store.TakeAsks(ctx, run)
	if err != nil {
		return err
	}
	var void []int64
	for _, a := range asks {
		if _, cancel := a.Event.Fact.(machine.CancelAsked); cancel {
			void = append(void, a.ID)
		}
	}
	if len(void) == 0 {
		return nil
	}
	return e.store.DropAsks(ctx, void)
}
