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
func (p Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	run, _ := p.Ready(call)
	return run(ctx)
}

// Ready implements plugins.Readier: what is to run, and the streams.
func (Plugin) Ready(call *plugins.Call) (run func(context.Context) (plugins.Result, error), drop func()) {
	var out streams
	argv, err := command(call)
	if err == nil {
		out, err = open(call)
	}
	if err != nil {
		return func(context.Context) (plugins.Result, error) { return plugins.Result{}, err }, func() {}
	}
	return func(ctx context.Context) (plugins.Result, error) {
		defer out.close()
		return carry(ctx, call, argv, out)
	}, out.close
}

func carry(ctx context.Context, call *plugins.Call, argv []string, out streams) (plugins.Result, error) {
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
