package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"weft/store"
)

const (
	// No index serves the first: there are few plans, and a run's row is small.
	unusedPlansText = `SELECT hash, length(body), idle_since FROM plans
		WHERE hash NOT IN (SELECT plan FROM runs UNION SELECT plan FROM going)`
	// The earlier versions of runs that were cleared stand in their journals alone.
	plansNamedText = `SELECT event FROM events WHERE instr(event, '"plan":"') > 0
		UNION ALL SELECT event FROM asks WHERE instr(event, '"plan":"') > 0`
)

// IdlePlans implements store.Removals. It reads every journal, if any plan is in no row.
func (s *Store) IdlePlans(ctx context.Context) ([]store.IdlePlan, error) {
	const doing = "cannot list plans"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	idle := map[string]store.IdlePlan{}
	err := s.rows(ctx, unusedPlansText, func(rows *sql.Rows) error {
		var p store.IdlePlan
		var since sql.NullInt64
		err := rows.Scan(&p.Hash, &p.Bytes, &since)
		p.Since = moment(since)
		idle[p.Hash] = p
		return err
	})
	if err == nil && len(idle) > 0 {
		err = s.rows(ctx, plansNamedText, func(rows *sql.Rows) error {
			var event sql.RawBytes
			if err := rows.Scan(&event); err != nil {
				return err
			}
			for _, hash := range store.PlansNamed(event) {
				delete(idle, hash)
			}
			return nil
		})
	}
	if err != nil {
		return nil, wrap(doing, err)
	}
	return slices.SortedFunc(maps.Values(idle), func(a, b store.IdlePlan) int { return strings.Compare(a.Hash, b.Hash) }), nil
}

// MarkIdle implements store.Removals.
func (s *Store) MarkIdle(ctx context.Context, hashes []string, since time.Time) error {
	if len(hashes) == 0 {
		return nil
	}
	return s.do(ctx, "cannot mark plans", func(t *tx) error {
		for _, hash := range hashes {
			if _, err := t.exec(markIdle, since.UnixMicro(), hash); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropPlans implements store.Removals.
func (s *Store) DropPlans(ctx context.Context, hashes []string, marked time.Time) (int, error) {
	if len(hashes) == 0 {
		return 0, nil
	}
	n := 0
	err := s.do(ctx, "cannot remove plans", func(t *tx) error {
		n = 0
		for _, hash := range hashes {
			res, err := t.exec(dropPlan, hash, marked.UnixMicro())
			if err != nil {
				return err
			}
			hit, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += int(hit)
		}
		return nil
	})
	return n, err
}
