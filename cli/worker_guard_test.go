package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weft/proc"
)

// A guarded is a worker's folder with one attempt that lives, and the guard over it.
type guarded struct {
	t       *testing.T
	dir     string
	attempt *exec.Cmd
	worker  *exec.Cmd
	words   *io.PipeWriter
	done    chan error
	said    bytes.Buffer
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t, dir: filepath.Join(t.TempDir(), workersFolder, "1"), done: make(chan error, 1)}
	live := filepath.Join(g.dir, "tmp", "run", "1.live")
	if err := os.MkdirAll(filepath.Dir(live), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := proc.CreateLive(live, proc.Live{DAG: "d", Run: "run", Task: "t", Index: -1, Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	g.attempt = exec.Command("sh", "-c", "trap '' TERM; sleep 1000 & wait; sleep 1000")
	g.attempt.ExtraFiles = []*os.File{f}
	g.worker = exec.Command("sleep", "1000")
	for _, cmd := range []*exec.Cmd{g.attempt, g.worker} {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	}
	_ = f.Close() // the attempt has it
	in, out := io.Pipe()
	g.words = out
	e := &env{stdin: in, stderr: &g.said}
	go func() { g.done <- e.guard(g.dir, g.worker.Process.Pid) }()
	return g
}

func (g *guarded) say(word string) {
	g.t.Helper()
	if _, err := io.WriteString(g.words, word+"\n"); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guarded) wait() {
	g.t.Helper()
	select {
	case err := <-g.done:
		if err != nil {
			g.t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		g.t.Fatal("the guard does not end")
	}
}

// lives tells whether a process has not ended; a zombie has.
func lives(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestTheGuardEndsWhatAKilledWorkerLeft(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	g := newGuarded(t)
	g.say(guardIdle)
	g.say("60000")
	begun := time.Now()
	_ = g.words.Close() // the worker is gone
	g.wait()
	if lives(g.attempt.Process.Pid) {
		t.Error("the attempt still lives")
	}
	if took := time.Since(begun); took > guardGrace+3*time.Second {
		t.Errorf("it took %s", took)
	}
	if left, _ := os.ReadDir(filepath.Join(g.dir, "tmp")); len(left) != 0 {
		t.Errorf("%d folders are left", len(left))
	}
	if !strings.Contains(g.said.String(), "nothing of what it ran is left") {
		t.Errorf("it says %q", g.said.String())
	}
}

func TestTheGuardOfAWorkerThatEndedInOrderDoesNothing(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	g := newGuarded(t)
	g.say("10")
	g.say(guardEnd)
	g.wait()
	if !lives(g.attempt.Process.Pid) || !lives(g.worker.Process.Pid) {
		t.Error("it ended something")
	}
}

func TestTheGuardEndsAWorkerThatIsStoppedTooLong(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	g := newGuarded(t)
	if err := g.worker.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	g.say("50")
	for begun := time.Now(); lives(g.worker.Process.Pid); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the worker still lives")
		}
	}
	_ = g.words.Close() // as the kernel does
	g.wait()
	if lives(g.attempt.Process.Pid) {
		t.Error("its attempt still lives")
	}
}

func TestAnotherWorkerThatHasTheFolderClearsUpItself(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	g := newGuarded(t)
	home := filepath.Dir(filepath.Dir(g.dir))
	next, err := claimWorkerHome(home, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer next.close()
	if next.dir != g.dir || lives(g.attempt.Process.Pid) {
		t.Errorf("the next worker has %s, and the attempt of the last one lives: %t", next.dir, lives(g.attempt.Process.Pid))
	}
	third, err := claimWorkerHome(home, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer third.close()
	if third.dir == next.dir {
		t.Error("two workers have one folder")
	}
	_ = g.words.Close()
	g.wait()
	if g.said.Len() != 0 {
		t.Errorf("it says %q", g.said.String())
	}
}
