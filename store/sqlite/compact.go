package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"weft/store"
)

const (
	// worthIt is how many bytes must be free before the file is made smaller; less is used again soon.
	worthIt = 1 << 20
	// stride is how many pages are given back in one transaction: some milliseconds.
	stride = 256
	// wholeAtOnce is up to what size a file of the first form is written anew: others wait for
	// that, and wait no longer than patience.
	wholeAtOnce = 256 << 20
)

// Compact implements store.Removals. Files are made to shrink step by step (auto_vacuum); VACUUM,
// which holds the lock until the whole is written anew, is for files that are older than that, once,
// where a quarter is free and it takes seconds. What such a large file has free is used again.
func (s *Store) Compact(ctx context.Context) (int64, error) {
	const doing = "cannot make the store smaller"
	if s.closed.Load() {
		return 0, wrap(doing, store.ErrClosed)
	}
	db, err := connect(s.path, false, 1) // the writer's is taken
	if err != nil {
		return 0, wrap(doing, err)
	}
	defer func() { _ = db.Close() }() // what it did is durable
	var room struct{ page, pages, free, auto int64 }
	err = db.QueryRowContext(ctx, `SELECT page_size, page_count, freelist_count, auto_vacuum
		FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum`).
		Scan(&room.page, &room.pages, &room.free, &room.auto)
	if err != nil || room.free*room.page < worthIt {
		return 0, wrap(doing, err)
	}
	switch {
	case room.auto == incremental:
		err = s.shrink(ctx, room.free)
	case room.free*4 >= room.pages && room.pages*room.page <= wholeAtOnce:
		err = rewrite(ctx, db)
	default:
		return 0, nil
	}
	if err != nil {
		return 0, wrap(doing, err)
	}
	// Passive: it waits for nobody. Where a reader is in the way, the file shrinks with a later one.
	var busy, log, moved int64
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &moved); err != nil {
		return 0, wrap(doing, err)
	}
	return room.free * room.page, nil
}

// incremental is SQLite's number for an auto_vacuum that is asked for.
const incremental = 2

// shrink gives free pages back, so many a transaction, and lets others write between them.
func (s *Store) shrink(ctx context.Context, free int64) error {
	for ; free > 0; free -= stride {
		err := s.do(ctx, "cannot make the store smaller", func(t *tx) error {
			rows, err := t.conn.QueryContext(context.Background(), "PRAGMA incremental_vacuum(256)")
			if err != nil {
				return err
			}
			return walk(rows, func(*sql.Rows) error { return nil }) // a page a row
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewrite writes the file anew, this time so that it can shrink step by step.
func rewrite(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL")
	if err == nil {
		_, err = conn.ExecContext(ctx, "VACUUM")
	}
	return errors.Join(err, conn.Close())
}
