package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"weft/machine"
	"weft/runner"
	"weft/sandbox"
)

// sandboxFlag gives a command that drives runs the choice to take AWS from inside the program.
func sandboxFlag(e *env, cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&e.sandbox, "sandbox", false, usage)
}

// What --sandbox says of itself where a run begins, and where one goes on.
const (
	beginsInSandbox = "AWS inside the program, kept in the state folder: no account, no network"
	goesOnInSandbox = "AWS inside the program; what began with it goes on in it by itself"
)

// drive starts a session's engine, after the sandbox where that is asked for.
func (e *env) drive(s *session, observe func(runner.Update)) error {
	return e.driveWith(s, e.finder(), observe)
}

// driveWith is drive for who finds DAGs elsewhere.
func (e *env) driveWith(s *session, find finder, observe func(runner.Update)) error {
	if e.sandbox && !s.boxed {
		if err := e.startSandbox(s); err != nil {
			return err
		}
	}
	e.runs.bind(s, find, observe)
	s.drive(e.plugins, func(u runner.Update) {
		observe(u)
		e.runs.heard(u)
	})
	return nil
}

// startSandbox makes AWS a folder of the state: buckets come to be when they are named, and outlast
// the command. What a DAG says does not change; the endpoint and its key are in the environment of
// weft and of each task.
func (e *env) startSandbox(s *session) error {
	dir := filepath.Join(s.conf.Home, "sandbox")
	box, err := sandbox.Start(context.Background(), e.sandboxOptions(s, dir))
	if errors.Is(err, sandbox.ErrInUse) {
		return &hinted{err, "wait for the end of the weft that runs with --sandbox here, or give this one a --home of its own"}
	}
	if err != nil {
		return err
	}
	s.closers, s.boxed = append(s.closers, func() { box.Close() }), true
	for _, kv := range box.Env() {
		name, value, _ := strings.Cut(kv, "=")
		err := os.Setenv(name, value)
		if value == "" {
			err = os.Unsetenv(name)
		}
		if err != nil {
			return fmt.Errorf("cannot start the sandbox: %w", err)
		}
	}
	fmt.Fprintf(e.stderr, "sandbox: AWS is the folder %s, kept for the next run; no account, no network\n", shown(dir))
	return nil
}

// sandboxOptions are those of a sandbox in a folder: what is named in it comes to be, and functions are
// programs that weft.yaml names, or those of a folder `lambda` beside a DAG that runs.
func (e *env) sandboxOptions(s *session, dir string) sandbox.Options {
	o := sandbox.Options{
		Dir: dir, CreateBuckets: true, CreateTables: true,
		Functions: map[string]sandbox.Function{}, FunctionsDirs: s.functionsDirs,
	}
	for name, p := range e.conf.Sandbox.Lambda {
		o.Functions[name] = sandbox.Function{Argv: p.Argv, Dir: p.Dir}
	}
	for _, f := range e.conf.Sandbox.Faults {
		o.Faults = append(o.Faults, sandbox.Fault{Service: f.Service, Operation: f.Operation, Code: f.Code, Times: f.Times, Lost: f.Lost})
	}
	return o
}

// functionsDirs are the folders in which a function may be found by its name.
func (s *session) functionsDirs() []string {
	dirs := []string{filepath.Join(s.conf.DAGs, "lambda")}
	s.dirs.Range(func(_, dir any) bool {
		dirs = append(dirs, filepath.Join(dir.(string), "lambda"))
		return true
	})
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// stay has a run go on where it began: in the sandbox without being told, and never there if it
// began outside. Half a run in each would find neither's objects.
func (e *env) stay(r *machine.Run) error {
	switch in := r.Info().Sandbox; {
	case in && !e.sandbox:
		fmt.Fprintf(e.stderr, "%s began with --sandbox and goes on in it\n", r.Info().Key())
		e.sandbox = true
	case !in && e.sandbox:
		return &hinted{
			fmt.Errorf("cannot go on with run %s in the sandbox: it began outside", r.Info().Key()),
			"leave out --sandbox; weft run FILE --sandbox begins another run",
		}
	}
	return nil
}

// stayTogether keeps of runs that shall go on at once those that can, for one weft is in the
// sandbox or is not. The flag decides; without it the sandbox's are alone, or have to wait.
func (e *env) stayTogether(runs []*machine.Run) []*machine.Run {
	in := func(r *machine.Run) bool { return r.Info().Sandbox }
	if !e.sandbox && len(runs) > 0 && !slices.ContainsFunc(runs, func(r *machine.Run) bool { return !in(r) }) {
		e.sandbox = true
		fmt.Fprintln(e.stderr, "what was cut off began with --sandbox and goes on in it")
	}
	return slices.DeleteFunc(runs, func(r *machine.Run) bool {
		switch {
		case in(r) && !e.sandbox:
			fmt.Fprintf(e.stderr, "%s is left alone: it began in the sandbox; weft runs resume --sandbox goes on with it\n", r.Info().Key())
		case !in(r) && e.sandbox:
			fmt.Fprintf(e.stderr, "%s is left alone: it began outside the sandbox; weft runs resume goes on with it\n", r.Info().Key())
		}
		return in(r) != e.sandbox
	})
}
