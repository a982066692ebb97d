package temporalserver

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"

	"weft/tests/served"
)

var hosts atomic.Int64

// separate makes the network namespace and its cable. The namespace belongs to a process that waits, so that
// both are gone with the test however it ends.
func (h *Host) separate() error {
	h.t.Helper()
	for _, program := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	waits := exec.Command("sleep", "infinity")
	waits.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	ended, err := served.Run(waits)
	if err != nil {
		return err
	}
	h.t.Cleanup(func() {
		_ = waits.Process.Kill() // the cable goes with the namespace, and that with whoever is in it
		<-ended
		if h.cable != "" {
			_ = run("ip", "link", "delete", h.cable) // at once, and it may be gone
		}
	})
	n := int(hosts.Add(1))
	pid := fmt.Sprint(waits.Process.Pid)
	h.inside = []string{"nsenter", "--net=/proc/" + pid + "/ns/net", "--"}
	ours, theirs, err := subnet(n)
	if err != nil {
		return err
	}
	cable, far := fmt.Sprintf("wt%d-%d", os.Getpid(), n), "weft0"
	for _, argv := range [][]string{
		{"ip", "link", "add", cable, "type", "veth", "peer", "name", far, "netns", pid},
		{"ip", "address", "add", ours + "/30", "dev", cable},
		{"ip", "link", "set", cable, "up"},
		h.Argv("ip", "link", "set", "lo", "up"),
		h.Argv("ip", "address", "add", theirs+"/30", "dev", far),
		h.Argv("ip", "link", "set", far, "up"),
	} {
		if err := run(argv...); err != nil {
			return err
		}
		h.cable = cable
	}
	h.gate = ours
	return nil
}
