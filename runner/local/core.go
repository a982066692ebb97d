package local

import (
	"context"
	"slices"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// A Core is the local engine without its goroutine: it takes news in, one piece at a time, and gives
// orders to the worker and the journal. It never blocks, sleeps or reads a clock other than the
// one it is given, and its maps are never walked in an order that can be seen: the simulation
// drives it step by step, the Engine by a loop.
//
// Order of durability (house.md): an awaited event is in the journal before the machine steps on
// it, so nothing that depends on it begins before (see LookAhead for the one exception, of which nothing is
// carried out before either); a lazy one is stepped at once and rides in the
// next group, or within lazyDelay; the end of an attempt frees its slot before its record is
// durable, because only dependents wait for the record.
type Core struct {
	opt    Options
	journ  store.Journal
	work   Worker
	clock  Clock
	post   func(func()) // runs the function on the core's thread, later
	drives map[string]*drive
	dirty  []*drive // have records to send
	held   *alarm   // they wait for company; see mayHold
	due    bool     // they have waited enough

	ready   machine.Waitlist
	alive   []machine.Alive
	timers  timers
	pokes   pokes
	watches watches
	early   *early // nil = no machine is ahead of its journal
	sent    *drive // the last whose records went to the journal since LookAhead
	asks    asks
	drain   *draining // nil = the core is at work
	stall   stall
	admit   bool             // something changed that may let something start
	gaveUp  map[string]error // why runs were given up, until they are resumed
	lines   lines
	plans   *plans
}

// Options are the settings of the engine.
type Options struct {
	Limits    machine.Limits
	PokeSlots int                 // how many pokes may be in flight; 0 = 64
	Observe   func(runner.Update) // told of each change, on the engine's thread; must not block
	LogPath   func(run, dag string, key machine.Key) string
	// Patience is how long records that cannot be written (a full disk) are kept and tried again, before
	// their runs are given up; 0 = not at all.
	Patience time.Duration
	// Carry is for the simulation, which plants bugs with it: an order for which it says no is
	// forgotten. nil, as everywhere else, carries out all.
	Carry func(machine.Command) bool
}

// A Clock is wall time for records and monotonic time for waiting.
type Clock interface {
	Now() time.Time
	Mono() time.Duration
}

// A Worker carries orders out. Each done is called exactly once, from any goroutine, unless the
// process dies first.
type Worker interface {
	Attempt(o machine.Order, done func(machine.Outcome))
	Poke(o machine.Order, n int, since time.Time, done func(runner.PokeResult))
	Evaluate(o machine.Order, q machine.Evaluate, done func(machine.Evaluated))
	// Stop ends an attempt or a poke soon; its done follows.
	Stop(run string, key machine.Key, reason string)
	// Past looks up the newest earlier run that is not manual.
	Past(info machine.RunInfo, task string, done func(ok bool, run string))
	// Asked tells for which runs other processes left orders, Asks reads those of one, Drop forgets them.
	Asked(done func(runs []string))
	Asks(run string, done func([]store.Ask))
	Drop(ids []int64)
	// Lane names what a poke may hang on (a host): pokes are fair between lanes.
	Lane(o machine.Order) string
}

// A leaver is a Worker that keeps something for a run's attempts, and takes it away before the end
// of the run is recorded: a crash after that record leaves nothing that anyone would look for.
type leaver interface {
	Leave(run string, done func())
}

// holdDelay bounds how long records wait for company while nothing would begin for them, and lazyDelay
// how long a lazy one does before that: 50 ms together.
const (
	holdDelay = 5 * time.Millisecond
	lazyDelay = 50*time.Millisecond - holdDelay
)

// pastDelay is how long after a refusal the question about the past is asked again.
const pastDelay = 2 * time.Second

// NewCore makes a core. post must run the function later, on the thread the core is driven on.
func NewCore(opt Options, j store.Journal, w Worker, c Clock, post func(func())) *Core {
	if opt.PokeSlots <= 0 {
		opt.PokeSlots = 64
	}
	if opt.Observe == nil {
		opt.Observe = func(runner.Update) {}
	}
	co := &Core{opt: opt, journ: j, work: w, clock: c, post: post, drives: map[string]*drive{}, gaveUp: map[string]error{}, plans: newPlans()}
	co.pokes.init(opt.PokeSlots)
	co.watches = newWatches()
	return co
}

// Turn ends a round of news: what became ready starts, what must be recorded is sent.
func (c *Core) Turn() {
	for {
		if c.drain == nil && len(c.stall.runs) == 0 {
			c.grant()
			c.startPokes()
			c.startChecks()
		}
		if c.early != nil && c.early.over {
			c.forgetEarly() // others came before it, or nothing begins now
		}
		if len(c.dirty) == 0 || c.mayHold() {
			c.rest()
			return
		}
		dirty := c.dirty
		c.dirty, c.due = nil, false
		for _, d := range dirty {
			d.dirty = false
			d.send()
			c.sent = d
		}
	}
}

// mayHold tells whether what is to be recorded may wait for company, so that one fsync serves more of
// it. What waits for a record is only what depends on it; while other attempts wait for a slot, those
// would have to wait too. Whoever ordered something and waits for the answer is not kept (see
// recordAcked).
func (c *Core) mayHold() bool {
	if c.due || c.ready.Len() == 0 {
		c.timers.cancel(c.held)
		c.held = nil
		return false
	}
	if c.held == nil {
		c.held = c.after(holdDelay, func() { c.held, c.due = nil, true })
	}
	return true
}

// grant lets Admit hand out what is free.
func (c *Core) grant() {
	if !c.admit {
		return
	}
	c.admit = false
	for _, w := range machine.Admit(c.opt.Limits, c.alive, &c.ready) {
		d := c.drives[w.Run]
		if len(d.acks) > 0 { // an order is on its way to the disk: it may well be about this
			defer c.ready.Add(w)
			continue
		}
		o, ok := d.run.Order(w.Key)
		if !ok {
			continue
		}
		c.alive = append(c.alive, machine.Alive{Run: w.Run, Key: w.Key, Pool: w.Pool, Slots: w.Slots})
		if rem := c.remoter(o); rem != nil {
			d.beginRemote(rem, o)
			continue
		}
		c.beginEarly(d, o)
		d.live[w.Key] = liveAttempt
		d.record(machine.AttemptStarted{Key: w.Key})
		key := w.Key
		c.work.Attempt(o, func(out machine.Outcome) {
			c.post(func() { d.attemptEnded(key, out) })
		})
	}
}

// free takes an attempt off what is alive.
func (c *Core) free(run string, key machine.Key) {
	i := slices.IndexFunc(c.alive, func(a machine.Alive) bool { return a.Run == run && a.Key == key })
	if i >= 0 {
		c.alive = slices.Delete(c.alive, i, i+1)
		c.admit = true
	}
}

// Tick fires what is due.
func (c *Core) Tick() {
	for {
		t, ok := c.timers.pop(c.clock.Mono())
		if !ok {
			return
		}
		t.fire()
	}
}

// Next returns when the next timer is due on the monotonic clock; ok is false if there is none.
func (c *Core) Next() (time.Duration, bool) { return c.timers.next() }

// moment is a moment of the wall clock on the monotonic one: what is armed for it a clock that is set neither
// delays nor hastens.
func (c *Core) moment(when time.Time) time.Duration {
	return c.clock.Mono() + max(0, when.Sub(c.clock.Now()))
}

func (c *Core) after(d time.Duration, fire func()) *alarm {
	return c.timers.push(c.clock.Mono()+d, fire)
}

// adopt begins to drive a run whose journal has been replayed, or that has just been made durable.
func (c *Core) adopt(d *drive, found map[machine.Key]bool) {
	c.take(d, found)
	c.Turn()
}

// take is adopt without its turn.
func (c *Core) take(d *drive, found map[machine.Key]bool) {
	d.core = c
	if c.drain != nil {
		c.turnAway(d)
		return
	}
	if d.opening != nil {
		c.wrote(nil)
	}
	c.drives[d.id] = d
	c.lines.join(d)
	d.begin(found)
	delete(c.gaveUp, d.id)
	c.admitRuns(d.line)
}

// drop ends driving a run.
func (c *Core) drop(d *drive) {
	delete(c.drives, d.id)
	c.dirty = slices.DeleteFunc(c.dirty, func(o *drive) bool { return o == d })
	for _, a := range d.alarms {
		c.timers.cancel(a)
	}
	c.forgetEarlyOf(d)
	c.timers.cancel(d.lazy)
	c.restAsks()
	c.stall.remove(c, d)
	c.lines.leave(d)
	c.admitRuns(d.line)
}

// Start makes a run durable in a store and begins it, all on the core's thread: what the simulation
// calls. The Engine does the same with the store's work outside its loop.
func (c *Core) Start(ctx context.Context, st store.Store, req runner.Request) error {
	if c.drain != nil {
		return ErrDraining
	}
	d, err := prepare(ctx, st, c.plans, c.clock, req, c.hold(req.Plan, req.Type))
	if err == nil {
		c.adopt(d, nil)
	}
	c.arrived(req.Plan.DAG, req.Type)
	return err
}

// Resume replays a run and goes on with it. found are the attempts whose remains were ended.
func (c *Core) Resume(ctx context.Context, st store.Store, run string, found map[machine.Key]bool) error {
	d, err := open(ctx, st, c.plans, run)
	switch {
	case err != nil:
		return err
	case c.drain != nil:
		return ErrDraining
	case d.run.State().Terminal():
		d.core = c
		d.mend()
	default:
		c.adopt(d, found)
	}
	return nil
}

// Record makes a fact part of a run that the core drives; ok is false if it drives none of that id.
func (c *Core) Record(run string, f machine.Fact) (ok bool) {
	d := c.drives[run]
	if d != nil {
		d.record(f)
	}
	return d != nil
}

// Run returns the machine of a run that the core drives, to look at; nil if it drives none.
func (c *Core) Run(run string) *machine.Run {
	if d := c.drives[run]; d != nil {
		return d.run
	}
	return nil
}

// GaveUp tells why a run was given up; nil if it was not, or is driven again.
func (c *Core) GaveUp(run string) error { return c.gaveUp[run] }

// Alive returns the attempts that hold slots now.
func (c *Core) Alive() []machine.Alive { return slices.Clone(c.alive) }
