package mem

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"weft/machine"
	"weft/store"
)

// inTheWay refuses a run whose id, or whose date, a marked run has; mu is held.
func (s *Store) inTheWay(row store.Run) error {
	for _, r := range s.going {
		twin := row.Dated() && r.row.Dated() && r.row.DAG == row.DAG && r.row.LogicalDate.Equal(row.LogicalDate)
		if r.row.ID == row.ID || twin {
			return fmt.Errorf("%s %w", r.row.ID, store.ErrGoing)
		}
	}
	return nil
}

// MarkGoing implements store.Removals.
func (s *Store) MarkGoing(ctx context.Context, run store.Run) error {
	doing := "cannot remove run " + run.ID
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r, ok := s.runs[run.ID]
	if !ok {
		return fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	var orders []machine.Event
	for _, a := range s.asks {
		if a.run != run.ID {
			continue
		}
		ev, err := store.DecodeEvent(a.event)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		orders = append(orders, ev)
	}
	if err := store.MayGo(r.row, run, orders); err != nil {
		return err
	}
	if err := s.commit(doing); err != nil {
		return err
	}
	delete(s.runs, run.ID)
	if r.row.Dated() {
		delete(s.dates, date{r.row.DAG, r.row.LogicalDate.UnixMicro()})
	}
	s.going[run.ID] = r
	return nil
}

// Going implements store.Removals.
func (s *Store) Going(ctx context.Context) ([]store.Run, error) {
	if err := s.begin(ctx, "cannot list runs that are being removed"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []store.Run
	for _, r := range s.going {
		out = append(out, r.row.Kept())
	}
	slices.SortFunc(out, store.Newest)
	return out, nil
}

// ReadGoing implements store.Removals.
func (s *Store) ReadGoing(ctx context.Context, run string) ([]store.Record, error) {
	doing := "cannot read run " + run
	if err := s.begin(ctx, doing); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, ok := s.going[run]
	if !ok {
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	return store.Verify(run, r.entries(), r.seq, r.sum)
}

// Delete implements store.Removals.
func (s *Store) Delete(ctx context.Context, runs ...string) error {
	const doing = "cannot remove runs"
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.commit(doing); err != nil {
		return err
	}
	for _, id := range runs {
		if s.going[id] == nil {
			continue
		}
		delete(s.going, id)
		s.asks = slices.DeleteFunc(s.asks, func(a ask) bool { return a.run == id })
	}
	return nil
}

// IdlePlans implements store.Removals.
func (s *Store) IdlePlans(ctx context.Context) ([]store.IdlePlan, error) {
	if err := s.begin(ctx, "cannot list plans"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	needed := map[string]bool{}
	for _, runs := range []map[string]*run{s.runs, s.going} {
		for _, r := range runs {
			needed[r.row.Plan] = true
			for _, e := range r.entries() {
				note(needed, e.Event)
			}
		}
	}
	for _, a := range s.asks {
		note(needed, a.event)
	}
	var out []store.IdlePlan
	for hash, body := range s.plans {
		if !needed[hash] {
			out = append(out, store.IdlePlan{Hash: hash, Bytes: int64(len(body)), Since: s.idle[hash]})
		}
	}
	slices.SortFunc(out, func(a, b store.IdlePlan) int { return strings.Compare(a.Hash, b.Hash) })
	return out, nil
}

func note(needed map[string]bool, event []byte) {
	for _, hash := range store.PlansNamed(event) {
		needed[hash] = true
	}
}

// MarkIdle implements store.Removals.
func (s *Store) MarkIdle(ctx context.Context, hashes []string, since time.Time) error {
	const doing = "cannot mark plans"
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.commit(doing); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, marked := s.idle[hash]; !marked && s.plans[hash] != nil {
			s.idle[hash] = time.UnixMicro(since.UnixMicro()).UTC()
		}
	}
	return nil
}

// DropPlans implements store.Removals.
func (s *Store) DropPlans(ctx context.Context, hashes []string, marked time.Time) (n int, err error) {
	const doing = "cannot remove plans"
	if err := s.begin(ctx, doing); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	if err := s.commit(doing); err != nil {
		return 0, err
	}
	for _, hash := range hashes {
		if since, ok := s.idle[hash]; ok && !since.After(marked) {
			delete(s.plans, hash)
			delete(s.idle, hash)
			n++
		}
	}
	return n, nil
}

// Compact implements store.Removals: memory gives itself back.
func (s *Store) Compact(ctx context.Context) (int64, error) {
	if err := s.begin(ctx, "cannot compact the store"); err != nil {
		return 0, err
	}
	s.mu.Unlock()
	return 0, nil
}
