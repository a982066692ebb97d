//go:build linux

package proc

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestALiveFileTellsWhatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live")
	want := Live{DAG: "d", Run: "r", Task: "t", Index: 3, Epoch: 1, Attempt: 2, Marker: []string{"A=\n\"b"}}
	f, err := CreateLive(path, want)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var pid int
	if _, err := Run(t.Context(), Spec{Argv: []string{"true"}, Live: f, Started: func(p int) { pid = p }}); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLive(path)
	if err != nil || len(got.Groups) != 1 || got.Groups[0].PID != pid || got.Groups[0].Start == 0 {
		t.Errorf("groups are %+v, error %v; started %d", got.Groups, err, pid)
	}
	if got.Groups = nil; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := CreateLive(path, want); !errors.Is(err, ErrAlive) {
		t.Errorf("a second one: error is %v", err)
	}
	if again, err := ReadLive(path); err != nil || again.Run != "r" {
		t.Errorf("the second one spoiled it: %+v, %v", again, err)
	}
}

func FuzzParseLive(f *testing.F) {
	f.Add(`{"run":"r","task":"t"}` + "\n" + `{"pid":7,"start":9}` + "\n" + `{"pid":`)
	f.Add("{}")
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := parseLive(strings.NewReader(s))
		if err == nil && !strings.Contains(s, "\n") {
			t.Errorf("a torn head was read as %+v", l)
		}
		for _, g := range l.Groups {
			if g.PID < 2 {
				t.Errorf("group %d would be signalled", g.PID)
			}
		}
	})
}

// weftOf starts this test binary as a weft that runs a script with a live file and is then killed;
// it returns once that weft is dead. See TestMain.
func weftOf(t *testing.T, live, script string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "WEFT_TEST_SCRIPT="+script, "WEFT_TEST_LIVE="+live)
	cmd.Dir = filepath.Dir(live)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, err := os.Stat(cmd.Dir + "/ready"); return err == nil })
	eventually(t, func() bool { l, err := ReadLive(live); return err == nil && len(l.Groups) == 1 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// TestMain plays the weft of weftOf, or that of holdTwice, where it is asked to.
func TestMain(m *testing.M) {
	if script := os.Getenv("WEFT_TEST_HOLD"); script != "" {
		holdTwice(script)
	}
	script, path := os.Getenv("WEFT_TEST_SCRIPT"), os.Getenv("WEFT_TEST_LIVE")
	if script == "" {
		os.Exit(m.Run())
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "WEFT_RUN_ID=r", "WEFT_ATTEMPT=1",
		"WEFT_IDEMPOTENCY_KEY=r/t/-/0", "WEFT_TMPDIR=" + filepath.Dir(path),
	}
	live, err := CreateLive(path, Live{Run: "r", Task: "t", Index: -1, Attempt: 1, Marker: Marker(env)})
	if err != nil {
		panic(err)
	}
	_, err = Run(context.Background(), Spec{Argv: []string{"sh", "-c", script}, Env: env, Live: live})
	panic(err)
}

func TestWhatAKilledWeftLeavesIsEnded(t *testing.T) {
	for name, script := range map[string]string{
		"the foreground":               "touch ready; sleep N",
		"one that is deaf":             "trap '' TERM; touch ready; sleep N & sleep N & wait",
		"a double fork":                "setsid sh -c 'sleep N & sleep N &'; touch ready; sleep N",
		"one without environment":      "env -i setsid sleep N & touch ready; sleep N",
		"one without the live file":    "bash -c 'exec 19>&-; setsid sleep N &'; touch ready; sleep N",
		"a member of the group alone":  "env -i bash -c 'exec 19>&-; sleep N &'; touch ready; sleep N",
		"a child of one that is known": "setsid bash -c 'env -i bash -c \"exec 19>&-; setsid sleep N; :\" & wait' & touch ready; wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, live := unique(), filepath.Join(t.TempDir(), "live")
			weftOf(t, live, strings.ReplaceAll(script, "N", n))
			eventually(t, func() bool { return len(survivors(n)) > 0 })
			bystander := exec.Command("sleep", "1000")
			bystander.Env = []string{"WEFT_RUN_ID=r", "WEFT_ATTEMPT=1", "WEFT_IDEMPOTENCY_KEY=r/t/-/0", "WEFT_TMPDIR=/elsewhere"}
			if err := bystander.Start(); err != nil {
				t.Fatal(err)
			}
			if err := EndLeftovers(t.Context(), 100*time.Millisecond, live, live+".not-there"); err != nil {
				t.Error(err)
			}
			if left := survivors(n); len(left) > 0 {
				t.Errorf("survivors: %v", left)
			}
			if f, err := CreateLive(live, Live{}); err != nil {
				t.Errorf("the lock is not free: %v", err)
			} else {
				f.Close()
			}
			if err := bystander.Process.Kill(); err != nil {
				t.Errorf("another weft's process of the same run was ended: %v", err)
			}
			_ = bystander.Wait()
		})
	}
}

func TestALockThatNobodyGivesUpIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live")
	f, err := CreateLive(path, Live{Run: "r"}) // held by this process, which is never ended
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	left, err := openLeftovers([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLeftovers(left)
	if free, err := allFree(left); free || err != nil {
		t.Errorf("free: %v, error %v", free, err)
	}
	if err := stillThere(left, nil); !errors.Is(err, ErrAlive) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v", err)
	}
}

func TestANumberThatWentToAnotherProcessIsNotSignalled(t *testing.T) {
	other := exec.Command("sleep", "1000")
	other.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	before := bootTicks()
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "live")
	f, err := CreateLive(path, Live{Run: "r"})
	if err != nil {
		t.Fatal(err)
	}
	g := groupOf(&child{pid: other.Process.Pid, start: before})
	for _, wrong := range []string{
		`{"pid":PID,"start":1,"until":2,"boot":"BOOT"}`,         // another process had the number before
		`{"pid":PID,"start":START,"until":UNTIL,"boot":"then"}`, // before the machine was started again
		`{"pid":PID}`,
	} {
		line := strings.NewReplacer("PID", strconv.Itoa(g.PID), "START", strconv.Itoa(int(g.Start)), "UNTIL", strconv.Itoa(int(g.Until)), "BOOT", g.Boot).Replace(wrong)
		if _, err := f.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	if err := EndLeftovers(t.Context(), 0, path); err != nil {
		t.Error(err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Errorf("it was ended: %v", err)
	}
	_ = other.Wait()
}
