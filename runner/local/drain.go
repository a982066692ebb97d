package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"weft/machine"
)

// ErrDraining says that the engine is being stopped, or has been, and begins nothing any more. A run
// that it drove, or has just made durable, goes on with the next one.
var ErrDraining = errors.New("weft is being stopped; its runs go on when it is started again")

// stoppedByOrder is the reason that the records of a drain give.
const stoppedByOrder = "weft was stopped"

// hurryLimit is how long a drain waits for what it has told to end at once. Within it a process has its
// last signal (proc), and the record of its end is durable.
const hurryLimit = 1800 * time.Millisecond

// A draining is the orderly end of a core: nothing begins any more, what runs may end by itself until the
// grace is over, and then has to.
type draining struct {
	alarm   *alarm
	hurried bool // the grace is over
	over    bool // every run has been let go
	left    error
	dones   []func(error)
}

// Drain ends all work of the core in order. From now on no attempt, poke, submission or check begins, and
// no run. What runs may end by itself until grace is over; then it is told to end at once, and whatever
// had to is recorded as lost by order: it runs again under its number and key, and no retry and no crash
// is counted. Remote work and what sensors wait for just go on without weft. done is told once every record is
// durable and every run let go, within about two seconds of the end of the grace. Its error says what is
// not as it should be: attempts that still live, or records that could not be written, which whoever
// resumes those runs sees to as after a crash.
func (c *Core) Drain(grace time.Duration, done func(error)) {
	switch dr := c.drain; {
	case dr == nil:
		c.drain = &draining{alarm: c.after(grace, c.hurry), dones: []func(error){done}}
		for _, d := range c.drives {
			if d.lazy != nil {
				d.soil()
			}
		}
	case dr.over:
		done(dr.left)
	default:
		dr.dones = append(dr.dones, done)
		if due := c.clock.Mono() + grace; !dr.hurried && due < dr.alarm.due {
			c.timers.cancel(dr.alarm)
			dr.alarm = c.after(grace, c.hurry)
		}
	}
}

// hurried tells that a drain's grace is over.
func (c *Core) hurried() bool { return c.drain != nil && c.drain.hurried }

// hurry ends the grace.
func (c *Core) hurry() {
	c.drain.hurried = true
	c.drain.alarm = c.after(hurryLimit, c.letGo)
	for _, d := range c.sorted() {
		for _, key := range slices.SortedFunc(maps.Keys(d.live), compareKeys) {
			switch d.live[key] {
			case liveAttempt, livePoke, liveIntent, liveSubmit, liveHalt:
				if h, ok := c.work.(hurrier); ok {
					h.Hurry(d.id, key, stoppedByOrder)
				} else {
					c.work.Stop(d.id, key, stoppedByOrder)
				}
			}
		}
	}
}

// A hurrier is a Worker that can end something at once, where Stop has patience.
type hurrier interface {
	Hurry(run string, key machine.Key, reason string)
}

// sorted returns the drives in the order of their ids.
func (c *Core) sorted() []*drive {
	out := make([]*drive, 0, len(c.drives))
	for _, id := range slices.Sorted(maps.Keys(c.drives)) {
		out = append(out, c.drives[id])
	}
	return out
}

// wasCut tells whether an attempt ended as it did because a drain told it to end at once.
func (c *Core) wasCut(out machine.Outcome) bool {
	return c.hurried() && out.State == machine.Failed && (out.Kind == "cancelled" || out.Kind == stoppedByOrder)
}

// cut records that a drain has ended an attempt.
func (d *drive) cut(key machine.Key) {
	delete(d.live, key)
	d.core.free(d.id, key)
	d.record(machine.AttemptLost{Key: key, Reason: stoppedByOrder, Ordered: true})
	d.settleFailed()
}

// leave forgets, unrecorded, what a drain keeps from going on elsewhere: the journal knows of it, and
// whoever resumes the run goes on with it.
func (d *drive) leave(key machine.Key) {
	delete(d.live, key)
	d.core.free(d.id, key)
	d.settleFailed()
}

// rest lets every run go once nothing of any is under way.
func (c *Core) rest() {
	if c.drain == nil || c.drain.over {
		return
	}
	for _, d := range c.drives {
		if d.busy() != nil {
			return
		}
	}
	c.letGo()
}

// busy says what of a run is under way; nil: nothing is.
func (d *drive) busy() error {
	for _, key := range slices.SortedFunc(maps.Keys(d.live), compareKeys) {
		switch d.live[key] {
		case liveWait, liveWatch:
		case liveIntended, liveHanded:
			if d.err == nil {
				return fmt.Errorf("run %s: the record of attempt %s is not on the disk", d.id, key)
			}
		default:
			return fmt.Errorf("run %s: attempt %s did not end", d.id, key)
		}
	}
	switch {
	case d.err != nil:
		return nil
	case d.durable < d.seq:
		return fmt.Errorf("run %s: its last records are not on the disk", d.id)
	case d.leaving:
		return fmt.Errorf("run %s: what its attempts shared is not tidied up", d.id)
	}
	return nil
}

// letGo ends the drain.
func (c *Core) letGo() {
	dr := c.drain
	dr.over = true
	c.timers.cancel(dr.alarm)
	var left []error
	for _, d := range c.sorted() {
		if err := d.busy(); err != nil {
			left = append(left, err)
		}
		d.over(ErrDraining)
	}
	if dr.left = errors.Join(left...); dr.left != nil {
		dr.left = fmt.Errorf("not all came to an end in order: %w", dr.left)
	}
	for _, done := range dr.dones {
		done(dr.left)
	}
	dr.dones = nil
}

// turnAway lets a run go that came too late to be driven.
func (c *Core) turnAway(d *drive) {
	if d.unlock != nil {
		d.unlock()
	}
}

// Drain ends all work of the engine in order; see Core.Drain. If ctx ends, so does the grace. It returns
// when all is done, which is at most about two seconds after that; the engine is still to be closed.
// Later calls wait for the same end. From now on Start, Resume, and orders to runs that are not driven
// here fail with ErrDraining, and so does Wait for runs that did not end.
func (e *Engine) Drain(ctx context.Context, grace time.Duration) error {
	left := make(chan error, 2)
	drain := func(grace time.Duration) {
		e.post(func() { e.core.Drain(grace, func(err error) { left <- err }) })
	}
	drain(grace)
	select {
	case err := <-left:
		return err
	case <-e.done:
		return ErrClosed
	case <-ctx.Done():
	}
	drain(0)
	return e.await(context.WithoutCancel(ctx), left)
}

// Draining tells whether the engine is being stopped, or has been.
func (e *Engine) Draining() bool {
	answer := make(chan bool, 1)
	e.post(func() { answer <- e.core.drain != nil })
	select {
	case yes := <-answer:
		return yes
	case <-e.done:
		return true
	}
}

// unlessDraining is ErrDraining instead of the summary of a run that has not ended.
func (e *Engine) unlessDraining(sum machine.Summary, err error) (machine.Summary, error) {
	if err == nil && !sum.State.Terminal() && e.Draining() {
		return sum, ErrDraining
	}
	return sum, err
}
