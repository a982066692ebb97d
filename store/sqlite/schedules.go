package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"weft/store"
)

// keptSum is over what a row of the scheduler's tables says, and over its key.
func keptSum(table, key string, body []byte) []byte {
	return store.Sum(nil, table+"/"+key, 0, 0, 0, body)
}

// Each table's rows, with the key that its sum is over.
const (
	dagsText      = `SELECT id, id, body, sum FROM dags ORDER BY id`
	dueText       = `SELECT dag, dag, body, sum FROM due ORDER BY at, dag`
	absencesText  = `SELECT id, dag, body, sum FROM absences ORDER BY id`
	goingBackText = `SELECT id, id, body, sum FROM backfills WHERE over = 0 ORDER BY created_at, id`

	// A dag of '' stands for all, a limit of -1 for no limit.
	missedText    = `SELECT id, dag, body, sum FROM missed WHERE ?1 = '' OR dag = ?1 ORDER BY id DESC LIMIT ?2`
	backfillsText = `SELECT id, id, body, sum FROM backfills WHERE ?1 = '' OR dag = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2`
)

// kept reads the rows of one of the scheduler's tables.
func kept[T any](ctx context.Context, s *Store, table, text string, each func(id sql.NullInt64, v T), args ...any) error {
	return s.rows(ctx, text, func(rows *sql.Rows) error {
		var id any
		var key string
		var body, sum []byte
		if err := rows.Scan(&id, &key, &body, &sum); err != nil {
			return err
		}
		if !bytes.Equal(sum, keptSum(table, key, body)) {
			return fmt.Errorf("%s of %q: its checksum differs: %w", table, key, store.ErrCorrupt)
		}
		var v T
		if err := json.Unmarshal(body, &v); err != nil {
			return fmt.Errorf("%s of %q: %w: %w", table, key, err, store.ErrCorrupt)
		}
		n, isNumber := id.(int64)
		each(sql.NullInt64{Int64: n, Valid: isNumber}, v)
		return nil
	}, args...)
}

// Scheduled implements store.Schedules.
func (s *Store) Scheduled(ctx context.Context) (out store.Scheduled, err error) {
	const doing = "cannot read what is scheduled"
	if s.closed.Load() {
		return out, wrap(doing, store.ErrClosed)
	}
	for _, read := range []func() error{
		func() error {
			return kept(ctx, s, "dags", dagsText, func(_ sql.NullInt64, d store.DAG) { out.DAGs = append(out.DAGs, d) })
		},
		func() error {
			return kept(ctx, s, "due", dueText, func(_ sql.NullInt64, d store.Due) { out.Due = append(out.Due, d) })
		},
		func() error {
			return kept(ctx, s, "absences", absencesText, func(id sql.NullInt64, a store.Absence) {
				a.ID = id.Int64
				out.Absences = append(out.Absences, a)
			})
		},
		func() error {
			return kept(ctx, s, "backfills", goingBackText, func(_ sql.NullInt64, b store.Backfill) { out.Backfills = append(out.Backfills, b) })
		},
	} {
		if err := read(); err != nil {
			return out, wrap(doing, err)
		}
	}
	return out, nil
}

// limited turns "0 = all" into SQLite's words.
func limited(limit int) int {
	if limit <= 0 {
		return -1
	}
	return limit
}

// ListMissed implements store.Schedules.
func (s *Store) ListMissed(ctx context.Context, dag string, limit int) (out []store.Missed, err error) {
	const doing = "cannot list missed ticks"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	err = kept(ctx, s, "missed", missedText, func(id sql.NullInt64, m store.Missed) {
		m.ID = id.Int64
		out = append(out, m)
	}, dag, limited(limit))
	return out, wrap(doing, err)
}

// ListBackfills implements store.Schedules.
func (s *Store) ListBackfills(ctx context.Context, dag string, limit int) (out []store.Backfill, err error) {
	const doing = "cannot list backfills"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	err = kept(ctx, s, "backfills", backfillsText, func(_ sql.NullInt64, b store.Backfill) { out = append(out, b) }, dag, limited(limit))
	return out, wrap(doing, err)
}

// Settle implements store.Schedules.
func (s *Store) Settle(ctx context.Context, c *store.Changes) error {
	if c.Empty() {
		return nil
	}
	c.Keep()
	rows := puts(c) // before the first try, which fills in numbers
	return s.do(ctx, "cannot keep what is scheduled", func(t *tx) error { return t.settle(c, rows) })
}

// A put is a row that is to be written.
type put struct {
	query query
	table string
	key   string
	value any
	front []any         // the columns before body and sum
	added func(n int64) // told the number of a row that is new
}

func (t *tx) settle(c *store.Changes, rows []put) error {
	for _, d := range c.Settled {
		if _, err := t.exec(dropDue, d.DAG, d.Logical.UnixMicro()); err != nil {
			return err
		}
	}
	for _, a := range c.DropAbsences {
		if _, err := t.exec(dropAbsence, a.ID); err != nil {
			return err
		}
	}
	for _, m := range c.DropMissed {
		if _, err := t.exec(dropMissed, m.ID); err != nil {
			return err
		}
	}
	for _, p := range rows {
		body, err := json.Marshal(p.value)
		if err != nil {
			return refuse(err)
		}
		res, err := t.exec(p.query, append(p.front, string(body), keptSum(p.table, p.key, body))...)
		if err != nil {
			return err
		}
		if p.added == nil {
			continue
		}
		n, err := res.LastInsertId()
		if err != nil {
			return err
		}
		p.added(n)
	}
	return nil
}

func puts(c *store.Changes) (out []put) {
	for _, d := range c.DAGs {
		out = append(out, put{query: putDAG, table: "dags", key: d.ID, value: d, front: []any{d.ID}})
	}
	for _, d := range c.Due {
		out = append(out, put{query: addDue, table: "due", key: d.DAG, value: d, front: []any{d.DAG, d.Logical.UnixMicro(), d.At.UnixMicro()}})
	}
	for _, m := range c.Missed {
		out = append(out, put{query: addMissed, table: "missed", key: m.DAG, value: m, front: []any{m.DAG}})
	}
	for i := range c.Absences {
		a := &c.Absences[i]
		p := put{query: addAbsence, table: "absences", key: a.DAG, value: a, front: []any{a.DAG}, added: func(n int64) { a.ID = n }}
		if a.ID != 0 {
			p.query, p.front, p.added = putAbsence, []any{a.ID, a.DAG}, nil
		}
		out = append(out, p)
	}
	for _, b := range c.Backfills {
		out = append(out, put{query: putBackfill, table: "backfills", key: b.ID, value: b, front: []any{b.ID, b.DAG, b.Over(), b.CreatedAt.UnixMicro()}})
	}
	return out
}

var _ store.Schedules = (*Store)(nil)
