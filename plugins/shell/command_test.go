package shell

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/plugins"
)

func TestShells(t *testing.T) {
	long := ": " + strings.Repeat("x", 200_000) + "\n"
	for _, c := range []struct {
		name string
		in   with
		want string
	}{
		{"bash by default", with{"run": `echo "${BASH_VERSION:+bash} $0 $-"`}, "bash greet ehBc"},
		{"bash", with{"run": `set -o | grep pipefail | tr -s '\t ' ' '`, "shell": "bash"}, "pipefail on"},
		{"sh", with{"run": `echo "$-$0"`, "shell": "sh"}, "egreet"},
		{"one's own", with{"run": "hello {0}", "shell": []string{"cat", "{0}"}}, "hello {0}"},
		{"one's own, within a word", with{"run": "echo hi", "shell": []string{"sh", "-c", "sh {0}; echo bye"}}, "bye"},
		{"a long script", with{"run": long + "echo end"}, "end"},
		{"a long script for sh", with{"run": long + "echo end", "shell": "sh"}, "end"},
		{"a list", with{"run": []string{"echo", "$HOME", "a b", ""}}, "$HOME a b "},
		{"an empty script", with{"run": ""}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t, c.in)
			if _, err := (Plugin{}).Run(t.Context(), call); err != nil {
				t.Fatalf("%v; log %q", err, logOf(t, call))
			}
			lines := strings.Split(strings.TrimSuffix(logOf(t, call), "\n"), "\n")
			if got := lines[len(lines)-1]; got != c.want {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheShellOfTheDefaults(t *testing.T) {
	call := newCall(t, with{"run": "echo hi"})
	for _, c := range []struct {
		shell []string
		want  string
	}{
		{nil, "bash -eo pipefail -c echo hi greet"},
		{[]string{"sh"}, "sh -e -c echo hi greet"},
		{[]string{"python3", "{0}"}, "python3 " + filepath.Join(call.TmpDir, scriptFile)},
	} {
		call.Shell = c.shell
		if got, err := commandOf(call); err != nil || strings.Join(got.argv, " ") != c.want {
			t.Errorf("%q: %q, error %v", c.shell, got.argv, err)
		}
	}
	call.Shell, call.Env = nil, []string{"PATH=/nowhere"}
	if c, err := commandOf(call); err != nil || c.argv[0] != "sh" {
		t.Errorf("without bash: %q, error %v", c.argv, err)
	}
}

func TestMessagesOfTheShellNameTaskAndLine(t *testing.T) {
	for _, shell := range []string{"bash", "sh"} {
		call := newCall(t, with{"run": "true\nno_such_command_42", "shell": shell})
		_, _ = Plugin{}.Run(t.Context(), call)
		if log := logOf(t, call); !strings.HasPrefix(log, "greet: ") || !strings.Contains(log, "2: no_such_command_42: ") {
			if !strings.Contains(log, "line 2: ") {
				t.Errorf("%s says %q", shell, log)
			}
		}
	}
}

func TestBadInputIsRefused(t *testing.T) {
	for _, c := range []struct {
		in   with
		want string
	}{
		{with{}, "cannot read the input of shell: run must be text or a list of texts"},
		{with{"run": 7}, "cannot read the input of shell: run must be text or a list of texts"},
		{with{"run": []any{"a", 7}}, "cannot read the input of shell: run must be text or a list of texts"},
		{with{"run": []string{}}, "cannot run: the list is empty"},
		{with{"run": "a\x00b"}, "cannot run the script: it holds a NUL byte"},
		{with{"run": []string{"no-such-program-42"}}, "cannot start no-such-program-42: no such program (install it, or put its folder on PATH)"},
		{with{"run": "a", "shell": "fish"}, `cannot use "fish" as a shell (it is bash, sh, or a list with {0} for the script's file)`},
		{with{"run": "a", "shell": []string{"perl"}}, `cannot use "perl" as a shell: nothing in it stands for the script (add {0}, which becomes the script's file)`},
	} {
		_, err := Plugin{}.Run(t.Context(), newCall(t, c.in))
		if plugins.KindOf(err) != plugins.BadInput || err.Error() != c.want {
			t.Errorf("%v:\n got %v (%s)\nwant %s", c.in, err, plugins.KindOf(err), c.want)
		}
	}
}

func TestNoScriptIsLeftWhereNoneIsNeeded(t *testing.T) {
	call := newCall(t, with{"run": "ls -A"})
	if _, err := (Plugin{}).Run(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(call.TmpDir, scriptFile)); err == nil {
		t.Error("a short script was written to a file")
	}
}
