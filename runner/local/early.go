package local

import (
	"context"
	"reflect"

	"weft/machine"
)

// A preparer is a Worker that can make an attempt ready before it may begin. Nothing of it begins, and
// nobody sees anything of it, before Attempt is called with the same order; Forget throws it away. One
// of the two follows, before anything else is prepared.
type preparer interface {
	// Prepare may say no: then it has done nothing, and Attempt does all.
	Prepare(o machine.Order) bool
	Forget(run string, key machine.Key)
}

// An early is a fact that the machine was stepped on before it was durable, and what it ordered: none of
// that is carried out before the fact is durable. One attempt that will begin then is being prepared.
type early struct {
	d    *drive
	seq  uint64
	cmds []machine.Command
	o    machine.Order // of the attempt that was prepared; no key = none was
	over bool          // the orders are carried out; the attempt begins now or is thrown away
}

// LookAhead uses the time that a record needs to the disk: where all that follows from the end of an
// attempt is one more attempt, as in a chain, that is prepared meanwhile. It comes after Turn, and need not.
//
// It looks only where nothing else of the run could be ordered from the state that is not durable yet:
// nothing waits for a slot, no sensor asks, nothing lives elsewhere. What comes after the fact waits in
// the queue as ever, so the machine stands still until the fact is durable.
func (c *Core) LookAhead() {
	d := c.sent
	c.sent = nil
	p, ok := c.work.(preparer)
	if !ok || d == nil || c.early != nil || c.ready.Len() > 0 || c.drain != nil || len(c.stall.runs) > 0 {
		return
	}
	if d.err != nil || len(d.queue) != 1 || c.drives[d.id] != d {
		return
	}
	rec := d.queue[0]
	if _, end := rec.Event.Fact.(machine.AttemptEnded); !end || rec.Seq <= d.durable {
		return
	}
	for _, kind := range d.live {
		if kind != liveAttempt {
			return
		}
	}
	e := &early{d: d, seq: rec.Seq, cmds: d.run.Step(rec.Event)}
	d.stepped = rec.Seq
	c.early = e
	if key, ok := onlyStart(e.cmds); ok {
		o, ok := d.run.Order(key)
		if ok && o.Task.Sensor == nil && c.remoter(o) == nil && p.Prepare(o) {
			e.o = o
		}
	}
}

// onlyStart is the attempt that orders start, if it is one.
func onlyStart(cmds []machine.Command) (key machine.Key, ok bool) {
	for _, cmd := range cmds {
		if start, is := cmd.(machine.StartAttempt); is {
			if ok {
				return machine.Key{}, false
			}
			key, ok = start.Key, true
		}
	}
	return key, ok
}

// ahead returns what the machine ordered on a fact that it was stepped on early.
func (d *drive) ahead(seq uint64) (cmds []machine.Command, ok bool) {
	e := d.core.early
	if e == nil || e.d != d || e.seq != seq {
		return nil, false
	}
	e.over = true
	return e.cmds, true
}

// beginEarly settles what becomes of the attempt that was prepared when one begins: it is that one, with
// the order that it was prepared with whatever came in between, or it is thrown away.
func (c *Core) beginEarly(d *drive, o machine.Order) {
	e := c.early
	if e == nil || !e.over || e.d != d {
		return
	}
	if e.o.Key == o.Key && reflect.DeepEqual(e.o, o) {
		c.early = nil // Attempt takes it
		return
	}
	c.forgetEarly()
}

// forgetEarly throws away what was prepared, if anything was.
func (c *Core) forgetEarly() {
	e := c.early
	c.early = nil
	if e != nil && e.o.Key.Task != "" {
		c.work.(preparer).Forget(e.d.id, e.o.Key)
	}
}

// forgetEarlyOf does so if it was of this drive.
func (c *Core) forgetEarlyOf(d *drive) {
	if c.early != nil && c.early.d == d {
		c.forgetEarly()
	}
}

// An earlyExecutor is an Executor that can prepare; runner.Executor is the one there is.
type earlyExecutor interface {
	Prepare(o machine.Order) func(ctx context.Context, leave <-chan func(machine.Outcome))
}

// A readied is an attempt that was prepared and has not begun.
type readied struct {
	leave chan func(machine.Outcome) // see runner.Executor.Prepare
	end   func()                     // of its context
	gone  chan struct{}              // closed when nothing of it is there
}

// Prepare implements preparer.
func (c *Crew) Prepare(o machine.Order) bool {
	x, ok := c.Exec.(earlyExecutor)
	if !ok {
		return false
	}
	carry := x.Prepare(o)
	if carry == nil {
		return false
	}
	ctx, end := c.begin(o.Run.Key(), o.Key)
	r := readied{make(chan func(machine.Outcome), 1), end, make(chan struct{})}
	c.mu.Lock()
	if c.early == nil {
		c.early, c.going = map[crewKey]readied{}, map[crewKey]chan struct{}{}
	}
	id := crewKey{o.Run.Key(), o.Key}
	c.early[id] = r
	before := c.going[id]
	c.mu.Unlock()
	go func() {
		roomy()
		await(before)
		carry(ctx, r.leave)
		c.mu.Lock()
		defer c.mu.Unlock()
		if close(r.gone); c.going[id] == r.gone {
			delete(c.going, id)
		}
	}()
	return true
}

// await waits for what was thrown away to be gone: it has the attempt's log and places until then.
func await(gone chan struct{}) {
	if gone != nil {
		<-gone
	}
}

// readied takes what was prepared of an attempt.
func (c *Crew) readied(run string, key machine.Key) (r readied, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok = c.early[crewKey{run, key}]
	delete(c.early, crewKey{run, key})
	return r, ok
}

// Forget implements preparer.
func (c *Crew) Forget(run string, key machine.Key) {
	if r, ok := c.readied(run, key); ok {
		c.mu.Lock()
		c.going[crewKey{run, key}] = r.gone
		c.mu.Unlock()
		r.end() // now: the same attempt may begin anew
		close(r.leave)
	}
}
