package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"weft/store"
)

// A refusal is an answer that stands as it is: nothing was written, and nothing is wrong with the
// database. Everything else that an operation returns rolls its transaction back.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refuse(err error) error { return refusal{err} }

// unwrapped is the error that a refusal carries.
func unwrapped(err error) error {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.error
	}
	return err
}

// wrap says in words what could not be done and why; refusals say it themselves already.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[refusal](err); ok {
		return r.error
	}
	return fmt.Errorf("%s: %w", doing, cause(err))
}

// cause puts SQLite's errors in the words of someone who has never seen SQLite.
func cause(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("no space is left for it: %w (free some, then try again)", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another process has held its lock for %v: %w (look for a weft that is stopped)", patience, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("its disk does not answer as it should: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("it may not be written by this user: %w", err)
	}
	return err
}

// isBusy tells whether another connection holds a lock.
func isBusy(err error) bool { return code(err) == sqlite3.SQLITE_BUSY }

// spreads tells whether what failed one operation would fail its neighbours too.
func spreads(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}

// code is SQLite's primary result code, 0 if the error is not SQLite's.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}
