// Package local is the durable engine inside one process: an event loop over the pure machine, a
// journal, one heap of timers and a pool of executors. Nothing in it sleeps.
//
// core.go is the engine without its goroutine, which the simulation drives too; this file gives it
// a loop, locks, and the runner.Engine interface.
package local

import (
	"context"
	"errors"
	"sync"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// An Engine drives runs in this process.
type Engine struct {
	core  *Core
	store store.Store
	locks Locks
	left  func(run string) ([]machine.Key, error)
	here  func(machine.RunInfo) error
	clock Clock

	mu     sync.Mutex
	inbox  []func()
	wake   chan struct{}
	done   chan struct{}
	closed bool
}

// Config is what an Engine is made of.
type Config struct {
	Store  store.Store
	Worker Worker
	Clock  Clock
	Locks  Locks
	// Leftovers ends whatever an earlier weft left alive of a run, and tells of which attempts.
	Leftovers func(run string) ([]machine.Key, error)
	// Here says why a run that exists must not be driven by this engine; nil: all may be.
	Here func(info machine.RunInfo) error
	Options
}

// Locks tell who drives a run: one process at a time.
type Locks interface {
	// Lock takes a run's lock, or fails with an error that wraps ErrDriven.
	Lock(run string) (unlock func(), err error)
}

// ErrDriven is runner.ErrDriven.
var ErrDriven = runner.ErrDriven

// ErrClosed says that the engine has been closed.
var ErrClosed = errors.New("the engine is closed")

// New starts an engine; Close ends it.
func New(cfg Config) *Engine {
	e := &Engine{
		store: cfg.Store, locks: cfg.Locks, left: cfg.Leftovers, here: cfg.Here, clock: cfg.Clock,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	e.core = NewCore(cfg.Options, cfg.Store, cfg.Worker, cfg.Clock, e.post)
	go e.loop()
	return e
}

var _ runner.Engine = (*Engine)(nil)

// post hands a function to the loop. It never blocks.
func (e *Engine) post(f func()) {
	e.mu.Lock()
	e.inbox = append(e.inbox, f)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) take() (fs []func(), closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fs, e.inbox = e.inbox, nil
	return fs, e.closed
}

func (e *Engine) loop() {
	defer close(e.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		fs, closed := e.take()
		for _, f := range fs {
			f()
		}
		if closed && len(fs) == 0 {
			return
		}
		e.core.Tick()
		e.core.Turn()
		if len(fs) > 0 {
			continue
		}
		wait := time.Hour
		if due, ok := e.core.Next(); ok {
			wait = max(0, due-e.clock.Mono())
		}
		timer.Reset(wait)
		select {
		case <-e.wake:
		case <-timer.C:
		}
	}
}

// Close ends the loop. What runs is left to itself: the caller cancels or waits first.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.post(func() {})
	<-e.done
}

// Start makes a run durable and begins it. A run id that exists is not started again: the run is
// returned with an error that wraps store.ErrExists.
func (e *Engine) Start(ctx context.Context, req runner.Request) (run string, err error) {
	if req.Run == "" {
		req.Run = runner.RunID(req.Type, req.LogicalDate, e.clock.Now())
	}
	run = machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	unlock, err := e.locks.Lock(run)
	if err != nil {
		return run, err
	}
	hold, err := e.reserve(req)
	if err != nil {
		unlock()
		return run, err
	}
	d, err := prepare(ctx, e.store, e.core.plans, e.clock, req, hold)
	if err != nil {
		e.post(func() { e.core.arrived(req.Plan.DAG, req.Type) })
		unlock()
		return run, err
	}
	d.unlock = unlock
	e.post(func() {
		e.core.adopt(d, nil)
		e.core.arrived(req.Plan.DAG, req.Type)
	})
	return run, nil
}

// reserve counts a run that is being made durable, and tells whether it must be held.
func (e *Engine) reserve(req runner.Request) (hold bool, err error) {
	ack := make(chan error, 1)
	e.post(func() {
		if e.core.drain != nil {
			ack <- ErrDraining
			return
		}
		hold = e.core.hold(req.Plan, req.Type)
		ack <- nil
	})
	err = e.await(context.Background(), ack)
	return hold, err
}

// with has a fact recorded in a run: in the drive it has, or in one that is made for it.
func (e *Engine) with(ctx context.Context, run string, fact machine.Fact) error {
	if here, err := e.tellDrive(ctx, run, fact); here {
		return err
	}
	t := e.takeOver(ctx, run)
	if t.err != nil {
		return t.err
	}
	if err := e.order(ctx, t.d, fact); err != nil {
		t.d.unlock()
		return err
	}
	refused := t.d.refused(fact)
	ack := make(chan error, 1)
	e.post(func() {
		if refused != nil || t.d.run.State().Terminal() { // it is left as it was
			t.d.core = e.core
			t.d.mend()
			t.d.unlock()
		} else {
			e.core.adopt(t.d, t.found)
		}
		ack <- refused
	})
	return e.await(ctx, ack)
}

// tellDrive has a fact recorded in the drive that a run has here; done is false if it has none. Who no longer
// waits has given the order all the same.
func (e *Engine) tellDrive(ctx context.Context, run string, fact machine.Fact) (done bool, err error) {
	ack := make(chan error, 1)
	none := errors.New("none")
	e.post(func() {
		d := e.core.drives[run]
		switch {
		case d == nil && e.core.drain != nil:
			ack <- ErrDraining
		case d == nil:
			ack <- none
		default:
			d.recordAcked(fact, func(err error) { ack <- err })
		}
	})
	err = e.await(ctx, ack)
	if errors.Is(err, none) {
		return false, nil
	}
	return true, err
}

func (e *Engine) await(ctx context.Context, ack <-chan error) error {
	select {
	case err := <-ack:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-e.done:
		return ErrClosed
	}
}

// recordAcked records a fact and tells when it is durable and has been stepped on.
func (d *drive) recordAcked(f machine.Fact, ack func(error)) {
	if d.err != nil {
		ack(d.err)
		return
	}
	d.core.due = true
	d.acks[d.seq+1] = func(err error) {
		if err == nil {
			err = d.refused(f)
		}
		ack(err)
	}
	d.record(f)
}

// Cancel ends a run; it returns when the order is durable.
func (e *Engine) Cancel(ctx context.Context, run, by, reason string) error {
	return e.with(ctx, run, machine.CancelAsked{By: by, Reason: reason})
}

// Reopen clears tasks of a run; it returns when the order is durable. The plan that it names must
// be in the store. ErrRefused if the run did not take it.
func (e *Engine) Reopen(ctx context.Context, run string, order machine.Reopened) error {
	return e.with(ctx, run, order)
}

// Wait returns a run's summary once it has finished; its state then is terminal. If the run had to
// be given up (its journal cannot be written) the error says why, and resume goes on with it.
func (e *Engine) Wait(ctx context.Context, run string) (machine.Summary, error) {
	type answer struct {
		sum machine.Summary
		err error
	}
	got := make(chan answer, 1)
	e.post(func() {
		d := e.core.drives[run]
		if d == nil {
			err := e.core.gaveUp[run]
			if err == nil {
				err = errNotDriven
			}
			got <- answer{err: err}
			return
		}
		d.waits = append(d.waits, func(s machine.Summary, err error) { got <- answer{s, err} })
	})
	select {
	case a := <-got:
		if errors.Is(a.err, errNotDriven) {
			return e.unlessDraining(Load(ctx, e.store, run))
		}
		return a.sum, a.err
	case <-ctx.Done():
		return machine.Summary{}, ctx.Err()
	case <-e.done:
		return machine.Summary{}, ErrClosed
	}
}

var errNotDriven = errors.New("not driven here")

// Load reads a run's summary from its journal.
func Load(ctx context.Context, st store.Store, run string) (machine.Summary, error) {
	recs, err := st.Read(ctx, run)
	if err != nil {
		return machine.Summary{}, err
	}
	r, err := Replay(ctx, st, run, recs)
	if err != nil {
		return machine.Summary{}, err
	}
	return r.Summarize(), nil
}
