package proc

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A family is all children of this process: those that Run started and those the kernel handed to
// it. There is one, because there is one main thread and one table of children.
//
// Locks are taken in the order starting, mu.
type family struct {
	adopted adoptions
	// starting is held for reading from before a fork until the child is known, so that whoever
	// holds it for writing takes no newborn for an orphan.
	starting sync.RWMutex
	// mu guards the rest, and every wait4: see adoptions.list.
	mu     sync.Mutex
	pgrp   int            // weft's own process group
	first  uint64         // when the first child was started, in ticks: what is older is not ours
	live   map[int]*child // by pid, from fork to reaping
	claims map[int]*child // orphan → the child it belongs to, once known
	timer  bool           // a sweep is due
}

var own = family{live: map[int]*child{}, claims: map[int]*child{}}

// sweepEvery is how often zombies that a long task has left behind are reaped.
const sweepEvery = 2 * time.Second

func (f *family) start(c *child) error {
	f.adopted.open()
	f.starting.RLock()
	defer f.starting.RUnlock()
	c.start = bootTicks()
	pid, err := c.spec.fork()
	if err != nil {
		return err
	}
	c.pid = pid
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == 0 {
		f.first, f.pgrp = c.start, unix.Getpgrp()
	}
	f.live[pid] = c
	f.sweepLater()
	return nil
}

// end ends what the foreground left behind, then reaps it. In the common case, nothing left, that
// is one read and one wait4.
func (f *family) end(c *child, soft time.Time) error {
	if f.reapIfAlone(c) {
		return nil
	}
	err := f.endRest(c, soft)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reap(c)
	return err
}

// reapIfAlone reaps the foreground if no child of this process is an orphan.
func (f *family) reapIfAlone(c *child) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, pid := range f.adopted.list() {
		if f.live[pid] == nil {
			return false
		}
	}
	f.reap(c)
	return true
}

// reap takes the zombie away; mu is held.
func (f *family) reap(c *child) {
	for {
		if _, err := syscall.Wait4(c.pid, &c.status, 0, nil); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	delete(f.live, c.pid)
	for pid, owner := range f.claims {
		if owner == c {
			delete(f.claims, pid)
		}
	}
}

// endRest signals what belongs to c, politely until soft, until nothing is left. Each round may
// bring up new orphans: the children of those that have just gone.
func (f *family) endRest(c *child, soft time.Time) error {
	polite := map[int]bool{}
	for {
		rest := f.rest(c)
		if len(rest) == 0 {
			return nil
		}
		now := time.Now()
		if now.After(soft.Add(killPatience)) {
			return fmt.Errorf("cannot end process %d, which the task left behind: it is still there after SIGKILL", rest[0].pid)
		}
		hard := !now.Before(soft)
		for _, o := range rest {
			switch {
			case hard || ignoresTerm(o.pid):
				f.signal(o, c, syscall.SIGKILL)
			case !polite[o.pid]:
				polite[o.pid] = true
				f.signal(o, c, syscall.SIGTERM)
				f.signal(o, c, syscall.SIGCONT)
			}
		}
		wait := 20 * time.Millisecond
		if !hard {
			wait = soft.Sub(now)
		}
		awaitAny(rest, wait)
	}
}

// signal reaches an orphan and its group, unless the group is weft's own or another attempt's.
// Both numbers are pinned: the orphan is ours to reap, and it is a member of the group.
func (f *family) signal(o procStat, c *child, sig syscall.Signal) {
	_ = syscall.Kill(o.pid, sig)
	f.mu.Lock()
	other := f.live[o.pgrp]
	f.mu.Unlock()
	if o.pgrp > 1 && o.pgrp != f.pgrp && (other == nil || other == c) {
		signalGroup(o.pgrp, sig)
	}
}

// sweepLater arranges for a sweep while there are children; mu is held.
func (f *family) sweepLater() {
	if !f.timer {
		f.timer = true
		time.AfterFunc(sweepEvery, f.sweep)
	}
}

// sweep reaps orphans that have ended while their attempts go on, and kills stragglers that no
// attempt can own any more. It runs as long as there are attempts, and once after.
func (f *family) sweep() {
	rest := f.rest(nil)
	for _, o := range rest {
		f.signal(o, nil, syscall.SIGKILL)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = false
	if len(f.live) > 0 || len(rest) > 0 {
		f.sweepLater()
	}
}

// awaitAny returns when one of the processes has exited, at the latest after the time given.
func awaitAny(list []procStat, most time.Duration) {
	const enough = 64
	var fds []unix.PollFd
	for _, o := range list[:min(len(list), enough)] {
		if fd, err := unix.PidfdOpen(o.pid, 0); err == nil {
			defer unix.Close(fd)
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	if len(fds) == 0 { // all gone, or a kernel before 5.3
		most = min(most, 2*time.Millisecond)
	}
	ms := max(1, int(most/time.Millisecond))
	_, _ = unix.Poll(fds, ms) // interrupted: the caller looks again
}
