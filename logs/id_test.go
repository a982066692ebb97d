package logs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhereALogLies(t *testing.T) {
	for want, id := range map[string]ID{
		"nightly/manual__2023-01-01T01%3A23%3A45%2B00%3A00/load.1.log": {"nightly", "manual__2023-01-01T01:23:45+00:00", "load", -1, 1},
		"a.b-c/r/load.17.2.log":                {"a.b-c", "r", "load", 17, 2},
		"d/r/load.on_failure.mail.1.log":       {"d", "r", "load.on_failure.mail", -1, 1},
		"v1%2E2/r/t%2E7.1.log":                 {"v1.2", "r", "t.7", -1, 1},
		"%2E%2E/%2E/%2E.%2Fetc%00%C3%A4.1.log": {"..", ".", "../etc\x00ä", -1, 1},
	} {
		rel, err := id.rel()
		if err != nil || rel != filepath.FromSlash(want) {
			t.Errorf("%+v lies at %s (error %v), want %s", id, rel, err, want)
		}
		if back, ok := parse(rel); !ok || back != id {
			t.Errorf("%s is read as %+v, %v", rel, back, ok)
		}
	}
	for _, id := range []ID{{}, {"d", "r", "", -1, 1}, {"d", "r", "t", -1, 0}} {
		if rel, err := id.rel(); err == nil {
			t.Errorf("%+v lies at %s", id, rel)
		}
	}
}

// FuzzID: no two ids share a place, none leaves the root, and each is read back.
func FuzzID(f *testing.F) {
	f.Add("d", "r", "t", -1, 1)
	f.Add("..", "a/b", "t.5", 5, 2)
	f.Add("%2E", "\xff", "t.+5", -1, 1)
	f.Fuzz(func(t *testing.T, dag, run, task string, index, attempt int) {
		id := ID{dag, run, task, max(index, -1), attempt}
		rel, err := id.rel()
		if err != nil {
			return
		}
		if back, ok := parse(rel); !ok || back != id {
			t.Errorf("%+v → %s → %+v", id, rel, back)
		}
		if !filepath.IsLocal(rel) || strings.Count(rel, "/") != 2 || strings.Contains(rel, "/.") || rel[0] == '.' {
			t.Errorf("%+v lies at %s", id, rel)
		}
	})
}

func TestNoLinkLeadsOutOfTheFolder(t *testing.T) {
	s, out := New(t.TempDir(), 0), t.TempDir()
	id := ID{"d", "r", "t", -1, 1}
	if err := os.Symlink(out, filepath.Join(s.folder, "d")); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Open(id); err == nil {
		t.Errorf("opened %s", f.Name())
	}
	if names, _ := os.ReadDir(out); len(names) > 0 {
		t.Errorf("made %v", names)
	}
}

func TestTheListOfARunsLogs(t *testing.T) {
	s := New(t.TempDir(), 0)
	if got, err := s.List("d", "r:1"); len(got) > 0 || err != nil {
		t.Errorf("before there are any: %v, error %v", got, err)
	}
	want := []ID{{"d", "r:1", "a", -1, 1}, {"d", "r:1", "t", 3, 1}, {"d", "r:1", "t", 3, 2}, {"d", "r:1", "t", 20, 1}}
	for _, id := range append([]ID{{"d", "r:2", "t", -1, 1}, {"d", "r", "t", -1, 1}}, want...) {
		f, err := s.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for _, other := range []string{"t.01.log", "t.1.log.tmp", "t.log", "t%3a.1.log"} { // no log has such a name
		if err := os.WriteFile(filepath.Join(s.folder, "d/r%3A1", other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.List("d", "r:1"); !slices.Equal(got, want) || err != nil {
		t.Errorf("%v, error %v", got, err)
	}
}
