// Package awsserver runs doubles of AWS that are not weft's, for tests: moto, which has most services,
// and dynalite, which has DynamoDB and is strict about it.
//
// They come from PyPI and npm at the versions pinned in this folder, and lie in the user's cache:
// fetched once, by whichever test needs them first.
package awsserver

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"weft/tests/served"
)

//go:embed package.json
var packageJSON []byte

//go:embed package-lock.json
var packageLock []byte

//go:embed requirements.txt
var requirements []byte

// A tool is a server that is fetched.
type tool struct {
	name  string
	needs []string          // programs of the machine
	files map[string][]byte // that pin it
	argv  []string          // that fetches it into the folder
	fetch sync.Mutex
}

var (
	moto = &tool{
		name: "moto", needs: []string{"python3"}, files: map[string][]byte{"requirements.txt": requirements},
		argv: []string{"python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", "python", "-r", "requirements.txt"},
	}
	dynalite = &tool{
		name: "dynalite", needs: []string{"node", "npm"}, files: map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock},
		argv: []string{"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"},
	}
)

// Moto starts moto, and returns its URL. It takes any credentials.
func Moto(t testing.TB) string {
	t.Helper()
	dir := moto.get(t)
	return served.Start(t, served.Server{
		Name: "moto", Ready: "/moto-api/", Any: true, Dir: t.TempDir(), Env: []string{"PYTHONPATH=" + filepath.Join(dir, "python")},
		Argv: func(host, port string) []string {
			return []string{"python3", "-c", "from moto.server import main; main()", "-H", host, "-p", port}
		},
	})
}

// Dynalite starts dynalite, and returns its URL. It takes any credentials. Tables are there as soon as
// they are made.
func Dynalite(t testing.TB) string {
	t.Helper()
	dir := dynalite.get(t)
	return served.Start(t, served.Server{
		Name: "dynalite", Any: true, Dir: t.TempDir(),
		Argv: func(host, port string) []string {
			return []string{"node", filepath.Join(dir, "node_modules", "dynalite", "cli.js"), "--host", host, "--port", port, "--createTableMs", "0", "--deleteTableMs", "0"}
		},
	})
}

// Env is the environment of a program that takes AWS from a server and from nowhere else.
func Env(url string) []string {
	return []string{"AWS_ENDPOINT_URL=" + url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=us-east-1"}
}

// get returns the folder of a tool. Where it cannot be had the test is skipped; under ./check and in CI it
// fails.
func (t *tool) get(tb testing.TB) string {
	tb.Helper()
	t.fetch.Lock()
	defer t.fetch.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "requirements.txt"} {
		sum.Write(t.files[name])
	}
	dir := filepath.Join(cache, "weft-tests", t.name+"-"+hex.EncodeToString(sum.Sum(nil)[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	for _, program := range t.needs {
		if _, err := exec.LookPath(program); err != nil {
			served.Lacks(tb, "%s is not here; ./check installs it", program)
		}
	}
	if err := t.install(dir); err != nil {
		served.Lacks(tb, "%v", err)
	}
	return dir
}

// install fetches a tool beside its place and puts it there whole: another process may do the same.
func (t *tool) install(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	for name, body := range t.files {
		if err := os.WriteFile(filepath.Join(part, name), body, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.Command(t.argv[0], t.argv[1:]...)
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot fetch %s: %w\n%s", t.name, err, out)
	}
	if err := os.Rename(part, dir); err != nil {
		if _, there := os.Stat(dir); there == nil { // another process was faster
			return nil
		}
		return err
	}
	return nil
}
