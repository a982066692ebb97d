package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// A guard is a small process beside a worker. It ends what the worker leaves running when that is killed, within seconds,
// where the next worker may come late; and it ends a worker that is stopped for so long that its attempts are about to be
// given to another: two attempts of one task are never alive together.
//
// The worker tells it by a pipe, each second, for how long from then on its attempts may live if nothing more is said; and at
// an orderly end, that there is nothing left to do.
type guard struct {
	pipe io.WriteCloser
	stop chan struct{}
	said sync.WaitGroup
}

const (
	guardName  = "guard"
	guardEvery = time.Second
	guardEnd   = "end"
	guardIdle  = "-" // nothing runs
	guardGrace = time.Second
)

// startGuard starts the guard of a worker. until is how long its attempts may live without a word; false: there are none.
// The guard is nobody's child: those of a worker are its attempts'. So it is started before any of them.
func startGuard(h *workerHome, stderr io.Writer, until func() (time.Duration, bool), lost func(error)) (*guard, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot start the guard: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start the guard: %w", err)
	}
	defer read.Close()
	cmd := exec.Command(exe, guardName, h.dir, strconv.Itoa(os.Getpid()), "detach")
	cmd.Stdin, cmd.Stderr = read, os.Stderr
	if f, ok := stderr.(*os.File); ok {
		cmd.Stderr = f
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start the guard: %w", err), write.Close())
	}
	g := &guard{pipe: write, stop: make(chan struct{})}
	g.said.Go(func() { g.tell(until, lost) })
	return g, nil
}

// tell keeps the guard told.
func (g *guard) tell(until func() (time.Duration, bool), lost func(error)) {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-g.stop:
			return
		}
		word := guardIdle
		if d, any := until(); any {
			word = strconv.FormatInt(d.Milliseconds(), 10)
		}
		if _, err := io.WriteString(g.pipe, word+"\n"); err != nil {
			lost(err)
			return
		}
	}
}

// end tells it that there is nothing left.
func (g *guard) end() {
	close(g.stop)
	g.said.Wait()
	_, _ = io.WriteString(g.pipe, guardEnd+"\n") // a guard that is gone guards nothing
	_ = g.pipe.Close()
}

// guardCommand is the guard's own process.
func guardCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: guardName, Short: "watch over a worker", Hidden: true, Annotations: bare,
		Args: someArgs(2, 3, "it is started by weft worker"),
		RunE: func(_ *cobra.Command, args []string) error {
			pid, err := strconv.Atoi(args[1])
			if err != nil || pid <= 1 {
				return usagef("%q is no process", args[1])
			}
			if len(args) == 3 {
				return detachGuard(args[:2])
			}
			signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP) // what stops a worker does not stop its guard
			return e.guard(args[0], pid)
		},
	}
}

// detachGuard starts the guard and ends: then it is a child of the machine's first process.
func detachGuard(args []string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(exe, append([]string{guardName}, args...)...)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	return cmd.Start()
}

// guard watches over a worker until it has ended.
func (e *env) guard(dir string, pid int) error {
	words := make(chan string)
	go func() {
		defer close(words)
		for in := bufio.NewScanner(e.stdin); in.Scan(); {
			words <- in.Text()
		}
	}()
	var late <-chan time.Time
	for {
		select {
		case word, ok := <-words:
			if !ok {
				return e.clearUp(dir, pid)
			}
			if word == guardEnd {
				return nil
			}
			late = nil
			if ms, err := strconv.Atoi(strings.TrimSpace(word)); err == nil {
				late = time.After(time.Duration(ms) * time.Millisecond)
			}
		case <-late:
			fmt.Fprintf(e.stderr, "weft worker %d was stopped for so long that what it runs may be run elsewhere: it is ended, with all that it runs\n", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL) // it has the pipe open, so the number is still its own
			late = nil
		}
	}
}

// clearUp ends what a worker left that is no more. If another has its folder already, that one does it.
func (e *env) clearUp(dir string, pid int) error {
	var h *workerHome
	for begun := time.Now(); h == nil; time.Sleep(20 * time.Millisecond) { // it is just letting go of it
		var err error
		if h, err = lockWorkerHome(dir); err != nil || h == nil && time.Since(begun) > guardEvery {
			return err
		}
	}
	defer h.close()
	if err := h.endLeftovers(guardGrace); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "weft worker %d ended without a word; nothing of what it ran is left\n", pid)
	return nil
}
