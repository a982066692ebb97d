package proc

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// atGate says when it is at its gate, and what it finds there.
const atGate = "echo here; if read -r x <&3; then echo on; else echo end; fi"

// held holds a script that has come to its gate; said is what comes after that.
func held(t *testing.T, script string) (h *Held, said *bufio.Reader) {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	t.Cleanup(func() { out.Close() })
	if h, err = Hold(Spec{Argv: []string{"sh", "-c", script}, Env: os.Environ(), Stdout: in}); err != nil {
		t.Fatal(err)
	}
	said = bufio.NewReader(out)
	if line, err := said.ReadString('\n'); line != "here\n" {
		t.Fatalf("it says %q, error %v", line, err)
	}
	return h, said
}

func rest(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAHeldProcessGoesOnWhenItIsRun(t *testing.T) {
	h, said := held(t, atGate+"; exit 3")
	e, err := h.Run(t.Context())
	if got := rest(t, said); got != "on\n" || e.Code != 3 || err != nil {
		t.Errorf("it says %q, %s, error %v", got, e, err)
	}
}

func TestAHeldProcessThatIsDroppedDoesNothing(t *testing.T) {
	h, said := held(t, atGate)
	h.Drop()
	if got := rest(t, said); got == "on\n" {
		t.Errorf("it says %q", got)
	}
	if syscall.Kill(h.child.pid, 0) == nil {
		t.Error("it is there")
	}
}

func TestAHeldProcessIsNotRunOnceTheContextHasEnded(t *testing.T) {
	h, said := held(t, atGate)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if got := rest(t, said); got == "on\n" {
		t.Errorf("it says %q", got)
	}
}

func TestAHeldProcessThatIsKilled(t *testing.T) {
	h, _ := held(t, atGate+"; kill -KILL $$")
	if e, err := h.Run(t.Context()); e.String() != "killed by signal 9 (SIGKILL)" || err != nil {
		t.Errorf("after it was run: %s, error %v", e, err)
	}
	h, said := held(t, atGate)
	signalGroup(h.child.pid, syscall.SIGKILL)
	rest(t, said) // until it is gone
	if _, err := h.Run(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("before: error %v", err)
	}
}

// A weft that is killed opens no gate, and what it held ends by itself: also beside another that it held later,
// which must not have the other end of the first one's gate.
func TestTheHeldProcessesOfAKilledWeftEndByThemselves(t *testing.T) {
	weft := exec.Command(os.Args[0])
	weft.Env = append(os.Environ(), "WEFT_TEST_HOLD="+atGate)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	weft.Stdout, weft.Stderr = in, os.Stderr
	if err := weft.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	said := bufio.NewReader(out)
	for range 2 {
		if line, err := said.ReadString('\n'); line != "here\n" {
			t.Fatalf("it says %q, error %v", line, err)
		}
	}
	if err := weft.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = weft.Wait()
	if got := rest(t, said); got != strings.Repeat("end\n", 2) { // to its end: nobody is left who could write
		t.Errorf("they say %q", got)
	}
}

// holdTwice plays the weft that is killed while it holds two.
func holdTwice(script string) {
	for range 2 {
		if _, err := Hold(Spec{Argv: []string{"sh", "-c", script}, Env: os.Environ(), Stdout: os.Stdout}); err != nil {
			panic(err)
		}
	}
	select {}
}
