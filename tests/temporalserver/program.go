package temporalserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"weft/tests/served"
)

// Version is that of Temporal's command line, which has the server in it (1.29.1).
const Version = "v1.5.1"

const source = "github.com/temporalio/cli/cmd/temporal@" + Version

var built = sync.OnceValues(build)

// Program returns the path of Temporal's command line. It lies in the user's cache folder; whoever needs it
// first builds it, for minutes, while others wait. Where it cannot be had the test is skipped; under
// ./check and in CI it fails.
func Program(t testing.TB) string {
	t.Helper()
	program, err := built()
	if err != nil {
		served.Lacks(t, "there is no Temporal to test against: %v", err)
	}
	return program
}

func build() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "weft-tests")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	program := filepath.Join(folder, "temporal-"+Version)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	lock, err := os.OpenFile(program+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and lets go of it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("cannot lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(program); err == nil {
		return program, nil // another process has built it meanwhile
	}
	return program, install(program)
}

// install builds the program beside its place and puts it there whole.
func install(program string) error {
	part, err := os.MkdirTemp(filepath.Dir(program), "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	cmd := exec.Command("go", "install", "-ldflags=-s -w", source)
	cmd.Dir = part
	cmd.Env = append(os.Environ(), "GOBIN="+part, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS=", "GOARCH=")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", source, err, said.String())
	}
	return os.Rename(filepath.Join(part, "temporal"), program)
}
