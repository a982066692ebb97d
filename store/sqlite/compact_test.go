package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/machine"
	"weft/store"
)

// bulky makes runs with some hundred KB each and removes all but the last; it returns that one's id.
func bulky(t *testing.T, s *Store, n int) string {
	t.Helper()
	var id string
	for i := range n {
		id = fmt.Sprintf("bulky-%02d", i)
		run := aRun(id)
		run.State, run.FinishedAt = machine.RunSuccess, day
		all := recs(1, 100)
		for i := range all {
			all[i].Event.Fact = machine.TimerFired{Timer: strings.Repeat("x", 3000)}
		}
		fine(t, s.Create(t.Context(), run, all))
		if i < n-1 {
			fine(t, s.MarkGoing(t.Context(), run))
			fine(t, s.Delete(t.Context(), id))
		}
	}
	return id
}

func size(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, File))
	fine(t, err)
	return info.Size()
}

// intact is SQLite's own word that a file is whole.
func intact(t *testing.T, s *Store) {
	t.Helper()
	var said string
	fine(t, s.read.QueryRow("PRAGMA integrity_check").Scan(&said))
	if said != "ok" {
		t.Error(said)
	}
}

// One file was made by this weft, one before there was any removal: it comes along with its runs.
func TestTheFileGetsSmaller(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, dir string)
	}{
		{"a new file", func(*testing.T, string) {}},
		{"a file of the first form", firstForm},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.before(t, dir)
			s := open(t, dir)
			kept := bulky(t, s, 8) // one grows as another goes: the file holds two or three
			for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
				run := aRun(id)
				run.State, run.FinishedAt = machine.RunSuccess, day
				fine(t, s.Create(t.Context(), run, recs(1, 5000)))
			}
			before := pages(t, s)
			for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
				run, err := s.GetRun(t.Context(), id)
				fine(t, err)
				fine(t, s.MarkGoing(t.Context(), run))
				fine(t, s.Delete(t.Context(), id))
			}
			freed, err := s.Compact(t.Context())
			fine(t, err)
			if after := pages(t, s); freed < worthIt || after > before/2 {
				t.Errorf("%d bytes given back; the file had %d pages and has %d", freed, before, after)
			}
			again, err := s.Compact(t.Context())
			if err != nil || again != 0 {
				t.Errorf("the second time %d bytes were given back (%v)", again, err)
			}
			intact(t, s)
			if got, err := s.Read(t.Context(), kept); err != nil || len(got) != 100 {
				t.Errorf("the run that stays has %d records (%v)", len(got), err)
			}
			fine(t, s.Close())
			if got, want := size(t, dir), pages(t, open(t, dir))*4096; got != want {
				t.Errorf("the file has %d bytes, want %d", got, want)
			}
		})
	}
}

func pages(t *testing.T, s *Store) (n int64) {
	t.Helper()
	fine(t, s.read.QueryRow("PRAGMA page_count").Scan(&n))
	return n
}

// firstForm makes a store as the first release made it.
func firstForm(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, File)
	fine(t, create(dir, path))
	db, err := connect(path, false, 1)
	fine(t, err)
	fine(t, logAhead(t.Context(), db))
	tx, err := db.Begin()
	fine(t, err)
	fine(t, step(t.Context(), tx, 1))
	fine(t, tx.Commit())
	fine(t, db.Close())
}

// While one weft makes the file smaller, another goes on writing and reading.
func TestCompactingStopsNobody(t *testing.T) {
	dir := t.TempDir()
	s, live := open(t, dir), open(t, dir)
	fine(t, live.Create(t.Context(), aRun("live"), recs(1, 1)))
	bulky(t, s, 2)
	for i := range 20 {
		run := aRun(fmt.Sprint(i))
		run.State, run.FinishedAt = machine.RunSuccess, day
		fine(t, s.Create(t.Context(), run, recs(1, 2000)))
		fine(t, s.MarkGoing(t.Context(), run))
	}
	for i := range 20 {
		fine(t, s.Delete(t.Context(), fmt.Sprint(i)))
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Compact(t.Context())
		done <- err
	}()
	written := 1
	for over := false; !over; {
		select {
		case err := <-done:
			fine(t, err)
			over = true
		default:
			written++
			fine(t, appended(live, "live", recs(written, 1)))
		}
	}
	if got, err := live.Read(t.Context(), "live"); err != nil || len(got) != written {
		t.Errorf("%d records of %d (%v)", len(got), written, err)
	}
	intact(t, live)
	t.Logf("%d appends while the file shrank", written-1)
}

// Damage of a run that goes is found before anything of it is removed.
func TestADamagedRunIsNotMarked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	run := aRun("r")
	run.State, run.FinishedAt = machine.RunSuccess, day
	fine(t, s.Create(t.Context(), run, recs(1, 3)))
	_, err := meddler(t, dir).Exec("UPDATE runs SET dir = dir || '/' WHERE id = 'r'")
	fine(t, err)
	if err := s.MarkGoing(t.Context(), run); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}
