package local

import (
	"context"
	"sync"
	"time"

	"weft/machine"
	"weft/runner"
)

// walkers ask sensors. Most pokes take microseconds, less than it costs to begin a goroutine for each and
// to wake the engine after each; some hang. So a walker asks one sensor after the other, and before
// each there is another on its way, who goes on with the rest if this poke does not come back soon.
// What came of pokes is told together.
//
// Invariant: while anybody waits to be asked, or news to be told, at least one walker is coming.
type walkers struct {
	mu     sync.Mutex
	queue  []*errand
	news   []*errand
	since  time.Time // when the oldest of them came
	coming int       // walkers that are between two errands, and those that have just begun
}

// How much news is kept at most for others to join it, and how long. It does not wait for anything to
// happen: a walker who has nothing else to do tells it at once.
const (
	mostNews   = 32
	newsKeeper = time.Millisecond
)

// An errand is one poke.
type errand struct {
	ask  func(ctx context.Context, o machine.Order, n int, since time.Time) runner.PokeResult
	ctx  context.Context
	end  func()
	o    machine.Order
	n    int
	from time.Time
	res  runner.PokeResult
	done func(runner.PokeResult)
}

// walk carries the errand out.
func (e *errand) walk() {
	res := e.ask(e.ctx, e.o, e.n, e.from)
	if e.ctx.Err() != nil && !res.Done { // stopped while it asked: "not yet" is no answer any more
		reason := context.Cause(e.ctx).Error()
		res = runner.PokeResult{Done: true, Outcome: machine.Outcome{State: machine.Failed, Kind: reason, Error: reason}}
	}
	e.end()
	e.res = res
}

// send has an errand carried out soon.
func (w *walkers) send(e *errand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, e)
	w.call()
}

// call sees to the invariant; mu is held.
func (w *walkers) call() {
	if w.coming == 0 && len(w.queue)+len(w.news) > 0 {
		w.coming++
		go w.walk()
	}
}

// walk is a walker's life: until there is nothing to do.
func (w *walkers) walk() {
	roomy()
	var done *errand
	for {
		next, news := w.next(done)
		for _, e := range news {
			e.done(e.res)
		}
		if next != nil {
			next.walk()
		} else if news == nil {
			return
		}
		done = next
	}
}

// next takes what a walker has done and gives it what to do: an errand, news to tell before it, or
// neither, which is its end.
func (w *walkers) next(done *errand) (next *errand, news []*errand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	urgent := false
	if done != nil {
		w.coming++
		if len(w.news) == 0 {
			w.since = time.Now()
		}
		w.news = append(w.news, done)
		urgent = done.res.Done
	}
	if len(w.queue) > 0 {
		next = w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
	}
	if next == nil || urgent || len(w.news) >= mostNews || len(w.news) > 0 && time.Since(w.since) >= newsKeeper {
		news, w.news = w.news, nil
	}
	if next != nil || news == nil {
		w.coming--
		w.call()
	}
	return next, news
}
