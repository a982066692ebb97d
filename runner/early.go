package runner

import (
	"context"

	"weft/machine"
	"weft/plugins"
)

// Prepare is for an attempt that may begin soon, once something is durable. What it returns is to be
// called once, on a goroutine of its own: it makes all that the attempt needs before its plugin is
// called (places, log, live file, input, environment), has the plugin make ready what it can, and waits to be told by leave to begin. From
// there on it is Attempt, with the done that it was sent. If leave is closed instead, nothing of the
// attempt was seen by anyone: no plugin was called, its log says nothing, its places are given back.
//
// nil where preparing would ask others, who would hear of what may never be: for secrets and for
// values that lie elsewhere.
func (x *Executor) Prepare(o machine.Order) func(ctx context.Context, leave <-chan func(machine.Outcome)) {
	if !early(o) {
		return nil
	}
	x.scratches.tidying(o.Run.Key(), 1) // now: Leave must not come between
	return func(ctx context.Context, leave <-chan func(machine.Outcome)) {
		a := attempt{x: x, o: o}
		a.makeEarly(ctx)
		done, ok := <-leave
		if !ok {
			a.taps.end()
			a.tidy(true)
			x.scratches.tidying(o.Run.Key(), -1)
			return
		}
		x.scratches.tidying(o.Run.Key(), -1) // it lives, and Leave comes only when nothing does
		a.carry(ctx, done)
	}
}

// early tells whether all that an attempt needs is at hand.
func early(o machine.Order) bool {
	if len(o.Task.Inputs) > 0 || o.ItemRef != nil || len(secretNames(o)) > 0 {
		return false
	}
	for _, v := range o.Tasks {
		if spilled(v) {
			return false
		}
	}
	return true
}

// makeEarly is make before the attempt has begun: a panic is kept until then.
func (a *attempt) makeEarly(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			a.made = &made{err: a.panicked(p)}
		}
	}()
	a.ready()
	a.make(ctx)
	if r, ok := a.plugin.(plugins.Readier); ok && a.made.err == nil {
		a.made.run, a.made.drop = r.Ready(a.made.call)
	}
}
