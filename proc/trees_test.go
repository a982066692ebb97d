//go:build linux

package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// trees are scripts that leave something behind; N is a number of seconds that no other process of
// the machine sleeps, by which survivors are found.
var trees = map[string]string{
	"a background child on stdout": "sleep N &",
	"one that is deaf":             "(trap '' TERM; exec sleep N) &",
	"one that takes its time":      "(trap 'sleep N & wait' TERM; sleep N & wait) &",
	"a double fork":                "setsid sh -c 'sleep N & sleep N &'",
	"a deaf double fork":           "setsid sh -c \"trap '' TERM; sleep N & (sleep N &) &\"",
	"a job with its own group":     "bash -c 'set -m; sleep N & sleep N &'",
	"one without environment":      "env -i setsid sleep N &",
	"one without any trace":        "env -i bash -c 'exec 19>&- >&- 2>&-; setsid sleep N &' &",
	"one in a stopped group":       "setsid sh -c 'kill -STOP $$; sleep N' &",
}

var serial atomic.Int64

// unique returns a time to sleep that no one else sleeps.
func unique() string {
	return fmt.Sprintf("%d.%09d", 50_000+os.Getpid()%10_000, serial.Add(1))
}

// R12: process trees ended by success, cancel and timeout; a task ends within a second of its
// foreground, and none survives.
func TestNothingIsLeftOver(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("setsid is not installed")
	}
	total := 100
	if os.Getenv("WEFT_SOAK") != "" {
		total = 1000
	}
	control := slowestOf(t, 5, ":")
	t.Logf("a foreground that leaves nothing takes %v", control)
	type one struct{ name, script, how string }
	jobs := make(chan one)
	var wg sync.WaitGroup
	for range 6 { // side by side, so that orphans of one must not be taken for another's
		wg.Go(func() {
			for j := range jobs {
				endTree(t, j.name, j.script, j.how, control)
			}
		})
	}
	for n := 0; n < total; {
		for name, script := range trees {
			for _, how := range []string{"success", "cancel", "timeout"} {
				if n++; n <= total {
					jobs <- one{name, script, how}
				}
			}
		}
	}
	close(jobs)
	wg.Wait()
	eventually(t, func() bool { return len(survivors(strconv.Itoa(50_000+os.Getpid()%10_000)+".")) == 0 })
	own.rest(nil)
	if left := own.adopted.list(); len(left) > 0 {
		t.Errorf("zombies or orphans left: %v", left)
	}
}

// endTree runs one tree to its end. Those without any trace may outlive their task while older
// attempts go on, so they are looked for at the very end.
func endTree(t *testing.T, name, script, how string, control time.Duration) {
	dir, n := t.TempDir(), unique()
	script = strings.ReplaceAll(script, "N", n) + "\n: > ready\n"
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	if how != "success" {
		script += "sleep " + n + "\n"
	}
	env := append(os.Environ(), "WEFT_RUN_ID=r", "WEFT_ATTEMPT=1", "WEFT_IDEMPOTENCY_KEY=r/t/"+n, "WEFT_TMPDIR="+dir)
	live, err := CreateLive(dir+"/live", Live{Run: "r", Task: n, Index: -1, Attempt: 1, Marker: Marker(env)})
	if err != nil {
		t.Error(err)
		return
	}
	defer live.Close()
	log, err := os.Create(dir + "/log")
	if err != nil {
		t.Error(err)
		return
	}
	defer log.Close()
	const grace = 300 * time.Millisecond
	begin := time.Now()
	go func() {
		if how == "success" {
			return
		}
		eventually(t, func() bool { _, err := os.Stat(dir + "/ready"); return err == nil })
		begin = time.Now() // Run returns after it, by way of cancel
		cancel(map[string]error{"cancel": context.Canceled, "timeout": context.DeadlineExceeded}[how])
	}()
	e, err := Run(ctx, Spec{
		Argv: []string{"sh", "-c", script}, Dir: dir, Env: env, Stdout: log, Stderr: log,
		Live: live, Grace: grace,
	})
	took := time.Since(begin)
	if err != nil || e.Stopped != (how != "success") {
		t.Errorf("%s, %s: %s, error %v", name, how, e, err)
	}
	if limit := time.Second + grace + 10*control; took > limit {
		t.Errorf("%s, %s: took %v, at most %v", name, how, took, limit)
	}
	if name != "one without any trace" {
		if left := survivors(n); len(left) > 0 {
			t.Errorf("%s, %s: survivors %v", name, how, left)
		}
	}
}

// slowestOf times a script that leaves nothing behind, as the measure of this machine's load.
func slowestOf(t *testing.T, times int, script string) (slowest time.Duration) {
	for range times {
		begin := time.Now()
		sh(t, t.Context(), script)
		slowest = max(slowest, time.Since(begin))
	}
	return slowest
}

// survivors returns the living processes that have an argument beginning with this text.
func survivors(arg string) (found []int) {
	pids, _ := allPids()
	for _, pid := range pids {
		cmd, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		for a := range bytes.SplitSeq(cmd, []byte{0}) {
			if strings.HasPrefix(string(a), arg) {
				found = append(found, pid)
			}
		}
	}
	return found
}

func TestChildrenOfOtherCodeAreLeftAlone(t *testing.T) {
	other := exec.Command("sleep", unique())
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		sh(t, t.Context(), "sleep 1000 &")
	}
	own.sweep()
	if err := other.Process.Kill(); err != nil {
		t.Errorf("it was ended or reaped: %v", err)
	}
	if err := other.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("its status was taken: %v", err)
	}
}

func TestOrphansOfALongTaskAreReapedWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Spec{
			Argv: []string{"sh", "-c", "for i in 1 2 3 4 5; do (: &); done; touch ready; exec sleep 1000"},
			Dir:  dir, Env: os.Environ(),
		})
		ended <- err
	}()
	eventually(t, func() bool { _, err := os.Stat(dir + "/ready"); return err == nil })
	eventually(t, func() bool { // the orphans may still be on their way
		own.sweep()
		own.mu.Lock()
		defer own.mu.Unlock()
		for _, pid := range own.adopted.list() {
			if own.live[pid] == nil {
				return false
			}
		}
		return len(own.live) == 1
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnAttemptDoesNotEndAnothersOrphans(t *testing.T) {
	dir, n := t.TempDir(), unique()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	env := append(os.Environ(), "WEFT_RUN_ID=r", "WEFT_ATTEMPT=1", "WEFT_IDEMPOTENCY_KEY="+n, "WEFT_TMPDIR="+dir)
	script := strings.ReplaceAll("setsid sh -c 'sleep N & echo $! > ready'; wait; exec sleep N", "N", n)
	go func() {
		_, err := Run(ctx, Spec{Argv: []string{"sh", "-c", script}, Dir: dir, Env: env})
		ended <- err
	}()
	eventually(t, func() bool { b, _ := os.ReadFile(dir + "/ready"); return bytes.HasSuffix(b, []byte("\n")) })
	for range 10 {
		sh(t, t.Context(), ":")
		sh(t, t.Context(), "setsid sh -c 'sleep 1000 &'")
	}
	if len(survivors(n)) != 2 {
		t.Errorf("of the daemon and the foreground there are left %v", survivors(n))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left := survivors(n); len(left) > 0 {
		t.Errorf("survivors: %v", left)
	}
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 345 1 1"))
	f.Add([]byte("7 ("))
	f.Fuzz(func(t *testing.T, b []byte) {
		if st, err := parseStat(b); err != nil && !errors.Is(err, errProcStat) {
			t.Errorf("%+v: %v", st, err)
		}
	})
}

func TestANameWithParenthesesHidesNothing(t *testing.T) {
	st, err := parseStat([]byte("7 (a) S 9) Z 1 2 3 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 345 1 1"))
	if err != nil || !st.zombie || st.ppid != 1 || st.pgrp != 2 || st.sid != 3 || st.start != 345 {
		t.Errorf("%+v, %v", st, err)
	}
}
