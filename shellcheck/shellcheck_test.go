package shellcheck

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/spec"
)

// real is a Checker of the program itself.
func real(t *testing.T, rules, memory string) *Checker {
	t.Helper()
	if _, err := exec.LookPath(Name); err != nil {
		if os.Getenv("WEFT_CHECK") != "" {
			t.Fatal("shellcheck is not installed")
		}
		t.Skip("shellcheck is not installed")
	}
	var rc []byte
	if rules != "" {
		rc = []byte(rules)
	}
	c, err := New(rc, memory)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// double makes a program that stands for shellcheck, the only one on PATH beside the system's own.
func double(t *testing.T, script string) *Checker {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, Name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	c, err := New(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// learnt is what is said of a script once it was asked about.
func learnt(t *testing.T, c *Checker, s spec.Script) string {
	t.Helper()
	c.Remarks(s)
	if err := c.Learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	remarks, known := c.Remarks(s)
	if !known {
		t.Fatalf("nothing is known of %q", s.Text)
	}
	var b strings.Builder
	for _, r := range remarks {
		fmt.Fprintf(&b, "%d:%d-%d:%d %s %s %s", r.Line, r.Column, r.EndLine, r.EndColumn, r.Severity, r.Code, r.Message)
		if r.Names != "" {
			fmt.Fprintf(&b, " (%s)", r.Names)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Each row is what the program itself says of a script, in the script's own coordinates.
func TestWhatShellcheckSays(t *testing.T) {
	const quote = "double quote to prevent globbing and word splitting\n"
	for what, c := range map[string]struct {
		rules  string
		script spec.Script
		want   string
	}{
		"nothing of what is right":              {"", spec.Script{Dialect: "bash", Text: "echo hello"}, ""},
		"a column counts characters, not bytes": {"", spec.Script{Dialect: "bash", Text: "echo '漢字' $HOME"}, "1:11-1:16 info SC2086 " + quote},
		"a tab is one character":                {"", spec.Script{Dialect: "sh", Text: "if true; then\n\t\techo $HOME\nfi"}, "2:8-2:13 info SC2086 " + quote},
		"a name that nothing assigns":           {"", spec.Script{Dialect: "bash", Text: `echo "$day"`}, "1:7-1:11 warning SC2154 day is referenced but not assigned (day)\n"},
		"a shell that does not end by itself":   {"", spec.Script{Dialect: "sh", Text: "cd /tmp"}, "1:1-1:8 warning SC2164 use 'cd ... || exit' or 'cd ... || return' in case cd fails\n"},
		"one that does":                         {"", spec.Script{Dialect: "sh", Exits: true, Text: "cd /tmp"}, ""},
		"what only bash knows, in sh":           {"", spec.Script{Dialect: "sh", Text: "[[ -n $HOME ]]"}, "1:1-1:15 warning SC3010 in POSIX sh, [[ ]] is undefined\n"},
		"the same in ksh":                       {"", spec.Script{Dialect: "ksh", Text: "[[ -n $HOME ]]"}, ""},
		"a first line that names a shell":       {"", spec.Script{Dialect: "bash", Text: "#!/bin/sh\necho $HOME"}, "2:6-2:11 info SC2086 " + quote},
		"what the script itself disables":       {"", spec.Script{Dialect: "bash", Text: "# shellcheck disable=SC2086\necho $HOME"}, ""},
		"what the rules disable":                {"disable=SC2086", spec.Script{Dialect: "bash", Text: "echo $HOME"}, ""},
		"files beside it are not looked for":    {"", spec.Script{Dialect: "bash", Text: ". ./lib.sh"}, ""},
	} {
		if got := learnt(t, real(t, c.rules, ""), c.script); got != c.want {
			t.Errorf("%s: says\n%swant\n%s", what, got, c.want)
		}
	}
}

// TestManyScripts: several hundred in a few processes, each answer to its own script.
func TestManyScripts(t *testing.T) {
	c := real(t, "", "")
	script := func(i int) spec.Script {
		return spec.Script{Dialect: []string{"bash", "sh"}[i%2], Text: strings.Repeat("\n", i%7) + fmt.Sprintf("echo $V%d", i)}
	}
	for i := range 450 {
		c.Remarks(script(i))
	}
	if err := c.Learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 450 {
		remarks, known := c.Remarks(script(i))
		if !known || len(remarks) != 1 || remarks[0].Line != i%7+1 || remarks[0].EndColumn-remarks[0].Column != len(fmt.Sprintf("$V%d", i)) {
			t.Fatalf("script %d: %v, %v", i, remarks, known)
		}
	}
}

// Each row is a program that stands for shellcheck and does something wrong, and what a person is told.
func TestBrokenPrograms(t *testing.T) {
	for what, c := range map[string]struct{ script, want string }{
		"it fails":                     {"echo 'shellcheck: cannot start' >&2; exit 4", "failed: exit status 4 (shellcheck: cannot start)"},
		"it fails without a word":      {"exit 127", "failed: exit status 127"},
		"it is killed":                 {"kill -9 $$", "failed: signal: killed"},
		"it writes no JSON":            {"echo Segmentation fault", "is not understood: invalid character"},
		"it writes nothing":            {"exit 0", "is not understood: unexpected end of JSON"},
		"it speaks of another file":    {`echo '{"comments":[{"file":"/etc/passwd","line":1,"level":"error","code":1}]}'`, "is not understood"},
		"it speaks of a file too many": {`echo '{"comments":[{"file":"7","line":1,"level":"error","code":1}]}'`, "is not understood"},
		"it has another way to be bad": {`echo '{"comments":[{"file":"0","line":1,"level":"fatal","code":1}]}'`, "is not understood"},
		"it writes without end":        {"exec yes", "wrote more than"},
		"it does not end":              {"exec sleep 100", "did not answer within"},
		"its child does not end":       {"sleep 100 & wait", "did not answer within"},
	} {
		t.Run(what, func(t *testing.T) {
			checker := double(t, c.script)
			if strings.Contains(c.want, "within") {
				checker.patience = 200 * time.Millisecond
			}
			s := spec.Script{Dialect: "sh", Text: "echo $x"}
			checker.Remarks(s)
			if err := checker.Learn(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if remarks, known := checker.Remarks(s); known || len(remarks) > 0 {
				t.Errorf("something is known: %v", remarks)
			}
		})
	}
}

func TestItIsNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(nil, ""); err != ErrAbsent { //nolint:errorlint // it is this very value
		t.Errorf("%v", err)
	}
}

// TestWhatIsRemembered: the same script is asked about once, until the program or its rules are others.
func TestWhatIsRemembered(t *testing.T) {
	home := t.TempDir()
	ledger, memory := filepath.Join(home, "ledger"), filepath.Join(home, "cache", "shellcheck.json")
	first := double(t, "echo called >> "+ledger+`; echo '{"comments":[{"file":"0","line":2,"column":1,"endLine":2,"endColumn":2,"level":"info","code":7,"message":"It is so."}]}'; exit 1`)
	asked := func(rules string) int {
		var rc []byte
		if rules != "" {
			rc = []byte(rules)
		}
		c, err := New(rc, memory)
		if err != nil {
			t.Fatal(err)
		}
		if got := learnt(t, c, spec.Script{Dialect: "sh", Text: "echo"}); got != "1:1-1:2 info SC7 it is so\n" {
			t.Errorf("says %q", got)
		}
		body, _ := os.ReadFile(ledger)
		return strings.Count(string(body), "called")
	}
	for i, step := range []struct {
		what, rules string
		change      func() error
		want        int
	}{
		{"the first time", "", nil, 1},
		{"again", "", nil, 1},
		{"with other rules", "disable=SC1", nil, 2},
		{"as at first", "", nil, 2},
		{"by another program", "", func() error { return os.Chtimes(first.program, time.Time{}, time.Unix(1, 0)) }, 3},
		{"what is kept is broken", "", func() error { return os.WriteFile(memory, []byte("{"), 0o600) }, 4},
	} {
		if step.change != nil {
			if err := step.change(); err != nil {
				t.Fatal(err)
			}
		}
		if got := asked(step.rules); got != step.want {
			t.Errorf("%d, %s: asked %d times, want %d", i, step.what, got, step.want)
		}
	}
}

// TestNoFolderIsMade: where there is no state folder, nothing is kept, and none is made for it.
func TestNoFolderIsMade(t *testing.T) {
	dir := t.TempDir()
	c := double(t, `echo '{"comments":[]}'`)
	c.memory = filepath.Join(dir, ".weft", "cache", "shellcheck.json")
	learnt(t, c, spec.Script{Dialect: "sh", Text: "echo"})
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("made: %v, %v", entries, err)
	}
}
