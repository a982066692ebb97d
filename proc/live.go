package proc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// A Live is what a live file says: which attempt it is of, and how its processes are recognised.
//
// The file is written, unsynced, before the attempt's process starts, and every process of the
// attempt inherits it with its lock. After the end of weft, however sudden, the lock tells that
// something of the attempt still lives. A power cut may lose the file; it ends the processes too.
type Live struct {
	DAG     string   `json:"dag,omitempty"`
	Run     string   `json:"run"`
	Task    string   `json:"task"`
	Index   int      `json:"index"` // -1 = no instance
	Epoch   int      `json:"epoch"`
	Attempt int      `json:"attempt"`
	Marker  []string `json:"marker,omitempty"` // see Marker
	// Groups are the process groups that were started, each a line of its own in the file.
	Groups []Group `json:"-"`
}

// A Group is a process group (and session) of an attempt, by its leader.
type Group struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start,omitempty"` // a moment not after the leader's start, in clock ticks since boot; 0 = not known
	Until uint64 `json:"until,omitempty"` // one not before it
	Boot  string `json:"boot,omitempty"`  // which boot of the machine
}

// ErrAlive: something of an attempt still lives.
var ErrAlive = errors.New("something of this attempt still runs")

// CreateLive writes a live file and takes its lock, which holds until the file returned and all
// copies of it in other processes are closed. ErrAlive if another has it.
func CreateLive(path string, l Live) (*os.File, error) {
	f, err := OpenPlain(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot create live file: %w", err)
	}
	if err := writeLive(f, l); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot create live file %s: %w", path, err)
	}
	return f, nil
}

// writeLive locks before it truncates: what another holds stays as it is.
func writeLive(f *os.File, l Live) error {
	if locked, err := tryLock(f); err != nil {
		return err
	} else if !locked {
		return ErrAlive
	}
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.Size() > 0 {
		if err := f.Truncate(0); err != nil {
			return err
		}
	}
	_, err = f.Write(append(line, '\n'))
	return err
}

// tryLock takes the lock of the file's open description, if nobody else has it. A process that
// this program is just forking has a copy of everything until its exec, the lock of a file closed
// a moment ago included: ForkLock tells when that is over.
func tryLock(f *os.File) (bool, error) {
	locked, err := flock(f)
	if locked || err != nil {
		return locked, err
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return flock(f)
}

func flock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, fmt.Errorf("cannot lock it: %w", err)
		}
	}
}

// noteGroup appends a child's process group. Failing to is no harm: lock, marker and open file remain.
func noteGroup(live *os.File, c *child) {
	line, err := json.Marshal(groupOf(c))
	if err == nil {
		_, _ = live.Write(append(line, '\n'))
	}
}

// ReadLive reads a live file. A last line that was cut off is ignored.
func ReadLive(path string) (Live, error) {
	f, err := os.Open(path)
	if err != nil {
		return Live{}, fmt.Errorf("cannot read live file: %w", err)
	}
	defer f.Close()
	l, err := parseLive(f)
	if err != nil {
		return l, fmt.Errorf("cannot read live file %s: %w", path, err)
	}
	return l, nil
}

func parseLive(r io.Reader) (l Live, err error) {
	br := bufio.NewReader(io.LimitReader(r, 1<<20)) // weft writes a few hundred bytes
	head, err := br.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return l, err
	}
	if json.Unmarshal(head, &l) != nil || !bytes.HasSuffix(head, []byte{'\n'}) {
		return Live{}, errors.New("it was not written to its end")
	}
	for {
		line, err := br.ReadBytes('\n')
		var g Group
		if json.Unmarshal(line, &g) == nil && g.PID > 1 {
			l.Groups = append(l.Groups, g)
		}
		if err != nil {
			return l, nil
		}
	}
}
