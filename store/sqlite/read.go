package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"weft/store"
)

// One statement is one snapshot: the journal and the end that is remembered for it agree whatever
// is written meanwhile.
const readText = `SELECT r.id, r.last_seq, r.last_sum, e.seq, e.after, e.hash, e.event, e.sum FROM runs r
	LEFT JOIN events e ON e.run = r.n WHERE ` + byID + ` ORDER BY e.seq`

// Read implements store.Journal.
func (s *Store) Read(ctx context.Context, run string) ([]store.Record, error) {
	return s.journal(ctx, readText, run)
}

func (s *Store) journal(ctx context.Context, text, run string) ([]store.Record, error) {
	doing := "cannot read run " + run
	if s.closed.Load() {
		return nil, wrap(doing, store.ErrClosed)
	}
	var (
		known   bool
		entries []store.Entry
		lastSeq uint64
		lastSum []byte
	)
	err := s.rows(ctx, text, func(rows *sql.Rows) error {
		known = true
		var id string
		var seq, after, hash sql.NullInt64
		var e store.Entry
		if err := rows.Scan(&id, &lastSeq, &lastSum, &seq, &after, &hash, &e.Event, &e.Sum); err != nil {
			return refuse(store.Corrupt(run, uint64(len(entries))+1, "a column holds what it cannot hold"))
		}
		if id != run {
			return astray(run)
		}
		if seq.Valid { // else the run has no records
			e.Seq, e.After, e.Hash = uint64(seq.Int64), uint64(after.Int64), uint64(hash.Int64)
			entries = append(entries, e)
		}
		return nil
	}, run)
	if err != nil {
		return nil, wrap(doing, err)
	}
	if !known {
		return nil, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	return store.Verify(run, entries, lastSeq, lastSum)
}
