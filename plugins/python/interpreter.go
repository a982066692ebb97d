package python

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weft/plugins"
	"weft/proc"
)

// An interpreter is a Python that answered.
type interpreter struct {
	path    string // the program itself, behind whatever shim
	version string // 3.11.7
	build   string // all that it says about itself
}

// versionForm is a version to ask for: 3, 3.10, 3.10.4.
var versionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:python)?(3(?:\.[0-9]{1,3}){0,2})$`) })

// firstPython returns the Python 3 that comes first on PATH, unasked.
func firstPython(call *plugins.Call) (string, error) {
	if path := proc.LookPath("python3", call.Dir, call.Env); path != "" {
		return path, nil
	}
	e := plugins.Errorf(plugins.BadInput, "cannot find Python: there is no python3 on PATH")
	e.Hint = "install it, or put its folder on PATH"
	return "", e
}

// findPython finds an interpreter by its version or path; "" takes the first.
func findPython(ctx context.Context, call *plugins.Call, want string) (interpreter, error) {
	if strings.Contains(want, "/") {
		return pythonAt(ctx, call, want)
	}
	version := ""
	if want != "" {
		m := versionForm().FindStringSubmatch(want)
		if m == nil {
			return interpreter{}, plugins.Errorf(plugins.BadInput, "cannot look for Python %q: write a version such as 3.10, or a path", want)
		}
		version = m[1]
	} else if _, err := firstPython(call); err != nil {
		return interpreter{}, err
	}
	for _, places := range [][]string{onPath(call, version), elsewhere(call, version)} {
		for _, path := range places {
			p, ok, err := probe(ctx, call, path)
			if err != nil {
				return interpreter{}, err
			}
			if ok && p.is(version) {
				return p, nil
			}
		}
	}
	return interpreter{}, notFound(ctx, call, version)
}

// pythonAt takes the interpreter at a path.
func pythonAt(ctx context.Context, call *plugins.Call, want string) (interpreter, error) {
	path := absolute(want, call.Dir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		e := plugins.Errorf(plugins.BadInput, "cannot use %s: there is no such file", want)
		if path != want {
			e.Hint = "it is looked for in " + call.Dir
		}
		return interpreter{}, e
	}
	p, ok, err := probe(ctx, call, path)
	if err == nil && (!ok || !p.is("3")) {
		err = plugins.Errorf(plugins.BadInput, "cannot use %s: it is no Python 3 that works", want)
	}
	return p, err
}

// is tells whether an interpreter has a version, or a release of it; "" = any Python 3.
func (p interpreter) is(version string) bool {
	return strings.HasPrefix(p.version+".", cmp.Or(version, "3")+".")
}

// searched lists the folders of PATH; without one, those that proc searches then.
func searched(call *plugins.Call) []string {
	return filepath.SplitList(cmp.Or(lookup(call.Env, "PATH"), "/usr/local/bin:/usr/bin:/bin"))
}

// onPath lists where a version may be on PATH: under its own name, then under the common ones.
func onPath(call *plugins.Call, version string) []string {
	names := []string{"python3", "python"}
	if parts := strings.Split(version, "."); len(parts) > 1 {
		names = slices.Insert(names, 0, "python"+parts[0]+"."+parts[1])
	}
	var list []string
	for _, name := range names {
		for _, folder := range searched(call) {
			if path := proc.LookPath(name, call.Dir, []string{"PATH=" + folder}); path != "" {
				list = append(list, absolute(path, call.Dir))
			}
		}
	}
	return list
}

// elsewhere lists what pyenv and uv keep of a version, the newest release first: a shim of pyenv
// knows those alone that someone has made "global".
func elsewhere(call *plugins.Call, version string) []string {
	home := lookup(call.Env, "HOME")
	roots := []string{
		filepath.Join(cmp.Or(lookup(call.Env, "PYENV_ROOT"), filepath.Join(home, ".pyenv")), "versions"),
		cmp.Or(lookup(call.Env, "UV_PYTHON_INSTALL_DIR"),
			filepath.Join(cmp.Or(lookup(call.Env, "XDG_DATA_HOME"), filepath.Join(home, ".local", "share")), "uv", "python")),
	}
	type kept struct{ path, version string }
	var list []kept
	for _, root := range roots {
		entries, _ := os.ReadDir(root) // not there: nothing kept
		for _, entry := range entries {
			of := strings.TrimPrefix(entry.Name(), "cpython-")
			of, _, _ = strings.Cut(of, "-")
			path := filepath.Join(root, entry.Name(), "bin", "python3")
			if (interpreter{version: of}).is(version) && proc.LookPath("python3", "", []string{"PATH=" + filepath.Dir(path)}) != "" {
				list = append(list, kept{path, of})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b kept) int { return compareVersions(b.version, a.version) })
	paths := make([]string, len(list))
	for i, k := range list {
		paths[i] = k.path
	}
	return paths
}

// notFound says which versions there are.
func notFound(ctx context.Context, call *plugins.Call, version string) error {
	var there []string
	seen := map[string]bool{}
	for _, path := range append(everyName(call), elsewhere(call, "")...) {
		if seen[path] {
			continue
		}
		seen[path] = true
		p, ok, err := probe(ctx, call, path)
		if err != nil {
			return err
		}
		if ok && p.is("3") && !slices.Contains(there, p.version) {
			there = append(there, p.version)
		}
	}
	slices.SortFunc(there, compareVersions)
	list := "there is no other"
	if len(there) > 0 {
		list = "there is " + strings.Join(there, ", ")
	}
	e := plugins.Errorf(plugins.BadInput, "cannot find Python %s: %s", cmp.Or(version, "3"), list)
	e.Hint = "install it, or put its folder on PATH"
	if version == "3.1" { // what remains of the number 3.10
		e.Hint = "if 3.10 is meant, it was read as a number: write it as text"
	}
	return e
}

var pythonName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^python(3(\.[0-9]+)?)?$`) })

// everyName lists whatever on PATH is named like a Python.
func everyName(call *plugins.Call) []string {
	var list []string
	for _, folder := range searched(call) {
		folder = absolute(folder, call.Dir)
		entries, _ := os.ReadDir(folder) // not there, or none of our business
		for _, entry := range entries {
			if pythonName().MatchString(entry.Name()) {
				list = append(list, filepath.Join(folder, entry.Name()))
			}
		}
	}
	return list
}

// probeScript works in every Python; probeLimit is for one that hangs.
const (
	probeScript = `import sys; sys.stdout.write("\n".join([sys.executable, "%d.%d.%d" % sys.version_info[:3], " ".join(sys.version.split())]))`
	probeFile   = ".weft_python_probe"
	probeLimit  = 30 * time.Second
)

// probe asks a program which Python it is. ok is false if it is none that answers, as a shim of
// pyenv for a version that is not chosen; err is the caller's context's.
func probe(ctx context.Context, call *plugins.Call, path string) (p interpreter, ok bool, err error) {
	limited, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	answer, err := os.OpenFile(filepath.Join(call.TmpDir, probeFile), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return p, false, plugins.Errorf(plugins.Temporary, "cannot ask %s for its version: %w", path, err)
	}
	defer os.Remove(answer.Name())
	defer answer.Close()
	exit, err := proc.Run(limited, proc.Spec{
		Argv: []string{path, "-I", "-S", "-c", probeScript}, Dir: call.Dir, Env: call.Env, Stdout: answer,
		Live: call.Live, Grace: call.Grace, Started: call.Started,
	})
	if ctx.Err() != nil {
		return p, false, ctx.Err()
	}
	if err != nil || exit.Code != 0 {
		return p, false, nil
	}
	text := make([]byte, 8<<10)
	n, _ := answer.ReadAt(text, 0)
	lines := strings.SplitN(string(text[:n]), "\n", 3)
	if len(lines) != 3 || !filepath.IsAbs(lines[0]) {
		return p, false, nil
	}
	return interpreter{path: lines[0], version: lines[1], build: lines[2]}, true, nil
}

// compareVersions compares by numbers: 3.9 is before 3.10.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		if errX != nil || errY != nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(m, n)
	})
}

func (p interpreter) String() string { return fmt.Sprintf("Python %s (%s)", p.version, p.path) }
