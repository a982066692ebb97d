package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/plugins"
	"weft/proc"
	"weft/runner"
)

func TestAnAttemptGivesThePluginItsPlacesAndTakesThemAway(t *testing.T) {
	var call plugins.Call
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		call = *c
		if info, err := os.Stat(c.TmpDir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
			t.Errorf("scratch folder: %v, %v", info, err)
		}
		if err := os.MkdirAll(filepath.Join(c.TmpDir, "a", "b"), 0o500); err != nil {
			t.Error(err)
		}
		if filepath.Dir(c.Output) != c.TmpDir {
			t.Errorf("the output file %s lies elsewhere", c.Output)
		}
		fmt.Fprintln(c.Log, "a process wrote this")
		c.Logf("the plugin wrote %s", "this")
		c.Started(1)
		b := json.RawMessage(` {"rows" : 12, "big": 12345678901234567890.10} `)
		return plugins.Result{Output: b}, nil
	})
	var live string
	b.CreateLive = func(path string, _ machine.Order, env []string) (*os.File, error) {
		live = path + " " + strings.Join(env, " ")
		return os.Create(path)
	}
	b.Shell = []string{"sh"}
	o := order(with(`{"rows": "${{ 3 * 4 }}", "text": "day ${{ run.ds }}"}`))
	o.Run.DS = "2026-03-01"
	out := b.attempt(o)

	shows(t, out, machine.Success, "", "")
	if got := string(out.Output); got != `{"rows":12,"big":12345678901234567890.10}` {
		t.Errorf("output %s", got)
	}
	if got := string(call.Input); got != `{"rows":12,"text":"day 2026-03-01"}` {
		t.Errorf("input %s", got)
	}
	if b.sealed != 1 {
		t.Errorf("sealed %d times", b.sealed)
	}
	if call.Dir != filepath.Join(b.Home, "dags") || call.Grace != time.Second || call.Shell[0] != "sh" || !call.Now().Equal(noon) {
		t.Errorf("call %+v", call)
	}
	want := "a process wrote this\nthe plugin wrote this\n"
	if got := b.log(); got != want {
		t.Errorf("log:\n%swant:\n%s", got, want)
	}
	for _, part := range []string{"/1.live ", "WEFT_RUN_ID=manual__2026-03-01T12:00:00+00:00", "WEFT_ATTEMPT=1", "WEFT_TMPDIR=" + call.TmpDir, "WEFT_IDEMPOTENCY_KEY="} {
		if !strings.Contains(live, part) {
			t.Errorf("live file %q lacks %q", live, part)
		}
	}
	if call.Live == nil || strings.Contains(call.TmpDir, ":") {
		t.Errorf("live %v, scratch %s", call.Live, call.TmpDir)
	}
}

func TestAPluginThatWorksApartCostsNoFiles(t *testing.T) {
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		if c.TmpDir != "" || c.Output != "" || c.Log != nil || c.Live != nil {
			t.Errorf("call %+v", c)
		}
		return plugins.Result{}, nil
	})
	o := order(machine.Task{Uses: "light"})
	shows(t, b.attempt(o), machine.Success, "", "")
	if _, err := os.Stat(filepath.Join(b.Home, "tmp")); err == nil || b.log() != "" || b.sealed != 0 {
		t.Errorf("something was made: log %q, sealed %d", b.log(), b.sealed)
	}
	b.light.run = fails(plugins.Errorf(plugins.Temporary, "cannot reach it"))
	shows(t, b.attempt(o), machine.Failed, "temporary", "cannot reach it")
	want := "[weft] 2026-03-01T12:00:00+00:00 attempt 1 failed: cannot reach it\n"
	if b.log() != want || b.sealed != 1 {
		t.Errorf("log %q, sealed %d", b.log(), b.sealed)
	}
}

func TestHowAFailureBecomesAnOutcome(t *testing.T) {
	three, hundred := 3, 100
	for _, c := range []struct {
		what, uses  string
		err         error
		state       machine.State
		kind, text  string
		final, exit bool
	}{
		{what: "a kind", err: plugins.Errorf(plugins.Remote, "the job failed"), state: machine.Failed, kind: "remote", text: "the job failed"},
		{what: "wrapped", err: fmt.Errorf("cannot copy: %w", plugins.Errorf(plugins.Temporary, "throttled")), state: machine.Failed, kind: "temporary", text: "cannot copy: throttled"},
		{what: "a hint", err: &plugins.Error{Kind: plugins.BadInput, Err: errors.New("no such file"), Hint: "look again"}, state: machine.Failed, kind: "bad_input", text: "no such file (look again)"},
		{what: "nobody said", err: errors.New("oops"), state: machine.Failed, kind: "internal", text: "oops"},
		{what: "a kind nobody knows", err: plugins.Errorf("weird", "oops"), state: machine.Failed, kind: "internal", text: "oops"},
		{what: "exit 3", err: &plugins.Error{Kind: plugins.Remote, Err: errors.New("exited with status 3"), Exit: &three}, state: machine.Failed, kind: "remote", text: "exited with status 3", exit: true},
		{what: "exit 99", err: &plugins.Error{Kind: plugins.Remote, Err: errors.New("exited with status 99"), Skip: true}, state: machine.Skipped, text: "exited with status 99"},
		{what: "exit 100", err: &plugins.Error{Kind: plugins.Remote, Err: errors.New("exited with status 100"), Final: true, Exit: &hundred}, state: machine.Failed, kind: "remote", text: "exited with status 100", final: true, exit: true},
		{what: "several lines, not UTF-8", err: errors.New("a\r\nb\n\xff"), state: machine.Failed, kind: "internal", text: "a b \uFFFD"},
		{what: "an unknown plugin", uses: "gone", state: machine.Failed, kind: "bad_input", text: "cannot use gone: this weft has no such plugin"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBench(t, fails(c.err))
			out := b.attempt(order(machine.Task{Uses: c.uses}))
			shows(t, out, c.state, c.kind, c.text)
			if out.Final != c.final || (out.Exit != nil) != c.exit || out.Output != nil || out.Ref != nil {
				t.Errorf("outcome %+v", out)
			}
			if !strings.Contains(b.log(), "attempt 1 "+c.state.String()+": "+c.text) {
				t.Errorf("log %q", b.log())
			}
		})
	}
}

func TestALongErrorIsWholeInTheLogAlone(t *testing.T) {
	long := strings.Repeat("é", 2000)
	b := newBench(t, fails(errors.New(long)))
	out := b.attempt(order(machine.Task{}))
	if len(out.Error) > 1100 || !strings.HasSuffix(out.Error, "é… (3000 bytes more in the log)") {
		t.Errorf("error %q", out.Error)
	}
	if !strings.Contains(b.log(), long) {
		t.Error("the log lacks a part of the error")
	}
}

func TestAPanicIsOneLine(t *testing.T) {
	b := newBench(t, func(context.Context, *plugins.Call) (plugins.Result, error) { panic("index out of range\n[3]") })
	shows(t, b.attempt(order(machine.Task{})), machine.Failed, "internal", "cannot go on: fake panicked: index out of range [3]")
	if strings.Contains(b.log(), "goroutine") || strings.Count(b.log(), "\n") != 1 {
		t.Errorf("log %q", b.log())
	}
	b.fake.run = gives("1")
	shows(t, b.attempt(order(machine.Task{})), machine.Success, "", "")
}

// blocks waits for the end of its context and then says what the row wants.
func blocks(then error) func(context.Context, *plugins.Call) (plugins.Result, error) {
	return func(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
		<-ctx.Done()
		return plugins.Result{Output: json.RawMessage("1")}, then
	}
}

func TestTimeout(t *testing.T) {
	for _, then := range []error{nil, errors.New("killed"), &plugins.Error{Err: errors.New("exit 99"), Skip: true}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, blocks(then))
			b.Clock = clock.Real
			out := b.attempt(order(machine.Task{Timeout: machine.Duration(90 * time.Second)}))
			shows(t, out, machine.Failed, "timeout", "timed out after 1m30s")
			if time.Duration(out.Elapsed) != 90*time.Second {
				t.Errorf("elapsed %v", time.Duration(out.Elapsed))
			}
		})
	}
}

func TestAStopSaysWhy(t *testing.T) {
	for _, c := range []struct {
		cause      error
		kind, text string
	}{
		{&runner.StopError{Reason: "cancelled"}, "cancelled", "stopped: cancelled"},
		{&runner.StopError{Reason: "timeout"}, "timeout", "stopped: timed out"},
		{nil, "cancelled", "stopped: cancelled"},
		{context.DeadlineExceeded, "timeout", "timed out"},
	} {
		for _, when := range []string{"before it began", "while it ran"} {
			ctx, cancel := context.WithCancelCause(t.Context())
			b := newBench(t, func(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
				cancel(c.cause)
				return blocks(nil)(ctx, call)
			})
			o := order(machine.Task{Timeout: machine.Duration(time.Hour)})
			if when == "before it began" {
				cancel(c.cause)
			}
			out := b.outcome(ctx, o)
			b.nothingLeft()
			shows(t, out, machine.Failed, c.kind, c.text)
			cancel(nil)
		}
	}
}

func TestWhatACrashLeftIsNotTheNewAttempts(t *testing.T) {
	var dir string
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		dir = c.TmpDir
		left, err := os.ReadDir(c.TmpDir)
		if err != nil || len(left) > 0 {
			t.Errorf("the scratch folder holds %v, %v", left, err)
		}
		if err := os.WriteFile(c.Output, []byte("x"), 0o600); err != nil {
			t.Error(err)
		}
		panic("the end of weft")
	})
	o := order(machine.Task{})
	b.attempt(o)
	if err := os.MkdirAll(filepath.Join(dir, "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+".live", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err := runner.LiveFiles(b.Home, o.Run.Run); err != nil || len(files) != 1 || files[0] != dir+".live" {
		t.Errorf("live files %q, %v", files, err)
	}
	was := dir
	b.attempt(o)
	if dir != was {
		t.Errorf("the attempt after the crash was in %s, not in %s", dir, was)
	}
}

// The next attempt of a run has the folder of one that has ended, empty and as it was made, whatever
// that one has done to it.
func TestAScratchServesOneAttemptAfterTheOther(t *testing.T) {
	var seen []string
	for _, c := range []struct {
		what string
		does func(dir string) error
	}{
		{"nothing", func(string) error { return nil }},
		{"a file", func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) }},
		{"another mode", func(dir string) error { return os.Chmod(dir, 0o500) }},
		{"a folder nobody may read", func(dir string) error { return os.Mkdir(filepath.Join(dir, "x"), 0) }},
		{"removed", os.Remove},
		{"a file in its place", func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)) }},
		{"a link in its place", func(dir string) error { return errors.Join(os.Remove(dir), os.Symlink(t.TempDir(), dir)) }},
	} {
		t.Run(c.what, func(t *testing.T) {
			does := c.does
			b := newBench(t, func(_ context.Context, call *plugins.Call) (plugins.Result, error) {
				info, err := os.Lstat(call.TmpDir)
				if err != nil || info.Mode() != fs.ModeDir|0o700 {
					t.Errorf("scratch folder: %v, %v", info, err)
				}
				if left, err := os.ReadDir(call.TmpDir); err != nil || len(left) > 0 {
					t.Errorf("the scratch folder holds %v, %v", left, err)
				}
				seen = append(seen, call.TmpDir)
				return plugins.Result{}, does(call.TmpDir)
			})
			b.CreateLive = func(path string, _ machine.Order, _ []string) (*os.File, error) {
				return proc.CreateLive(path, proc.Live{Run: "r"})
			}
			o := order(machine.Task{})
			for n := range 3 {
				o.Key.Attempt = n + 1
				shows(t, b.outcome(t.Context(), o), machine.Success, "", "")
				b.emptied(o.Run.Run)
			}
			if n := len(seen); seen[n-1] != seen[n-2] || seen[n-1] != seen[n-3] {
				t.Errorf("the attempts were in %v", seen[n-3:])
			}
			b.nothingLeft()
		})
	}
}

// Who still holds the live file of an attempt that has ended shares nothing with the next.
func TestALiveFileThatIsHeldIsMadeAnew(t *testing.T) {
	var held *os.File
	var live []os.FileInfo
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		info, err := c.Live.Stat()
		live = append(live, info)
		if held == nil { // as a process does that escapes
			fd, err := syscall.Dup(int(c.Live.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			held = os.NewFile(uintptr(fd), "held")
		}
		return plugins.Result{}, err
	})
	b.CreateLive = func(path string, _ machine.Order, _ []string) (*os.File, error) {
		return proc.CreateLive(path, proc.Live{Run: "r"})
	}
	shows(t, b.outcome(t.Context(), order(machine.Task{})), machine.Success, "", "")
	shows(t, b.outcome(t.Context(), order(machine.Task{})), machine.Success, "", "")
	if os.SameFile(live[0], live[1]) {
		t.Error("two attempts share a live file that a process holds")
	}
	_ = held.Close()
	b.nothingLeft()
}

func TestSweepTakesARunsFoldersAway(t *testing.T) {
	b := newBench(t, nil)
	for _, run := range []string{"r:1", "r2"} {
		if err := os.MkdirAll(filepath.Join(b.Home, "tmp", strings.ReplaceAll(run, ":", "%3A"), "1"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := runner.Sweep(b.Home, "r:1"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(b.Home, "tmp")); err != nil || len(left) != 1 || left[0].Name() != "r2" {
		t.Errorf("left %v, %v", left, err)
	}
}

// A run that is opened again begins attempts just when what its others had is taken away.
func TestManyAttemptsAtOnceShareARunsFolder(t *testing.T) {
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		return plugins.Result{}, os.WriteFile(c.Output, nil, 0o600)
	})
	b.SealLog = nil
	run := order(machine.Task{}).Run.Run
	over := make(chan struct{})
	var leaving, wg sync.WaitGroup
	leaving.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				if err := b.Leave(run); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				o := order(with(`{"n": "${{ index }}"}`))
				o.Key.Index, o.Key.Attempt = i, n+1
				if out := b.outcome(t.Context(), o); out.State != machine.Success {
					t.Error(out.Error)
				}
			}
		})
	}
	wg.Wait()
	close(over)
	leaving.Wait()
	b.nothingLeft()
}

func TestAHomeThatCannotBeWrittenIsATemporaryFailure(t *testing.T) {
	b := newBench(t, gives("1"))
	if err := os.WriteFile(filepath.Join(b.Home, "tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := b.outcome(t.Context(), order(machine.Task{}))
	if out.Kind != "temporary" || !strings.HasPrefix(out.Error, "cannot make a scratch folder: ") || !strings.HasSuffix(out.Error, ": not a directory") {
		t.Errorf("outcome %+v", out)
	}
}

// The outcome is told as soon as it is known; who takes the run's places away waits until each attempt
// has tidied up.
func TestNobodyWaitsForAnAttemptToTidyUpButLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, gives("1"))
		sealing := make(chan struct{})
		b.SealLog = func(machine.Order) error { <-sealing; return nil }
		o := order(machine.Task{})
		var told, left atomic.Bool
		go b.Attempt(t.Context(), o, func(machine.Outcome) { told.Store(true) })
		synctest.Wait()
		go func() { _ = b.Leave(o.Run.Run); left.Store(true) }()
		synctest.Wait()
		if !told.Load() || left.Load() {
			t.Errorf("while its log is sealed: told %v, left %v", told.Load(), left.Load())
		}
		close(sealing)
		synctest.Wait()
		if !left.Load() {
			t.Error("Leave still waits")
		}
		b.nothingLeft()
	})
}
