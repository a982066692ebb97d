package mem

import (
	"bytes"
	"context"
	"fmt"

	"weft/store"
)

// PutPlan implements store.Plans.
func (s *Store) PutPlan(ctx context.Context, hash string, body []byte) error {
	doing := "cannot keep plan " + hash
	if is := store.PlanHash(body); is != hash {
		return fmt.Errorf("%s: its hash is %s", doing, is)
	}
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.commit(doing); err != nil {
		return err
	}
	s.plans[hash] = bytes.Clone(body)
	delete(s.idle, hash)
	return nil
}

// GetPlan implements store.Plans.
func (s *Store) GetPlan(ctx context.Context, hash string) ([]byte, error) {
	doing := "cannot read plan " + hash
	if err := s.begin(ctx, doing); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	body, ok := s.plans[hash]
	if !ok {
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	return bytes.Clone(body), nil
}

// HasPlan implements store.Plans.
func (s *Store) HasPlan(ctx context.Context, hash string) (bool, error) {
	if err := s.begin(ctx, "cannot look for plan "+hash); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	_, kept := s.plans[hash]
	_, idle := s.idle[hash]
	return kept && !idle, nil
}
