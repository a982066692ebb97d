package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"weft/plugins"
	"weft/proc"
)

// A step is one program of a build.
type step struct {
	tool  string // as messages call it
	argv  []string
	stdin string // "" = nothing
}

// build makes the environment in an empty folder, by uv where it is on PATH.
func build(ctx context.Context, call *plugins.Call, r recipe, dir string) error {
	env := building(call.Env, r, call.TmpDir)
	if err := r.linksThere(); err != nil {
		return err
	}
	uv := proc.LookPath("uv", call.Dir, call.Env)
	say(call, "building an environment of %s", r.python)
	create := venvStep(r, dir)
	if uv != "" {
		create = uvStep(r, absolute(uv, call.Dir), dir)
	}
	if err := carryOut(ctx, call, env, create, dir); err != nil || r.requirements == "" {
		return err
	}
	if uv != "" {
		return carryOut(ctx, call, env, uvInstall(r, absolute(uv, call.Dir), dir), dir)
	}
	return pipInstall(ctx, call, env, r, dir)
}

// venvStep makes an environment without pip: putting pip into it takes most of the time.
func venvStep(r recipe, dir string) step {
	argv := []string{r.python.path, "-m", "venv", "--without-pip"}
	if r.system {
		argv = append(argv, "--system-site-packages")
	}
	return step{tool: "venv", argv: append(argv, dir)}
}

func uvStep(r recipe, uv, dir string) step {
	argv := []string{uv, "venv", "--quiet", "--no-project", "--python", r.python.path}
	if r.system {
		argv = append(argv, "--system-site-packages")
	}
	return step{tool: "uv", argv: append(argv, dir)}
}

// uvInstall installs the requirements. They go by stdin: the URL of one may hold a password.
func uvInstall(r recipe, uv, dir string) step {
	argv := []string{uv, "pip", "install", "--python", pythonOf(dir), "--compile-bytecode", "-r", "-"}
	_, folders := r.links()
	for _, folder := range folders {
		argv = append(argv, "--find-links", folder)
	}
	return step{tool: "uv", argv: argv, stdin: r.requirements}
}

// pipInstall installs by the pip of the interpreter, or, as that may have none, of python3 on PATH.
func pipInstall(ctx context.Context, call *plugins.Call, env []string, r recipe, dir string) error {
	_, folders := r.links()
	pips := []string{r.python.path}
	if other := proc.LookPath("python3", call.Dir, call.Env); other != "" {
		pips = append(pips, absolute(other, call.Dir))
	}
	var err error
	for _, python := range pips {
		argv := []string{python, "-m", "pip", "--python", pythonOf(dir), "install", "-r", "/dev/stdin"}
		for _, folder := range folders {
			argv = append(argv, "--find-links", folder)
		}
		install := step{tool: "pip", argv: argv, stdin: r.requirements}
		err = carryOut(ctx, call, env, install, dir)
		if errors.Is(err, errNoPackage) {
			return pipAgain(ctx, call, env, install, dir)
		}
		if !errors.Is(err, errNoPip) {
			return err
		}
	}
	return err
}

// carryOut runs a step, its words in the attempt's log.
func carryOut(ctx context.Context, call *plugins.Call, env []string, s step, dir string) error {
	out, err := listen(call)
	if err != nil {
		return err
	}
	defer out.End()
	spec := proc.Spec{
		// A folder without modules: Python would find those of the user before its own.
		Argv: s.argv, Dir: filepath.Dir(dir), Env: env, Stdout: out.File, Stderr: out.File,
		Live: call.Live, Grace: call.Grace, Started: call.Started,
	}
	if s.stdin != "" {
		in, release, err := feed([]byte(s.stdin))
		if err != nil {
			return plugins.Errorf(plugins.Temporary, "cannot start %s: %w", s.tool, err)
		}
		defer release()
		spec.Stdin = in
	}
	exit, err := proc.Run(ctx, spec)
	if err != nil {
		return startFailure(err)
	}
	if exit.Stopped || exit.Signal != 0 {
		return during(s.tool, verdict(ctx, exit))
	}
	if exit.Code != 0 {
		return buildFailure(s.tool, exit, out.said()+unfetched(pipLog(call.TmpDir)))
	}
	return nil
}

// during says in which program of a build a process ended.
func during(tool string, err *plugins.Error) error {
	err.Err = fmt.Errorf("cannot build the environment: %s %w", tool, err.Err)
	err.Exit = nil // not of the task's process
	return err
}

// feed returns a file that gives data and then its end, without a byte of it on a disk. release
// ends it; to be called when no process reads it any more.
func feed(data []byte) (in *os.File, release func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	go func() { // a pipe holds little; this ends when all is read, or by release
		_, _ = w.Write(data)
		w.Close()
	}()
	return r, func() { r.Close(); w.Close() }, nil
}
