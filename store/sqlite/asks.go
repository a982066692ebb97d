package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

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
	return s.do(ctx, doing, func(t *tx) error {
		n, known, err := t.number(run)
		if err != nil {
			return err
		}
		if !known {
			return refuse(fmt.Errorf("%s: %w", doing, store.ErrNotFound))
		}
		res, err := t.exec(addAsk, n, string(body), make([]byte, 16))
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		_, err = t.exec(sumAsk, askSum(run, id, body), id) // the id is known only now
		return err
	})
}

// askSum is not chained: an ask that is gone is seen by the count of runs.asks.
func askSum(run string, id int64, body []byte) []byte {
	return store.Sum(nil, run, uint64(id), 0, 0, body)
}

// One statement is one snapshot, of the asks and of how many there should be.
const takeAsksText = `SELECT r.id, r.asks, a.id, a.event, a.sum FROM runs r
	LEFT JOIN asks a ON a.run = r.n WHERE ` + byID + ` ORDER BY a.id`

// TakeAsks implements store.Asks.
func (s *Store) TakeAsks(ctx context.Context, run string) ([]store.Ask, error) {
	doing := "cannot read the orders for run " + run
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	var out []store.Ask
	want := -1
	err := s.rows(ctx, takeAsksText, func(rows *sql.Rows) error {
		var is string
		var id sql.NullInt64
		var body, sum []byte
		if err := rows.Scan(&is, &want, &id, &body, &sum); err != nil {
			return store.ErrCorrupt
		}
		if is != run {
			return astray(run)
		}
		if !id.Valid {
			return nil
		}
		if !bytes.Equal(sum, askSum(run, id.Int64, body)) {
			return fmt.Errorf("order %d: its checksum differs: %w", id.Int64, store.ErrCorrupt)
		}
		ev, err := store.DecodeEvent(body)
		out = append(out, store.Ask{ID: id.Int64, Run: run, Event: ev})
		return err
	}, run)
	switch {
	case err != nil:
		return nil, wrap(doing, err)
	case want < 0:
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	case want != len(out):
		return nil, fmt.Errorf("%s: %d were given, %d are there: %w", doing, want, len(out), store.ErrCorrupt)
	}
	return out, nil
}

// DropAsks implements store.Asks. What is gone already is no error.
func (s *Store) DropAsks(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return s.do(ctx, "cannot forget orders", func(t *tx) error {
		for _, id := range ids {
			if _, err := t.exec(dropAsk, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// The table of asks is all but always empty. A marked run's are not looked at.
const askedRunsText = `SELECT DISTINCT r.id FROM asks a JOIN runs r ON r.n = a.run ORDER BY r.id`

// AskedRuns implements store.Asks.
func (s *Store) AskedRuns(ctx context.Context) ([]string, error) {
	const doing = "cannot look for orders"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	var out []string
	err := s.rows(ctx, askedRunsText, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, wrap(doing, err)
}
