package plugins

import (
	"context"
	"errors"
	"syscall"
)

// The exit statuses that mean more than failure (language, section 3).
const (
	exitSkip  = 99
	exitFinal = 100
)

// An Ending is how the process of a call ended: what proc.Exit says.
type Ending struct {
	Code    int
	Signal  syscall.Signal // 0 if it exited by itself
	Stopped bool           // the context had ended before it did
	Said    string         // the same in words: "exited with status 3"
}

// Failure is what an ending means to the call, the same for every plugin that starts a process;
// nil = success. The kind of a mere exit status is temporary: it says nothing about why.
func (e Ending) Failure(ctx context.Context) *Error {
	if e.Code == 0 && e.Signal == 0 && !e.Stopped {
		return nil
	}
	code := e.Code
	if e.Signal != 0 { // as a shell would show it
		code = 128 + int(e.Signal)
	}
	f := Errorf(Temporary, "%s", e.Said)
	switch {
	case e.Stopped:
		f = Errorf(KindOf(context.Cause(ctx)), "stopped, %s: %w", e.Said, context.Cause(ctx))
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			f.Kind = Timeout
		} else if f.Kind == Internal { // a cause of the caller's own making
			f.Kind = Cancelled
		}
	case e.Signal == syscall.SIGKILL:
		f.Hint = "not by weft; the machine may have run out of memory"
	case e.Code == exitSkip:
		f.Skip = true
	case e.Code == exitFinal:
		f.Final = true
	}
	f.Exit = &code
	return f
}
