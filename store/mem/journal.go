package mem

import (
	"context"
	"fmt"
	"math"

	"weft/store"
)

// An appending is one Append that waits to become durable.
type appending struct {
	run     string
	entries []store.Entry
	update  *store.Run
	err     error // set beforehand, it fails in its turn
	done    func(error)
}

// Append implements store.Journal. In a store that holds, done is called by Flush.
func (s *Store) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	a := &appending{run: run, done: done}
	a.entries, a.err = store.Encode(run, recs)
	if a.err == nil && update != nil {
		row := update.Kept()
		a.update, a.err = &row, row.Check()
	}
	s.mu.Lock()
	if s.closed {
		a.err = fmt.Errorf("cannot write the journal of run %s: %w", run, store.ErrClosed)
	}
	s.waiting = append(s.waiting, a)
	drain := !s.held || s.closed
	s.mu.Unlock()
	if drain {
		s.drain(all)
	}
}

// all is more appends than there are.
const all = math.MaxInt

// drain writes what waits, group after group until nothing does (held: one group), and calls the
// dones. Where one caller drains already, that one does it: this keeps the dones in order.
func (s *Store) drain(most int) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return 0
	}
	s.draining = true
	defer func() { s.draining = false }()
	for len(s.waiting) > 0 {
		n += s.flush(most)
		if s.held && !s.closed {
			break
		}
	}
	return n
}

// flush writes one group, of most appends or less. It leaves the lock while the dones run, so that they may append.
func (s *Store) flush(most int) int {
	group := s.waiting[:min(most, len(s.waiting))]
	s.waiting = s.waiting[len(group):]
	down := s.commit("cannot write the journal")
	for _, a := range group {
		switch {
		case a.err != nil:
		case down != nil:
			a.err = down
		default:
			a.err = s.write(a)
		}
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	for _, a := range group {
		a.done(a.err)
	}
	return len(group)
}

// write makes one append durable, or refuses it whole.
func (s *Store) write(a *appending) error {
	r, ok := s.runs[a.run]
	if !ok {
		return fmt.Errorf("cannot write run %s: %w", a.run, store.ErrNotFound)
	}
	if err := store.Follow(a.run, r.seq, a.entries); err != nil {
		return err
	}
	if u := a.update; u != nil {
		switch {
		case u.ID != a.run:
			return fmt.Errorf("cannot write run %s: the row is that of run %s", a.run, u.ID)
		case u.DAG != r.row.DAG || u.Type != r.row.Type || !u.LogicalDate.Equal(r.row.LogicalDate):
			return fmt.Errorf("cannot write run %s: its DAG, type and logical date never change", a.run)
		}
		r.row = *u
	}
	r.add(a.entries)
	return nil
}

// add puts entries at the journal's end, over what a crash left torn there.
func (r *run) add(entries []store.Entry) {
	if n := len(r.batches); n > 0 && r.batches[n-1].torn {
		r.batches = r.batches[:n-1]
	}
	if len(entries) == 0 {
		return
	}
	r.sum = store.Chain(r.row.ID, r.sum, entries)
	r.seq += uint64(len(entries))
	r.batches = append(r.batches, batch{entries: entries})
}

// Read implements store.Journal.
func (s *Store) Read(ctx context.Context, run string) ([]store.Record, error) {
	doing := "cannot read run " + run
	if err := s.begin(ctx, doing); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, ok := s.runs[run]
	if !ok {
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	return store.Verify(run, r.entries(), r.seq, r.sum)
}

// entries is the journal without what a crash left torn.
func (r *run) entries() []store.Entry {
	var out []store.Entry
	for _, b := range r.batches {
		if !b.torn {
			out = append(out, b.entries...)
		}
	}
	return out
}
