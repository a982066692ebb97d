package python

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// touchedWithin is how old the note of the last use may become before a use renews it.
const touchedWithin = 24 * time.Hour

// use takes an environment: until release nobody removes it. ok is false where there is none that is
// whole, or someone is removing it. Where the note cannot be written, nobody can remove either.
func use(final string) (release func(), ok bool) {
	if !whole(final) {
		return nil, false
	}
	path := filepath.Join(final, usedName)
	f, err := openUsed(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false // it has just gone
	case err != nil:
		return func() {}, true
	}
	if locked, err := flock(f, syscall.LOCK_SH); err == nil && !locked || !stillAt(f, path) {
		f.Close()
		return nil, false
	}
	if info, err := f.Stat(); err == nil && time.Since(info.ModTime()) > touchedWithin {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // else it seems older than it is, and is built again some day
	}
	return func() {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // a child that is being forked has a copy of the file
		f.Close()
	}, true
}

// openUsed opens the note of an environment's uses, and makes it if it is not there: environments of
// earlier releases have none.
func openUsed(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	return f, err
}

// stillAt tells whether an open file has not been renamed away.
func stillAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// lastUse is when an environment was last taken, or, as far as that is not known, made.
func lastUse(final string) time.Time {
	for _, name := range []string{usedName, markerName, ""} {
		if info, err := os.Stat(filepath.Join(final, name)); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}
