package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"

	"weft/store"
)

// An op is one write that is to be done wholly or not at all.
//
// do may be called more than once, each time in a new transaction that knows nothing of the last.
// A refusal must come before its first write.
type op struct {
	what string // "cannot write journal", for its errors
	// appends: it does nothing but put entries behind a journal's end, and keeps ends up to date.
	appends bool
	do      func(*tx) error
	done    func(error)
	err     error // set beforehand, it fails in its turn
	// fate is decided once: by the writer, who takes it, or by its caller, who no longer wants it.
	fate atomic.Int32
}

const (
	taken int32 = iota + 1
	dropped
)

// A writer takes what waits into one transaction, again and again: one fsync serves all.
type writer struct {
	session session // the loop's

	mu      sync.Mutex
	wake    sync.Cond // on mu: waiting or closing has changed
	waiting []*op
	closing bool
	ended   chan struct{} // closed when the loop has ended
}

func newWriter(db *sql.DB) *writer {
	w := &writer{session: session{db: db}, ended: make(chan struct{})}
	w.wake.L = &w.mu
	return w
}

// put queues an op; it never blocks. After stop, ops fail, still in their turn.
func (w *writer) put(o *op) {
	w.mu.Lock()
	if w.closing {
		o.err = store.ErrClosed
		select {
		case <-w.ended:
			w.mu.Unlock()
			o.done(wrap(o.what, o.err))
			return
		default:
		}
	}
	w.waiting = append(w.waiting, o)
	w.mu.Unlock()
	w.wake.Signal()
}

// stop ends the loop once nothing waits any more, and waits for that.
func (w *writer) stop() {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.wake.Signal()
	<-w.ended
}

func (w *writer) loop() {
	for {
		group := w.take()
		if group == nil {
			return
		}
		errs := w.commit(group)
		for i, o := range group {
			o.done(wrap(o.what, errs[i]))
		}
		if w.idle() {
			w.session.makeRoom()
		}
	}
}

// idle tells whether nothing waits to be written.
func (w *writer) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting) == 0 && !w.closing
}

// take waits for work and returns all there is, nil once the writer is to end.
func (w *writer) take() []*op {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.waiting) == 0 {
			if w.closing {
				w.session.close()
				close(w.ended) // under mu, so that put sees it or is seen
				return nil
			}
			w.wake.Wait()
		}
		var group []*op
		for _, o := range w.waiting {
			if o.fate.CompareAndSwap(0, taken) {
				group = append(group, o)
			}
		}
		clear(w.waiting)
		w.waiting = w.waiting[:0]
		if group != nil {
			return group
		}
	}
}

// commit writes a group in one transaction. An op that fails by its own fault is left out, and the
// others begin again without it: a neighbour's fault is none of theirs.
func (w *writer) commit(group []*op) []error {
	guilty := make([]error, len(group))
	for i, o := range group {
		guilty[i] = o.err
	}
	for {
		errs, again, err := w.attempt(group, guilty)
		if again {
			continue
		}
		if err != nil {
			for i := range errs {
				if guilty[i] == nil {
					errs[i] = err
				}
			}
		}
		return errs
	}
}

// attempt carries a group out in a transaction of its own. It returns each op's answer, or says
// that one more is guilty, or that the transaction as a whole has failed.
func (w *writer) attempt(group []*op, guilty []error) (errs []error, again bool, err error) {
	errs = append(errs, guilty...)
	t, err := w.session.begin()
	if err != nil {
		return errs, false, err
	}
	for i, o := range group {
		if guilty[i] != nil {
			continue
		}
		if !o.appends {
			t.ends.forget()
		}
		err := o.do(t)
		if _, ok := errors.AsType[refusal](err); ok || err == nil {
			errs[i] = err
			continue
		}
		t.rollback()
		if spreads(err) {
			return errs, false, err
		}
		guilty[i] = err
		return nil, true, nil
	}
	return errs, false, t.commit()
}

// do carries an op out and waits for it. If ctx ends while the op still waits for its turn, it is
// not done at all.
func (s *Store) do(ctx context.Context, what string, f func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return wrap(what, err)
	}
	answer := make(chan error, 1)
	o := &op{what: what, do: f, done: func(err error) { answer <- err }}
	s.w.put(o)
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		if o.fate.CompareAndSwap(0, dropped) {
			return wrap(what, ctx.Err())
		}
		return <-answer
	}
}
