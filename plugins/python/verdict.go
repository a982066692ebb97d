package python

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"weft/plugins"
	"weft/proc"
)

// exitException is the status with which an interpreter ends after an exception.
const exitException = 1

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
	return plugins.Ending{Code: exit.Code, Signal: exit.Signal, Stopped: exit.Stopped, Said: exit.String()}.Failure(ctx)
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
