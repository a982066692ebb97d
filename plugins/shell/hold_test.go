package shell

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"weft/plugins"
	"weft/proc"
)

// sameCases are scripts that tell much of how they are run.
var sameCases = map[string]string{
	"its names":                       `echo "$0" "$#" "$-" "$LINENO"`,
	"its environment":                 "env | sort",
	"its open files":                  "ls /proc/$$/fd",
	"its stdin":                       "read -r x || echo none",
	"no script":                       "",
	"a comment first":                 "# no more\necho two",
	"an empty line first":             "\necho $LINENO",
	"a failure at once":               "false\necho no",
	"a failure in line 2":             ":\nno_such_command_42\necho no",
	"a failure in a pipe":             "false | cat\necho yes",
	"an exit":                         "exit 99",
	"a signal":                        "kill -KILL $$",
	"a trap":                          "trap 'echo bye' EXIT; false",
	"a here-document":                 "cat <<end\na $0\nend",
	"a function, two lines":           "f() {\n echo $LINENO\n}; f",
	"a program in its place":          "exec sh -c 'echo $0' other",
	"what it ran before":              `echo "$?"`,
	"a variable it must not know":     `echo "${WEFT_GATE-unset}"`,
	"an option, from line 2 on":       "set -x\n: a",
	"a background job":                "sleep 0 & wait; echo $?",
	"a name that the environment has": "WEFT_GATE=own; export WEFT_GATE; env | grep GATE",
}

// What the log and the outcome tell of a shell that was held is what they tell of one that was not.
func TestAShellThatWasHeldIsLikeAnyOther(t *testing.T) {
	pids := regexp.MustCompile(`\b\d{3,}\b`) // the shell's own, in a message of bash
	for _, shell := range []string{"bash", "sh"} {
		for name, script := range sameCases {
			t.Run(shell+", "+name, func(t *testing.T) {
				told := func(run func(*plugins.Call) (plugins.Result, error)) (string, string, error) {
					call := newCall(t, with{"run": script, "shell": shell})
					call.Env = []string{"PATH=" + os.Getenv("PATH"), "WEFT_TASK_ID=greet", "HOME=/"}
					call.Dir = "/"
					r, err := run(call)
					return pids.ReplaceAllString(logOf(t, call), "PID"), outputOf(t, r), err
				}
				log, out, err := told(func(c *plugins.Call) (plugins.Result, error) { return Plugin{}.Run(t.Context(), c) })
				heldLog, heldOut, heldErr := told(func(c *plugins.Call) (plugins.Result, error) {
					run, _ := Plugin{}.Ready(c)
					return run(t.Context())
				})
				if log != heldLog || out != heldOut || (err == nil) != (heldErr == nil) || err != nil && err.Error() != heldErr.Error() {
					t.Errorf("error %v, output %s, log:\n%s\nheld: error %v, output %s, log:\n%s", err, out, log, heldErr, heldOut, heldLog)
				}
			})
		}
	}
}

func TestTheOutputOfAShellThatWasHeld(t *testing.T) {
	for _, c := range outputCases {
		run, _ := Plugin{}.Ready(newCall(t, with{"run": c.script, "shell": "sh"}))
		if r, err := run(t.Context()); err != nil || outputOf(t, r) != c.want {
			t.Errorf("%s: output %.200s, error %v", c.name, outputOf(t, r), err)
		}
	}
}

// Nothing of the user's runs before the call does, and nothing at all where it is let go of. What is started
// early is the shell alone, and not where a variable would have it run a file first.
func TestAShellIsHeldBeforeItRunsAnythingOfTheUsers(t *testing.T) {
	for name, c := range map[string]struct {
		run  any
		env  string
		held bool
	}{
		"a script": {"touch ran", "", true},
		"a script with a file that bash reads first": {":", "BASH_ENV=first", false},
		"a script where functions are exported":      {"touch ran", "BASH_FUNC_read%%=() { touch ran; }", false},
		"a script where reading takes a second only": {"touch ran", "TMOUT=1", false},
		"a list":                       {[]string{"touch", "ran"}, "", false},
		"a list that is like a script": {[]string{"bash", "-c", "touch ran", "x"}, "", false},
	} {
		call := newCall(t, with{"run": c.run})
		if err := os.WriteFile(filepath.Join(call.Dir, "first"), []byte("touch ran"), 0o600); err != nil {
			t.Fatal(err)
		}
		if call.Env = append(call.Env, "WEFT_TEST=1"); c.env != "" {
			call.Env = append(call.Env, c.env)
		}
		j, err := open(call)
		if err != nil {
			t.Fatal(err)
		}
		h := j.hold()
		if (h != nil) != c.held {
			t.Errorf("%s: held %v", name, h != nil)
		}
		if h != nil {
			h.Drop()
		}
		j.close()
		ran := func() bool { _, err := os.Stat(filepath.Join(call.Dir, "ran")); return err == nil }
		for _, begin := range []bool{false, true} {
			run, drop := Plugin{}.Ready(call)
			if ran() {
				t.Fatalf("%s: it has run before it was to", name)
			}
			if begin {
				_, _ = run(t.Context())
			} else {
				drop()
			}
			if ran() != begin {
				t.Errorf("%s: begun %v, ran %v", name, begin, ran())
			}
		}
	}
}

// A shell whose gate fails, however that came about, has not succeeded.
func TestAGateThatDoesNotOpenIsNoSuccess(t *testing.T) {
	for _, shell := range [][]string{{"bash", "-eo", "pipefail"}, {"sh", "-e"}} {
		for what, before := range map[string]string{"is closed": "exec 3<&-; ", "is at its end": "exec 3</dev/null; "} {
			argv := append(slices.Clone(shell), "-c", before+gate+"echo ran")
			e, err := proc.Run(t.Context(), proc.Spec{Argv: argv, Env: os.Environ()})
			if err != nil || e.Code == 0 {
				t.Errorf("%s, its gate %s: %s, error %v", shell[0], what, e, err)
			}
		}
	}
}

// A held shell that somebody kills has begun nothing: another is started, and the attempt is none the worse.
func TestAHeldShellThatIsKilledIsStartedAnew(t *testing.T) {
	call := newCall(t, with{"run": "echo $$"})
	j, err := open(call)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	held := j.hold()
	var pid int
	call.Started = func(p int) { pid = p }
	if err := syscall.Kill(-held.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, held.PID())
	if e, err := j.runHeld(held)(t.Context()); err != nil || e.Code != 0 || logOf(t, call) != fmt.Sprintf("%d\n", pid) {
		t.Errorf("%s, error %v, its log says %q, and it was told of %d", e, err, logOf(t, call), pid)
	}
}

// gone waits until a child is a zombie.
func gone(t *testing.T, pid int) {
	t.Helper()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
}
