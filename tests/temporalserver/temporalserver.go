// Package temporalserver runs a real Temporal server for tests, as a process of its own that keeps its state in
// one SQLite file: `temporal server start-dev`, built from a pinned version. It can be killed and started
// again on the same state and the same address in the middle of runs.
//
// A Link stands between a program and the server and can be cut. A Gate stands before the server and asks for
// client certificates and API keys, which the server by itself cannot. A Host is a network namespace to run
// workers in.
//
// All of it fails the test that it belongs to where it does not work: call it from the test's goroutine.
package temporalserver

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weft/tests/served"
)

// A Server is one that a test has.
type Server struct {
	Address string // 127.0.0.1:PORT, the same for as long as the test lasts
	DB      string // the file of its state

	t       testing.TB
	program string
	home    string
	log     string
	dynamic []string
	cmd     *exec.Cmd       // nil while it is stopped
	ended   <-chan struct{} // of cmd
}

// An Option changes how a server is run.
type Option func(*Server)

// Dynamic sets a value of the server's dynamic configuration, given as JSON. Of use to tests:
// limit.historyCount.suggestContinueAsNew (events, 4096 by default), limit.historyCount.error (events, 51200),
// limit.blobSize.error (bytes, 2097152), limit.numPendingActivities.error (2000).
func Dynamic(key, json string) Option {
	return func(s *Server) { s.dynamic = append(s.dynamic, "--dynamic-config-value", key+"="+json) }
}

// Start starts a server, about half a second, and stops it when the test ends. It has the namespace `default`.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{DB: filepath.Join(dir, "temporal.db"), t: t, program: Program(t), home: dir, log: filepath.Join(dir, "log")}
	for _, o := range options {
		o(s)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the Temporal server said:\n%s", s.Log())
		}
	})
	for range 5 { // another program may take the port before the server does
		s.Address = served.Address(t, "127.0.0.1")
		if s.start() {
			return s
		}
	}
	t.Fatalf("cannot start the Temporal server: %s", s.Log())
	return nil
}

// Start starts the server again after Stop or Kill, on the same address and state.
func (s *Server) Start() {
	s.t.Helper()
	if s.cmd != nil {
		s.t.Fatal("the Temporal server is running")
	}
	for range 5 { // its other ports are chosen anew, and may be taken meanwhile
		if s.start() {
			return
		}
	}
	s.t.Fatalf("cannot start the Temporal server again: %s", s.Log())
}

// Stop ends the server in order, which takes it about a second.
func (s *Server) Stop() {
	s.t.Helper()
	s.end(syscall.SIGTERM)
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	s.t.Helper()
	s.end(syscall.SIGKILL)
}

// Restart kills the server and starts it again: what it had not written is lost, as in a crash.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.Start()
}

// PID is the process id of the server, 0 while it is stopped.
func (s *Server) PID() int {
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Log is what all server processes of this Server have said.
func (s *Server) Log() string {
	raw, _ := os.ReadFile(s.log) // for messages alone
	return string(raw)
}

var namespaces atomic.Int64

// Namespace makes a new namespace that keeps closed workflows for an hour, and returns its name.
func (s *Server) Namespace() string {
	s.t.Helper()
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), namespaces.Add(1))
	s.CLI("operator", "namespace", "create", "--namespace", name, "--retention", "1h")
	return name
}

// Env is the environment of a program that works with the server in a namespace.
func (s *Server) Env(namespace string) []string { return Env(s.Address, namespace) }

// Env is the environment of a program that works with a server at an address: that of a Link, say.
func Env(address, namespace string) []string {
	return []string{"TEMPORAL_ADDRESS=" + address, "TEMPORAL_NAMESPACE=" + namespace}
}

// CLI runs Temporal's own command line against the server, as in CLI("workflow", "count"), and returns what it
// prints. The test fails if the command does.
func (s *Server) CLI(args ...string) string {
	s.t.Helper()
	out, said, err := s.run(30*time.Second, append(args, "--address", s.Address)...)
	if err != nil {
		s.t.Fatalf("temporal %s: %v\n%s%s", strings.Join(args, " "), err, out, said)
	}
	return out
}

func (s *Server) run(limit time.Duration, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Env = s.env()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	return out.String(), said.String(), err
}

// env holds nothing of whoever runs the tests.
func (s *Server) env() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.home} }

// start tells whether the server came up.
func (s *Server) start() bool {
	s.t.Helper()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(s.program, append([]string{
		"server", "start-dev", "--headless", "--ip", host, "--port", port, "--db-filename", s.DB, "--log-level", "error",
		// What is written outlasts the process, not the machine: a test kills only that, and runs three times as fast.
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=off",
	}, s.dynamic...)...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = s.env(), s.home, out, out
	ended, err := served.Run(cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd, s.ended = cmd, ended
	if s.ready() {
		return true
	}
	s.Kill()
	return false
}

// ready waits until the server says that it is healthy.
func (s *Server) ready() bool {
	deadline, again := time.After(60*time.Second), time.NewTicker(50*time.Millisecond)
	defer again.Stop()
	for {
		// A dial that is refused costs nothing; a client of gRPC would wait longer and longer.
		if conn, err := net.Dial("tcp", s.Address); err == nil {
			_ = conn.Close()
			if _, _, err := s.run(5*time.Second, "operator", "cluster", "health", "--address", s.Address); err == nil {
				return true
			}
		}
		select {
		case <-again.C:
		case <-s.ended:
			return false
		case <-deadline:
			return false
		}
	}
}

func (s *Server) end(by syscall.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(by) // it may have ended by itself
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.cmd = nil
}
