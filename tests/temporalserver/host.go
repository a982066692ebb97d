package temporalserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A Host is a machine of its own to the programs that run on it: a network namespace, where root allows it.
// They reach nothing but what Reach opens, and their cable can be pulled. Elsewhere they run beside the test,
// and a pulled cable is a Blackhole of their Links.
type Host struct {
	Apart bool // it is a network namespace

	t       testing.TB
	gate    string // the test's end of the cable: an address
	cable   string // the test's end of the cable: an interface
	inside  []string
	reached map[string]*Link // by what they lead to
}

// NewHost makes a host until the test ends, with what runs on it.
func NewHost(t testing.TB) *Host {
	t.Helper()
	h := &Host{t: t, gate: "127.0.0.1", reached: map[string]*Link{}}
	if err := h.separate(); err != nil {
		t.Logf("no network namespace here, its programs run beside the test: %v", err)
		h.gate, h.cable, h.inside = "127.0.0.1", "", nil
		return h
	}
	h.Apart = true
	return h
}

// Reach makes an address of the test's own loopback reachable from the host, and returns where.
func (h *Host) Reach(addr string) string {
	h.t.Helper()
	if l, ok := h.reached[addr]; ok {
		return l.Address
	}
	l := newLink(h.t, h.gate, addr)
	h.reached[addr] = l
	return l.Address
}

// Argv is what starts a program on the host: argv itself, or with a prefix that becomes it under the same
// process id.
func (h *Host) Argv(argv ...string) []string { return append(append([]string{}, h.inside...), argv...) }

// Unplug pulls the cable: nothing that is sent arrives, on either side, and nobody is told. Connections that
// outlast it go on after Plug.
func (h *Host) Unplug() {
	h.t.Helper()
	if h.Apart {
		h.must("ip", "link", "set", h.cable, "down")
		return
	}
	for _, l := range h.reached {
		l.Blackhole()
	}
}

// Plug puts the cable in again.
func (h *Host) Plug() {
	h.t.Helper()
	if h.Apart {
		h.must("ip", "link", "set", h.cable, "up")
		return
	}
	for _, l := range h.reached {
		l.Heal()
	}
}

func (h *Host) must(argv ...string) {
	h.t.Helper()
	if err := run(argv...); err != nil {
		h.t.Fatal(err)
	}
}

func run(argv ...string) error {
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return nil
}

// subnet finds four addresses that no interface of this machine is in, of the range for tests between machines
// (RFC 2544): the test's end and the host's.
func subnet(n int) (ours, theirs string, err error) {
	held, err := net.InterfaceAddrs()
	if err != nil {
		return "", "", err
	}
	for try := range 1000 {
		block := (os.Getpid()*64 + n + try) % (1 << 15)
		ours := net.IPv4(198, byte(18+block>>14), byte(block>>6), byte(block<<2|1))
		theirs := net.IPv4(198, byte(18+block>>14), byte(block>>6), byte(block<<2|2))
		free := true
		for _, a := range held {
			if in, ok := a.(*net.IPNet); ok && in.Contains(ours) {
				free = false
			}
		}
		if free {
			return ours.String(), theirs.String(), nil
		}
	}
	return "", "", fmt.Errorf("all of 198.18.0.0/15 is taken")
}
