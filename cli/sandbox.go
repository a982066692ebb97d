package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"weft/runner"
	"weft/sandbox"
)

// sandboxFlag gives a command that drives runs the choice to take AWS from inside the program.
func sandboxFlag(e *env, cmd *cobra.Command) {
	cmd.Flags().BoolVar(&e.sandbox, "sandbox", false, "S3 inside the program, kept in the state folder: no account, no network")
}

// drive starts a session's engine, after the sandbox where that is asked for.
func (e *env) drive(s *session, observe func(runner.Update)) error {
	if e.sandbox {
		if err := s.startSandbox(); err != nil {
			return err
		}
	}
	s.drive(e.plugins, observe)
	return nil
}

// startSandbox makes AWS a folder of the state: buckets come to be when they are named, and outlast
// the command. What a DAG says does not change; the endpoint and its key are in the environment of
// weft and of each task.
func (s *session) startSandbox() error {
	box, err := sandbox.Start(context.Background(), sandbox.Options{Dir: filepath.Join(s.conf.Home, "sandbox"), CreateBuckets: true})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { box.Close() })
	for _, kv := range box.Env() {
		name, value, _ := strings.Cut(kv, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("cannot start the sandbox: %w", err)
		}
	}
	return nil
}
