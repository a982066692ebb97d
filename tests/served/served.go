// Package served runs other people's servers for tests, each as a process of its own on a free port of
// loopback, until the test ends.
package served

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// A Server is how one is run.
type Server struct {
	Name  string                           // for messages
	Argv  func(host, port string) []string // program and arguments
	Env   []string                         // all of its environment but PATH
	Dir   string                           // its working directory
	Ready string                           // a path that answers once it is up, whatever the status if Any
	Any   bool
}

// Start starts a server and returns its URL, http://127.0.0.1:PORT. The test fails if it does not come up.
func Start(t testing.TB, s Server) (url string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	var said string
	for range 5 { // another program may take the port before the server does
		if url, said = s.try(t, log); url != "" {
			return url
		}
	}
	t.Fatalf("cannot start %s: %s", s.Name, said)
	return ""
}

// try starts the server on a free port; said is what went wrong.
func (s Server) try(t testing.TB, log string) (url, said string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	argv := s.Argv(host, port)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, s.Env...) // nothing else of whoever runs the tests
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, out, out
	ended, err := Run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	url = "http://" + addr
	if s.ready(url, ended) {
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended by itself
			<-ended
		})
		return url, ""
	}
	_ = cmd.Process.Kill()
	<-ended
	raw, _ := os.ReadFile(log) // for the message alone
	return "", string(raw)
}

// Run starts a command from a thread that lives as long as it does: on Linux the kernel ends the
// server with that thread, so that none is left over however the tests end. ended is closed once it has
// been waited for.
func Run(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	over, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		endWithThread(cmd)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(over)
	}()
	return over, <-started
}

// ready waits until the server answers.
func (s Server) ready(url string, ended <-chan struct{}) bool {
	deadline, again := time.After(60*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		if resp, err := http.Get(url + s.Ready); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK || s.Any {
				return true
			}
		}
		select {
		case <-again.C:
		case <-ended:
			return false
		case <-deadline:
			return false
		}
	}
}
