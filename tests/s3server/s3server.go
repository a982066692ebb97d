// Package s3server runs a real S3 server for tests: versitygw, which keeps objects as files of a
// folder. It is a process of its own, built from the module tests/versitygw.
//
// Keys `x` and `x/y` cannot both exist in it, and a part of a key has at most 255 bytes.
package s3server

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"weft/tests/served"
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
	s.URL = served.Start(t, served.Server{
		Name: "versitygw", Ready: "/health", Dir: dir, Env: []string{"HOME=" + s.Dir},
		Argv: func(host, port string) []string {
			return []string{program, "--access", Access, "--secret", Secret, "--region", Region, "--port", host + ":" + port, "--health", "/health", "--quiet", "posix", s.Dir}
		},
	})
	return s
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
