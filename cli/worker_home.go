package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"weft/proc"
	"weft/runner"
)

// A workerHome is the folder of one worker, below workers/ of the state folder: there may be several on one machine. Its
// lock is the kernel's, and ends with the process.
type workerHome struct {
	dir  string
	lock *os.File
}

const (
	workersFolder = "workers"
	workerLock    = "worker.lock"
	mostWorkers   = 1000 // of one state folder
)

// claimWorkerHome takes the first folder that no other worker has. What earlier workers have left running in any that nobody
// has is ended first: their attempts run again elsewhere.
func claimWorkerHome(home string, grace time.Duration) (*workerHome, error) {
	var own *workerHome
	for n := 1; n <= mostWorkers; n++ {
		dir := filepath.Join(home, workersFolder, strconv.Itoa(n))
		if _, err := os.Stat(dir); own != nil && errors.Is(err, os.ErrNotExist) {
			break
		}
		h, err := lockWorkerHome(dir)
		switch {
		case err != nil:
			return nil, err
		case h == nil: // another has it
			continue
		}
		if err := h.endLeftovers(grace); err != nil {
			h.close()
			return nil, err
		}
		if own == nil {
			own = h
			continue
		}
		h.close()
	}
	if own == nil {
		return nil, fmt.Errorf("cannot work: %d workers have this state folder already", mostWorkers)
	}
	return own, nil
}

// lockWorkerHome takes a worker's folder; nil if another has it.
func lockWorkerHome(dir string) (*workerHome, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the worker's folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, workerLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the worker's folder: %w", err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, f.Close()
	case err != nil:
		_ = f.Close()
		return nil, fmt.Errorf("cannot lock the worker's folder: %s: %w", f.Name(), err)
	}
	return &workerHome{dir, f}, nil
}

// endLeftovers ends what an earlier worker left running here, and tidies up.
func (h *workerHome) endLeftovers(grace time.Duration) error {
	paths, err := runner.AllLiveFiles(h.dir)
	if err != nil {
		return err
	}
	if err := proc.EndLeftovers(context.Background(), grace, paths...); err != nil {
		return err
	}
	return runner.SweepAll(h.dir)
}

func (h *workerHome) close() { _ = h.lock.Close() }
