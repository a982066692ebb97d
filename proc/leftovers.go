package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// EndLeftovers ends whatever still lives of attempts of an earlier weft, named by their live files,
// and returns when the lock of each file is free. Polite for grace, then not. A file that does not
// exist has nothing left over. The files stay.
//
// The caller holds the locks of the runs: an attempt that a living weft drives is no leftover, and
// would be ended like one. Attempts may be given together: looking at the machine's processes is
// what costs.
func EndLeftovers(ctx context.Context, grace time.Duration, paths ...string) error {
	left, err := openLeftovers(paths)
	defer closeLeftovers(left)
	if err != nil {
		return err
	}
	soft := time.Now().Add(grace)
	told := map[int]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		found, err := findLeftovers(left)
		if err != nil {
			return err
		}
		free, err := allFree(left)
		if err != nil || free && len(found) == 0 {
			return err
		}
		now := time.Now()
		if now.After(soft.Add(killPatience)) {
			return stillThere(left, found)
		}
		if found, err = freeze(left, found); err != nil {
			return err
		}
		for _, p := range found {
			if !now.Before(soft) {
				p.signal(syscall.SIGKILL)
			} else if !told[p.pid] {
				told[p.pid] = true
				p.signal(syscall.SIGTERM)
			}
			p.signal(syscall.SIGCONT)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot end what an earlier weft left running: %w", context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// freeze stops what was found, and looks again until there is nothing new: what is stopped forks no
// child that would be known by its parent alone, and be nobody's once that has ended.
func freeze(left []leftover, found []process) ([]process, error) {
	stopped := map[int]bool{}
	for {
		fresh := false
		for _, p := range found {
			if !stopped[p.pid] {
				stopped[p.pid], fresh = true, true
				p.signal(syscall.SIGSTOP)
			}
		}
		if !fresh {
			return found, nil
		}
		var err error
		if found, err = findLeftovers(left); err != nil {
			return nil, err
		}
	}
}

// A leftover is an attempt of which something may live.
type leftover struct {
	path string
	file *os.File // of our own: its lock is free when nothing of the attempt holds it
	live Live     // zero if it could not be read; then the open file is the only trace
}

func openLeftovers(paths []string) (left []leftover, err error) {
	for _, path := range paths {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return left, fmt.Errorf("cannot open live file: %w", err)
		}
		live, _ := parseLive(f)
		left = append(left, leftover{path, f, live})
	}
	return left, nil
}

// closeLeftovers lets go of the locks by name: a process that is just being forked has copies of the
// files, and would keep the locks until its exec.
func closeLeftovers(left []leftover) {
	for _, l := range left {
		_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
		l.file.Close()
	}
}

// allFree takes every lock that is free; taking one twice does no harm.
func allFree(left []leftover) (bool, error) {
	all := true
	for _, l := range left {
		locked, err := tryLock(l.file)
		if err != nil {
			return false, fmt.Errorf("cannot end what an earlier weft left running: %s: %w", l.path, err)
		}
		all = all && locked
	}
	return all, nil
}

func stillThere(left []leftover, found []process) error {
	if len(found) > 0 {
		return fmt.Errorf("cannot end process %d, which an earlier weft left running: it is still there after SIGKILL", found[0].pid)
	}
	for _, l := range left {
		if locked, _ := tryLock(l.file); !locked {
			return fmt.Errorf("cannot find the process that an earlier weft left running: it holds %s: %w", l.path, ErrAlive)
		}
	}
	return errors.New("cannot end what an earlier weft left running")
}
