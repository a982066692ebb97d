package python

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"weft/plugins"
)

// lockPause is how often someone who waits for a builder looks again. A blocking flock would hold a
// thread and not hear the end of the context; a build takes seconds.
const lockPause = 100 * time.Millisecond

// acquire waits until it has a lock (close it to release) or done holds; then the lock is nil.
// Lock files are never removed: another might hold the one that has just lost its name.
func acquire(ctx context.Context, path string, call *plugins.Call, done func() bool) (*os.File, error) {
	for first := true; ; first = false {
		lock, err := tryAcquire(path)
		if err != nil {
			return nil, plugins.Errorf(plugins.Temporary, "cannot lock the environment: %w", err)
		}
		if lock != nil {
			return lock, nil
		}
		if done() {
			return nil, nil
		}
		if first {
			say(call, "another task builds this environment; waiting for it")
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(lockPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// tryAcquire takes a lock if nobody has it; else it returns nil. The lock is of the open file, so
// it parts goroutines as well as processes, and a kill -9 releases it.
func tryAcquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if locked, err := flock(f, syscall.LOCK_EX); !locked {
		f.Close()
		return nil, err
	}
	return f, nil
}

// flock locks an open file, shared or not, if nobody stands against it.
func flock(f *os.File, how int) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, err
		}
	}
}
