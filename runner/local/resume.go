package local

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"weft/machine"
)

// Resume goes on with a run that nobody drives. A run that is over is left as it is.
func (e *Engine) Resume(ctx context.Context, run string) error {
	return e.ResumeAll(ctx, run)[run]
}

// takers is how many runs are taken over at once: replaying takes a processor, ending what is left of a
// run takes patience.
const takers = 16

// ResumeAll goes on with runs that nobody drives, and returns why it cannot with those it cannot.
// What is left alive of any of them is ended before anything of one begins, and runs at work come
// before those that wait: so no limit is passed while they come back.
func (e *Engine) ResumeAll(ctx context.Context, runs ...string) map[string]error {
	failed := map[string]error{}
	runs = e.strangers(runs, failed)
	var back []takenOver
	for i, t := range e.takeOverAll(ctx, runs) {
		switch {
		case t.err != nil:
			failed[runs[i]] = t.err
		case t.d.run.State().Terminal():
			e.lay(t.d)
		default:
			back = append(back, t)
		}
	}
	slices.SortStableFunc(back, func(a, b takenOver) int { return waiting(a) - waiting(b) })
	ack := make(chan error, 1)
	e.post(func() {
		for _, t := range back {
			e.core.take(t.d, t.found)
		}
		e.core.Turn()
		ack <- nil
	})
	if err := e.await(ctx, ack); err != nil {
		for _, t := range back {
			failed[t.d.id] = err
		}
	}
	return failed
}

// strangers are those of the runs that are not driven here; failed gets why others cannot be gone on with.
func (e *Engine) strangers(runs []string, failed map[string]error) (out []string) {
	ack := make(chan error, 1)
	e.post(func() {
		for _, run := range runs {
			switch d := e.core.drives[run]; {
			case d == nil && e.core.drain != nil:
				failed[run] = ErrDraining
			case d == nil:
				out = append(out, run)
			case d.err != nil: // it is being given up
				failed[run] = d.err
			}
		}
		ack <- nil
	})
	if err := e.await(context.Background(), ack); err != nil { // the engine is closed
		for _, run := range runs {
			failed[run] = err
		}
		return nil
	}
	return out
}

// lay lets go of a run that is over, its row right.
func (e *Engine) lay(d *drive) {
	d.core = e.core
	e.post(func() {
		delete(e.core.gaveUp, d.id)
		d.mend()
	})
	d.unlock()
}

func waiting(t takenOver) int {
	if t.d.run.State() == machine.RunQueued {
		return 1
	}
	return 0
}

// A takenOver is a run whose lock this engine holds, replayed, with nothing of it left alive; or why
// there is none.
type takenOver struct {
	d     *drive
	found map[machine.Key]bool // attempts whose remains were ended
	err   error
}

// takeOverAll takes runs over, many at once, and returns them in their order.
func (e *Engine) takeOverAll(ctx context.Context, runs []string) []takenOver {
	out := make([]takenOver, len(runs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(takers, len(runs)) {
		wg.Go(func() {
			for i := range next {
				out[i] = e.takeOver(ctx, runs[i])
			}
		})
	}
	for i := range runs {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

func (e *Engine) takeOver(ctx context.Context, run string) (t takenOver) {
	var unlock func()
	if unlock, t.err = e.locks.Lock(run); t.err != nil {
		return t
	}
	defer func() {
		if t.err != nil {
			unlock()
		}
	}()
	if t.d, t.err = open(ctx, e.store, e.core.plans, run); t.err != nil {
		return t
	}
	if e.here != nil {
		if t.err = e.here(t.d.run.Info()); t.err != nil {
			return t
		}
	}
	t.d.unlock, t.found = unlock, map[machine.Key]bool{}
	if e.left == nil {
		return t
	}
	keys, err := e.left(run)
	if err != nil {
		t.err = fmt.Errorf("cannot go on with run %s: %w", run, err)
		return t
	}
	for _, k := range keys {
		t.found[k] = true
	}
	return t
}
