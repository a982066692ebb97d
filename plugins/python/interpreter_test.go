package python

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"weft/plugins"
)

// fakePython writes a program that answers as a Python of a version would.
func fakePython(t *testing.T, path, version string) {
	t.Helper()
	writeFiles(t, filepath.Dir(path), map[string]string{filepath.Base(path): "#!/bin/sh\nprintf '%s\\n%s\\n%s' '" + path + "' " + version + " 'a fake'\n"})
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestWhichPython(t *testing.T) {
	root := t.TempDir()
	for path, version := range map[string]string{
		"one/python3": "3.11.7", "one/python3.11": "3.11.7", "two/python3.12": "3.12.1", "two/python": "2.7.18", "two/python3": "3.12.1",
		".pyenv/versions/3.9.2/bin/python3": "3.9.2", ".pyenv/versions/3.9.18/bin/python3": "3.9.18", ".pyenv/versions/2.7.18/bin/python3": "2.7.18",
		".local/share/uv/python/cpython-3.8.20-linux-x86_64-gnu/bin/python3": "3.8.20", "other/py": "3.7.1", "other/two": "2.7.18",
	} {
		fakePython(t, filepath.Join(root, path), version)
	}
	// A shim that pyenv has not made to mean anything.
	writeFiles(t, filepath.Join(root, "one"), map[string]string{"python3.9": "#!/bin/sh\necho 'pyenv: python3.9: command not found' >&2\nexit 127\n", "python3.13": "no program"})
	if err := os.Chmod(filepath.Join(root, "one/python3.9"), 0o755); err != nil {
		t.Fatal(err)
	}
	call := newCall(t, with{})
	call.Dir = root
	call.Env = []string{"PATH=" + root + "/one:two:/nowhere", "HOME=" + root}
	there := " there is 3.8.20, 3.9.2, 3.9.18, 3.11.7, 3.12.1 (install it, or put its folder on PATH)"
	for want, found := range map[string]string{
		"": "one/python3", "3": "one/python3", "3.11": "one/python3.11", "python3.11": "one/python3.11", "3.11.7": "one/python3.11", "3.12": "two/python3.12",
		"3.9": ".pyenv/versions/3.9.18/bin/python3", "3.9.2": ".pyenv/versions/3.9.2/bin/python3", "3.8": ".local/share/uv/python/cpython-3.8.20-linux-x86_64-gnu/bin/python3",
		"./other/py": "other/py", root + "/other/py": "other/py",
		"3.1":  "cannot find Python 3.1: there is 3.8.20, 3.9.2, 3.9.18, 3.11.7, 3.12.1 (if 3.10 is meant, it was read as a number: write it as text)",
		"3.13": "cannot find Python 3.13:" + there, "3.11.6": "cannot find Python 3.11.6:" + there,
		"2.7": `cannot look for Python "2.7": write a version such as 3.10, or a path`, ">=3": `cannot look for Python ">=3": write a version such as 3.10, or a path`,
		"other/two": "cannot use other/two: it is no Python 3 that works", "./none": "cannot use ./none: there is no such file (it is looked for in " + root + ")",
	} {
		p, err := findPython(t.Context(), call, want)
		got := strings.TrimPrefix(p.path, root+"/")
		if err != nil {
			got = err.Error()
			if plugins.KindOf(err) != plugins.BadInput {
				t.Errorf("%q: kind %s", want, plugins.KindOf(err))
			}
		}
		if got != found {
			t.Errorf("%q: %s, want %s", want, got, found)
		}
	}
}

func TestWhatNamesAnEnvironment(t *testing.T) {
	base := recipe{python: interpreter{path: "/usr/bin/python3", version: "3.11.7", build: "3.11.7 (main)"}, requirements: "a\n", indexURL: "https://u:p@example.com/simple", findLinks: []string{"/w"}}
	keys := map[string]bool{base.key(): true}
	for _, change := range []func(*recipe){
		func(r *recipe) { r.python.path = "/opt/python3" },
		func(r *recipe) { r.python.build = "3.11.7 (other)" },
		func(r *recipe) { r.requirements = "b\n" },
		func(r *recipe) { r.system = true },
		func(r *recipe) { r.indexURL = "https://example.org/simple" },
		func(r *recipe) { r.findLinks = []string{"/v"} },
	} {
		r := base
		change(&r)
		keys[r.key()] = true
	}
	if len(keys) != 7 {
		t.Errorf("%d names for 7 recipes", len(keys))
	}
	renewed := base
	renewed.indexURL = "https://u:new@example.com/simple"
	if renewed.key() != base.key() {
		t.Error("another password makes another environment")
	}
}

// TestBuildersSecrets: what may hold a password is in no argument and in no file, and comes all the
// same to pip and uv.
func TestBuildersSecrets(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	for _, tool := range []string{"pip", "uv"} {
		call := newCall(t, with{
			"code": "", "requirements": []string{"a @ https://u:hush@example.com/a.whl"},
			"index_url": "https://u:hush@example.com/simple", "find_links": []string{"https://u:hush@example.com/w", "wheels"},
		})
		writeFiles(t, call.Dir, map[string]string{"wheels/none": ""})
		bin := filepath.Join(t.TempDir(), "bin")
		fakePython(t, filepath.Join(bin, "python3"), "3.11.7")
		script := "#!/bin/sh\ncase \"$*\" in *install*) ;; *) exit 0;; esac\n{ echo \"args $*\"; echo \"env $PIP_INDEX_URL $UV_DEFAULT_INDEX $PIP_FIND_LINKS $UV_FIND_LINKS\"; /bin/cat; } >'" + seen + "'\nexit 3\n"
		if tool == "uv" {
			writeFiles(t, bin, map[string]string{"uv": script})
		} else { // a Python that is pip too
			answer, err := os.ReadFile(filepath.Join(bin, "python3"))
			if err != nil {
				t.Fatal(err)
			}
			writeFiles(t, bin, map[string]string{"python3": strings.Replace(script, "*) exit 0;;", "*venv*) exit 0;; *) "+strings.SplitN(string(answer), "\n", 2)[1]+" exit 0;;", 1)})
		}
		for _, name := range []string{"python3", "uv"} {
			if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil && name != "uv" {
				t.Fatal(err)
			}
		}
		call.Env = []string{"PATH=" + bin}
		_, err := Plugin{Cache: t.TempDir()}.Run(t.Context(), call)
		if want := "cannot build the environment: " + tool + " exited with status 3"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		b, err := os.ReadFile(seen)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitN(string(b), "\n", 3)
		if strings.Contains(lines[0], "hush") || !strings.HasSuffix(lines[0], " --find-links "+call.Dir+"/wheels") || strings.Count(lines[1], "hush") != 4 ||
			lines[2] != "a @ https://u:hush@example.com/a.whl\n" {
			t.Errorf("%s gets\n%s", tool, b)
		}
	}
}

// TestSecretsInArgs: args are on no disk and in no argv.
func TestSecretsInArgs(t *testing.T) {
	call := newCall(t, with{
		"code": "import os\ndef main(secret):\n    argv = open('/proc/self/cmdline').read()\n    kept = [f for f in os.listdir(os.environ['KEPT']) if secret in open(os.path.join(os.environ['KEPT'], f)).read()]\n    return [secret in argv, kept, len(secret)]",
		"args": []string{"hush-hush-hush"},
	})
	call.Env = append(call.Env, "KEPT="+call.TmpDir)
	if got := runs(t, Plugin{}, call); got != `[false,[],14]` {
		t.Errorf("in argv, files and length: %s", got)
	}
}

func TestABuilderThatIsKilled(t *testing.T) {
	call := newCall(t, with{"code": "", "requirements": []string{}})
	started := 0
	call.Started = func(pid int) {
		if started++; started == 2 { // the first is asked for its version
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	}
	p := Plugin{Cache: t.TempDir()}
	_, err := p.Run(t.Context(), call)
	want := "cannot build the environment: venv killed by signal 9 (SIGKILL) (not by weft; the machine may have run out of memory)"
	if err == nil || err.Error() != want || plugins.KindOf(err) != plugins.Temporary {
		t.Errorf("error %v, want %s", err, want)
	}
	if left := inCache(t, p); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestTheSchemaIsWhatIsRead: each key of the schema is one that readInput knows.
func TestTheSchemaIsWhatIsRead(t *testing.T) {
	var schema struct{ Properties map[string]json.RawMessage }
	if err := json.Unmarshal(input, &schema); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("input.go")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for key := range schema.Properties {
		keys = append(keys, key)
		if !strings.Contains(string(source), "`json:\""+key+"\"`") {
			t.Errorf("nothing reads %q", key)
		}
	}
	if slices.Sort(keys); len(keys) != 9 {
		t.Errorf("keys %v", keys)
	}
}
