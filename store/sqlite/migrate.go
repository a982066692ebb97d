package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"weft/store"
)

// migrations holds one file a step, numbered from 001 without a gap; a file that was released never
// changes. The number of steps taken is the database's user_version.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schema is the number of the last step, the form this weft knows; a test counts the files.
const schema = 3

// migrate brings the database to the form this weft knows, all steps in one transaction. On a
// database that is there already it costs one look.
func migrate(db *sql.DB, path string) error {
	ctx := context.Background()
	have, err := version(ctx, db)
	if err != nil || have == schema {
		return err
	}
	if have > schema {
		return future(path, have)
	}
	if have == 0 { // before the first page: later it takes a VACUUM
		if _, err := db.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
			return err
		}
	}
	if err := logAhead(ctx, db); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	// Again, now with the lock: another process may have been faster.
	if have, err = version(ctx, tx); err != nil || have == schema {
		return err
	}
	if have > schema {
		return future(path, have)
	}
	for n := have + 1; n <= schema; n++ {
		if err := step(ctx, tx, n); err != nil {
			return fmt.Errorf("cannot bring it to form %d: %w", n, err)
		}
	}
	return tx.Commit()
}

// step takes one step and counts it.
func step(ctx context.Context, tx *sql.Tx, n int) error {
	names, err := fs.Glob(migrations, fmt.Sprintf("migrations/%03d_*.sql", n))
	if err != nil || len(names) != 1 {
		panic(fmt.Sprintf("sqlite: migration %d has %d files", n, len(names)))
	}
	text, err := migrations.ReadFile(names[0])
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", n))
	return err
}

// logAhead puts a new database into WAL mode, for good. SQLite answers "busy" at once, without
// waiting, where two processes do this to one file in the same moment: so ask again.
func logAhead(ctx context.Context, db *sql.DB) error {
	for end := time.Now().Add(patience); ; {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("its file system cannot share memory between processes (journal mode %q)", mode)
		case !isBusy(err) || time.Now().After(end):
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func version(ctx context.Context, q querier) (n int, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&n)
	if err == nil && n < 0 {
		err = errors.Join(fmt.Errorf("its form is %d", n), store.ErrCorrupt)
	}
	return n, err
}

func future(path string, have int) error {
	return refuse(fmt.Errorf("cannot open %s: its form is %d, this weft knows up to %d: %w (upgrade weft, or use another state folder)",
		path, have, schema, store.ErrFuture))
}
