// Package s3server runs a real S3 server for tests: versitygw, which keeps objects as files of a
// folder. It is a process of its own, built from the module tests/versitygw.
//
// Keys `x` and `x/y` cannot both exist in it, and a part of a key has at most 255 bytes.
package s3server

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The credentials that a Server takes.
const (
	Access = "weft-test-access"
	Secret = "weft-test-secret"
	Region = "us-east-1"
)

// A Server is one that runs.
type Server struct {
	URL string // http://127.0.0.1:PORT
	Dir string // a folder for each bucket
}

// Start starts a server with these buckets, and stops it when the test ends. Where the module
// cannot be fetched the test is skipped.
func Start(t testing.TB, buckets ...string) *Server {
	t.Helper()
	program := build(t)
	dir := t.TempDir()
	s := &Server{Dir: filepath.Join(dir, "buckets")}
	for _, b := range append([]string{"."}, buckets...) {
		if err := os.MkdirAll(filepath.Join(s.Dir, b), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var said string
	for range 5 { // another program may take the port before the server does
		if said = s.try(t, program, filepath.Join(dir, "log")); said == "" {
			return s
		}
	}
	t.Fatalf("cannot start versitygw: %s", said)
	return nil
}

// Env is the environment of a program that works with the server.
func (s *Server) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.URL, "AWS_ACCESS_KEY_ID=" + Access, "AWS_SECRET_ACCESS_KEY=" + Secret, "AWS_REGION=" + Region,
	}
}

var built = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.Command("go", "tool", "-n", "versitygw") // builds it into Go's cache and says where
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "versitygw")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, said.String())
	}
	return strings.TrimSpace(out.String()), nil
})

func build(t testing.TB) string {
	t.Helper()
	program, err := built()
	if err == nil {
		return program
	}
	for _, network := range []string{"dial tcp", "no such host", "module lookup disabled", "i/o timeout", "proxyconnect"} {
		if strings.Contains(err.Error(), network) {
			t.Skipf("versitygw cannot be fetched, so there is no S3 to test against: %v", err)
		}
	}
	t.Fatalf("cannot build versitygw: %v", err)
	return ""
}

// try starts the server on a free port; what it returns is what went wrong.
func (s *Server) try(t testing.TB, program, log string) string {
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
	cmd := exec.Command(program, "--access", Access, "--secret", Secret, "--region", Region, "--port", addr, "--health", "/health", "--quiet", "posix", s.Dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir} // nothing VGW_* of whoever runs the tests
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(s.Dir), out, out
	ended, err := run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + addr
	if ready(s.URL+"/health", ended) {
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended by itself
			<-ended
		})
		return ""
	}
	_ = cmd.Process.Kill()
	<-ended
	said, _ := os.ReadFile(log) // for the message alone
	return string(said)
}

// run starts a command from a thread that lives as long as it does: on Linux the kernel ends the
// server with that thread, so that none is left over however the tests end.
func run(cmd *exec.Cmd) (<-chan struct{}, error) {
	ended, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		endWithThread(cmd)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(ended)
	}()
	return ended, <-started
}

// ready waits until the server answers.
func ready(url string, ended <-chan struct{}) bool {
	deadline, again := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		if resp, err := http.Get(url); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
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
