package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A leader is the one server of a state folder. Its lock is the kernel's: it ends with the process, however that ends,
// and not before, however long the process is stopped. The time of the file is when a leader was last alive.
type leader struct {
	file *os.File
	was  time.Time // when the leader before was last alive; zero: there was none
}

// errServed says that the state folder has a server.
var errServed = errors.New("another server serves this state folder")

const leaderFile = "leader.lock"

// lead makes this process the leader, or says who is.
func lead(home string) (*leader, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("cannot serve: %w", err)
	}
	path := filepath.Join(home, leaderFile)
	info, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot serve: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("cannot serve: cannot lock %s: %w", path, err)
		}
		return nil, &hinted{fmt.Errorf("cannot serve %s: %w%s", shown(home), errServed, leaderOf(path)), "end that one first, or give this one a --home of its own"}
	}
	l := &leader{file: f}
	if !fresh {
		l.was = info.ModTime().UTC()
	}
	// A disk that is full is no reason not to serve: the number is for people.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if !fresh {
		l.beat(l.was) // until all is decided that became due meanwhile
	}
	return l, nil
}

// leaderOf names the process that leads, as far as it is known.
func leaderOf(path string) string {
	b, err := os.ReadFile(path)
	if pid, bad := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && bad == nil {
		return fmt.Sprintf(": process %d", pid)
	}
	return ""
}

// beat remembers that the leader is alive.
func (l *leader) beat(at time.Time) { _ = os.Chtimes(l.file.Name(), at, at) } // a beat that is lost makes the absence longer

func (l *leader) close() { _ = l.file.Close() }
