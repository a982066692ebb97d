package tests

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// badCode is what people get wrong in Python itself.
var badCode = []misuse{
	{"none", `{uses: python, with: {code: "pass"}, env: {PATH: /nowhere}}`, "bad_input", "cannot find Python: there is no python3 on PATH (install it, or put its folder on PATH)"},
	{"no_version", `{uses: python, with: {python: "3.99", code: "pass"}}`, "bad_input", "cannot find Python 3.99: there is 3.<…> (install it, or put its folder on PATH)"},
	{"cut_version", `{uses: python, with: {python: 3.1, code: "pass"}}`, "bad_input", "cannot find Python 3.1: there is <…> (if 3.10 is meant, it was read as a number: write it as text)"},
	{"no_path", `{uses: python, with: {python: ./venv/bin/python, code: "pass"}}`, "bad_input", "cannot use ./venv/bin/python: there is no such file (it is looked for in $DIR)"},
	{"not_python", `{uses: python, with: {python: /bin/true, code: "pass"}}`, "bad_input", "cannot use /bin/true: it is no Python 3 that works"},
	{"no_file", `{uses: python, with: {file: absent.py}}`, "bad_input", "cannot run absent.py: there is no such file (it is looked for in $DIR)"},
	{"no_requirements", `{uses: python, with: {requirements: absent.txt, code: "pass"}}`, "bad_input", "cannot read the requirements in absent.txt: no such file or directory"},
	{"no_module", `{uses: python, with: {callable: "absent:main"}}`, "bad_input", "cannot import absent: there is no module absent (modules are looked for in $DIR first)"},
	{"no_function", `{uses: python, with: {callable: "runner:absent"}}`, "bad_input", "cannot call runner:absent: runner has no absent"},
	{"broken_module", `{uses: python, with: {callable: "broken:main"}}`, "bad_input", "SyntaxError: invalid syntax ($DIR/broken.py, line 2)"},
	{"broken_file", `{uses: python, with: {file: broken.py}}`, "bad_input", "SyntaxError: invalid syntax ($DIR/broken.py, line 2)"},
	{"latin_file", `{uses: python, with: {file: latin.py}}`, "bad_input", "cannot read $DIR/latin.py: it is not in UTF-8, nor in an encoding that it declares"},
	{"syntax", "uses: python\nwith:\n  code: |\n    x = 1\n    def main(:\n      pass", "bad_input", "SyntaxError: invalid syntax (code, line 2)"},
	{"data", `{uses: python, with: {code: "def main(): eval('1 +')"}}`, "temporary", "SyntaxError: invalid syntax (<string>, line 1)"},
	{"exception", `{uses: python, with: {code: "def main():\n  raise ValueError('no such day')"}}`, "temporary", "ValueError: no such day"},
	{"args", `{uses: python, with: {code: "def main(a): pass", args: {b: 1}}}`, "bad_input", "cannot call the function: main() got an unexpected keyword argument 'b' (see args)"},
	{"exit", `{uses: python, with: {code: "import sys\nsys.exit(3)"}}`, "temporary", "exited with status 3"},
	{"exit_99", `{uses: python, with: {code: "import sys\nsys.exit(99)"}}`, "skipped", "exited with status 99"},
	{"exit_now", `{uses: python, with: {code: "import os\nos._exit(4)"}}`, "temporary", "exited with status 4"},
	{"killed", `{uses: python, with: {code: "import os\nos.kill(os.getpid(), 9)"}}`, "temporary", "killed by signal 9 (SIGKILL) (not by weft; the machine may have run out of memory)"},
	{"nan", `{uses: python, with: {code: "def main(): return float('nan')"}}`, "remote", "cannot take the return value: it is NaN, which JSON does not have (None becomes null)"},
	{"deeper", `{uses: python, with: {code: "import sys\nsys.setrecursionlimit(100000)\ndef main():\n  a = []\n  for i in range(10000): a = {'a': a}\n  return a"}}`, "remote", "cannot take the return value: it nests too deep: at most 1000 levels"},
	{"deep_enough", `{uses: python, with: {code: "def main():\n  a = 7\n  for i in range(1000): a = [a]\n  return a"}}`, "success", strings.Repeat("[", 1000) + "7" + strings.Repeat("]", 1000)},
	{"set", `{uses: python, with: {code: "def main(): return {2, 1}"}}`, "success", "[1,2]"},
	{"big", `{uses: python, with: {code: "def main(): return 'x' * 100000000"}}`, "success", "null"},
	{"big_read", `{uses: python, needs: big, with: {code: "def main(a): return len(a)", args: ["${{ tasks.big.output }}"]}}`, "bad_input", "cannot read tasks.big.output: it has 100000002 bytes, at most 67108864 are read (use tasks.big.ref)"},
	{"big_ref", `{uses: noop, needs: big, with: {output: "${{ tasks.big.ref.size }}"}}`, "success", "100000002"},
	{"flood", `{uses: python, with: {code: "def main():\n  for i in range(100000): print('x' * 100)\n  return 1"}}`, "success", "1"},
	{"closes", `{uses: python, with: {code: "import os, sys\ndef main():\n  sys.stdout.close()\n  os.close(2)\n  return 1"}}`, "success", "1"},
	{"forks", `{uses: python, with: {code: "import os, time\ndef main():\n  for i in range(3):\n    if os.fork() == 0:\n      os.setsid()\n      time.sleep(300)\n  return 1"}}`, "success", "1"},
	{"names", `{uses: python, with: {callable: "runner:main"}}`, "success", `{"mine":true}`},
	{"hangs", `{uses: python, timeout: 1s, with: {code: "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(300)"}}`, "timeout", "timed out after 1s"},
}

// badCodeLong are more of them, for the long tier: the plugin's own tests have their like.
var badCodeLong = []misuse{
	{"word", `{uses: python, with: {python: latest, code: "pass"}}`, "bad_input", `cannot look for Python "latest": write a version such as 3.10, or a path`},
	{"two", `{uses: python, with: {python: 2.7, code: "pass"}}`, "bad_input", `cannot look for Python "2.7": write a version such as 3.10, or a path`},
	{"range", `{uses: python, with: {python: ">=3.8", code: "pass"}}`, "bad_input", `cannot look for Python ">=3.8": write a version such as 3.10, or a path`},
	{"option", `{uses: python, with: {requirements: ["-r absent.txt"], code: "pass"}}`, "bad_input", `cannot take the option "-r absent.txt" as a requirement (there are index_url and find_links; a requirements file may hold options)`},
	{"no_callable", `{uses: python, with: {callable: "math:pi"}}`, "bad_input", "cannot call math:pi: it is no function, but of type float"},
	{"exit_text", `{uses: python, with: {code: "import sys\nsys.exit('no rows today')"}}`, "temporary", "no rows today"},
	{"crashed", `{uses: python, with: {code: "import os\nos.kill(os.getpid(), 11)"}}`, "temporary", "killed by signal 11 (SIGSEGV)"},
	{"memory", `{uses: python, with: {code: "import resource\ndef main():\n  resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))\n  bytearray(1 << 30)"}}`, "temporary", "MemoryError"},
	{"object", `{uses: python, with: {code: "def main(): return object()"}}`, "remote", "cannot take the return value: it is of type object, which JSON cannot hold (make it a text, number, list or dict)"},
	{"bytes", `{uses: python, with: {code: "def main(): return {'a': [1, b'x']}"}}`, "remote", `cannot take the return value: its ["a"][1] is of type bytes, which JSON cannot hold (decode() makes a text of it)`},
	{"circular", `{uses: python, with: {code: "def main():\n  a = []\n  a.append(a)\n  return a"}}`, "remote", "cannot take the return value: its [0] is a list that holds itself"},
	{"keys", `{uses: python, with: {code: "def main(): return {(1, 2): 3}"}}`, "remote", "cannot take the return value: it is a dict with a key of type tuple, which JSON cannot hold (make it a text)"},
	{"deep", `{uses: python, with: {code: "def main():\n  a = []\n  for i in range(10000): a = [a]\n  return a"}}`, "remote", "cannot take the return value: it nests too deep: at most 1000 levels"},
	{"print_closed", `{uses: python, with: {code: "import sys\ndef main():\n  sys.stdout.close()\n  print(1)"}}`, "temporary", "ValueError: I/O operation on closed file."},
}

func TestBadPython(t *testing.T) {
	directly(t)
	w := newWorld(t)
	// Names that the plugin's own half must not stumble over, and files that cannot be read.
	for _, name := range []string{"json", "os", "traceback", "symtable", "weft"} {
		w.write(name+".py", "NAME = 'mine'\n")
	}
	w.write("runner.py", "def main():\n    import weft\n    return {weft.NAME: True}\n")
	w.write("broken.py", "x = 1\ndef main(:\n")
	w.write("latin.py", "x = '\xfc'\n")
	w.make("id: python\nmax_active_tasks: 2", inTier(badCode, badCodeLong))
}

// badBuilds is what goes wrong with environments. $LINKS holds wheels and sources, $INDEX is an index.
var badBuilds = []misuse{
	{"no_package", `{uses: python, with: {requirements: [absent], find_links: $LINKS, code: "pass"}}`, "bad_input", "cannot build the environment: there is no package that fits absent (see its name, the versions that exist, and those that fit this Python and machine)"},
	{"no_links", `{uses: python, with: {requirements: [pearl], find_links: absent, code: "pass"}}`, "bad_input", "cannot look for packages in $DIR/absent: no such file or directory"},
	{"no_folder", `{uses: python, with: {requirements: [./absent], code: "pass"}}`, "bad_input", "cannot build the environment: there is no file $DIR/absent"},
	{"no_build", `{uses: python, with: {requirements: [broken], find_links: $LINKS, code: "pass"}}`, "temporary", "cannot build the environment: broken does not build (the log says why; a wheel for this Python would need no building)"},
	{"other_machine", `{uses: python, with: {requirements: ["$LINKS/alien-1.0-py3-none-win_amd64.whl"], code: "pass"}}`, "bad_input", "cannot build the environment: alien-1.0-py3-none-win_amd64.whl is for another Python or machine"},
	{"down", `{uses: python, with: {requirements: [absent], index_url: "http://127.0.0.1:1/simple", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "temporary", "cannot build the environment: the index at 127.0.0.1:1 cannot be reached (see index_url, and whether the network is there)"},
	{"refuses", `{uses: python, with: {requirements: [absent], index_url: "$INDEX/refuses", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "remote", "cannot build the environment: the index at $HOST refuses access (see index_url, and the user and password in it)"},
	{"slow", `{uses: python, timeout: 3s, with: {requirements: [absent], index_url: "$INDEX/slow", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "timeout", "timed out after 3s"},
}

// badBuildsLong are more of them, for the long tier: each takes a second or two.
var badBuildsLong = []misuse{
	{"conflict", `{uses: python, with: {requirements: ["pearl<2", "pearl>1"], find_links: $LINKS, code: "pass"}}`, "bad_input", "cannot build the environment: no versions fit all requirements (the log says which of them disagree)"},
	{"fails", `{uses: python, with: {requirements: [absent], index_url: "$INDEX/fails", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "temporary", "cannot build the environment: the index at $HOST cannot be reached (see index_url, and whether the network is there)"},
	{"no_version", `{uses: python, with: {requirements: ["pearl==7"], find_links: $LINKS, code: "pass"}}`, "bad_input", "cannot build the environment: there is no package that fits pearl==7 (see its name, the versions that exist, and those that fit this Python and machine)"},
	{"spelling", `{uses: python, with: {requirements: ["pearl =>= 2"], find_links: $LINKS, code: "pass"}}`, "bad_input", "cannot build the environment: cannot read the requirement 'pearl =>= 2'"},
	{"other_machine_named", `{uses: python, with: {requirements: [alien], find_links: $LINKS, code: "pass"}}`, "bad_input", "cannot build the environment: there is no package that fits alien (see its name, the versions that exist, and those that fit this Python and machine)"},
	{"nowhere", `{uses: python, with: {requirements: [absent], index_url: "https://no-such-host.invalid/simple", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "temporary", "cannot build the environment: the index at no-such-host.invalid cannot be reached (see index_url, and whether the network is there)"},
	{"no_https", `{uses: python, with: {requirements: [absent], index_url: "http://no-such-host.invalid/simple", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "bad_input", "cannot build the environment: pip does not trust the index at no-such-host.invalid, which has no https (use https, or name it in PIP_TRUSTED_HOST)"},
	{"lacks", `{uses: python, with: {requirements: [absent], index_url: "$INDEX/lacks", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "bad_input", "cannot build the environment: there is no package that fits absent (see its name, the versions that exist, and those that fit this Python and machine)"},
	{"html", `{uses: python, with: {requirements: [absent], index_url: "$INDEX/html", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0"}}`, "bad_input", "cannot build the environment: there is no package that fits absent (see its name, the versions that exist, and those that fit this Python and machine)"},
	{"slow_by_itself", `{uses: python, with: {requirements: [absent], index_url: "$INDEX/slow", code: "pass"}, env: {PIP_NO_INDEX: "", PIP_RETRIES: "0", PIP_DEFAULT_TIMEOUT: "1"}}`, "temporary", "cannot build the environment: the index at $HOST cannot be reached (see index_url, and whether the network is there)"},
}

// inTier adds the long list in the long tier.
func inTier(list, long []misuse) []misuse {
	if soak() {
		return append(slices.Clone(list), long...)
	}
	return list
}

// index is a package index of bad manners.
func index(w http.ResponseWriter, r *http.Request) {
	switch strings.Split(r.URL.Path, "/")[1] {
	case "fails":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "refuses":
		w.WriteHeader(http.StatusForbidden)
	case "lacks":
		w.WriteHeader(http.StatusNotFound)
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><title>Sign in</title></html>"))
	case "slow":
		<-r.Context().Done()
	}
}

func TestBuildsOfBadRequirements(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(index))
	t.Cleanup(server.Close)
	links := t.TempDir()
	pipAlone(t)
	if uv, err := exec.LookPath("uv"); err == nil {
		t.Skipf("these are the words of pip, and %s would be asked", uv)
	}
	writeWheel(t, links, "pearl", "1.0", "py3-none-any")
	writeWheel(t, links, "pearl", "2.0", "py3-none-any")
	writeWheel(t, links, "alien", "1.0", "py3-none-win_amd64")
	writeSource(t, links, "broken", "raise SystemExit('the compiler says no')")
	w := newWorld(t)
	w.make("id: builds\nmax_active_tasks: 2", inTier(badBuilds, badBuildsLong), "$LINKS", links, "$INDEX", server.URL, "$HOST", strings.TrimPrefix(server.URL, "http://"))
	if kept, _ := filepath.Glob(filepath.Join(w.dir, "state/cache/venvs/*/pyvenv.cfg")); len(kept) > 0 {
		t.Errorf("environments: %q", kept)
	}
}

// directly puts the interpreter itself before any shim on PATH, and little else.
func directly(t *testing.T) {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(string(out))+":/usr/bin:/bin")
	t.Setenv("PYENV_ROOT", "/nowhere")
}

// pipAlone keeps what whoever runs the tests has configured away from pip; the network too.
func pipAlone(t *testing.T) {
	t.Helper()
	directly(t)
	for name, value := range map[string]string{
		"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "", "PIP_EXTRA_INDEX_URL": "", "PIP_CONFIG_FILE": os.DevNull, "PIP_NO_CACHE_DIR": "1",
		"UV_NO_INDEX": "1", "PIP_RETRIES": "", "PIP_DEFAULT_TIMEOUT": "", "NO_PROXY": "*", "no_proxy": "*",
	} {
		t.Setenv(name, value)
	}
}

// writeWheel writes a package of one module as a wheel.
func writeWheel(t *testing.T, folder, name, version, tag string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, name+"-"+version+"-"+tag+".whl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info := name + "-" + version + ".dist-info/"
	z := zip.NewWriter(f)
	for _, file := range [][2]string{
		{name + ".py", "VERSION = '" + version + "'\n"},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: " + tag + "\n"},
		{info + "RECORD", name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(file[0])
		if err == nil {
			_, err = w.Write([]byte(file[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeSource writes version 1.0 of a package whose wheel is built by code within it: the code is
// carried out first, then the wheel is made of one empty module.
func writeSource(t *testing.T, folder, name, code string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, name+"-1.0.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packed := gzip.NewWriter(f)
	w := tar.NewWriter(packed)
	metadata := "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"
	for file, text := range map[string]string{
		"PKG-INFO":       metadata,
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py": strings.NewReplacer("NAME", name, "CODE", strings.ReplaceAll(code, "\n", "\n    "), "HEAD", metadata).Replace(`
import os, zipfile
INFO = "NAME-1.0.dist-info/"
FILES = {
    "NAME.py": "", INFO + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    INFO + "METADATA": """HEAD""", INFO + "RECORD": "",
}
def prepare_metadata_for_build_wheel(where, settings=None):
    os.mkdir(where + "/" + INFO)
    with open(where + "/" + INFO + "METADATA", "w") as f:
        f.write(FILES[INFO + "METADATA"])
    return INFO[:-1]
def build_wheel(where, settings=None, metadata=None):
    CODE
    with zipfile.ZipFile(where + "/NAME-1.0-py3-none-any.whl", "w") as z:
        for name, text in FILES.items():
            z.writestr(name, text)
    return "NAME-1.0-py3-none-any.whl"
`),
	} {
		err := w.WriteHeader(&tar.Header{Name: name + "-1.0/" + file, Mode: 0o644, Size: int64(len(text))})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
}
