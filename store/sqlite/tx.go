package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"modernc.org/sqlite"
)

// A session is the writer's one connection: its prepared statements, and where the journals end that
// it wrote to. Its methods are the writer's alone.
//
// It speaks to the connection rather than through sql.Tx, which binds each statement anew for each
// transaction and starts a goroutine to watch over a context that there is none of.
type session struct {
	db    *sql.DB
	conn  *sql.Conn // nil until the first write
	stmts [queryCount]*sql.Stmt
	ends  ends
	room  room
}

// A tx is the session within a transaction.
type tx struct{ *session }

// open takes the connection, at the first write.
func (s *session) open() (err error) {
	if s.conn == nil {
		s.conn, err = s.db.Conn(context.Background())
	}
	return err
}

// stmt prepares a statement when it is first needed: a short run needs few of them.
func (s *session) stmt(q query) (*sql.Stmt, error) {
	if s.stmts[q] == nil {
		st, err := s.conn.PrepareContext(context.Background(), queryTexts[q])
		if err != nil {
			return nil, err
		}
		s.stmts[q] = st
	}
	return s.stmts[q], nil
}

// close gives the connection back, its statements ended: one that is open would keep SQLite from
// tidying up.
func (s *session) close() {
	s.room.close()
	for _, st := range s.stmts {
		if st != nil {
			_ = st.Close()
		}
	}
	if s.conn != nil {
		_ = s.conn.Close() // nothing is open in it
	}
}

// begin opens a transaction. No context: an fsync cannot be called off, and it belongs to many.
func (s *session) begin() (*tx, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	if _, err := s.exec(begin); err != nil {
		return nil, err
	}
	if v, err := s.version(); err != nil || v != s.ends.version {
		s.ends.forget()
	}
	return &tx{s}, nil
}

func (t *tx) commit() error {
	_, err := t.exec(commit)
	if err != nil {
		t.rollback() // it may or may not be open still
		return err
	}
	if t.ends.version, err = t.version(); err != nil {
		t.ends.forget()
	}
	return nil
}

// rollback undoes the transaction; SQLite may have done so itself.
func (t *tx) rollback() {
	t.ends.forget()
	_, _ = t.exec(rollback)
}

func (s *session) exec(q query, args ...any) (sql.Result, error) {
	st, err := s.stmt(q)
	if err != nil {
		return nil, err
	}
	return st.Exec(args...)
}

func (s *session) row(q query, args ...any) *sql.Row {
	st, err := s.stmt(q)
	if err != nil { // it fails again, and the row says so
		return s.conn.QueryRowContext(context.Background(), queryTexts[q], args...)
	}
	return st.QueryRow(args...)
}

// version is a number that changes whenever the file does, as far as this connection has seen: with
// a transaction that begins it sees all (SQLITE_FCNTL_DATA_VERSION).
func (s *session) version() (v uint32, err error) {
	err = s.conn.Raw(func(driver any) (err error) {
		asked, ok := driver.(sqlite.FileControl)
		if !ok {
			return errors.New("the driver does not tell")
		}
		v, err = asked.FileControlDataVersion("main")
		return err
	})
	return v, err
}

// ends remembers where journals end, so that the next entry need not look it up. It holds as long as
// this session alone writes to the file, and only appends.
type ends struct {
	version uint32
	known   map[string]tail
}

// maxEnds bounds what is remembered; beyond it begins anew.
const maxEnds = 10_000

func (e *ends) forget() { clear(e.known) }

func (e *ends) put(run string, end tail) {
	if e.known == nil {
		e.known = map[string]tail{}
	}
	if len(e.known) >= maxEnds {
		clear(e.known)
	}
	e.known[run] = end
}
