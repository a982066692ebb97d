package logs

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Seal ends the watch over a log when its attempt has ended. One that was cut, or is too long, is
// written anew with a marker in place of what is left out; any other stays as it is. Who has the
// old file open goes on reading it.
func (s *Store) Seal(id ID) error {
	s.mu.Lock()
	g := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if g == nil { // of an earlier weft
		g = &grown{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sealed = true
	if info, err := os.Stat(s.Path(id)); err == nil && info.Size() <= s.cap && g.cut == 0 {
		return nil // as nearly all are
	}
	f, err := s.file(id, os.O_RDWR|os.O_APPEND)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot seal log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() <= s.cap {
		return err
	}
	if err := s.cut(f, g, punch); err != nil {
		return fmt.Errorf("cannot cap log: %w", err)
	}
	if from, to := holeFrom(f, 0, info.Size()); from == to {
		return nil
	}
	if err := s.rewrite(id, f); err != nil {
		return fmt.Errorf("cannot seal log: %w", err)
	}
	return nil
}

// rewrite puts in place of a log with a hole the same with a marker. A crash leaves the old one and
// perhaps the new one's beginning, which the next Seal of this log overwrites.
func (s *Store) rewrite(id ID, f *os.File) error {
	rel, err := id.rel()
	if err != nil {
		return err
	}
	root, err := s.below()
	if err != nil {
		return err
	}
	aside := rel + ".tmp"
	to, err := root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer to.Close()
	buf := bufio.NewWriterSize(to, grain)
	r := reader{store: s, f: f, w: buf, fresh: true}
	err = errors.Join(r.drain(), buf.Flush(), to.Sync())
	if err == nil {
		err = root.Rename(aside, rel)
	}
	if err != nil {
		_ = root.Remove(aside) // the old one stays as it is
	}
	return err
}
