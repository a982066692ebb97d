package local

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// An Executor carries out single orders; runner.Executor is the one there is.
type Executor interface {
	Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome))
	Poke(ctx context.Context, o machine.Order, poke int, since time.Time) runner.PokeResult
	Evaluate(ctx context.Context, o machine.Order, q machine.Evaluate) machine.Evaluated
	// Leave takes away what attempts of a run shared; see leaver.
	Leave(run string) error
}

// A Crew is the Worker of a real engine: a goroutine for each attempt that is alive, bounded by the slots
// that Admit hands out, and walkers for pokes.
type Crew struct {
	Exec  Executor
	Store store.Store
	// LaneOf names the host a poke goes to; nil = all in one lane by plugin.
	LaneOf func(o machine.Order) string

	mu    sync.Mutex
	stop  map[crewKey]stop
	early map[crewKey]readied
	going map[crewKey]chan struct{} // what was prepared and is being thrown away

	walkers walkers
}

// A stop ends one attempt or poke: hurry at once, cancel in its own time.
type stop struct {
	cancel context.CancelCauseFunc
	hurry  context.CancelFunc
}

var (
	_ Worker  = (*Crew)(nil)
	_ leaver  = (*Crew)(nil)
	_ hurrier = (*Crew)(nil)
	_ asker   = (*Crew)(nil)
)

type crewKey struct {
	run string
	key machine.Key
}

// begin makes the context of one attempt or poke.
func (c *Crew) begin(run string, key machine.Key) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	hurry, now := context.WithCancel(context.Background())
	return runner.WithHurry(ctx, hurry), c.listen(crewKey{run, key}, stop{cancel, now})
}

// listen has an attempt or poke stopped by what it is given, until the function returned ends it.
func (c *Crew) listen(id crewKey, s stop) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop == nil {
		c.stop = map[crewKey]stop{}
	}
	c.stop[id] = s
	return func() {
		c.mu.Lock()
		delete(c.stop, id)
		c.mu.Unlock()
		s.cancel(nil)
		s.hurry()
	}
}

// Attempt implements Worker.
func (c *Crew) Attempt(o machine.Order, done func(machine.Outcome)) {
	if r, ok := c.readied(o.Run.Key(), o.Key); ok {
		r.leave <- ending(r.end, done)
		return
	}
	ctx, end := c.begin(o.Run.Key(), o.Key)
	c.mu.Lock()
	before := c.going[crewKey{o.Run.Key(), o.Key}]
	c.mu.Unlock()
	go func() {
		roomy()
		await(before)
		c.Exec.Attempt(ctx, o, ending(end, done))
	}()
}

// ending is done for an attempt whose context ends with it.
func ending(end func(), done func(machine.Outcome)) func(machine.Outcome) {
	return func(out machine.Outcome) {
		end()
		done(out)
		runtime.Gosched() // the engine goes on first
	}
}

// roomy grows the stack of a new goroutine in one step while there is next to nothing on it. An
// attempt goes deep, and growing with it, frame by frame, is a good part of what a short one costs.
//
//go:noinline
func roomy() {
	var room [20 << 10]byte
	runtime.KeepAlive(&room)
}

// Poke implements Worker.
func (c *Crew) Poke(o machine.Order, n int, since time.Time, done func(runner.PokeResult)) {
	ctx, end := c.begin(o.Run.Key(), o.Key)
	c.walkers.send(&errand{ask: c.Exec.Poke, ctx: ctx, end: end, o: o, n: n, from: since, done: done})
}

// Ask implements asker. No process is started that could be hurried.
func (c *Crew) Ask(q *runner.Question, o machine.Order, n int, since time.Time, done func(runner.PokeResult)) {
	ctx, cancel := context.WithCancelCause(context.Background())
	end := c.listen(crewKey{o.Run.Key(), o.Key}, stop{cancel, func() {}})
	c.walkers.send(&errand{ask: q.Ask, ctx: ctx, end: end, o: o, n: n, from: since, done: done})
}

// Evaluate implements Worker.
func (c *Crew) Evaluate(o machine.Order, q machine.Evaluate, done func(machine.Evaluated)) {
	go func() { done(c.Exec.Evaluate(context.Background(), o, q)) }()
}

// Stop implements Worker.
func (c *Crew) Stop(run string, key machine.Key, reason string) { c.end(run, key, reason, false) }

// Hurry implements hurrier.
func (c *Crew) Hurry(run string, key machine.Key, reason string) { c.end(run, key, reason, true) }

func (c *Crew) end(run string, key machine.Key, reason string, hurry bool) {
	c.mu.Lock()
	s, alive := c.stop[crewKey{run, key}]
	c.mu.Unlock()
	if !alive {
		return
	}
	s.cancel(&runner.StopError{Reason: reason})
	if hurry {
		s.hurry()
	}
}

// Lane implements Worker.
func (c *Crew) Lane(o machine.Order) string {
	if c.LaneOf != nil {
		return c.LaneOf(o)
	}
	return o.Task.Uses
}

// Leave implements leaver. What cannot be removed now stays: the run's end does not depend on it.
func (c *Crew) Leave(run string, done func()) {
	go func() {
		_ = c.Exec.Leave(run)
		done()
	}()
}

// Past implements Worker: depends_on_past looks at the newest earlier run that is not manual.
func (c *Crew) Past(info machine.RunInfo, task string, done func(ok bool, run string)) {
	go func() {
		ok, run := c.past(context.Background(), info, task)
		done(ok, run)
	}()
}

func (c *Crew) past(ctx context.Context, info machine.RunInfo, task string) (bool, string) {
	rows, err := c.Store.ListRuns(ctx, store.Filter{
		DAG: info.DAG, Before: info.LogicalDate, Types: []string{"scheduled", "backfill"}, Limit: 1,
	})
	if err != nil {
		return false, "(cannot read the runs: " + err.Error() + ")"
	}
	if len(rows) == 0 {
		return true, ""
	}
	row := rows[0]
	state, known := row.Tasks[task]
	if !known {
		sum, err := Load(ctx, c.Store, row.ID)
		if err != nil {
			return false, row.ID
		}
		t, there := sum.Tasks[task]
		if !there { // the DAG did not have it then
			return true, row.ID
		}
		state = t.State
	}
	return state == machine.Success || state == machine.Skipped, row.ID
}

// Asked implements Worker. What cannot be read is looked for again soon.
func (c *Crew) Asked(done func(runs []string)) {
	go func() {
		runs, err := c.Store.AskedRuns(context.Background())
		if err != nil {
			runs = nil
		}
		done(runs)
	}()
}

// Asks implements Worker.
func (c *Crew) Asks(run string, done func([]store.Ask)) {
	go func() {
		asks, err := c.Store.TakeAsks(context.Background(), run)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			asks = nil // looked for again soon
		}
		done(asks)
	}()
}

// Drop implements Worker.
func (c *Crew) Drop(ids []int64) {
	go func() { _ = c.Store.DropAsks(context.Background(), ids) }() // repeated orders do no harm
}

// A RemoteExecutor is an Executor that carries out remote work too; runner.Executor is the one there is.
type RemoteExecutor interface {
	Remote(o machine.Order) bool
	Intend(ctx context.Context, o machine.Order) runner.Intent
	Submit(ctx context.Context, o machine.Order, again bool) runner.Submitted
	Group(o machine.Order) string
	Check(ctx context.Context, ws []*runner.Watch) []runner.Checked
	Halt(ctx context.Context, w *runner.Watch, reason string) machine.Outcome
}

var _ Remoter = (*Crew)(nil)

// Remote implements Remoter.
func (c *Crew) Remote(o machine.Order) bool {
	x, ok := c.Exec.(RemoteExecutor)
	return ok && x.Remote(o)
}

func (c *Crew) far() RemoteExecutor { return c.Exec.(RemoteExecutor) }

// Intend implements Remoter.
func (c *Crew) Intend(o machine.Order, done func(runner.Intent)) {
	ctx, end := c.begin(o.Run.Key(), o.Key)
	go func() {
		roomy()
		in := c.far().Intend(ctx, o)
		end()
		done(in)
	}()
}

// Submit implements Remoter.
func (c *Crew) Submit(o machine.Order, again bool, done func(runner.Submitted)) {
	ctx, end := c.begin(o.Run.Key(), o.Key)
	go func() {
		roomy()
		s := c.far().Submit(ctx, o, again)
		end()
		done(s)
	}()
}

// Group implements Remoter.
func (c *Crew) Group(o machine.Order) string { return c.far().Group(o) }

// checkLimit bounds one check: a service that does not answer is asked again.
const checkLimit = 2 * time.Minute

// Check implements Remoter.
func (c *Crew) Check(ws []*runner.Watch, done func([]runner.Checked)) {
	go func() {
		roomy()
		ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
		defer cancel()
		done(c.far().Check(ctx, ws))
	}()
}

// Halt implements Remoter.
func (c *Crew) Halt(w *runner.Watch, reason string, done func(machine.Outcome)) {
	ctx, end := c.begin(w.Order.Run.Key(), w.Order.Key)
	go func() {
		roomy()
		out := c.far().Halt(ctx, w, reason)
		end()
		done(out)
	}()
}
