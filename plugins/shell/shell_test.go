package shell

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/plugins"
)

// newCall makes a call with an input, as the executor would.
func newCall(t *testing.T, input any) *plugins.Call {
	t.Helper()
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	out := filepath.Join(dir, "output")
	return &plugins.Call{
		Input: in, Dir: dir, TmpDir: dir, Output: out, Log: log, Grace: 5 * time.Second,
		Env: append(os.Environ(), "WEFT_OUTPUT="+out, "WEFT_TASK_ID=greet"), Now: time.Now, Logf: t.Logf,
	}
}

type with map[string]any

func logOf(t *testing.T, c *plugins.Call) string {
	t.Helper()
	b, err := os.ReadFile(c.Log.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// outputOf returns the output as JSON, wherever it is.
func outputOf(t *testing.T, r plugins.Result) string {
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
	if r.Text {
		b, _ = json.Marshal(string(b))
	}
	return string(b)
}

// outputCases are scripts, and the output that each of them leaves.
var outputCases = []struct{ name, script, want string }{
	{"nothing said", ":", `null`},
	{"stderr alone", "echo oops >&2", `null`},
	{"the last line of stdout", "echo one; echo two", `"two"`},
	{"without its end", "echo one; printf two", `"two"`},
	{"with a carriage return", `printf 'one\r\n'`, `"one"`},
	{"an empty last line", "echo one; echo", `""`},
	{"stderr after it", "echo one; echo two; echo three >&2; printf '\n\n' >&2", `"two"`},
	{"stderr all about it", "echo a >&2; echo one; echo b >&2; echo two; echo c >&2", `"two"`},
	{"from a child", "(sh -c 'echo one'; true | cat); echo two >&2", `"one"`},
	{"it looks like JSON", "echo 7", `"7"`},
	{"not UTF-8", `printf 'a\377\376b\n'`, `"a` + "\ufffd" + `b"`},
	{"a file of JSON", `echo '{"a": [1, 2.50]}' >"$WEFT_OUTPUT"; echo no`, `{"a": [1, 2.50]}`},
	{"a number", `echo 12345678901234567890 >"$WEFT_OUTPUT"`, `12345678901234567890`},
	{"null on purpose", `echo null >"$WEFT_OUTPUT"; echo no`, `null`},
	{"lines", `echo a=1 >>"$WEFT_OUTPUT"; echo b=x=y >>"$WEFT_OUTPUT"`, `{"a":"1","b":"x=y"}`},
	{"a file of blanks", `echo ' ' >"$WEFT_OUTPUT"; echo yes`, `"yes"`},
	{"a large line", "head -c 100000 /dev/zero | tr '\\0' x; echo >&2", `"` + strings.Repeat("x", 100_000) + `"`},
	{"large JSON", `(printf '["'; head -c 100000 /dev/zero | tr '\0' x; printf '"]') >"$WEFT_OUTPUT"`, `["` + strings.Repeat("x", 100_000) + `"]`},
	{"large lines", `(printf 'a='; head -c 100000 /dev/zero | tr '\0' x) >"$WEFT_OUTPUT"`, `{"a":"` + strings.Repeat("x", 100_000) + `"}`},
}

func TestOutput(t *testing.T) {
	for _, c := range append(outputCases, struct{ name, script, want string }{"a truncated log", "echo one; echo two; : >log", `""`}) {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t, with{"run": c.script, "shell": "sh"})
			r, err := Plugin{}.Run(t.Context(), call)
			if err != nil || r.Exit == nil || *r.Exit != 0 {
				t.Fatalf("exit %v, error %v", r.Exit, err)
			}
			if got := outputOf(t, r); got != c.want {
				t.Errorf("output %.200s, want %.200s", got, c.want)
			}
		})
	}
}

func TestWhatWeftWritesIntoTheLogIsNoOutput(t *testing.T) {
	call := newCall(t, with{"run": "echo one"})
	call.Started = func(int) { _, _ = call.Log.WriteString("[weft: started]\n") }
	r, err := Plugin{}.Run(t.Context(), call)
	if err != nil || string(r.Output) != `"one"` {
		t.Errorf("output %s, error %v", r.Output, err)
	}
	if log := logOf(t, call); !strings.Contains(log, "[weft: started]\n") || !strings.Contains(log, "one\n") {
		t.Errorf("the log is %q", log)
	}
}

func TestALineThatIsTooLongIsSaidAndNotTaken(t *testing.T) {
	call := newCall(t, with{"run": []string{"head", "-c", "17000000", "/dev/zero"}})
	said := ""
	call.Logf = func(format string, _ ...any) { said += format }
	r, err := Plugin{}.Run(t.Context(), call)
	if err != nil || outputOf(t, r) != "null" || !strings.Contains(said, "too long") {
		t.Errorf("error %v, said %q", err, said)
	}
}

func TestOutputsThatCannotBeRead(t *testing.T) {
	for script, want := range map[string]string{
		`echo hello >"$WEFT_OUTPUT"`:                 `line 1 is neither JSON nor name=value: "hello"`,
		`printf 'a=1\n\n9=x\n' >"$WEFT_OUTPUT"`:      `line 3 is neither JSON nor name=value: "9=x"`,
		`printf 'a<<END\nx\nEND \n' >"$WEFT_OUTPUT"`: `line 1 begins a text that no line "END" ends: "a<<END"`,
		`mkdir "$WEFT_OUTPUT"`:                       `it is a folder, not a file`,
		`mkfifo "$WEFT_OUTPUT"`:                      `it is a pipe, not a file`,
		`head -c 5000000 /dev/zero >"$WEFT_OUTPUT"`:  `it is no JSON, and too long for name=value lines (5000000 bytes)`,
		`printf 'a=gr\374n\n' >"$WEFT_OUTPUT"`:       `line 1 is not UTF-8: "a=gr\xfcn"`,
		`printf 'a<<E\n\374\nE\n' >"$WEFT_OUTPUT"`:   `the text that line 1 begins is not UTF-8`,
	} {
		_, err := Plugin{}.Run(t.Context(), newCall(t, with{"run": script}))
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the output ($WEFT_OUTPUT): ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant … %s", script, err, want)
		} else if plugins.KindOf(err) != plugins.Remote {
			t.Errorf("%s: kind %s", script, plugins.KindOf(err))
		}
	}
}

func TestHowAProcessEnds(t *testing.T) {
	for _, c := range []struct {
		script, text string
		exit         int
		skip, final  bool
	}{
		{"exit 1", "exited with status 1", 1, false, false},
		{"exit 99", "exited with status 99", 99, true, false},
		{"exit 100", "exited with status 100", 100, false, true},
		{"false; exit 0", "exited with status 1", 1, false, false},
		{"false | true; true", "exited with status 1", 1, false, false},
		{"no_such_command_42", "exited with status 127 (a shell says so of a command it cannot find)", 127, false, false},
		{"kill -TERM $$; :", "killed by signal 15 (SIGTERM)", 143, false, false},
		{"kill -KILL $$; :", "killed by signal 9 (SIGKILL) (not by weft; the machine may have run out of memory)", 137, false, false},
	} {
		_, err := Plugin{}.Run(t.Context(), newCall(t, with{"run": c.script, "shell": "bash"}))
		var e *plugins.Error
		if !errors.As(err, &e) || e.Error() != c.text || e.Exit == nil || *e.Exit != c.exit ||
			e.Skip != c.skip || e.Final != c.final || e.Kind != plugins.Temporary {
			t.Errorf("%s: %+v", c.script, err)
		}
	}
}

func TestTheEndOfTheContextStopsIt(t *testing.T) {
	for cause, kind := range map[error]plugins.Kind{
		context.Canceled:              plugins.Cancelled,
		context.DeadlineExceeded:      plugins.Timeout,
		errors.New("someone said so"): plugins.Cancelled,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		call := newCall(t, with{"run": []string{"sleep", "1000"}})
		call.Started = func(int) { cancel(cause) }
		_, err := Plugin{}.Run(ctx, call)
		if plugins.KindOf(err) != kind || !strings.HasPrefix(err.Error(), "stopped, killed by signal 15 (SIGTERM): ") {
			t.Errorf("%v: error %v (%s)", cause, err, plugins.KindOf(err))
		}
	}
}
