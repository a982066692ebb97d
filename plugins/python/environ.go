package python

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lookup returns the value of a variable; "" if there is none.
func lookup(env []string, name string) string {
	for _, kv := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// changed returns a copy of an environment without some variables and with others. Each name stands
// in it once: programs do not agree on which of two counts.
func changed(env []string, without func(name string) bool, with ...string) []string {
	set := make(map[string]bool, len(with))
	for _, kv := range with {
		name, _, _ := strings.Cut(kv, "=")
		set[name] = true
	}
	list := make([]string, 0, len(env)+len(with))
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); !set[name] && (without == nil || !without(name)) {
			list = append(list, kv)
		}
	}
	return append(list, with...)
}

// quiet is the environment of every Python here: the log sees each line at once, and no .pyc
// appears beside the user's files.
func quiet(env []string) []string {
	return changed(env, nil, "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
}

// within is the environment of a process in a virtual environment. Modules that weft's own
// PYTHONPATH brings in would be visible there; one that the DAG sets is meant for it.
func within(env []string, dir string, system bool) []string {
	path := filepath.Join(dir, "bin")
	if old := lookup(env, "PATH"); old != "" {
		path += string(filepath.ListSeparator) + old
	}
	inherited := !system && lookup(env, "PYTHONPATH") == os.Getenv("PYTHONPATH")
	return changed(env, func(name string) bool {
		return name == "PYTHONHOME" || name == "__PYVENV_LAUNCHER__" || name == "PYTHONPATH" && inherited
	}, "PATH="+path, "VIRTUAL_ENV="+dir)
}

// astray are variables that would lead pip or uv to another place than the environment.
var astray = []string{
	"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_REQUIRE_VIRTUALENV",
	"PIP_DRY_RUN", "PIP_LOG", "UV_SYSTEM_PYTHON", "UV_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__",
}

// building is the environment of what builds one: without modules, paths and places of others.
func building(env []string, r recipe, temp string) []string {
	with := []string{
		"TMPDIR=" + temp, // the attempt's: what a killed pip leaves goes with it
		"PYTHONUNBUFFERED=1", "PIP_USER=0", "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_PROGRESS_BAR=off",
		"UV_NO_PROGRESS=1", "UV_PYTHON_DOWNLOADS=never",
	}
	if r.indexURL != "" { // not as an argument: it may hold a password
		with = append(with, "PIP_INDEX_URL="+r.indexURL, "UV_DEFAULT_INDEX="+r.indexURL)
	}
	if urls, _ := r.links(); len(urls) > 0 { // likewise; a URL holds no blank and no comma that matters
		with = append(
			with,
			"PIP_FIND_LINKS="+strings.TrimSpace(lookup(env, "PIP_FIND_LINKS")+" "+strings.Join(urls, " ")),
			"UV_FIND_LINKS="+strings.TrimPrefix(lookup(env, "UV_FIND_LINKS")+","+strings.Join(urls, ","), ","),
		)
	}
	return changed(env, func(name string) bool {
		return strings.HasPrefix(name, "PYTHON") || slices.Contains(astray, name)
	}, with...)
}
