package local

import (
	"weft/machine"
	"weft/runner"
)

// A Remoter is a Worker that also carries out work which lives elsewhere. Each done is called exactly
// once, from any goroutine, unless the process dies first. Worker.Stop hastens Intend, Submit and Halt.
type Remoter interface {
	// Remote tells whether the work of an order lives elsewhere.
	Remote(o machine.Order) bool
	// Intend makes what is recorded before the submission. Nothing outside hears of it.
	Intend(o machine.Order, done func(runner.Intent))
	// Submit submits an attempt whose intent is durable; again tells that it may have been before.
	Submit(o machine.Order, again bool, done func(runner.Submitted))
	// Group names what is checked by one call.
	Group(o machine.Order) string
	// Check checks submissions of one group, in their order.
	Check(ws []*runner.Watch, done func([]runner.Checked))
	// Halt stops a submission, with a handle or found by its token, and tells how it ended.
	Halt(w *runner.Watch, reason string, done func(machine.Outcome))
}

// remoter is the Remoter of an order whose work lives elsewhere, else nil.
func (c *Core) remoter(o machine.Order) Remoter {
	if r, ok := c.work.(Remoter); ok && o.Task.Sensor == nil && r.Remote(o) {
		return r
	}
	return nil
}

// beginRemote has an attempt that got its slot intended, or submitted if its intent is durable already.
func (d *drive) beginRemote(rem Remoter, o machine.Order) {
	key := o.Key
	if o.Remote != nil {
		d.submit(rem, o, true)
		return
	}
	d.live[key] = liveIntent
	d.record(machine.AttemptStarted{Key: key})
	rem.Intend(o, func(in runner.Intent) {
		d.core.post(func() { d.intended(key, in) })
	})
}

// intended records an intent. Until that is durable nothing is submitted.
func (d *drive) intended(key machine.Key, in runner.Intent) {
	if d.live[key] != liveIntent {
		return // repeated news
	}
	reason := d.stopping[key]
	delete(d.stopping, key)
	if in.Outcome == nil && reason == "" && d.err == nil {
		d.live[key] = liveIntended
		d.record(machine.RemoteIntended{Key: key, Token: in.Token, Target: in.Target})
		return
	}
	out := stopped(reason)
	if in.Outcome != nil {
		out = *in.Outcome
	}
	if d.core.wasCut(out) {
		d.cut(key)
		return
	}
	d.ended(key, out)
}

// ended records the end of an attempt; its slot is free at once.
func (d *drive) ended(key machine.Key, out machine.Outcome) {
	delete(d.live, key)
	delete(d.soon, key)
	d.core.free(d.id, key)
	d.record(machine.AttemptEnded{Key: key, Outcome: out})
	d.settleFailed()
}

// carrySubmit has an attempt submitted whose intent has become durable, once all that is durable with it
// has been stepped on: a cancel may be among it. One of a run that comes back wants a slot first.
func (d *drive) carrySubmit(key machine.Key) {
	if d.live[key] != liveIntended {
		d.want(key)
		return
	}
	d.intents = append(d.intents, key)
}

// submitIntents submits what carrySubmit has put aside, unless it was stopped since.
func (d *drive) submitIntents() {
	keys := d.intents
	d.intents = nil
	for _, key := range keys {
		o, ok := d.run.Order(key)
		if !ok || d.live[key] != liveIntended || d.err != nil {
			continue
		}
		if d.core.drain != nil {
			d.leave(key)
		} else if rem := d.core.remoter(o); rem != nil {
			d.submit(rem, o, false)
		}
	}
}

func (d *drive) submit(rem Remoter, o machine.Order, again bool) {
	key := o.Key
	d.live[key] = liveSubmit
	rem.Submit(o, again, func(s runner.Submitted) {
		d.core.post(func() { d.submitted(o, s) })
	})
}

// submitted hears what a submission came to.
func (d *drive) submitted(o machine.Order, s runner.Submitted) {
	key := o.Key
	if d.live[key] != liveSubmit {
		return // repeated news
	}
	reason := d.stopping[key]
	delete(d.stopping, key)
	d.core.free(d.id, key)
	switch {
	case d.err != nil: // whoever resumes the run finds it
		delete(d.live, key)
		d.settleFailed()
	case s.Handle != nil:
		d.live[key] = liveHanded
		if s.Soon {
			d.checkSoon(key)
		}
		d.record(machine.RemoteSubmitted{Key: key, Handle: s.Handle, Text: s.Text})
	case d.core.hurried() && (s.Outcome == nil || d.core.wasCut(*s.Outcome)): // whoever resumes the run asks for it
		d.leave(key)
	case s.Outcome != nil:
		d.ended(key, *s.Outcome)
	default:
		d.halt(&runner.Watch{Order: o}, reason)
	}
}

// watch has a submission checked from now on.
func (d *drive) watch(key machine.Key) {
	if kind := d.live[key]; kind != 0 && kind != liveHanded {
		return
	}
	o, ok := d.run.Order(key)
	if !ok {
		return
	}
	if rem := d.core.remoter(o); rem != nil {
		d.core.watches.add(d.core, d, &runner.Watch{Order: o}, rem.Group(o), d.live[key] == liveHanded)
		d.live[key] = liveWatch
		if d.soon[key] {
			delete(d.soon, key)
			d.checkSoon(key)
		}
	}
}

// halt stops a submission. Its attempt ends when that has.
func (d *drive) halt(w *runner.Watch, reason string) {
	key := w.Order.Key
	d.live[key] = liveHalt
	rem := d.core.remoter(w.Order)
	if rem == nil { // this weft does not know the plugin any more
		d.ended(key, stopped(reason))
		return
	}
	rem.Halt(w, reason, func(out machine.Outcome) {
		d.core.post(func() {
			switch {
			case d.live[key] != liveHalt:
			case d.core.hurried(): // it may have been kept from stopping it; the order stands
				d.leave(key)
			default:
				d.ended(key, out)
			}
		})
	})
}

// stopRemote ends an attempt of remote work wherever it is; false if it is none.
func (d *drive) stopRemote(key machine.Key, reason string) bool {
	switch d.live[key] {
	case liveIntent, liveSubmit:
		d.stopping[key] = reason
		d.core.work.Stop(d.id, key, reason)
		return true
	case liveIntended: // nothing was submitted; the machine passes over an intent that comes behind the stop
		d.ended(key, stopped(reason))
		return true
	case liveHalt:
		return true
	case liveWatch:
		d.halt(d.core.watches.remove(d.core, d, key), reason)
		return true
	case liveAttempt, livePoke, liveWait:
		return false
	}
	known := d.run.RemoteOf(key)
	if known == nil {
		return false
	}
	if d.live[key] == liveHanded && known.Handle == nil {
		return true // once the handle is durable the machine orders it again
	}
	o, ok := d.run.Order(key)
	if !ok {
		if o, ok = d.run.DrainOrder(key); !ok {
			return false
		}
	}
	d.core.ready.Remove(d.id, key)
	d.halt(&runner.Watch{Order: o}, reason)
	return true
}

// leaveRemote lets go of remote work of a run that is given up: it goes on, and is found again.
func (d *drive) leaveRemote(key machine.Key) {
	switch d.live[key] {
	case liveIntent, liveSubmit, liveHalt:
		d.core.work.Stop(d.id, key, "cancelled")
	case liveIntended, liveHanded:
		delete(d.live, key)
		d.core.free(d.id, key)
	case liveWatch:
		d.core.watches.remove(d.core, d, key)
		delete(d.live, key)
	}
}
