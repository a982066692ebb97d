package tests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheDiskIsFullForAWhile is R06: the disk of the state folder is full, in bytes or in inodes, and has space again.
// The server stays, no record is torn, each tick has its run, and within a minute all is as before, without a restart.
func TestTheDiskIsFullForAWhile(t *testing.T) {
	for _, c := range []struct{ name, options string }{
		{"bytes", "size=12m"},
		{"inodes", "size=64m,nr_inodes=500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serveIn(t)
			state := filepath.Join(s.dir, "state")
			if err := os.MkdirAll(state, 0o700); err != nil {
				t.Fatal(err)
			}
			err := syscall.Mount("tmpfs", state, "tmpfs", 0, c.options)
			if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
				t.Skip("a disk of its own needs root")
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
			s.dag("chain.yaml", "schedule: every 1s\ntasks:\n  a: {run: "+task(1)+"}\n  b: {needs: a, run: "+task(3)+"}\n")
			s.start()
			s.waitFor("runs end", 20*time.Second, func() bool { return len(s.effects()) > 8 })
			began := len(s.runs())
			free := fill(t, state, c.name)
			time.Sleep(4 * time.Second) // several ticks, and tries of what could not be written
			if err := s.cmd.Process.Signal(syscall.Signal(0)); err != nil {
				t.Fatalf("the server has ended: %v\n%s", err, s.said)
			}
			free()
			s.waitFor("runs of new ticks end", time.Minute, func() bool {
				over := 0
				for _, r := range s.runs() {
					if r.State == "success" {
						over++
					}
				}
				return over >= began+6
			})
			if err := os.Remove(filepath.Join(s.dir, "dags", "chain.yaml")); err != nil {
				t.Fatal(err)
			}
			s.waitFor("all is over", time.Minute, func() bool { return len(s.unfinished()) == 0 })
			s.stop()
			var dates []time.Time
			for _, r := range s.runs() {
				if r.State != "success" {
					t.Errorf("%s is %s\n%s", r.Run, r.State, s.run("runs", "show", r.Run).out)
				}
				dates = append(dates, r.Logical)
			}
			for tick, n := range ticks(dates, time.Second) {
				if n == 0 {
					t.Errorf("the tick of %s has no run", tick.Format(time.TimeOnly))
				}
			}
			if said := s.said.String(); strings.Contains(said, "panic") || strings.Contains(said, "goroutine ") {
				t.Errorf("the server says\n%s", said)
			}
		})
	}
}

// fill leaves nothing free on a disk; free gives it back.
func fill(t *testing.T, dir, what string) (free func()) {
	t.Helper()
	hoard := filepath.Join(dir, "hoard")
	if err := os.MkdirAll(hoard, 0o700); err != nil {
		t.Fatal(err)
	}
	if what == "bytes" {
		f, err := os.Create(filepath.Join(hoard, "all"))
		if err != nil {
			t.Fatal(err)
		}
		for block := make([]byte, 64<<10); err == nil; {
			_, err = f.Write(block)
			if err != nil && len(block) > 1 {
				block, err = block[:len(block)/2], nil
			}
		}
		_ = f.Close()
	} else {
		for n := 0; ; n++ {
			if err := os.WriteFile(filepath.Join(hoard, "f"+time.Duration(n).String()), nil, 0o600); err != nil {
				break
			}
		}
	}
	return func() {
		if err := os.RemoveAll(hoard); err != nil {
			t.Error(err)
		}
	}
}
