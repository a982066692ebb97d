package python

import (
	"context"
	_ "embed"
	"encoding/json"

	"weft/plugins"
	"weft/proc"
)

//go:embed runner.py
var runner []byte

// bootstrap reads runner.py and the job from stdin. It is short because it is what `ps` shows, and
// imports what every Python has loaded at its start: no file of the user's can take its place.
const bootstrap = `import os; d = b"".join(iter(lambda: os.read(0, 65536), b"")).split(b"\0", 1); exec(d[0], {"__name__": "weft", "job": d[1]})`

// A job is what runner.py is told.
type job struct {
	Code     string          `json:"code,omitempty"`
	File     string          `json:"file,omitempty"`
	Callable string          `json:"callable,omitempty"`
	Args     json.RawMessage `json:"args,omitempty"`
	Dir      string          `json:"dir"`
	Output   string          `json:"output"`
	Failure  string          `json:"failure"`
}

// runTask runs the task in an interpreter.
func runTask(ctx context.Context, call *plugins.Call, in *task, python string, env []string) (plugins.Result, error) {
	failure, release, err := failurePlace(call)
	if err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.Temporary, "cannot start Python: %w", err)
	}
	defer release()
	told, err := json.Marshal(job{
		Code: in.code, File: in.file, Callable: in.callable, Args: in.args,
		Dir: call.Dir, Output: call.Output, Failure: failure,
	})
	if err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot pass args: %w", err)
	}
	data := make([]byte, 0, len(runner)+1+len(told))
	data = append(append(append(data, runner...), 0), told...)
	stdin, unfeed, err := feed(data)
	if err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.Temporary, "cannot start Python: %w", err)
	}
	defer unfeed()
	out, err := call.Stream(0)
	if err != nil {
		return plugins.Result{}, err
	}
	defer out.End()
	exit, err := proc.Run(ctx, proc.Spec{
		// It begins in the scratch folder: Python itself imports from there before runner.py can say no.
		Argv: []string{python, "-c", bootstrap}, Dir: call.TmpDir, Env: env,
		Stdin: stdin, Stdout: out.File, Stderr: out.File,
		Live: call.Live, Grace: call.Grace, Started: call.Started,
	})
	if err != nil {
		return plugins.Result{}, startFailure(err)
	}
	if failed := verdict(ctx, exit); failed != nil {
		return plugins.Result{}, explained(failed, exit, failure)
	}
	return written(call.Output)
}
