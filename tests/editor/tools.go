// Package editor drives what editors and other people's pipelines check a DAG file with: the YAML
// language server over its protocol, and two validators of JSON Schema that are not weft's.
//
// The tools come from npm and PyPI at the versions pinned in this folder, and lie in the user's cache:
// fetched once, by whichever test needs them first.
package editor

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed package.json
var packageJSON []byte

//go:embed package-lock.json
var packageLock []byte

//go:embed requirements.txt
var requirements []byte

//go:embed validate.mjs
var validateJS []byte

//go:embed validate.py
var validatePy []byte

var fetch sync.Mutex

// Tools returns the folder with the tools: node_modules, python, validate.mjs and validate.py. Where
// they cannot be had the test is skipped; under ./check and in CI it fails.
func Tools(t testing.TB) string {
	t.Helper()
	fetch.Lock()
	defer fetch.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, b := range [][]byte{packageJSON, packageLock, requirements, validateJS, validatePy} {
		sum.Write(b)
	}
	dir := filepath.Join(cache, "weft-tests", "editor-"+hex.EncodeToString(sum.Sum(nil)[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	for _, program := range []string{"node", "npm", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			lacks(t, "%s is not here; ./check installs it", program)
		}
	}
	if err := install(dir); err != nil {
		lacks(t, "%v", err)
	}
	return dir
}

// lacks skips a test, or fails it where nothing may be left out.
func lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("WEFT_CHECK") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// install fetches the tools beside their place and puts them there whole: another process may do the same.
func install(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	for name, body := range map[string][]byte{
		"package.json": packageJSON, "package-lock.json": packageLock, "requirements.txt": requirements,
		"validate.mjs": validateJS, "validate.py": validatePy,
	} {
		if err := os.WriteFile(filepath.Join(part, name), body, 0o644); err != nil {
			return err
		}
	}
	for _, argv := range [][]string{
		{"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"},
		{"python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", "python", "-r", "requirements.txt"},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = part
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot fetch the editor's tools: %v: %w\n%s", argv, err, out)
		}
	}
	if err := os.Rename(part, dir); err != nil {
		if _, there := os.Stat(dir); there == nil { // another process was faster
			return nil
		}
		return err
	}
	return nil
}

// Version is the language server's.
func Version() string {
	var pins struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(packageJSON, &pins); err != nil {
		panic(err)
	}
	return pins.Dependencies["yaml-language-server"]
}
