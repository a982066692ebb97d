package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"weft/store"
)

// PutPlan implements store.Plans. A plan that is there already costs no fsync.
func (s *Store) PutPlan(ctx context.Context, hash string, body []byte) error {
	doing := "cannot keep plan " + hash
	if is := store.PlanHash(body); is != hash {
		return fmt.Errorf("%s: its hash is %s", doing, is)
	}
	return s.do(ctx, doing, func(t *tx) error {
		_, err := t.exec(addPlan, hash, body)
		return err
	})
}

const getPlanText = `SELECT body FROM plans WHERE hash = ?`

// GetPlan implements store.Plans.
func (s *Store) GetPlan(ctx context.Context, hash string) ([]byte, error) {
	doing := "cannot read plan " + hash
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	var body []byte
	known := false
	err := s.rows(ctx, getPlanText, func(rows *sql.Rows) error {
		known = true
		return rows.Scan(&body)
	}, hash)
	switch {
	case err != nil:
		return nil, wrap(doing, err)
	case !known:
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	case store.PlanHash(body) != hash:
		return nil, fmt.Errorf("%s: its hash differs: %w", doing, store.ErrCorrupt)
	}
	return body, nil
}

const hasPlanText = `SELECT 1 FROM plans WHERE hash = ? AND idle_since IS NULL`

// HasPlan implements store.Plans.
func (s *Store) HasPlan(ctx context.Context, hash string) (has bool, err error) {
	doing := "cannot look for plan " + hash
	if s.closed.Load() {
		return false, wrap(doing, store.ErrClosed)
	}
	err = s.rows(ctx, hasPlanText, func(*sql.Rows) error {
		has = true
		return nil
	}, hash)
	return has, wrap(doing, err)
}
