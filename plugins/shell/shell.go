// Package shell is the plugin behind `run`: a script, or a program with its arguments.
//
// Exit 0 is success, 99 skips the task, 100 fails it for good. Any other end fails it with the kind
// temporary: an exit status says nothing about why, and retries are there for just that.
//
// Stdout and stderr are the log file itself, unless the task has secrets: then they are pipes (see
// streams). A script that opens /dev/stderr or /dev/stdout with ">" therefore truncates the log, as
// with any output to a file; ">&2" and ">>" do not.
package shell

import (
	"context"
	_ "embed"
	"errors"
	"syscall"

	"weft/plugins"
	"weft/proc"
)

// Plugin runs a process and takes its output from $WEFT_OUTPUT or the last line of its stdout.
type Plugin struct{}

var _ plugins.Plugin = Plugin{}

//go:embed input.json
var input []byte

// The exit statuses that mean more than failure (language, section 3).
const (
	exitSkip  = 99
	exitFinal = 100
)

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "shell" }

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a script, or a program with its arguments", Input: input}
}

// Run implements plugins.Plugin.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	argv, err := command(call)
	if err != nil {
		return plugins.Result{}, err
	}
	out, err := open(call)
	if err != nil {
		return plugins.Result{}, err
	}
	defer out.close()
	exit, err := proc.Run(ctx, proc.Spec{
		Argv: argv, Dir: call.Dir, Env: call.Env, Stdout: out.stdout, Stderr: out.stderr,
		Live: call.Live, Grace: call.Grace, Started: call.Started,
	})
	if err != nil {
		return plugins.Result{}, startFailure(err)
	}
	if err := verdict(ctx, exit); err != nil {
		return plugins.Result{}, err
	}
	return output(call, out, exit.Code)
}

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
func verdict(ctx context.Context, exit proc.Exit) error {
	switch {
	case exit.Stopped:
		e := plugins.Errorf(plugins.KindOf(context.Cause(ctx)), "stopped, %s: %w", exit, context.Cause(ctx))
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			e.Kind = plugins.Timeout
		} else if e.Kind == plugins.Internal { // a cause of the caller's own making
			e.Kind = plugins.Cancelled
		}
		e.Exit = status(exit)
		return e
	case exit.Signal == 0 && exit.Code == 0:
		return nil
	}
	e := plugins.Errorf(plugins.Temporary, "%s", exit)
	e.Exit = status(exit)
	switch {
	case exit.Signal == syscall.SIGKILL:
		e.Hint = "not by weft; the machine may have run out of memory"
	case exit.Code == exitSkip:
		e.Skip = true
	case exit.Code == exitFinal:
		e.Final = true
	case exit.Code == 126:
		e.Hint = "a shell says so of a command it may not execute"
	case exit.Code == 127:
		e.Hint = "a shell says so of a command it cannot find"
	}
	return e
}

// status is the number a shell would show: 128 + the signal for one that was killed.
func status(exit proc.Exit) *int {
	code := exit.Code
	if exit.Signal != 0 {
		code = 128 + int(exit.Signal)
	}
	return &code
}
