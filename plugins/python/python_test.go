package python

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/plugins"
)

type with map[string]any

// thePython is the interpreter that the tests run; there is no test without one.
var thePython = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return strings.TrimSpace(string(out)), err
})

// binWith makes a folder for PATH with python3 in it, and nothing else: neither a uv nor another Python.
func binWith(t testing.TB) string {
	t.Helper()
	python, err := thePython()
	if err != nil {
		t.Fatalf("these tests drive a real Python: install python3 with its venv and pip (%v)", err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\nexec '"+python+"' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return bin
}

// environ is an environment in which nothing of this machine's settings decides, and no index is asked.
func environ(t testing.TB, output string) []string {
	t.Helper()
	return []string{
		"PATH=" + binWith(t), "HOME=" + t.TempDir(), "LANG=C",
		"PIP_NO_INDEX=1", "PIP_CONFIG_FILE=" + os.DevNull, "UV_NO_INDEX=1", "WEFT_OUTPUT=" + output, "WEFT_TASK_ID=count",
	}
}

// newCall makes a call with an input, as the executor would.
func newCall(t testing.TB, input any) *plugins.Call {
	t.Helper()
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	dir, tmp := t.TempDir(), t.TempDir()
	log, err := os.OpenFile(filepath.Join(tmp, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	out := filepath.Join(tmp, "output")
	call := &plugins.Call{
		Input: in, Dir: dir, TmpDir: tmp, Output: out, Log: log, Grace: 5 * time.Second,
		Env: environ(t, out), Now: time.Now,
	}
	call.Logf = func(format string, args ...any) {
		_, _ = log.WriteString("[weft] " + strings.TrimSpace(fmt.Sprintf(format, args...)) + "\n")
	}
	return call
}

func logOf(t testing.TB, c *plugins.Call) string {
	t.Helper()
	b, err := os.ReadFile(c.Log.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// outputOf returns the output as JSON, wherever it is.
func outputOf(t testing.TB, r plugins.Result) string {
	t.Helper()
	if r.OutputFile == "" {
		if r.Output == nil {
			return "null"
		}
		return string(r.Output)
	}
	b, err := os.ReadFile(r.OutputFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// writeFiles lays files out below a folder.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// userFiles are what lies beside the DAG in the tests below.
var userFiles = map[string]string{
	"jobs/hello.py":    "import near\nimport jobs.far\ndef main(who='you'):\n    return [who, near.N, jobs.far.N, __file__.split('/')[-1]]\nif __name__ == '__main__':\n    main()\n    raise SystemExit('called twice')\n",
	"jobs/near.py":     "N = 1\n",
	"jobs/far.py":      "N = 2\n",
	"jobs/__init__.py": "",
	"jobs/plain.py":    "import json, os, sys\nassert __name__ == '__main__'\njson.dump(sys.argv[0].split('/')[-1], open(os.environ['WEFT_OUTPUT'], 'w'))\n",
	"jobs/latin.py":    "# coding: latin-1\ndef main():\n    return '\xe4'\n",
	"jobs/pool.py":     "import multiprocessing\ndef double(n):\n    return 2 * n\ndef main():\n    with multiprocessing.get_context('spawn').Pool(1) as p:\n        return p.map(double, [1, 2])\n",
}

func TestOutput(t *testing.T) {
	for _, c := range []struct {
		name string
		in   with
		want string
	}{
		{"a main", with{"code": "def main():\n    print('said')\n    return {'a': [1, 2.5, None]}\n"}, `{"a":[1,2.5,null]}`},
		{"a main that gives nothing", with{"code": "def main(): pass"}, `null`},
		{"a main by position", with{"code": "def main(a, b): return [b, a]", "args": []any{1, "x"}}, `["x",1]`},
		{"a main by name", with{"code": "def main(a, b=2): return [a, b]", "args": with{"a": 1}}, `[1,2]`},
		{"an async main", with{"code": "import asyncio\nasync def main(n):\n    await asyncio.sleep(0)\n    return n", "args": []int{7}}, `7`},
		{"an imported main", with{"code": "from jobs.latin import main"}, `"ä"`},
		{"a main that is no function", with{"code": "main = 3"}, `null`},
		{"a guard does not call it twice", with{"code": "n = 0\ndef main():\n    global n\n    n += 1\n    return n\nif __name__ == '__main__':\n    main()"}, `1`},
		{"no main: what it writes", with{"code": "import os\nassert __name__ == '__main__'\nopen(os.environ['WEFT_OUTPUT'], 'w').write('a=1\\nb<<E\\nx\\ny\\nE\\n')"}, `{"a":"1","b":"x\ny"}`},
		{"no main: nothing", with{"code": "print('the log')"}, `null`},
		{"main counts, not what it writes", with{"code": "import os\ndef main():\n    open(os.environ['WEFT_OUTPUT'], 'w').write('7')"}, `null`},
		{"an exit with 0", with{"code": "import sys\ndef main():\n    sys.exit(0)"}, `null`},
		{"a file", with{"file": "jobs/hello.py", "args": with{"who": "me"}}, `["me",1,2,"hello.py"]`},
		{"a file without a main", with{"file": "./jobs/plain.py"}, `"plain.py"`},
		{"a file that is not UTF-8", with{"file": "jobs/latin.py"}, `"ä"`},
		{"a file whose processes load it again", with{"file": "jobs/pool.py"}, `[2,4]`},
		{"a callable", with{"callable": "math:gcd", "args": []int{12, 18}}, `6`},
		{"a callable of the folder", with{"callable": "jobs.latin:main"}, `"ä"`},
		{"a method", with{"callable": "datetime:date.fromisoformat", "args": []string{"2026-01-02"}}, `"2026-01-02"`},
		{"stdin is empty", with{"code": "import sys\ndef main(): return sys.stdin.read()"}, `""`},
		{"no .pyc beside the files", with{"code": "import jobs.far, os\ndef main(): return [os.path.exists('jobs/__pycache__'), os.environ.get('PYTHONUNBUFFERED')]"}, `[false,"1"]`},
		{"nothing of ours in its names", with{"code": "def main(): return sorted(n for n in globals() if n[0] != '_')"}, `["main"]`},
		{"any text can be printed", with{"code": "def main(): print('\\ud800 ä')"}, `null`},
		{"a fork that returns", with{"code": "import os\ndef main():\n    pid = os.fork()\n    if pid: os.waitpid(pid, 0)\n    return bool(pid)"}, `true`},
		{"a large value", with{"code": "def main(): return 'x' * 100000"}, `"` + strings.Repeat("x", 100_000) + `"`},
		{"large args", with{"code": "def main(s): return len(s)", "args": []string{strings.Repeat("x", 5_000_000)}}, `5000000`},
		{"a long integer", with{"code": "def main(n): return n == 10 ** 5000", "args": []json.Number{json.Number("1" + strings.Repeat("0", 5000))}}, `true`},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t, c.in)
			writeFiles(t, call.Dir, userFiles)
			r, err := Plugin{}.Run(t.Context(), call)
			if err != nil || r.Exit == nil || *r.Exit != 0 {
				t.Fatalf("exit %v, error %v; log:\n%s", r.Exit, err, logOf(t, call))
			}
			if got := outputOf(t, r); got != c.want {
				t.Errorf("output %.200s, want %.200s; log:\n%s", got, c.want, logOf(t, call))
			}
		})
	}
}

// TestFilesNamedLikeModules: the user's files are no modules of ours, whatever they are called.
func TestFilesNamedLikeModules(t *testing.T) {
	call := newCall(t, with{"code": "def main(): return 1 / 0", "requirements": []string{}})
	for _, name := range []string{"os", "json", "linecache", "symtable", "traceback", "tokenize", "venv", "pip", "decimal"} {
		writeFiles(t, call.Dir, map[string]string{name + ".py": "raise SystemExit('the wrong " + name + "')\n"})
	}
	_, err := Plugin{Cache: t.TempDir()}.Run(t.Context(), call)
	if err == nil || err.Error() != "ZeroDivisionError: division by zero" {
		t.Errorf("error %v; log:\n%s", err, logOf(t, call))
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		in   with
		text string
		kind plugins.Kind
		log  string // what the log ends with; "" = nothing is asked
	}{
		{
			"an exception",
			with{"code": "def main():\n    raise ValueError('no such day')"},
			"ValueError: no such day", plugins.Temporary,
			"Traceback (most recent call last):\n  File \"<code>\", line 2, in main\n    raise ValueError('no such day')\nValueError: no such day\n",
		},
		{
			"an exception of many lines, of one's own class",
			with{"code": "class Odd(Exception): pass\ndef main():\n    raise Odd('one\\ntwo')"},
			"Odd: one …", plugins.Temporary, "Odd: one\ntwo\n",
		},
		{
			"an exception in a file",
			with{"file": "jobs/wrong.py"},
			"ZeroDivisionError: division by zero", plugins.Temporary, "/jobs/wrong.py\", line 2, in main\n",
		},
		{
			"an exception in a coroutine",
			with{"code": "async def main():\n    raise KeyError('k')"},
			"KeyError: 'k'", plugins.Temporary, "Traceback (most recent call last):\n  File \"<code>\", line 2, in main\n",
		},
		{
			"syntax",
			with{"code": "x = 1\ndef main(:\n    pass"},
			"SyntaxError: invalid syntax (code, line 2)", plugins.BadInput, "  File \"<code>\", line 2\n    def main(:\n",
		},
		{"an exit", with{"code": "import sys\nsys.exit(3)"}, "exited with status 3", plugins.Temporary, ""},
		{"an exit with a text", with{"code": "import sys\nsys.exit('no rows today')"}, "no rows today", plugins.Temporary, "no rows today\n"},
		{"a sudden exit", with{"code": "import os\nos._exit(1)"}, "exited with status 1", plugins.Temporary, ""},
		{
			"killed",
			with{"code": "import os\nos.kill(os.getpid(), 9)"},
			"killed by signal 9 (SIGKILL) (not by weft; the machine may have run out of memory)", plugins.Temporary, "",
		},
		{"no module", with{"callable": "jobs.nothing:main"}, "cannot import jobs.nothing: there is no module jobs.nothing (modules are looked for in DIR first)", plugins.BadInput, ""},
		{"a module that lacks a module", with{"callable": "jobs.lacks:main"}, "ModuleNotFoundError: No module named 'no_such_thing'", plugins.Temporary, "/jobs/lacks.py\", line 1, in <module>\n"},
		{"no function", with{"callable": "math:nothing"}, "cannot call math:nothing: math has no nothing", plugins.BadInput, ""},
		{"no function at all", with{"callable": "math:pi"}, "cannot call math:pi: it is no function, but of type float", plugins.BadInput, ""},
		{"args that do not fit", with{"code": "def main(a): pass"}, "cannot call the function: main() missing 1 required positional argument: 'a' (see args)", plugins.BadInput, ""},
		{"args and no main", with{"code": "x = 1", "args": []int{1}}, "cannot pass args: the script defines no function main", plugins.BadInput, ""},
		{"no file", with{"file": "jobs/none.py"}, "cannot run jobs/none.py: there is no such file (it is looked for in DIR)", plugins.BadInput, ""},
		{"a folder", with{"file": "jobs"}, "cannot run jobs: it is a folder", plugins.BadInput, ""},
		{"nothing to run", with{}, "cannot tell what to run: give one of code, file and callable", plugins.BadInput, ""},
		{"two things to run", with{"code": "", "file": "x"}, "cannot tell what to run: give one of code, file and callable", plugins.BadInput, ""},
		{"no name of a callable", with{"callable": "a..b:c"}, `cannot call "a..b:c": write it module:function`, plugins.BadInput, ""},
		{"its own output is no output", with{"code": "import os\nopen(os.environ['WEFT_OUTPUT'], 'w').write('hello')"}, `cannot read the output ($WEFT_OUTPUT): line 1 is neither JSON nor name=value: "hello"`, plugins.Remote, ""},
		{"its output is a pipe", with{"code": "import os\nos.mkfifo(os.environ['WEFT_OUTPUT'])"}, "cannot read the output ($WEFT_OUTPUT): it is a pipe, not a file", plugins.Remote, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t, c.in)
			writeFiles(t, call.Dir, map[string]string{
				"jobs/wrong.py": "def main():\n    return 1 / 0\n",
				"jobs/lacks.py": "import no_such_thing\n",
			})
			_, err := Plugin{}.Run(t.Context(), call)
			want := strings.NewReplacer("DIR", call.Dir, "THE FILE", call.Output).Replace(c.text)
			if err == nil || err.Error() != want || plugins.KindOf(err) != c.kind {
				t.Errorf("error %v (%s)\nwant  %s (%s)", err, plugins.KindOf(err), want, c.kind)
			}
			log := logOf(t, call)
			if !strings.Contains(log, c.log) || strings.Contains(log, "<string>") || strings.Contains(log, "importlib") {
				t.Errorf("the log is\n%s\nwant %s", log, c.log)
			}
			if left, err := os.ReadDir(call.TmpDir); err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "python") }) {
				t.Errorf("left over: %v, error %v", left, err)
			}
		})
	}
}

func TestExitsThatMeanMore(t *testing.T) {
	for status, want := range map[string][2]bool{"99": {true, false}, "100": {false, true}, "98": {false, false}} {
		_, err := Plugin{}.Run(t.Context(), newCall(t, with{"code": "import sys\ndef main():\n    sys.exit(" + status + ")"}))
		var e *plugins.Error
		if !errors.As(err, &e) || [2]bool{e.Skip, e.Final} != want || e.Exit == nil || e.Error() != "exited with status "+status {
			t.Errorf("exit %s: %+v", status, err)
		}
	}
}

func TestAWorkingDirectoryThatIsNotThere(t *testing.T) {
	call := newCall(t, with{"code": ""})
	call.Dir += "/none"
	_, err := Plugin{}.Run(t.Context(), call)
	if want := "cannot enter working directory " + call.Dir + ": No such file or directory"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestWithoutPython(t *testing.T) {
	call := newCall(t, with{"code": "print(1)"})
	call.Env = []string{"PATH=" + t.TempDir(), "HOME=" + t.TempDir()}
	for _, in := range []string{`{"code": ""}`, `{"code": "", "requirements": []}`} {
		call.Input = json.RawMessage(in)
		_, err := Plugin{Cache: t.TempDir()}.Run(t.Context(), call)
		if want := "cannot find Python: there is no python3 on PATH (install it, or put its folder on PATH)"; err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", in, err, want)
		}
	}
}

func TestTheEndOfTheContextStopsIt(t *testing.T) {
	call := newCall(t, with{"code": "import time\ntime.sleep(1000)"})
	ctx, cancel := context.WithCancelCause(t.Context())
	call.Started = func(int) { cancel(errors.New("someone said so")) }
	_, err := Plugin{}.Run(ctx, call)
	if plugins.KindOf(err) != plugins.Cancelled || !strings.HasPrefix(err.Error(), "stopped, killed by signal 15 (SIGTERM): ") {
		t.Errorf("error %v (%s)", err, plugins.KindOf(err))
	}
}
