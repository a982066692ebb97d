package tests

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestShippedTests plays the tests beside the examples.
func TestShippedTests(t *testing.T) {
	dags, err := filepath.Abs("../dags")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	res := w.run("test", dags)
	if res.code != 0 || !regexp.MustCompile(`(?m)^[3-9]\d passed, 0 failed$`).MatchString(res.out) {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	// They are no DAGs.
	files, _ := filepath.Glob("../dags/*.yaml")
	tests, _ := filepath.Glob("../dags/*.test.yaml")
	want := fmt.Sprintf("%d files checked, no problems\n", len(files)-len(tests))
	if res := w.run("validate", dags); res.out != want {
		t.Errorf("weft validate says %q, not %q", res.out, want)
	}
}

// TestATestDoesNothing plays everything there is under strace: no process, no connection, no file.
func TestATestDoesNothing(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not here; ./check installs it")
	}
	w := newWorld(t)
	dags, _ := filepath.Abs("../dags")
	trace := filepath.Join(t.TempDir(), "trace")
	plain := w.command("test", dags)
	cmd := exec.Command(strace, "-f", "-qq", "-o", trace, "-e", "trace=%file,%network,execve,fork,vfork,clone,clone3", binary, "test", dags)
	cmd.Dir, cmd.Env = plain.Dir, plain.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for line := range strings.Lines(string(b)) {
		_, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, rest, _ := strings.Cut(strings.TrimSpace(call), "(")
		switch {
		case name == "execve" && looked == 0, (name == "clone" || name == "clone3") && strings.Contains(rest, "CLONE_THREAD"):
		case strings.HasPrefix(name, "open") && !strings.Contains(rest, "O_WRONLY") && !strings.Contains(rest, "O_RDWR") && !strings.Contains(rest, "O_CREAT"):
		case strings.Contains(name, "stat") || strings.HasPrefix(name, "readlink") || strings.HasPrefix(name, "access") || name == "getcwd" || name == "faccessat2":
		case strings.HasPrefix(name, "<...") || strings.HasPrefix(name, "+++") || strings.HasPrefix(name, "---"):
		case strings.HasPrefix(name, "open") && strings.Contains(rest, "/dev/null"):
		default:
			t.Errorf("it does something: %s", line)
		}
		looked++
	}
	if looked < 20 {
		t.Errorf("only %d calls seen: strace is not read", looked)
	}
	if left, _ := os.ReadDir(w.dir); len(left) > 0 {
		t.Errorf("it leaves %s behind", left[0].Name())
	}
}

const joined = `tasks:
  a: {run: ./a.sh}
  b: {run: ./b.sh}
  join: {needs: [a, b], trigger: one_success, run: ./join.sh}
`

// TestWhatTestsSay looks at each form of what came of tests, and at the exit codes.
func TestWhatTestsSay(t *testing.T) {
	w := newWorld(t)
	w.stands("./a.sh ./b.sh ./join.sh")
	w.write("dags/join.yaml", joined)
	w.write("dags/join.test.yaml", "cases:\n  one <is> enough:\n    given: {a: failed}\n    expect: {join: success}\n"+
		"  none is:\n    given: {a: failed, b: failed}\n    expect: {join: success}\n")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"test", 1, "dags/join.test.yaml:7:20\n"},
		{"test", 1, "1 passed, 1 failed\n"},
		{"test join", 1, "error[C701]: \"join\" is upstream_failed, not success\n"},
		{"test --run enough", 0, "1 passed, 0 failed\n"},
		{"test -v --run enough", 0, "pass  dags/join.test.yaml: one <is> enough\n      a     failed           0s–0s  exited with status 1\n"},
		{"test --run nobody", 2, "no case matches"},
		{"test --run (", 2, "cannot read --run"},
		{"test --list", 0, "dags/join.test.yaml:2: one <is> enough\ndags/join.test.yaml:5: none is\n"},
		{"test --format oneline", 1, "dags/join.test.yaml:7:20: error[C701]: \"join\" is upstream_failed, not success (it is upstream_failed)\n"},
		{"test --format xml", 2, "choose from text, oneline, json, junit"},
		{"test nowhere", 3, "cannot find DAG \"nowhere\""},
		{"test dags/nowhere.test.yaml", 3, "there is no such file"},
		{"test --exhaustive join join", 0, "success  failed   runs             a\n"},
		{"test --exhaustive jion join", 2, "did you mean join?"},
	} {
		res := w.run(strings.Fields(c.args)...)
		if res.code != c.code || !strings.Contains(res.out+res.stderr, c.says) {
			t.Errorf("weft %s: exit %d, want %d, and to read %q\n%s%s", c.args, res.code, c.code, c.says, res.out, res.stderr)
		}
	}
	var answer struct {
		Passed, Failed int
		Cases          []struct {
			Name, State string
			Passed      bool
			Tasks       map[string]struct{ State string }
			Diagnostics []struct{ Code string }
		}
	}
	if err := json.Unmarshal([]byte(w.run("test", "--json").out), &answer); err != nil {
		t.Fatal(err)
	}
	if c := answer.Cases[1]; answer.Passed != 1 || answer.Failed != 1 || c.Passed || c.State != "failed" ||
		c.Tasks["join"].State != "upstream_failed" || c.Diagnostics[0].Code != "C701" {
		t.Errorf("--json says %+v", answer)
	}
	var report struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string  `xml:"name,attr"`
				Failure *string `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(w.run("test", "--format", "junit").out), &report); err != nil {
		t.Fatal(err)
	}
	if s := report.Suites[0]; report.Tests != 2 || report.Failures != 1 || s.Cases[0].Name != "one <is> enough" || s.Cases[0].Failure != nil ||
		!strings.Contains(*s.Cases[1].Failure, "join.test.yaml:7:20") {
		t.Errorf("--format junit says %+v", report)
	}
}

// TestTestsThatAreNone: what keeps a file from being played is a problem with its place, and fails.
func TestTestsThatAreNone(t *testing.T) {
	w := newWorld(t)
	w.write("dags/lonely.test.yaml", "cases: {a: {verdict: success}}\n")
	w.write("dags/bad.yaml", "tasks: {a: {runs: echo}}\n")
	w.write("dags/bad.test.yaml", "cases: {a: {verdict: success}}\n")
	w.write("dags/wrong.yaml", joined)
	w.write("dags/wrong.test.yaml", "cases: {a: {given: {jion: failed}, verdict: success}}\n")
	res := w.run("test", "--format", "oneline")
	for _, want := range []string{
		"dags/bad.yaml:1:13: error[S101]: a task has no key \"runs\"",
		"dags/lonely.test.yaml:1:1: error[C703]: there is no lonely.yaml beside this test file",
		"dags/wrong.test.yaml:1:21: error[G201]: there is no task or callback \"jion\" in dags/wrong.yaml (did you mean \"join\"?)",
		"0 passed, 3 failed\n",
	} {
		if !strings.Contains(res.out, want) {
			t.Errorf("not said: %s", want)
		}
	}
	if res.code != 1 {
		t.Errorf("exit %d", res.code)
	}
	if t.Failed() {
		t.Log(res.out + res.stderr)
	}
	empty := newWorld(t)
	empty.write("dags/a.yaml", joined)
	if res := empty.run("test"); res.code != 3 || !strings.Contains(res.stderr, "cannot find any tests in dags") {
		t.Errorf("exit %d: %s", res.code, res.stderr)
	}
}
