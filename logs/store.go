// Package logs keeps what attempts say: where each log lies, how long it may grow, and how it is
// read, also while it grows.
//
// A process writes into its log itself (O_APPEND, no pipe), byte by byte as it likes: ANSI and what
// is not UTF-8 stay as they are. So nothing of weft stands in the way of a flood; a log that grows
// beyond the cap gets a hole punched into its middle instead, which gives the disk back and moves no
// offset. Readers tell of the hole by a marker line; Seal writes that line into the file when the
// attempt has ended.
package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// DefaultCap is how large a log may grow unless the configuration says otherwise.
const DefaultCap = 64 << 20

// A Store is the folder of all logs. Its methods may be called from several goroutines.
type Store struct {
	folder string
	cap    int64
	mu     sync.Mutex
	root   *os.Root           // nil until it is first needed
	top    *os.File           // the same folder
	open   map[ID]*grown      // opened, not sealed yet
	spares map[string]*spares // by run
}

// A grown is a log that may be growing.
type grown struct {
	mu     sync.Mutex // held while its file is changed by us
	sealed bool
	cut    int64 // how far the hole reaches; 0 = no hole
}

// New makes a store below a folder, which is created when it is first needed. limit is the cap of a
// log in bytes; 0 = DefaultCap.
func New(folder string, limit int64) *Store {
	if limit <= 0 {
		limit = DefaultCap
	}
	return &Store{folder: folder, cap: limit, open: map[ID]*grown{}, spares: map[string]*spares{}}
}

// Path returns where a log lies, for people and for messages; "" if the id names none.
func (s *Store) Path(id ID) string {
	rel, err := id.rel()
	if err != nil {
		return ""
	}
	return filepath.Join(s.folder, rel)
}

// Open opens a log for appending, and makes it if need be. It is watched by CapAll until Seal. The
// caller closes it.
func (s *Store) Open(id ID) (*os.File, error) {
	rel, err := id.rel()
	if err != nil {
		return nil, err
	}
	root, err := s.below()
	if err != nil {
		return nil, err
	}
	f := s.reuse(id, rel)
	if f == nil {
		if f, err = s.create(root, rel); err != nil {
			return nil, fmt.Errorf("cannot open log: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[id] = &grown{}
	return f, nil
}

func (s *Store) create(root *os.Root, rel string) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_APPEND
	f, err := openBelow(root, s.top, rel, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) { // the first attempt of a run
		if err = root.MkdirAll(filepath.Dir(rel), 0o700); err == nil {
			f, err = openBelow(root, s.top, rel, flags, 0o600)
		}
	}
	return f, err
}

// below returns the root, beyond which no path leads, whatever links may lie in the folder.
func (s *Store) below() (*os.Root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.top != nil {
		return s.root, nil
	}
	err := os.MkdirAll(s.folder, 0o700)
	if err == nil {
		s.root, err = os.OpenRoot(s.folder)
	}
	if err == nil {
		s.top, err = s.root.Open(".")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the folder of logs: %w", err)
	}
	return s.root, nil
}

// file opens a log with the flags given; it must exist.
func (s *Store) file(id ID, flags int) (*os.File, error) {
	rel, err := id.rel()
	if err != nil {
		return nil, err
	}
	root, err := s.below()
	if err != nil {
		return nil, err
	}
	return openBelow(root, s.top, rel, flags, 0)
}
