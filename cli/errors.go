package cli

import (
	"errors"
	"fmt"
	"io"

	"weft/logs"
)

// The exit codes, the same for every command.
const (
	exitOK          = 0
	exitProblems    = 1 // the files have problems, the run failed
	exitUsage       = 2
	exitCannot      = 3 // it could not be done
	exitInterrupted = 130
)

// Ends of a command that have said everything already.
var (
	errProblems    = errors.New("there are problems")
	errRunFailed   = errors.New("the run failed")
	errSome        = errors.New("some of it could not be done")
	errInterrupted = errors.New("interrupted")
)

// ends is how an error becomes an exit code; the first line that fits counts, exitCannot if none
// does. A quiet one prints nothing more.
var ends = []struct {
	is    func(error) bool
	code  int
	quiet bool
}{
	{same(errProblems), exitProblems, true},
	{same(errRunFailed), exitProblems, true},
	{same(errSome), exitCannot, true},
	{same(errInterrupted), exitInterrupted, true},
	{func(err error) bool { var u *usageError; return errors.As(err, &u) }, exitUsage, false},
}

func same(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// A usageError is a command that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// A hinted error knows what the user can do.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// complain says an error, and its hint on a line of its own.
func (e *env) complain(err error) {
	var out io.Writer = e.stderr
	if isTerminal(out) { // an error may quote a file, a param, a server
		out = logs.NewTerminal(out, true)
	}
	fmt.Fprintf(out, "error: %s\n", err)
	var h *hinted
	if errors.As(err, &h) {
		fmt.Fprintf(out, "hint: %s\n", h.hint)
	}
}

// end reports a command's error, if there is one, and returns its exit code. path is the command
// as it was typed ("weft runs show").
func (e *env) end(path string, err error) int {
	if err == nil {
		return exitOK
	}
	code, quiet := exitCannot, false
	for _, end := range ends {
		if end.is(err) {
			code, quiet = end.code, end.quiet
			break
		}
	}
	if quiet {
		return code
	}
	e.complain(err)
	if code == exitUsage {
		fmt.Fprintf(e.stderr, "see '%s --help'\n", path)
	}
	return code
}
