package python

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"syscall"

	"weft/plugins"
	"weft/proc"
)

// The exit statuses that mean more than failure (language, section 3), and that of an exception.
const (
	exitException = 1
	exitSkip      = 99
	exitFinal     = 100
)

// startFailure says whether starting again may help.
func startFailure(err error) error {
	var se *proc.StartError
	if !errors.As(err, &se) {
		return err // the context's, or a process that cannot be ended
	}
	kind := plugins.BadInput
	if se.Temporary {
		kind = plugins.Temporary
	}
	return &plugins.Error{Kind: kind, Err: err}
}

// verdict turns the end of a process into the failure it is; nil = success.
func verdict(ctx context.Context, exit proc.Exit) *plugins.Error {
	if exit.Signal == 0 && exit.Code == 0 && !exit.Stopped {
		return nil
	}
	code := exit.Code
	if exit.Signal != 0 { // as a shell would show it
		code = 128 + int(exit.Signal)
	}
	e := plugins.Errorf(plugins.Temporary, "%s", exit)
	switch {
	case exit.Stopped:
		e = plugins.Errorf(plugins.KindOf(context.Cause(ctx)), "stopped, %s: %w", exit, context.Cause(ctx))
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			e.Kind = plugins.Timeout
		} else if e.Kind == plugins.Internal { // a cause of the caller's own making
			e.Kind = plugins.Cancelled
		}
	case exit.Signal == syscall.SIGKILL:
		e.Hint = "not by weft; the machine may have run out of memory"
	case exit.Code == exitSkip:
		e.Skip = true
	case exit.Code == exitFinal:
		e.Final = true
	}
	e.Exit = &code
	return e
}

// maxFailure bounds what is read of a failure's own words.
const maxFailure = 64 << 10

// explained gives a failure the words that runner.py left, where it was runner.py that ended the
// process: a script may well exit by itself, or be killed.
func explained(e *plugins.Error, exit proc.Exit, path string) error {
	if exit.Stopped || exit.Signal != 0 || exit.Code != exitException {
		return e
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) > maxFailure {
		return e // a full disk
	}
	_ = os.Remove(path) // nobody's artifact
	var said struct{ Kind, Text, Hint string }
	if json.Unmarshal(b, &said) != nil || said.Text == "" {
		return e
	}
	e.Err, e.Hint = errors.New(said.Text), said.Hint
	switch kind := plugins.Kind(said.Kind); kind {
	case plugins.BadInput, plugins.Remote:
		e.Kind = kind
	}
	return e
}
