// Package shell is the plugin behind `run`: a script, or a program with its arguments.
//
// Exit 0 is success, 99 skips the task, 100 fails it for good. Any other end fails it with the kind
// temporary: an exit status says nothing about why, and retries are there for just that.
//
// Stdout and stderr are the log file itself, unless the task has secrets: then they are pipes (see
// streams). A script that opens /dev/stderr or /dev/stdout with ">" therefore truncates the log, as
// with any output to a file; ">&2" and ">>" do not.
//
// A script whose attempt was made ready early (see Plugin.Ready) has a prelude in its first line, which shows in ps.
package shell

import (
	"context"
	_ "embed"
	"errors"

	"weft/plugins"
	"weft/proc"
)

// Plugin runs a process and takes its output from $WEFT_OUTPUT or the last line of its stdout.
type Plugin struct{}

var (
	_ plugins.Plugin  = Plugin{}
	_ plugins.Readier = Plugin{}
)

//go:embed input.json
var input []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "shell" }

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a script, or a program with its arguments", Input: input}
}

// Run implements plugins.Plugin.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	j, err := open(call)
	if err != nil {
		return plugins.Result{}, err
	}
	return j.carry(ctx, j.run)
}

// Ready implements plugins.Readier: what is to run, the streams and, where it can be held, the shell.
func (Plugin) Ready(call *plugins.Call) (run func(context.Context) (plugins.Result, error), drop func()) {
	j, err := open(call)
	if err != nil {
		return func(context.Context) (plugins.Result, error) { return plugins.Result{}, err }, func() {}
	}
	start, end := j.run, func() {}
	if held := j.hold(); held != nil {
		start, end = j.runHeld(held), held.Drop
	}
	return func(ctx context.Context) (plugins.Result, error) { return j.carry(ctx, start) }, func() {
		end()
		j.close()
	}
}

// A job is a call, what it runs and where that writes.
type job struct {
	call *plugins.Call
	command
	streams
}

func open(call *plugins.Call) (*job, error) {
	c, err := commandOf(call)
	if err != nil {
		return nil, err
	}
	out, err := openStreams(call)
	if err != nil {
		return nil, err
	}
	return &job{call, c, out}, nil
}

func (j *job) process() proc.Spec {
	return proc.Spec{
		Argv: j.argv, Dir: j.call.Dir, Env: j.call.Env, Stdout: j.stdout, Stderr: j.stderr,
		Live: j.call.Live, Grace: j.call.Grace, Started: j.call.Started,
	}
}

func (j *job) run(ctx context.Context) (proc.Exit, error) { return proc.Run(ctx, j.process()) }

// carry has the process run and makes of its end what the task's is.
func (j *job) carry(ctx context.Context, run func(context.Context) (proc.Exit, error)) (plugins.Result, error) {
	defer j.close()
	exit, err := run(ctx)
	if err != nil {
		return plugins.Result{}, startFailure(err)
	}
	if err := verdict(ctx, exit); err != nil {
		return plugins.Result{}, err
	}
	return output(j.call, j.streams, exit.Code)
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
	e := plugins.Ending{Code: exit.Code, Signal: exit.Signal, Stopped: exit.Stopped, Said: exit.String()}.Failure(ctx)
	switch {
	case e == nil:
		return nil
	case exit.Stopped || exit.Signal != 0:
	case exit.Code == 126:
		e.Hint = "a shell says so of a command it may not execute"
	case exit.Code == 127:
		e.Hint = "a shell says so of a command it cannot find"
	}
	return e
}
