package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"weft/machine"
	"weft/store"
)

// inTheWay refuses a run whose id, or whose date, a marked run has.
func (t *tx) inTheWay(r row, dated bool) error {
	var other string
	err := t.row(goingTwin, r.id, dated, r.dag, r.logical).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return refuse(fmt.Errorf("cannot create run %s: %s %w", r.id, other, store.ErrGoing))
}

// MarkGoing implements store.Removals: the row moves from one table to the other.
func (s *Store) MarkGoing(ctx context.Context, run store.Run) error {
	doing := "cannot remove run " + run.ID
	return s.do(ctx, doing, func(t *tx) error {
		n, known, err := t.number(run.ID)
		if err != nil {
			return err
		}
		if !known {
			return refuse(fmt.Errorf("%s: %w", doing, store.ErrNotFound))
		}
		var r row
		if err := r.scan(t.row(rowOfRun, n)); err != nil {
			return err
		}
		is, err := r.run()
		if err != nil {
			return err
		}
		orders, err := t.orders(n)
		if err != nil {
			return err
		}
		if err := store.MayGo(is, run, orders); err != nil {
			return refuse(err)
		}
		if _, err := t.exec(markGoing, n); err != nil {
			return err
		}
		_, err = t.exec(dropRun, n)
		return err
	})
}

// orders returns what waits for a run, by its number.
func (t *tx) orders(n int64) (out []machine.Event, err error) {
	st, err := t.stmt(asksOf)
	if err != nil {
		return nil, err
	}
	rows, err := st.Query(n)
	if err != nil {
		return nil, err
	}
	err = walk(rows, func(rows *sql.Rows) error {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		ev, err := store.DecodeEvent(body)
		out = append(out, ev)
		return err
	})
	return out, err
}

const goingText = `SELECT ` + rowColumns + ` FROM going ORDER BY logical_date DESC, created_at DESC, id DESC`

// Going implements store.Removals.
func (s *Store) Going(ctx context.Context) (out []store.Run, err error) {
	const doing = "cannot list runs that are being removed"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	err = s.rows(ctx, goingText, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, wrap(doing, err)
	}
	return out, nil
}

const readGoingText = `SELECT r.id, r.last_seq, r.last_sum, e.seq, e.after, e.hash, e.event, e.sum FROM going r
	LEFT JOIN events e ON e.run = r.n WHERE r.n = (SELECT n FROM going WHERE id = ?) ORDER BY e.seq`

// ReadGoing implements store.Removals.
func (s *Store) ReadGoing(ctx context.Context, run string) ([]store.Record, error) {
	return s.journal(ctx, readGoingText, run)
}

// Delete implements store.Removals.
func (s *Store) Delete(ctx context.Context, runs ...string) error {
	return s.do(ctx, "cannot remove runs", func(t *tx) error {
		for _, id := range runs {
			var n int64
			err := t.row(goingNumber, id).Scan(&n)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			for _, q := range []query{dropEvents, dropAsks, dropGoing} {
				if _, err := t.exec(q, n); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
