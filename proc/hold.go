package proc

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// GateFD is the number under which a process that is held finds its gate.
const GateFD = 3

// A Held is a process that was started and does nothing of what it is for yet: its program is loaded, and it
// reads from its gate. What it reads is a line if it is to go on, and the end of the file if not; that comes by itself
// when weft ends, however suddenly, for nobody else has the other end.
//
// Only what is made for it can be held: a program that reads its gate before all else, closes it, and, where there is
// no line, ends otherwise than by success.
type Held struct {
	child *child
	gate  *os.File // the end that is written to
}

// Hold starts a process behind its gate. One of Run and Drop must follow. An error is as of Run.
func Hold(s Spec) (*Held, error) {
	inner, outer, err := os.Pipe()
	if err != nil {
		return nil, &StartError{Program: s.Argv[0], Reason: bare(err).Error(), Temporary: true}
	}
	defer inner.Close()
	s.gate = inner
	c := &child{spec: &s}
	if err := c.begin(); err != nil {
		outer.Close()
		return nil, err
	}
	return &Held{child: c, gate: outer}, nil
}

// PID is the number of the process, and of its group.
func (h *Held) PID() int { return h.child.pid }

// ErrGone: somebody killed a process at its gate. It has done nothing, and another may be started in its place.
var ErrGone = errors.New("it was killed before it began")

// Run opens the gate; from there on it is Run. If ctx has ended, it is Drop.
func (h *Held) Run(ctx context.Context) (Exit, error) {
	err := ctx.Err()
	if err == nil {
		if _, err = h.gate.WriteString("\n"); err != nil {
			err = ErrGone // nobody has the other end
		}
	}
	if err != nil {
		h.Drop()
		return Exit{}, err
	}
	h.gate.Close()
	return h.child.finish(ctx)
}

// Drop ends the process, which has done nothing, and returns when it is gone.
func (h *Held) Drop() {
	signalGroup(h.child.pid, syscall.SIGKILL)
	h.gate.Close()
	_ = own.await(h.child)
	_, soft := h.child.gone()
	_ = own.end(h.child, soft)
}
