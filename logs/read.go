package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Copy writes a whole log, as far as it goes now.
func (s *Store) Copy(w io.Writer, id ID) error {
	f, err := s.file(id, os.O_RDONLY)
	if err != nil {
		return cannotRead(err)
	}
	defer f.Close()
	r := reader{store: s, f: f, path: s.Path(id), w: w, fresh: true}
	return r.drain()
}

// Follow writes a log as it grows, looking again after each interval, until ctx ends or ended says
// that the attempt has ended and all is written. A log that does not exist yet is empty.
func (s *Store) Follow(ctx context.Context, w io.Writer, id ID, every time.Duration, ended func() bool) error {
	r := reader{store: s, w: w, fresh: true}
	defer func() {
		if r.f != nil {
			r.f.Close()
		}
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		over := ended() // asked before the last look, so that nothing said before the end is missed
		if r.f == nil {
			f, err := s.file(id, os.O_RDONLY)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return cannotRead(err)
			}
			r.f, r.path = f, s.Path(id)
		}
		if r.f != nil {
			if err := r.drain(); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// A reader copies a log from where it last stopped, and a marker in place of what is left out.
type reader struct {
	store *Store
	f     *os.File
	path  string // "" = it is nobody else's, whatever becomes of its name
	w     io.Writer
	off   int64
	fresh bool // what was written ends with a line end, or is nothing
	buf   []byte
}

// drain copies up to the end as it is now.
func (r *reader) drain() error {
	info, err := r.f.Stat()
	if err != nil {
		return cannotRead(err)
	}
	size := info.Size()
	r.off = min(r.off, size) // somebody has truncated it
	for r.off < size {
		from, to := holeFrom(r.f, r.off, size)
		if from == r.off && to > from {
			if err := r.mark(to - from); err != nil {
				return err
			}
			r.off = to
			continue
		}
		if err := r.chunk(min(from, r.off+grain)); err != nil {
			return err
		}
	}
	return nil
}

// chunk copies up to an offset. What was read may have been taken out of the file meanwhile and
// then be zeros: only what lies before a hole after the reading counts, and drain meets the hole.
func (r *reader) chunk(to int64) error {
	if r.buf == nil {
		r.buf = make([]byte, grain)
	}
	b := r.buf[:to-r.off]
	n, err := r.f.ReadAt(b, r.off)
	if n == 0 && err != nil {
		if errors.Is(err, io.EOF) { // truncated meanwhile
			err = nil
			r.off = to
		}
		return cannotRead(err)
	}
	if r.path != "" {
		if _, err := os.Lstat(r.path); errors.Is(err, fs.ErrNotExist) {
			r.off = to // it is the log of another attempt now; see spares
			return nil
		}
	}
	b = b[:n]
	if from, _ := holeFrom(r.f, r.off, r.off+int64(n)); from < r.off+int64(n) {
		b = b[:from-r.off]
	}
	return r.write(b)
}

func (r *reader) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := r.w.Write(b)
	r.off += int64(n)
	r.fresh = b[len(b)-1] == '\n'
	return err
}

// mark writes a marker on a line of its own.
func (r *reader) mark(left int64) error {
	line := r.store.marker(left)
	if !r.fresh {
		line = "\n" + line
	}
	r.fresh = true
	_, err := io.WriteString(r.w, line)
	return err
}

func cannotRead(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot read log: %w", err)
}
