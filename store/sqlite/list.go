package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weft/machine"
	"weft/store"
)

// ListRuns implements store.Runs. Each row is checked, and their number too where the list is not
// cut short.
func (s *Store) ListRuns(ctx context.Context, f store.Filter) ([]store.Run, error) {
	const doing = "cannot list runs"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	// A transaction, so that rows and their number are of one moment.
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, wrap(doing, err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	out, bad, err := list(ctx, tx, f)
	if err != nil {
		return out, wrap(doing, err)
	}
	if f.Before.IsZero() && (f.Limit == 0 || len(out)+len(bad) < f.Limit) {
		if err := count(ctx, tx, f, len(out)+len(bad)); err != nil {
			bad = append(bad, err)
		}
	}
	return out, wrap(doing, errors.Join(bad...))
}

// lastText finds the DAGs in the tallies, and of each its newest run by the index runs_of_dag.
const lastText = `SELECT ` + rowColumns + ` FROM (SELECT DISTINCT dag AS has FROM tallies WHERE runs > 0)
	JOIN runs ON n = (SELECT n FROM runs WHERE dag = has ORDER BY logical_date DESC, created_at DESC, id DESC LIMIT 1)
	ORDER BY dag`

// LastRuns implements store.Runs.
func (s *Store) LastRuns(ctx context.Context) ([]store.Run, error) {
	const doing = "cannot list the last runs"
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	var out []store.Run
	var bad []error
	err := s.rows(ctx, lastText, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		if err != nil {
			bad = append(bad, unwrapped(err))
			return nil
		}
		out = append(out, r)
		return nil
	})
	return out, wrap(doing, errors.Join(err, errors.Join(bad...)))
}

// list reads the rows. bad says what is wrong with those that are left out.
func list(ctx context.Context, tx *sql.Tx, f store.Filter) (out []store.Run, bad []error, err error) {
	text, args := listQuery(f)
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, nil, err
	}
	err = walk(rows, func(rows *sql.Rows) error {
		r, err := scanRun(rows)
		switch {
		case err != nil:
			bad = append(bad, unwrapped(err))
		case !f.Match(r), len(out) > 0 && store.Newest(out[len(out)-1], r) >= 0:
			// The row is whole: the index that led to it is not.
			bad = append(bad, unwrapped(damaged(r.ID, "it stands where it does not belong")))
		default:
			out = append(out, r)
		}
		return nil
	})
	return out, bad, err
}

// count compares with the tallies, which triggers keep.
func count(ctx context.Context, tx *sql.Tx, f store.Filter, have int) error {
	where, args := where(f)
	var want int
	err := tx.QueryRowContext(ctx, `SELECT coalesce(sum(runs), 0) FROM tallies`+where, args...).Scan(&want)
	if err != nil {
		return cause(err)
	}
	if have != want {
		return fmt.Errorf("%d were written, %d are there: %w", want, have, store.ErrCorrupt)
	}
	return nil
}

func listQuery(f store.Filter) (text string, args []any) {
	cond, args := where(f)
	if !f.Before.IsZero() {
		cond += and(cond) + `logical_date < ?`
		args = append(args, f.Before.UnixMicro())
	}
	if len(f.States) > 0 && !slices.ContainsFunc(f.States, machine.RunState.Terminal) {
		cond += and(cond) + `state IN ('queued', 'running')` // word for word: lets SQLite use the index runs_alive
	}
	text = `SELECT ` + rowColumns + ` FROM runs` + cond + ` ORDER BY logical_date DESC, created_at DESC, id DESC`
	if f.Limit > 0 {
		text += ` LIMIT ?`
		args = append(args, f.Limit)
	}
	return text, args
}

// where says what runs and tallies have in common.
func where(f store.Filter) (cond string, args []any) {
	if f.DAG != "" {
		cond += and(cond) + `dag = ?`
		args = append(args, f.DAG)
	}
	if len(f.States) > 0 {
		cond += and(cond) + `state IN (?` + strings.Repeat(`, ?`, len(f.States)-1) + `)`
		for _, s := range f.States {
			args = append(args, string(s))
		}
	}
	if len(f.Types) > 0 {
		cond += and(cond) + `type IN (?` + strings.Repeat(`, ?`, len(f.Types)-1) + `)`
		for _, t := range f.Types {
			args = append(args, t)
		}
	}
	return cond, args
}

func and(cond string) string {
	if cond == "" {
		return ` WHERE `
	}
	return ` AND `
}
