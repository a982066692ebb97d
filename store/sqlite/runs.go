package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"weft/store"
)

// Create implements store.Runs.
func (s *Store) Create(ctx context.Context, run store.Run, recs []store.Record) error {
	doing := "cannot create run " + run.ID
	r, err := rowOf(run.Kept())
	if err != nil {
		return wrap(doing, err)
	}
	entries, err := store.Encode(run.ID, recs)
	if err != nil {
		return err
	}
	if err := store.Follow(run.ID, 0, entries); err != nil {
		return err
	}
	return s.do(ctx, doing, func(t *tx) error {
		if err := t.free(r, run.Dated()); err != nil {
			return err
		}
		res, err := t.exec(addRun, r.id, r.dag, r.kind, r.logical, r.state, r.plan, r.dir, r.created, r.started, r.finished, r.tasks, r.sum)
		if err != nil {
			return err
		}
		n, err := res.LastInsertId()
		if err != nil {
			return err
		}
		return t.add(r.id, tail{n: n}, entries)
	})
}

// free refuses a run whose id, or whose place in its DAG's calendar, is taken.
func (t *tx) free(r row, dated bool) error {
	_, known, err := t.number(r.id)
	if err != nil {
		return err
	}
	if known {
		return refuse(fmt.Errorf("cannot create run %s: it %w", r.id, store.ErrExists))
	}
	if err := t.inTheWay(r, dated); err != nil || !dated {
		return err
	}
	var other string
	err = t.row(sameDate, r.dag, r.logical).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return refuse(fmt.Errorf("cannot create run %s: %s, for the same logical date, %w", r.id, other, store.ErrExists))
}

// number looks up a run's number.
func (t *tx) number(run string) (n int64, known bool, err error) {
	var id string
	err = t.row(runNumber, run).Scan(&n, &id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case id != run:
		return 0, false, astray(run)
	}
	return n, true, nil
}

const getRunText = `SELECT ` + rowColumns + ` FROM runs WHERE id = ?`

// GetRun implements store.Runs.
func (s *Store) GetRun(ctx context.Context, id string) (store.Run, error) {
	doing := "cannot read the row of run " + id
	if s.closed.Load() {
		return store.Run{}, wrap(doing, store.ErrClosed)
	}
	var out store.Run
	known := false
	err := s.rows(ctx, getRunText, func(rows *sql.Rows) (err error) {
		out, err = scanRun(rows)
		known = true
		return err
	}, id)
	switch {
	case err != nil:
		return store.Run{}, wrap(doing, err)
	case !known:
		return store.Run{}, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	case out.ID != id: // a damaged index leads astray
		return store.Run{}, wrap(doing, astray(id))
	}
	return out, nil
}

// scanRun reads a row and checks it.
func scanRun(rows *sql.Rows) (store.Run, error) {
	var r row
	if err := r.scan(rows); err != nil {
		return store.Run{}, damaged(r.id, "a column holds what it cannot hold")
	}
	return r.run()
}
