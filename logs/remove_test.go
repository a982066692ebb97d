package logs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func said(t *testing.T, s *Store, id ID, text string) {
	t.Helper()
	f, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func none(_, _ string) bool { return false }

func TestTheLogsOfARunGoTogether(t *testing.T) {
	dir := t.TempDir()
	s := New(filepath.Join(dir, "logs"), 0)
	if f, err := s.Measure("a.b", "r"); f.Bytes != 0 || err != nil {
		t.Errorf("of no logs: %+v, %v", f, err)
	}
	if err := s.Remove("a.b", "r"); err != nil {
		t.Error(err)
	}
	const run = "manual__2023-01-01T01:23:45+00:00"
	for i := range 3 {
		said(t, s, ID{DAG: "a.b", Run: run, Task: "t", Index: i - 1, Attempt: 1}, "12345")
	}
	said(t, s, ID{DAG: "a.b", Run: run + "1", Task: "t", Index: -1, Attempt: 1}, "kept")
	said(t, s, ID{DAG: "a", Run: run, Task: "t", Index: -1, Attempt: 1}, "kept")
	if f, err := s.Measure("a.b", run); f.Bytes != 15 || err != nil || time.Since(f.Newest) > time.Hour {
		t.Errorf("%+v, %v", f, err)
	}
	if err := s.Remove("a.b", run); err != nil {
		t.Error(err)
	}
	list, err := s.Folders(none)
	if err != nil || len(list) != 2 || list[0].DAG != "a" || list[1].Run != run+"1" {
		t.Errorf("left are %+v, %v", list, err)
	}
	if list, _ := s.Folders(func(dag, _ string) bool { return dag == "a" }); len(list) != 1 {
		t.Errorf("but for those of DAG a there are %+v", list)
	}
	for _, pair := range [][2]string{{"", "r"}, {"d", ""}, {"..", ".."}} {
		_ = s.Remove(pair[0], pair[1])
	}
	if list, _ := s.Folders(none); len(list) != 2 {
		t.Errorf("left are %+v", list)
	}
}

// A log with a hole counts what it takes.
func TestAHoleIsNotCounted(t *testing.T) {
	s := New(t.TempDir(), 0)
	id := ID{DAG: "d", Run: "r", Task: "t", Index: -1, Attempt: 1}
	said(t, s, id, "x")
	if err := os.Truncate(s.Path(id), 100<<20); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Measure("d", "r"); err != nil || f.Bytes > 1<<20 {
		t.Errorf("%+v, %v", f, err)
	}
}
