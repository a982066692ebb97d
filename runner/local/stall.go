package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"weft/store"
)

// retryDelay is how often a journal that could not be written is tried again.
const retryDelay = time.Second

// A stall lasts while records could not be written. They are kept and written again; meanwhile nothing begins,
// what runs goes on, and its end waits with the others. So a full disk costs no process, and with space again
// all goes on within retryDelay.
//
// A store goes on from what it had before an append that failed (store.Journal), so the same records may
// be appended again: none is lost, doubled or torn by it.
type stall struct {
	runs  []*drive // with records that failed
	since time.Time
	from  time.Duration // the same on the monotonic clock
	err   error         // the newest
	alarm *alarm
	wrote uint64 // appends, and runs, that became durable
}

// A late is what of one run could not be written.
type late struct {
	flights int // appends on their way
	on      bool
	kept    []store.Record // they failed, and others behind them are on their way
	wrote   uint64         // as it was when they failed last
	alone   int            // how often they failed while others were written
}

// mostAlone is how often a run's records may fail where others are written: then the fault is theirs.
const mostAlone = 30

// keep takes back records that could not be written; false if there is no point in trying again.
func (d *drive) keep(recs []store.Record, err error) bool {
	c, l := d.core, &d.late
	behind := len(l.kept) > 0 && errors.Is(err, store.ErrGap) // of an append that failed
	switch {
	case c.opt.Patience <= 0, hopeless(err) && !behind:
		return false
	case !l.on:
		l.on, l.alone = true, 0
		c.stall.add(c, d)
	case l.wrote < c.stall.wrote && !behind:
		l.alone++
	}
	l.wrote = c.stall.wrote
	if !behind {
		c.stall.err = err
	}
	if l.kept = append(l.kept, recs...); l.flights == 0 {
		d.unsent = append(l.kept, d.unsent...)
		l.kept = nil
	}
	return l.alone < mostAlone && c.clock.Mono()-c.stall.from < c.opt.Patience
}

// hopeless tells of errors that no waiting mends.
func hopeless(err error) bool {
	for _, is := range []error{store.ErrGap, store.ErrNotFound, store.ErrCorrupt, store.ErrFuture, store.ErrClosed} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

func (s *stall) add(c *Core, d *drive) {
	if len(s.runs) == 0 {
		s.since, s.from = c.clock.Now(), c.clock.Mono()
		s.alarm = c.after(retryDelay, c.retry)
	}
	s.runs = append(s.runs, d)
}

// retry tries the records of one run, each time of another.
func (c *Core) retry() {
	s := &c.stall
	s.alarm = c.after(retryDelay, c.retry)
	for range s.runs {
		d := s.runs[0]
		s.runs = append(s.runs[1:], d)
		if d.late.flights == 0 {
			d.again()
			return
		}
	}
}

// again writes what failed, with what came since.
func (d *drive) again() {
	recs := append(d.late.kept, d.unsent...)
	d.late.kept, d.unsent = nil, nil
	if len(recs) == 0 { // it has been written meanwhile, and who wrote it went away
		d.core.stall.remove(d.core, d)
		return
	}
	d.write(recs)
}

// wrote hears that something has become durable; d is the run of an append. Then the others can be
// written, too.
func (c *Core) wrote(d *drive) {
	s := &c.stall
	s.wrote++
	if len(s.runs) == 0 {
		return
	}
	if d != nil && d.late.on {
		s.remove(c, d)
		d.soil() // what came since
	}
	for _, o := range slices.Clone(s.runs) {
		if o.late.flights == 0 {
			o.again()
		}
	}
}

// remove takes a run out that is written, or that is let go of.
func (s *stall) remove(c *Core, d *drive) {
	if !d.late.on {
		return
	}
	d.late.on = false
	if s.runs = slices.DeleteFunc(s.runs, func(o *drive) bool { return o == d }); len(s.runs) == 0 {
		c.timers.cancel(s.alarm)
		*s = stall{wrote: s.wrote}
		c.admit = true
	}
}

// A Stall says that the journal cannot be written just now.
type Stall struct {
	Since time.Time
	Runs  int   // whose records wait
	Err   error // why, the newest
}

// Stalled tells whether records wait because the journal cannot be written: meanwhile nothing begins. nil:
// all is well.
func (e *Engine) Stalled() *Stall {
	answer := make(chan *Stall, 1)
	e.post(func() {
		if s := &e.core.stall; len(s.runs) > 0 {
			answer <- &Stall{Since: s.since, Runs: len(s.runs), Err: s.err}
			return
		}
		answer <- nil
	})
	select {
	case s := <-answer:
		return s
	case <-e.done:
		return nil
	}
}

// GivenUp returns the runs that this engine had to let go of because their journals could not be
// written, and why. Nothing of them is alive. TakeUp goes on with them, as any Resume does.
func (e *Engine) GivenUp() map[string]error {
	answer := make(chan map[string]error, 1)
	e.post(func() { answer <- maps.Clone(e.core.gaveUp) })
	select {
	case runs := <-answer:
		return runs
	case <-e.done:
		return nil
	}
}

// TakeUp goes on with all runs that were given up, and returns why it cannot with those it cannot. It first sees
// whether the store can be written: nothing begins, only to be ended at once, while it cannot.
func (e *Engine) TakeUp(ctx context.Context) map[string]error {
	runs := slices.Sorted(maps.Keys(e.GivenUp()))
	failed := map[string]error{}
	for len(runs) > 0 {
		err := e.touch(ctx, runs[0])
		if err == nil {
			break
		}
		failed[runs[0]] = err
		if hopeless(err) || errors.Is(err, ErrDriven) { // the fault of this one
			runs = runs[1:]
			continue
		}
		for _, run := range runs[1:] {
			failed[run] = err
		}
		return failed
	}
	maps.Copy(failed, e.ResumeAll(ctx, runs...))
	return failed
}

// touch writes a run's row as it is, if nobody drives the run.
func (e *Engine) touch(ctx context.Context, run string) error {
	unlock, err := e.locks.Lock(run)
	if err != nil {
		return err
	}
	defer unlock()
	row, err := e.store.GetRun(ctx, run)
	if err != nil {
		return fmt.Errorf("cannot go on with run %s: %w", run, err)
	}
	done := make(chan error, 1)
	e.store.Append(run, nil, &row, func(err error) { done <- err })
	return <-done
}
