package filehead

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/plugins"
)

func ask(t *testing.T, dir, path string) (string, error) {
	t.Helper()
	in, err := json.Marshal(map[string]string{"path": path})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Plugin{}.Run(t.Context(), &plugins.Call{Input: in, Dir: dir})
	return string(got.Output), err
}

func TestHead(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "file"), []byte("seven.."), 0o600),
		os.Mkdir(filepath.Join(dir, "folder"), 0o700),
		os.Symlink("file", filepath.Join(dir, "link")),
		os.Symlink("nowhere", filepath.Join(dir, "broken")),
		os.Chtimes(filepath.Join(dir, "file"), at, at),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const there, absent = `{"exists":true,"size":7,"modified":"2026-01-02T03:04:05.6Z"}`, `{"exists":false,"size":null,"modified":null}`
	for path, want := range map[string]string{
		"file":                     there,
		"folder/../file":           there,
		"link":                     there,
		filepath.Join(dir, "file"): there,
		"broken":                   absent,
		"nothing":                  absent,
		"nothing/below":            absent,
		"file/below":               absent,
	} {
		if got, err := ask(t, dir, path); err != nil || got != want {
			t.Errorf("%s: %s, error %v", path, got, err)
		}
	}
	if got, err := ask(t, dir, "folder"); err != nil || !strings.HasPrefix(got, `{"exists":true,`) {
		t.Errorf("folder: %s, error %v", got, err)
	}
}

func TestWhatCannotBeLookedAtIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]plugins.Kind{
		"loop":                      plugins.Temporary,
		strings.Repeat("long", 999): plugins.Temporary,
		"":                          plugins.BadInput,
		"a\x00b":                    plugins.BadInput,
	} {
		if got, err := ask(t, dir, path); err == nil || plugins.KindOf(err) != kind || !strings.HasPrefix(err.Error(), "cannot look at ") {
			t.Errorf("%.20q: %s, error %v", path, got, err)
		}
	}
}

func TestAFolderWeMayNotEnterIsAnError(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may enter every folder")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "shut"), 0); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, dir, "shut/file"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("%s, error %v", got, err)
	}
}
