package runner

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"weft/clock"
	"weft/expr"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// An Executor carries out one order at a time per call, beside the plugin: scratch folder, inputs,
// rendering, environment, log, timeout, `until`, output, spill. It keeps nothing of a run but what
// spares work (see Leave), so both engines use it, and any number of calls at once. Its fields must
// not change once it is used.
type Executor struct {
	Plugins *plugins.Registry
	Home    string                  // absolute folder of weft's state; scratch folders are made below it
	Dir     func(run string) string // absolute folder of the run's DAG file; nil = where weft was started
	Clock   clock.Clock             // nil = the machine's
	Environ []string                // weft's own environment, K=V
	// CleanEnv is the configuration's env_policy: clean; a DAG can ask for it too.
	CleanEnv bool
	// Patient has an attempt wait for space on a full disk rather than fail: for a server that outlives that.
	Patient bool
	Grace   time.Duration // from the polite signal to the hard one
	Shell   []string      // default shell of `run` text; nil = bash if there, else sh
	// Handoff opens the place a URI names; nil = handoff.Known. Runs and DAGs that name none have the
	// folder handoff of Home.
	Handoff func(uri string) (handoff.Backend, error)
	// Secrets finds secrets; nil = there are none.
	Secrets Secrets
	// OpenLog opens the attempt's log for appending, SealLog is told that it is complete. Without
	// OpenLog nothing is logged. SpareLog, instead of SealLog, takes the file of an attempt that said
	// nothing, for another of its run; LeaveLogs is told when no more will come. Both may be nil.
	OpenLog   func(o machine.Order) (*os.File, error)
	SealLog   func(o machine.Order) error
	SpareLog  func(o machine.Order, f *os.File)
	LeaveLogs func(run string)
	// CreateLive makes the file at path by whose lock a later weft sees that something of the
	// attempt lives; env is what names the attempt in its processes' environment. nil = none.
	CreateLive func(path string, o machine.Order, env []string) (*os.File, error)

	scratches scratches
	inherited inherited
	checkers  checkers
	literals  literals
	caches    sync.Pool // of *expr.Cache, each in the hands of one call
	lists     lists
	alikes    alikes
}

// A PokeResult is what one poke of a sensor came to.
type PokeResult struct {
	Done      bool            // the attempt is over, as Outcome says; else: not yet
	Outcome   machine.Outcome // where Done
	NotBefore time.Time       // not yet, and the plugin knows when to ask again; zero = by poke_interval
	Kept      *Question       // not yet, and the next poke may be Kept.Ask; nil = Executor.Poke
}

// Attempt carries out one attempt. Soon after ctx ends, with nothing of the attempt left alive, it calls
// done, once; it returns when it has tidied up after that, which nobody need wait for but Leave. It
// never panics.
func (x *Executor) Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome)) {
	a := attempt{x: x, o: o}
	res := a.run(ctx, a.settle)
	x.scratches.tidying(o.Run.Key(), 1)
	done(res.Outcome)
	a.tidy(res.Done)
	x.scratches.tidying(o.Run.Key(), -1)
}

// Poke asks a sensor once; poke counts from 1, since is the moment of the first.
func (x *Executor) Poke(ctx context.Context, o machine.Order, poke int, since time.Time) PokeResult {
	a := attempt{x: x, o: o, poke: poke, since: since}
	res := a.run(ctx, a.judge)
	a.tidy(res.Done)
	if !res.Done {
		res.Kept = a.askedAgain()
	}
	return res
}

// Host tells which host a poke of this order goes to, so that pokes are fair between hosts;
// "" = this machine, or not known.
func (x *Executor) Host(o machine.Order) string {
	h, ok := x.Plugins.Get(o.Task.Uses).(plugins.Hoster)
	if !ok {
		return ""
	}
	a := attempt{x: x, o: o, exprs: x.cache(), blind: true}
	defer x.caches.Put(a.exprs)
	if a.see(context.Background()) != nil {
		return "" // the poke itself will say why
	}
	input, err := a.renderInput()
	if err != nil {
		return ""
	}
	return h.Host(input)
}

func (x *Executor) clock() clock.Clock {
	if x.Clock == nil {
		return clock.Real
	}
	return x.Clock
}

func (x *Executor) cache() *expr.Cache {
	if c, ok := x.caches.Get().(*expr.Cache); ok {
		return c
	}
	return new(expr.Cache)
}

// handoffKey is where a value of an order lies: the language, section 4.
func handoffKey(o machine.Order, name string) string {
	return fmt.Sprintf("%s/%s/%s/%s/%d/%s", o.Plan.DAG, o.Run.Run, o.Key.Task, indexText(o.Key.Index), o.Key.Attempt, name)
}

// indexText is how an index stands in keys, names and the environment: `-` where there is none.
func indexText(i int) string {
	if i < 0 {
		return "-"
	}
	return fmt.Sprint(i)
}
