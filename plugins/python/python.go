// Package python is the plugin that runs Python: a script, a file or a function of a module, in the
// plain interpreter or in a virtual environment of its own.
//
// The return value of `main`, or of the callable, is the output; what is printed is the log. An
// exception fails the task with its last line as the message; exits 99 and 100 mean what they mean
// in shell.
//
// An environment is named by a hash of all that it is made from. It is built aside, under a lock
// that other processes see, and renamed into place when it is whole; nobody changes it after that.
// So one that is there is right, however its builder ended, and all tasks of all runs share it.
//
// Who has an environment holds a shared lock in it, and notes once a day when that was: so those that
// nobody has used for long can be removed (remove.go), and one in use never is.
//
// Absent on purpose: environments are not removed by themselves; a requirement that names a local folder is taken as it was when the environment was
// built; no interpreter is ever downloaded.
package python

import (
	"context"
	_ "embed"

	"weft/plugins"
)

// Plugin runs Python.
type Plugin struct {
	// Cache is the folder below which environments are kept, in venvs/. "" = weft/cache below the
	// user's state folder ($XDG_STATE_HOME, else ~/.local/state).
	Cache string
}

var _ plugins.Plugin = Plugin{}

//go:embed input.json
var input []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "python" }

// PathInputs implements plugins.NamesFiles.
func (Plugin) PathInputs() (below, anywhere []string) {
	return []string{"file", "requirements"}, []string{"find_links", "python"}
}

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs Python: a script or a function, with the packages it needs", Input: input}
}

// Run implements plugins.Plugin.
func (p Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	if err := ctx.Err(); err != nil {
		return plugins.Result{}, err
	}
	in, err := readInput(call)
	if err != nil {
		return plugins.Result{}, err
	}
	python, env, release, err := p.interpreter(ctx, call, in)
	if err != nil {
		return plugins.Result{}, err
	}
	defer release()
	return runTask(ctx, call, in, python, env)
}

// interpreter returns the program that runs the task, and the environment it gets. What it is in is
// kept until release.
func (p Plugin) interpreter(ctx context.Context, call *plugins.Call, in *task) (python string, env []string, release func(), err error) {
	env, release = quiet(call.Env), func() {}
	if !in.isolated && in.python == "" {
		python, err = firstPython(call)
		return python, env, release, err
	}
	found, err := findPython(ctx, call, in.python)
	if err != nil || !in.isolated {
		return found.path, env, release, err
	}
	dir, release, err := p.environment(ctx, call, recipe{
		python: found, requirements: in.requirements,
		system: in.system, indexURL: in.indexURL, findLinks: in.findLinks,
	})
	if err != nil {
		return "", nil, nil, err
	}
	return pythonOf(dir), within(env, dir, in.system), release, nil
}
