package proc

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// restGrace is how long what the foreground left behind may take to end by itself after SIGTERM.
// A task ends at most a second after its foreground, so this is well below.
const restGrace = 400 * time.Millisecond

// killPatience is how long a process may take to vanish after SIGKILL before we say that it cannot
// be ended: only one that hangs in the kernel takes this long.
const killPatience = 5 * time.Second

// Run runs a process to its end and returns when nothing of it lives any more.
//
// When ctx ends, the process group gets SIGTERM and, after Grace, SIGKILL; Exit.Stopped tells. What
// WithHurry added to ctx shortens that. An
// error is a *StartError, the context's own if it had ended before the start, or says what could
// not be ended. Run makes no goroutine while the process runs.
func Run(ctx context.Context, s Spec) (Exit, error) {
	if err := ctx.Err(); err != nil {
		return Exit{}, err
	}
	c := &child{spec: &s}
	if err := c.begin(); err != nil {
		return Exit{}, err
	}
	return c.finish(ctx)
}

// begin starts the process.
func (c *child) begin() error {
	if err := own.start(c); err != nil {
		return err
	}
	if live := c.spec.Live; live != nil {
		noteGroup(live, c) // a help for recovery; a full disk must not end the task
	}
	return nil
}

// finish is the rest of Run.
func (c *child) finish(ctx context.Context) (Exit, error) {
	if c.spec.Started != nil {
		c.spec.Started(c.pid)
	}
	unwatch := context.AfterFunc(ctx, c.stop)
	unhurry := onHurry(ctx, c.hasten)
	waitErr := own.await(c)
	unwatch()
	unhurry()
	stopped, soft := c.gone()
	err := own.end(c, soft)
	if waitErr != nil {
		err = fmt.Errorf("cannot wait for process %d: %w", c.pid, waitErr)
	}
	e := Exit{Code: c.status.ExitStatus(), Stopped: stopped}
	if c.status.Signaled() {
		e.Signal = c.status.Signal()
	}
	return e, err
}

// A child is a process that Run answers for. From its start until own.end returns, its pid is
// pinned: alive, or a zombie that only we may reap. So its number, and its group's, are safe to
// signal.
type child struct {
	spec   *Spec
	pid    int
	start  uint64 // a moment not after its start, in clock ticks since boot; Linux only
	status syscall.WaitStatus

	mu     sync.Mutex // guards what follows
	ended  bool       // the foreground has exited
	stopAt time.Time  // when it was told to stop; zero = never
	killAt time.Time  // when the hard signal comes
	hard   *time.Timer
}

// stop begins the end of the group; it returns at once.
func (c *child) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.signal(c.spec.Grace)
	}
}

// signal sends the polite signal, once, and the hard one after a grace, if none is due earlier.
func (c *child) signal(grace time.Duration) {
	now := time.Now()
	if c.stopAt.IsZero() {
		c.stopAt = now
		signalGroup(c.pid, syscall.SIGTERM)
		signalGroup(c.pid, syscall.SIGCONT) // one that was stopped could not hear it
	} else if !now.Add(grace).Before(c.killAt) {
		return
	}
	if c.hard != nil {
		c.hard.Stop()
	}
	c.killAt = now.Add(grace)
	c.hard = time.AfterFunc(grace, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.ended {
			signalGroup(c.pid, syscall.SIGKILL)
		}
	})
}

// gone notes that the foreground has exited; from here on stop does nothing. It tells until when
// the rest may take its time: not beyond the grace of a stop.
func (c *child) gone() (stopped bool, soft time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.hard != nil {
		c.hard.Stop()
	}
	soft = time.Now().Add(restGrace)
	if c.stopAt.IsZero() {
		return false, soft
	}
	if c.killAt.Before(soft) {
		soft = c.killAt
	}
	return true, soft
}

func signalGroup(pgid int, sig syscall.Signal) { _ = syscall.Kill(-pgid, sig) } // nobody there: fine
