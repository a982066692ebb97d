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
		timer := time.NewTimer(lockPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// tryAcquire takes a lock if nobody has it; else it returns nil. The lock is of the open file, so
// it parts goroutines as well as processes, and a kill -9 releases it.
func tryAcquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			err = nil
		}
		f.Close()
		return nil, err
	}
}
