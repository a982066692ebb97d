package local

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// FileLocks keeps a lock file a run, runs/ID.lock: whoever holds its flock drives that run. The
// kernel lets go of it when its holder dies, however it dies.
type FileLocks struct{ Dir string }

// Lock implements Locks.
func (l FileLocks) Lock(run string) (func(), error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot lock run %s: %w", run, err)
	}
	path := filepath.Join(l.Dir, url.PathEscape(run)+".lock")
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("cannot lock run %s: %w", run, err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			pid := holder(path)
			_ = f.Close()
			return nil, fmt.Errorf("cannot take run %s: %w%s", run, ErrDriven, pid)
		}
		if !same(f, path) { // its last holder removed it between our open and our lock
			_ = f.Close()
			continue
		}
		_ = f.Truncate(0)
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
		return func() {
			_ = os.Remove(path)
			_ = f.Close()
		}, nil
	}
}

func same(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// holder names the process that holds a lock, for people.
func holder(path string) string {
	b, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(b))
	if err != nil || pid == "" {
		return ""
	}
	return " (process " + pid + ")"
}
