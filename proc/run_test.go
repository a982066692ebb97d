package proc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sh runs a script to its end in a fresh folder and returns how it ended and what it wrote.
func sh(t *testing.T, ctx context.Context, script string) (Exit, string) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e, err := Run(ctx, Spec{
		Argv: []string{"sh", "-c", script}, Dir: t.TempDir(), Env: os.Environ(),
		Stdout: log, Stderr: log, Grace: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	return e, string(b)
}

func TestAnExitIsToldInWords(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":             "exited with status 0",
		"exit 3":             "exited with status 3",
		"kill -KILL $$":      "killed by signal 9 (SIGKILL)",
		"kill -SEGV $$":      "killed by signal 11 (SIGSEGV)",
		"no_such_program_42": "exited with status 127",
	} {
		if e, _ := sh(t, t.Context(), script); e.String() != want || e.Stopped {
			t.Errorf("%s: %s (stopped: %v), want %s", script, e, e.Stopped, want)
		}
	}
}

func TestOutputGoesStraightToTheLog(t *testing.T) {
	if _, log := sh(t, t.Context(), "echo out; echo err >&2; cat"); log != "out\nerr\n" {
		t.Errorf("log is %q", log) // cat ends at once: stdin is empty
	}
}

func TestNoProcessStartsAfterTheContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	mark := filepath.Join(t.TempDir(), "mark")
	if _, err := Run(ctx, Spec{Argv: []string{"touch", mark}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("it ran")
	}
}

func TestStop(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		grace  time.Duration
		want   string
	}{
		"a polite one":          {"touch ready; sleep 1000; exit 1", time.Hour, "killed by signal 15 (SIGTERM)"},
		"one that cleans up":    {"trap 'exit 7' TERM; touch ready; sleep 1000 & wait", time.Hour, "exited with status 7"},
		"one that is deaf":      {"trap '' TERM; touch ready; sleep 1000", 50 * time.Millisecond, "killed by signal 9 (SIGKILL)"},
		"one that was stopped":  {"touch ready; kill -STOP $$; exit 1", time.Hour, "killed by signal 15 (SIGTERM)"},
		"one that has no grace": {"touch ready; trap '' TERM; sleep 1000", 0, "killed by signal 9 (SIGKILL)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				eventually(t, func() bool { _, err := os.Stat(dir + "/ready"); return err == nil })
				cancel()
			}()
			e, err := Run(ctx, Spec{Argv: []string{"sh", "-c", c.script}, Dir: dir, Env: os.Environ(), Grace: c.grace})
			if err != nil || e.String() != c.want && c.grace > 0 || !e.Stopped {
				t.Errorf("%s (stopped: %v, error: %v), want %s", e, e.Stopped, err, c.want)
			}
		})
	}
}

func TestWhatCannotStartIsSaidInTheUsersWords(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("plain.sh", "#!/bin/sh\n", 0o644)
	write("lost.sh", "#!/no/such/interpreter\n", 0o755)
	write("bare.bin", "\x00\x01", 0o755)
	for _, c := range []struct {
		argv []string
		dir  string
		want string
	}{
		{nil, dir, "cannot start process: its command is empty"},
		{[]string{"nope-42"}, dir, "cannot start nope-42: no such program (install it, or put its folder on PATH)"},
		{[]string{"./nope"}, dir, "cannot start ./nope: no such program (DIR/nope does not exist)"},
		{[]string{"./plain.sh"}, dir, "cannot start ./plain.sh: it is not executable (chmod +x ./plain.sh)"},
		{[]string{"./lost.sh"}, dir, "cannot start ./lost.sh: the interpreter it names does not exist (see its first line, #!…)"},
		{[]string{"./bare.bin"}, dir, "cannot start ./bare.bin: it is no program for this machine and has no #! line (run it by its interpreter)"},
		{[]string{"."}, dir, "cannot start .: no such program (install it, or put its folder on PATH)"},
		{[]string{"./"}, dir, "cannot start ./: it is a folder"},
		{[]string{"true"}, dir + "/gone", "cannot start true: working directory DIR/gone does not exist"},
		{[]string{"true"}, dir + "/plain.sh", "cannot start true: working directory DIR/plain.sh is no folder"},
		{[]string{"true", "a\x00b"}, dir, "cannot start true: an argument or environment variable holds a NUL byte"},
		{[]string{"true", strings.Repeat("x", 1<<20)}, dir, "cannot start true: its arguments and environment are too long (pass large values by file)"},
	} {
		_, err := Run(t.Context(), Spec{Argv: c.argv, Dir: c.dir})
		var se *StartError
		if !errors.As(err, &se) {
			t.Errorf("%q: error is %v", c.argv, err)
		} else if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != c.want {
			t.Errorf("%.40q:\n got %s\nwant %s", c.argv, got, c.want)
		}
	}
}

func TestAProgramIsSearchedInThePathOfItsOwnEnvironment(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/bin", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/bin/ours", []byte("#!/bin/sh\nexit 5\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir + "/bin", "bin", "/nowhere:./bin"} {
		e, err := Run(t.Context(), Spec{Argv: []string{"ours"}, Dir: dir, Env: []string{"PATH=/nowhere", "PATH=" + path}})
		if err != nil || e.Code != 5 {
			t.Errorf("PATH=%s: %s, error %v", path, e, err)
		}
	}
}

func TestTheGroupIsToldBeforeItEnds(t *testing.T) {
	var pid int
	e, err := Run(t.Context(), Spec{
		Argv: []string{"sleep", "1000"}, Env: os.Environ(),
		Started: func(p int) { pid = p; _ = syscall.Kill(-p, syscall.SIGINT) },
	})
	if err != nil || pid < 2 || e.Signal != syscall.SIGINT {
		t.Errorf("pid %d, %s, error %v", pid, e, err)
	}
}

// eventually waits for a condition, generously: a loaded machine is no bug.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Error("waited in vain")
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
