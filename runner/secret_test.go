package runner_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/secrets"
)

// A vault is the secrets of a test; it notes what it is asked for.
type vault struct {
	values map[string]string
	asked  []string
	err    error
}

func (v *vault) Resolve(_ context.Context, names []string) (map[string]string, error) {
	v.asked = append(v.asked, names...)
	if v.err != nil {
		return nil, v.err
	}
	got := map[string]string{}
	for _, name := range names {
		got[name] = v.values[name]
	}
	return got, nil
}

const hunter = `hunter"2's`

// secretBench is a bench with a vault.
func secretBench(t *testing.T, run func(context.Context, *plugins.Call) (plugins.Result, error)) (*bench, *vault) {
	t.Helper()
	b, v := newBench(t, run), &vault{values: map[string]string{"A": hunter, "B": "battery staple", "C": "correct horse", "PIN": "123"}}
	b.Secrets = v
	return b, v
}

// readsA is a task that reads the secret A.
func readsA() machine.Task { return with(`{"x": "${{ secrets.A }}"}`) }

func TestOnlyWhatTheTaskReadsIsLookedUp(t *testing.T) {
	var call plugins.Call
	b, v := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		call = *c
		return plugins.Result{}, nil
	})
	task := with(`{"list": [{"x": "a ${{ secrets.A }}"}], "note": "secrets.X is text"}`)
	task.Env = []machine.Var{{Name: "B", Value: `${{ secrets["B"] }}`}}
	task.ScriptEnv = []machine.Var{{Name: "WEFT_X1", Value: "${{ upper(secrets?.C) }}"}}
	o := order(task)
	o.Plan.Env = []machine.Var{{Name: "ALL", Value: "${{ secrets.PIN }}"}}
	shows(t, b.attempt(o), machine.Success, "", "")
	if got := strings.Join(v.asked, " "); got != "A B C PIN" {
		t.Errorf("asked for %s", got)
	}
	for _, want := range []string{"B=battery staple", "WEFT_X1=CORRECT HORSE", "ALL=123"} {
		if !slices.Contains(call.Env, want) {
			t.Errorf("no %s in the environment %q", want, call.Env)
		}
	}
	if want := `{"list":[{"x":"a hunter\"2's"}],"note":"secrets.X is text"}`; string(call.Input) != want {
		t.Errorf("input %s, want %s", call.Input, want)
	}
	if call.Log != nil || call.Tap == nil {
		t.Error("its processes would write to the log themselves")
	}
	v.asked = nil
	shows(t, b.attempt(order(with(`{"x": "no secrets here"}`))), machine.Success, "", "")
	if v.asked != nil || call.Log == nil || call.Tap != nil {
		t.Errorf("a task without secrets: asked for %s, log %v", v.asked, call.Log)
	}
}

func TestASensorMayCompareWithASecret(t *testing.T) {
	b, v := secretBench(t, gives(`"battery staple"`))
	task := machine.Task{Sensor: &machine.Sensor{Until: &machine.Expr{Src: "output == secrets.C"}, FailWhen: &machine.Expr{Src: "output == secrets.B"}}}
	res := b.Poke(t.Context(), order(task), 1, noon)
	b.nothingLeft()
	shows(t, res.Outcome, machine.Failed, "remote", "fail_when holds: output == secrets.B")
	if got := strings.Join(v.asked, " "); got != "B C" {
		t.Errorf("asked for %s", got)
	}
}

func TestASecretThatIsNotThere(t *testing.T) {
	for _, c := range []struct {
		err        error
		kind, text string
	}{
		{&secrets.Error{Name: "A", Err: errors.New("nobody knows it"), Hint: "looked everywhere"}, "bad_input", "cannot resolve secret A: nobody knows it (looked everywhere)"},
		{&secrets.Error{Name: "A", Err: errors.New("slow down"), Temporary: true}, "temporary", "cannot resolve secret A: slow down"},
	} {
		b, v := secretBench(t, gives("1"))
		v.err = c.err
		shows(t, b.attempt(order(readsA())), machine.Failed, c.kind, c.text)
	}
	b := newBench(t, gives("1"))
	shows(t, b.attempt(order(readsA())), machine.Failed, "bad_input", "cannot resolve secret A: there are no secrets here")
}

// TestNothingThatAnAttemptSaysShowsASecret: log lines of the plugin and of weft, errors, panics.
func TestNothingThatAnAttemptSaysShowsASecret(t *testing.T) {
	for what, run := range map[string]func(context.Context, *plugins.Call) (plugins.Result, error){
		"an error":        fails(fmt.Errorf("cannot log in with %s", hunter)),
		"a quoted one":    fails(fmt.Errorf("cannot log in with %q", hunter)),
		"a hint":          fails(&plugins.Error{Kind: plugins.Remote, Err: errors.New("no"), Hint: "is it " + hunter + "?"}),
		"a cut one":       fails(fmt.Errorf("cannot use %.9s…", hunter)),
		"several lines":   fails(errors.New("a\n" + hunter + "\nb")),
		"a panic":         func(context.Context, *plugins.Call) (plugins.Result, error) { panic("at " + hunter) },
		"an output":       givesText(`"` + strings.ReplaceAll(hunter, `"`, `\"`) + `"`),
		"an output in 64": gives(`{"a": "` + base64.StdEncoding.EncodeToString([]byte("eve:"+hunter)) + `"}`),
		"a log line": func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
			c.Logf("it is %s", hunter)
			return plugins.Result{}, errors.New("and no more")
		},
	} {
		for _, uses := range []string{"fake", "light"} {
			b, _ := secretBench(t, run)
			task := readsA()
			task.Uses = uses
			out := b.attempt(order(task))
			said := out.Error + "\n" + b.log()
			if out.State != machine.Failed || out.Output != nil || strings.Contains(said, "hunter") || strings.Contains(said, "aHVudGVy") || strings.Contains(said, "h1bnRlc") {
				t.Errorf("%s of %s: %+v\n%s", what, uses, out, said)
			}
		}
	}
}

func TestErrorsOfExpressionsQuoteNoSecret(t *testing.T) {
	for _, input := range []string{`${{ secrets.B + 3 }}`, `${{ fromJSON(secrets.B) }}`, `${{ duration(secrets.B) }}`, `${{ date(secrets.B) }}`, `${{ int(secrets.B) }}`, `${{ secrets.B < 3 }}`} {
		b, _ := secretBench(t, gives("1"))
		raw, _ := expr.EncodeJSON(map[string]any{"x": input})
		out := b.attempt(order(machine.Task{With: raw}))
		if said := out.Error + b.log(); strings.Contains(said, "battery") || strings.Contains(said, "hunter") || out.State != machine.Failed {
			t.Errorf("%s: %s\n%s", input, out.State, said)
		}
	}
}

// TestAnOutputThatHoldsASecretIsKeptNowhere: inline, spilled from memory, spilled from a file. One
// of a short secret may go on: nobody could tell it from chance.
func TestAnOutputThatHoldsASecretIsKeptNowhere(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	for what, c := range map[string]struct {
		text string
		kept bool
	}{
		"inline": {"battery staple", false}, "large": {large + "battery staple" + large, false},
		"in a URL": {"https://x/?p=battery+staple", false}, "short": {"123", true}, "none": {large, true},
	} {
		for _, byFile := range []bool{false, true} {
			b, _ := secretBench(t, func(_ context.Context, call *plugins.Call) (plugins.Result, error) {
				raw := []byte(`"` + c.text + `"`)
				if !byFile {
					return plugins.Result{Output: raw}, nil
				}
				return plugins.Result{OutputFile: call.Output}, os.WriteFile(call.Output, raw, 0o600)
			})
			out := b.attempt(order(with(`{"x": "${{ secrets.B }} ${{ secrets.PIN }}"}`)))
			if c.kept {
				shows(t, out, machine.Success, "", "")
				continue
			}
			shows(t, out, machine.Failed, "remote", "cannot keep the output: it holds secret B (a task that needs it reads secrets.B itself)")
			if _, err := os.Stat(filepath.Join(b.Home, "handoff")); out.Output != nil || out.Ref != nil || err == nil {
				t.Errorf("%s, by file %v: something was kept", what, byFile)
			}
		}
	}
}

func TestNoArgumentHoldsASecret(t *testing.T) {
	b, _ := secretBench(t, gives("null"))
	task := machine.Task{Uses: "shell", With: machine.Raw(`{"run": ["curl", "battery staple", "-u${{ env.TOKEN }}"]}`)}
	task.Env = []machine.Var{{Name: "TOKEN", Value: "${{ secrets.B }}"}}
	out := b.attempt(order(task))
	if out.Kind != "bad_input" || !strings.Contains(out.Error, "cannot pass run.2 to a process: it holds secret B, and everyone") {
		t.Errorf("%+v", out)
	}
}

// process runs a script with its stdout and stderr in streams of a call.
func process(c *plugins.Call, script string, keep int) (said []byte, whole bool, err error) {
	out, err := c.Stream(keep)
	if err != nil {
		return nil, false, err
	}
	defer out.End()
	errs, err := c.Stream(0)
	if err != nil {
		return nil, false, err
	}
	defer errs.End()
	cmd := exec.Command("sh", "-c", script)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.Env, out.File, errs.File
	if err := cmd.Run(); err != nil {
		return nil, false, err
	}
	said, whole = out.End()
	return slices.Clone(said), whole, nil
}

func TestAProcessIsMaskedOnItsWayToTheLog(t *testing.T) {
	var said []byte
	b, _ := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		if _, _, err := process(c, `echo "err $A" >&2`, 0); err != nil {
			return plugins.Result{}, err
		}
		var whole bool
		var err error
		said, whole, err = process(c, `echo "one $A"; printf 'hunter"'; printf "2's\n"; echo "$A" | base64; printf 'half: hunt'`, 1000)
		if !whole {
			t.Error("there was more?")
		}
		c.Logf("weft says %s", hunter)
		return plugins.Result{}, err
	})
	b.Environ = []string{"PATH=" + os.Getenv("PATH")}
	task := readsA()
	task.Env = []machine.Var{{Name: "A", Value: "${{ secrets.A }}"}}
	shows(t, b.attempt(order(task)), machine.Success, "", "")
	if want := "one " + hunter + "\n" + hunter + "\naHVudGVyIjIncwo=\nhalf: hunt"; string(said) != want {
		t.Errorf("the plugin saw %q, want %q", said, want)
	}
	log := b.log()
	for _, want := range []string{"one ***\n***\n***", "err ***\n", "half: hunt", "weft says ***\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the log %q", want, log)
		}
	}
	if name, _ := secrets.NewMask(map[string]string{"A": hunter}).Find(strings.NewReader(log)); name != "" {
		t.Errorf("the log shows it: %q", log)
	}
}

// TestTwoProcessesTogetherShowNoSecret: one says the first half, another the rest.
func TestTwoProcessesTogetherShowNoSecret(t *testing.T) {
	b, _ := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		for _, script := range []string{`printf 'hunter"'`, `printf "2's"`} {
			if _, _, err := process(c, script, 0); err != nil {
				return plugins.Result{}, err
			}
		}
		return plugins.Result{}, nil
	})
	shows(t, b.attempt(order(readsA())), machine.Success, "", "")
	if log := b.log(); log != "***" {
		t.Errorf("the log is %q", log)
	}
}

// TestWhatExpressionsMakeOfASecretIsSecret: a part of one, or another spelling, by way of env too.
func TestWhatExpressionsMakeOfASecretIsSecret(t *testing.T) {
	b, v := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		_, _, err := process(c, `echo "$PART, $AGAIN, $MODE, $X, $WEFT_RUN_ID"`, 0)
		return plugins.Result{}, err
	})
	b.Environ = []string{"PATH=" + os.Getenv("PATH")}
	v.values["PAIR"] = "alice:opensesame"
	task := with(`{"list": ["${{ split(secrets.PAIR, ':')[1] }}"], "json": "${{ {'run': run.id, 'with': secrets.PAIR} }}"}`)
	task.Env = []machine.Var{
		{Name: "PART", Value: "${{ split(secrets.PAIR, ':')[1] }}"},
		{Name: "MODE", Value: `${{ secrets.PAIR == "x" ? "none at all" : "production" }}`},
		{Name: "AGAIN", Value: "${{ upper(env.PART) }}", Level: 1},
		{Name: "BODY", Value: `${{ toJSON([run.id, secrets.PAIR]) }}`},
	}
	task.ScriptEnv = []machine.Var{{Name: "X", Value: "${{ env.PART + env.MODE }}"}}
	o := order(task)
	shows(t, b.attempt(o), machine.Success, "", "")
	if log := b.log(); log != "***, ***, production, ***, "+o.Run.Run+"\n" {
		t.Errorf("the log is %q", log)
	}
}

// TestWeftsLineStandsAlone, also behind what may have become a secret and did not.
func TestWeftsLineStandsAlone(t *testing.T) {
	b, _ := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		_, _, err := process(c, `printf 'hunter"'`, 0)
		c.Logf("that was all")
		return plugins.Result{}, err
	})
	shows(t, b.attempt(order(readsA())), machine.Success, "", "")
	if log := b.log(); log != "hunter\"\nthat was all\n" {
		t.Errorf("the log is %q", log)
	}
}

// TestAFloodStaysInMemory: what passes through a pipe is nowhere held.
func TestAFloodStaysInMemory(t *testing.T) {
	const size = 32 << 20
	var most uint64
	b, _ := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		out, err := c.Stream(1 << 20)
		if err != nil {
			return plugins.Result{}, err
		}
		block := []byte(strings.Repeat("a line of the flood, harmless as it is\n", 1000) + hunter + "\n")
		for n := 0; n < size; n += len(block) {
			if _, err := out.File.Write(block); err != nil {
				return plugins.Result{}, err
			}
			if n%(2<<20) < len(block) {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		tail, whole := out.End()
		if len(tail) != 1<<20 || whole || !strings.HasSuffix(string(tail), hunter+"\n") {
			t.Errorf("the tail has %d bytes, whole %v", len(tail), whole)
		}
		return plugins.Result{}, nil
	})
	b.OpenLog = func(machine.Order) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	shows(t, b.attempt(order(readsA())), machine.Success, "", "")
	t.Logf("%.0f MB/s, %d MB at most", float64(size)/1e6/time.Since(start).Seconds(), most>>20)
	if grown := int64(most) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}

// TestWhatKeepsAPipeOpenHoldsNobodyUp: a process that could not be ended still has the pipe; the
// attempt ends all the same, and neither a goroutine nor a file stays open.
func TestWhatKeepsAPipeOpenHoldsNobodyUp(t *testing.T) {
	defer runner.SetDrainTime(50 * time.Millisecond)()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	r, w, err := os.Pipe() // its end tells the process to go
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "echo started; read gone")
	cmd.Stdin = r
	b, _ := secretBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		out, err := c.Stream(0)
		if err != nil {
			return plugins.Result{}, err
		}
		cmd.Stdout = out.File
		if err := cmd.Start(); err != nil {
			return plugins.Result{}, err
		}
		return plugins.Result{}, nil // without End: the attempt sees to it
	})
	shows(t, b.attempt(order(readsA())), machine.Success, "", "")
	w.Close()
	_ = cmd.Wait()
	r.Close()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(end); {
		runtime.Gosched()
	}
	if g, f := runtime.NumGoroutine(), openFiles(t); g > goroutines || f > files {
		t.Errorf("%d goroutines and %d files before, %d and %d after", goroutines, files, g, f)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc here")
	}
	return len(list)
}

// TestHostAsksNobody: which host a poke goes to is asked often, and is no reason to look secrets up.
func TestHostAsksNobody(t *testing.T) {
	b, v := secretBench(t, gives("1"))
	b.Plugins = plugins.NewRegistry(&hosted{fake{name: "hosted"}})
	o := order(machine.Task{Uses: "hosted", With: machine.Raw(`{"token":"${{ secrets.A }}"}`)})
	if got := b.Host(o); got != `{"token":"A"}` || v.asked != nil {
		t.Errorf("host %q, asked for %s", got, v.asked)
	}
}

func TestAnArtifactThatHoldsASecretIsNotKept(t *testing.T) {
	for what, files := range map[string][]string{
		"a file":                  {"model=weights " + hunter},
		"base64, deep in a tree":  {"model/a=fine", "model/b/c=" + base64.StdEncoding.EncodeToString([]byte("xy"+hunter+"z"))},
		"the name of a file":      {"model/" + hunter + "=fine"},
		"the target of a link":    nil,
		"nothing of it, and kept": {"model/a=fine", "model/b=hunter and not more"},
	} {
		t.Run(what, func(t *testing.T) {
			write := makes(files...)
			if files == nil {
				write = func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
					dir := filepath.Join(c.TmpDir, "model")
					return plugins.Result{}, errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "a"), nil, 0o600), os.Symlink("a", filepath.Join(dir, hunter)))
				}
			}
			b, _ := secretBench(t, write)
			task := readsA()
			task.Artifacts = []machine.Var{file("model", "model")}
			out := b.attempt(order(task))
			if strings.HasPrefix(what, "nothing") {
				if out.State != machine.Success || len(out.Artifacts) != 1 {
					t.Errorf("%+v", out)
				}
				return
			}
			const want = "cannot keep artifact model: it holds secret A (a task that needs it reads secrets.A itself)"
			if out.State != machine.Failed || out.Kind != "remote" || out.Error != want {
				t.Errorf("%s %s: %s", out.State, out.Kind, out.Error)
			}
			_ = filepath.WalkDir(filepath.Join(b.Home, "handoff"), func(path string, d os.DirEntry, err error) error {
				body, _ := os.ReadFile(path)
				if strings.Contains(path, hunter) || strings.Contains(string(body), hunter) {
					t.Errorf("%s is there: %s", path, body)
				}
				return nil
			})
		})
	}
}
