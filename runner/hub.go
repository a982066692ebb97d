package runner

import (
	"context"
	"errors"
	"sync"
)

// ErrSlow ends a Listener that did not keep up: its queue was full when the next update came. What it
// missed is in the run's journal, from the seq behind that of the last update it got.
var ErrSlow = errors.New("cut off: updates came faster than they were taken")

// ErrHubClosed ends every Listener of a hub that is closed.
var ErrHubClosed = errors.New("no more updates come")

// A Hub fans updates out to any number of listeners. Its Observe is an engine's, and never waits for
// any of them. Its zero value is ready for use.
type Hub struct {
	mu        sync.Mutex
	listeners map[string]map[*Listener]struct{} // by run; "" = of all runs
	closed    bool
}

// Observe passes an update to whoever listens to its run. It never blocks: who cannot take it is cut off.
func (h *Hub) Observe(u Update) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, run := range [...]string{u.Run, ""} {
		for l := range h.listeners[run] {
			if !l.put(u) {
				h.forget(l)
			}
		}
	}
}

// Listen makes a listener that hears of one run, or of all if run is "", from now on. depth bounds how
// many updates wait for it.
//
// Who wants a run from its start listens first, reads its journal then, and passes over updates whose
// Seq it has read: nothing is missed, and nothing seen twice.
func (h *Hub) Listen(run string, depth int) *Listener {
	l := &Listener{hub: h, run: run, depth: max(1, depth), wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		l.err = ErrHubClosed
		return l
	}
	if h.listeners == nil {
		h.listeners = map[string]map[*Listener]struct{}{}
	}
	if h.listeners[run] == nil {
		h.listeners[run] = map[*Listener]struct{}{}
	}
	h.listeners[run][l] = struct{}{}
	return l
}

// Heard tells whether somebody listens to a run.
func (h *Hub) Heard(run string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners[run]) > 0
}

// Close ends every listener, once it has taken what waits for it.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, ls := range h.listeners {
		for l := range ls {
			l.end(ErrHubClosed)
		}
	}
	h.listeners = nil
}

func (h *Hub) forget(l *Listener) {
	delete(h.listeners[l.run], l)
	if len(h.listeners[l.run]) == 0 {
		delete(h.listeners, l.run)
	}
}

// A Listener is one queue of updates, taken by one goroutine.
type Listener struct {
	hub   *Hub
	run   string
	depth int
	wake  chan struct{}

	mu    sync.Mutex
	queue []Update // grows with what waits: who keeps up costs next to nothing
	err   error    // why no more come
}

// Next returns the next update, and waits for it. What was queued before the end still comes; then the
// error is ErrSlow, ErrHubClosed, or what ended ctx.
func (l *Listener) Next(ctx context.Context) (Update, error) {
	for {
		u, ok, err := l.take()
		if ok || err != nil {
			return u, err
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return Update{}, context.Cause(ctx)
		}
	}
}

// Close ends the listener: nothing more is queued for it.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.hub.forget(l)
	l.end(ErrHubClosed)
}

func (l *Listener) take() (u Update, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return u, false, l.err
	}
	u = l.queue[0]
	l.queue[0] = Update{} // its summary may be large
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil
	}
	return u, true, nil
}

// put queues an update; false if there is no room, which ends the listener.
func (l *Listener) put(u Update) bool {
	l.mu.Lock()
	full := len(l.queue) >= l.depth
	if !full {
		l.queue = append(l.queue, u)
	}
	l.mu.Unlock()
	if full {
		l.end(ErrSlow)
		return false
	}
	l.stir()
	return true
}

func (l *Listener) end(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	l.mu.Unlock()
	l.stir()
}

func (l *Listener) stir() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
