package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weft/tests/temporalserver"
)

// A staff is a world whose runs are on a Temporal server, and the workers there.
type staff struct {
	*world
	server    *temporalserver.Server
	namespace string
}

func newStaff(t *testing.T, s *temporalserver.Server) *staff {
	t.Helper()
	w := newWorld(t)
	st := &staff{world: w, server: s, namespace: s.Namespace()}
	w.env = append(s.Env(st.namespace), "WEFT_ENGINE=temporal", "WEFT_GRACE=1s")
	return st
}

// A hand is one real worker.
type hand struct {
	cmd  *exec.Cmd
	said *record
	done chan struct{}
}

// hire starts a worker, and waits until it works. env comes on top.
func (st *staff) hire(env []string, args ...string) *hand {
	st.t.Helper()
	h := &hand{cmd: st.command(append([]string{"worker"}, args...)...), said: &record{}, done: make(chan struct{})}
	h.cmd.Env = append(h.cmd.Env, env...)
	h.cmd.Stderr = h.said
	h.cmd.WaitDelay = time.Second // its guard has its stderr too
	if err := h.cmd.Start(); err != nil {
		st.t.Fatal(err)
	}
	go func() {
		_ = h.cmd.Wait()
		close(h.done)
	}()
	st.t.Cleanup(func() {
		_ = h.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-h.done:
		case <-time.After(10 * time.Second):
			_ = h.cmd.Process.Kill()
			<-h.done
		}
		if st.t.Failed() {
			st.t.Logf("worker %d:\n%s", h.cmd.Process.Pid, h.said)
		}
	})
	eventually(st.t, "a worker works", func() bool { return strings.Contains(h.said.String(), "weft works") })
	return h
}

// begin starts a run and returns what waits for its summary.
func (st *staff) begin(file string) (end func() (summary, result)) {
	st.t.Helper()
	done := make(chan struct{})
	var sum summary
	var res result
	go func() {
		defer close(done)
		sum, res = st.runJSON(file)
	}()
	return func() (summary, result) { <-done; return sum, res }
}

// slow is a DAG whose task says when it begins and when it ends, and what then follows. It takes long the first time.
const slow = `
id: slow
tasks:
  load:
    run: |
      echo "begin $$ $PPID" >> "$LEDGER"
      echo "process $$ begins"
      n=%d
      if [ "$(grep -c begin "$LEDGER")" -gt 1 ]; then n=1; fi
      for i in $(seq 1 $n); do sleep 0.1; done
      echo "end $$" >> "$LEDGER"
  after:
    needs: [load]
    run: echo "after" >> "$LEDGER"
`

// begun waits until the n-th attempt has begun, and returns its process and its worker.
func (st *staff) begun(n int) (pid, worker int) {
	st.t.Helper()
	eventually(st.t, fmt.Sprintf("attempt %d begins", n), func() bool { return len(st.begins()) >= n })
	f := strings.Fields(st.begins()[n-1])
	pid, _ = strconv.Atoi(f[1])
	worker, _ = strconv.Atoi(f[2])
	return pid, worker
}

func (st *staff) begins() (lines []string) {
	for _, line := range st.effects() {
		if strings.HasPrefix(line, "begin ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// ended holds the run to what it must have come to: two attempts began, one ended, under one number.
func (st *staff) ended(end func() (summary, result)) {
	st.t.Helper()
	sum, res := end()
	if got := sum.states("load", "after"); sum.State != "success" || got != "load=success after=success" {
		st.t.Fatalf("%s, %s\n%s%s", sum.State, got, res.out, res.stderr)
	}
	if n := sum.Tasks["load"].Attempts; n != 1 {
		st.t.Errorf("load has %d attempts; what was cut off runs again under its number", n)
	}
	all := strings.Join(st.effects(), "\n")
	if strings.Count(all, "begin ") != 2 || strings.Count(all, "end ") != 1 || strings.Count(all, "after") != 1 {
		st.t.Errorf("effects:\n%s", all)
	}
	logs := st.world.run("logs", sum.Run, "load")
	if strings.Count(logs.out, "begins") != 2 {
		st.t.Errorf("the log has not both:\n%s%s", logs.out, logs.stderr)
	}
}

func aliveProcess(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, rest, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

// A worker that goes, however it goes: its attempt ends before it runs again elsewhere, under its number, and what was
// said is read from anywhere.
func TestWorkersComeAndGo(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	t.Parallel()
	s := temporalserver.Start(t)
	t.Run("one is killed", func(t *testing.T) {
		t.Parallel()
		st := newStaff(t, s)
		st.hire(nil)
		st.hire(nil)
		end := st.begin(st.write("dags/slow.yaml", fmt.Sprintf(slow, 600)))
		pid, worker := st.begun(1)
		time.Sleep(3 * time.Second) // its log is shipped by then
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		eventually(t, "the orphan is gone", func() bool { return !aliveProcess(pid) })
		if took := time.Since(killed); took > 5*time.Second {
			t.Errorf("the orphan lived for %s", took)
		}
		st.begun(2)
		st.ended(end)
	})
	t.Run("one is stopped in order", func(t *testing.T) {
		t.Parallel()
		st := newStaff(t, s)
		one := st.hire([]string{"WEFT_DRAIN=1s"})
		end := st.begin(st.write("dags/slow.yaml", fmt.Sprintf(slow, 600)))
		pid, _ := st.begun(1)
		st.hire(nil)
		stopped := time.Now()
		if err := one.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-one.done
		if code := one.cmd.ProcessState.ExitCode(); code != 0 || time.Since(stopped) > 8*time.Second || aliveProcess(pid) {
			t.Errorf("it ended with %d after %s; its attempt lives: %t", code, time.Since(stopped), aliveProcess(pid))
		}
		st.begun(2)
		if again := time.Since(stopped); again > 15*time.Second {
			t.Errorf("it ran again after %s: nobody has to wait for a timeout", again)
		}
		st.ended(end)
	})
	t.Run("one is cut off", func(t *testing.T) {
		t.Parallel()
		st := newStaff(t, s)
		link := temporalserver.NewLink(t, s.Address)
		st.hire(temporalserver.Env(link.Address, st.namespace))
		end := st.begin(st.write("dags/slow.yaml", fmt.Sprintf(slow, 600)))
		pid, _ := st.begun(1)
		st.hire(nil)
		time.Sleep(3 * time.Second)
		link.Blackhole()
		eventually(t, "it runs elsewhere", func() bool {
			if len(st.begins()) < 2 {
				return false
			}
			if aliveProcess(pid) {
				t.Error("two attempts live together")
			}
			return true
		})
		link.Heal()
		st.ended(end)
	})
	t.Run("what a worker needs is gone for a while", func(t *testing.T) {
		t.Parallel()
		st := newStaff(t, s)
		res := st.run("run", "--detach", st.write("dags/one.yaml", "id: one\ntasks:\n  a:\n    run: echo ok >> \"$LEDGER\"\n"))
		if res.code != 0 {
			t.Fatalf("exit %d: %s", res.code, res.stderr)
		}
		plans := filepath.Join(st.dir, "state", "handoff", "plans")
		if err := os.Rename(plans, plans+".away"); err != nil {
			t.Fatal(err)
		}
		h := st.hire(nil)
		eventually(t, "the worker says what is missing", func() bool { return strings.Contains(h.said.String(), "cannot find plan") })
		if err := os.Rename(plans+".away", plans); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the task is done", func() bool { return strings.Join(st.effects(), " ") == "ok" })
	})
}
