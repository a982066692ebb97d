package local

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// FileLocks keeps a lock file a run, runs/ID.lock: whoever holds its flock drives that run. The
// kernel lets go of it when its holder dies, however it dies.
type FileLocks struct{ Dir string }

// lingers is how long a lock may outlive its holder: a child that was being forked when the holder
// was killed keeps the lock until its exec.
const lingers = 2 * time.Second

// Lock implements Locks.
func (l FileLocks) Lock(run string) (func(), error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot lock run %s: %w", run, err)
	}
	path := l.path(run)
	for patience := time.Now().Add(lingers); ; {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("cannot lock run %s: %w", run, err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = f.Close()
			pid := holder(path)
			if pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) && time.Now().Before(patience) {
				time.Sleep(5 * time.Millisecond)
				continue
			}
			return nil, fmt.Errorf("cannot take run %s: %w%s", run, ErrDriven, process(pid))
		}
		if !same(f, path) { // its last holder removed it between our open and our lock
			_ = f.Close()
			continue
		}
		_ = f.Truncate(0)
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
		return func() {
			_ = os.Remove(path)
			_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // a child that is being forked has a copy of the file
			_ = f.Close()
		}, nil
	}
}

func (l FileLocks) path(run string) string {
	return filepath.Join(l.Dir, url.PathEscape(run)+".lock")
}

// Free tells whether nobody holds a run's lock just now, as Lock would; it is cheaper, since whoever
// lets go of a lock takes its file away.
func (l FileLocks) Free(run string) error {
	if _, err := os.Stat(l.path(run)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := l.Lock(run)
	if err == nil {
		unlock()
	}
	return err
}

func same(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// holder is the process that wrote itself into a lock; 0 = not known.
func holder(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

func process(pid int) string {
	if pid == 0 {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// Sweep takes away lock files that nobody holds: of a holder that was killed, whose run has gone since.
func (l FileLocks) Sweep() {
	entries, err := os.ReadDir(l.Dir)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		run, err := url.PathUnescape(strings.TrimSuffix(e.Name(), ".lock"))
		if err != nil || l.path(run) != filepath.Join(l.Dir, e.Name()) {
			continue
		}
		if unlock, err := l.Lock(run); err == nil {
			unlock()
		}
	}
}
