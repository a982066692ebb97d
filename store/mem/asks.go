package mem

import (
	"context"
	"fmt"
	"slices"

	"weft/machine"
	"weft/store"
)

// PutAsk implements store.Asks.
func (s *Store) PutAsk(ctx context.Context, run string, ev machine.Event) error {
	doing := "cannot keep the order for run " + run
	body, err := store.EncodeEvent(ev)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, ok := s.runs[run]; !ok {
		return fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	if err := s.commit(doing); err != nil {
		return err
	}
	s.lastAsk++
	s.asks = append(s.asks, ask{s.lastAsk, run, body})
	return nil
}

// TakeAsks implements store.Asks.
func (s *Store) TakeAsks(ctx context.Context, run string) ([]store.Ask, error) {
	doing := "cannot read the orders for run " + run
	if err := s.begin(ctx, doing); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if _, ok := s.runs[run]; !ok {
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	var out []store.Ask
	for _, a := range s.asks {
		if a.run != run {
			continue
		}
		ev, err := store.DecodeEvent(a.event)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		out = append(out, store.Ask{ID: a.id, Run: run, Event: ev})
	}
	return out, nil
}

// DropAsks implements store.Asks. What is gone already is no error.
func (s *Store) DropAsks(ctx context.Context, ids []int64) error {
	const doing = "cannot forget orders"
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.commit(doing); err != nil {
		return err
	}
	s.asks = slices.DeleteFunc(s.asks, func(a ask) bool { return slices.Contains(ids, a.id) })
	return nil
}

// AskedRuns implements store.Asks.
func (s *Store) AskedRuns(ctx context.Context) ([]string, error) {
	if err := s.begin(ctx, "cannot look for orders"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.asks {
		if _, there := s.runs[a.run]; there && !slices.Contains(out, a.run) {
			out = append(out, a.run)
		}
	}
	slices.Sort(out)
	return out, nil
}
