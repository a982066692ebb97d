// Package sqlite keeps a store in one SQLite file, weft.db in the state folder.
//
// Writes of all runs go through one goroutine, which takes everything that waits into one
// transaction and one fsync (writer.go); reads have connections of their own and wait for nobody.
// Several processes may open the same folder: SQLite's lock puts their transactions in a row, and
// what is remembered of journals is forgotten when another process has written.
//
// What is read has been checked: sums of journals, rows, plans and asks, and the counts that make
// lost rows seen. A list that Limit or Before cuts short cannot be counted; its rows are checked.
//
// Absent on purpose: clocks, and any retry beyond waiting for the lock.
package sqlite

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"weft/store"
)

// File is the name of the database within the state folder.
const File = "weft.db"

// A Store is a store in one file; see Open.
type Store struct {
	path  string
	write *sql.DB // one connection, used by the writer alone
	read  *sql.DB
	w     *writer

	closed atomic.Bool
	close  func() error

	mu       sync.Mutex
	prepared map[string]*sql.Stmt // of read, by text
}

var _ store.Store = (*Store)(nil)

// Open opens the store in a folder, and makes both if they are not there. ErrFuture if a newer weft
// has changed the file's form.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, wrap("cannot open the store", err)
	}
	path := filepath.Join(dir, File)
	if err := create(dir, path); err != nil {
		return nil, wrap("cannot open "+path, err)
	}
	s := &Store{path: path, prepared: map[string]*sql.Stmt{}}
	if s.write, err = connect(path, false, 1); err == nil {
		err = migrate(s.write, path)
	}
	if err == nil {
		s.read, err = connect(path, true, readers)
	}
	if err != nil {
		if s.write != nil {
			_ = s.write.Close() // the cause is worth more
		}
		return nil, wrap("cannot open "+path, err)
	}
	s.w = newWriter(s.write)
	s.w.session.room.path = path + "-wal"
	s.close = sync.OnceValue(s.shut)
	go s.w.loop()
	return s, nil
}

// create makes the folder and an empty file that none but the owner reads; SQLite gives the files
// beside it the same mode. The lock is there because closing any descriptor of a file drops the
// process's POSIX locks on it: no store of this process may have it open at that moment.
func create(dir, path string) error {
	creating.Lock()
	defer creating.Unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := makeFolder(dir); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) { // another process was faster
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

var creating sync.Mutex

// makeFolder makes a folder, and those above it, to stay: a power cut would take a new folder with
// all that is in it, had the one above not been synced. (SQLite syncs the folder of its files.)
func makeFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := os.Open(above)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close ends the store once everything that was appended is durable. It must not be called from a
// done.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	s.closed.Store(true)
	s.w.stop()
	err := s.read.Close() // first: the last connection to close tidies the log up, and must be able to write
	return wrap("cannot close "+s.path, errors.Join(err, s.write.Close()))
}
