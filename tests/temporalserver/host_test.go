package temporalserver

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A program on a host of its own reaches the server, and nothing once the cable is pulled.
func TestAHostOfItsOwn(t *testing.T) {
	t.Parallel()
	s := Start(t)
	h := NewHost(t)
	at := h.Reach(s.Address)
	asks := func(addr string) (string, error) {
		argv := h.Argv(Program(t), "operator", "cluster", "health", "--address", addr, "--command-timeout", "1s")
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = s.env()
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := asks(at); err != nil {
		t.Fatalf("from the host the server is not reached: %v\n%s", err, out)
	}
	if h.Apart {
		if _, err := asks(s.Address); err == nil {
			t.Error("the host shares the test's loopback")
		}
	}
	h.Unplug()
	began := time.Now()
	if out, err := asks(at); err == nil || strings.Contains(out, "refused") || time.Since(began) < time.Second {
		t.Errorf("with its cable pulled the host hears in %v: %v %s", time.Since(began), err, out)
	}
	h.Plug()
	until(t, "the host reaches the server again", func() bool {
		_, err := asks(at)
		return err == nil
	})
}
