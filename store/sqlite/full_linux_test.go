package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weft/store"
)

// A full disk fails what is written, in words, and harms nothing; with space again all goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=0700"); err != nil {
		t.Skipf("cannot mount a small disk: %v; TestFullDatabase covers what it can", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	fillUp(t, filepath.Join(dir, "state"), func(*Store) (free func()) {
		ballast := filepath.Join(dir, "ballast")
		fine(t, os.WriteFile(ballast, make([]byte, 1<<20), 0o600))
		return func() { fine(t, os.Remove(ballast)) }
	})
}

// The same where SQLite itself is told to be full: needs no mount.
func TestFullDatabase(t *testing.T) {
	fillUp(t, t.TempDir(), func(s *Store) (free func()) {
		limit := func(pages string) {
			var got int
			fine(t, s.w.session.conn.QueryRowContext(t.Context(), "PRAGMA max_page_count = "+pages).Scan(&got))
		}
		limit("60")
		return func() { limit("1000000") }
	})
}

// fillUp appends until there is no space, then frees some and goes on. The store's connection is
// used behind its back only while the writer rests.
func fillUp(t *testing.T, dir string, limit func(*Store) (free func())) {
	s, err := Open(dir)
	fine(t, err)
	defer func() { _ = s.Close() }() // before the disk goes
	fine(t, s.Create(t.Context(), aRun("r"), nil))
	free := limit(s)
	seq, batch := 1, 25
	for {
		err := appended(s, "r", recs(seq, batch))
		if err != nil {
			t.Log(err)
			if !strings.Contains(err.Error(), "cannot write the journal of run r: ") || !strings.Contains(err.Error(), "no space is left") {
				t.Errorf("it says %q", err)
			}
			break
		}
		if seq += batch; seq > 1_000_000 {
			t.Fatal("it never was full")
		}
	}
	for range 3 { // all ways to write say so, and reading still works
		if err := appended(s, "r", recs(seq, 5000)); err == nil {
			t.Error("there was space for a large append")
		}
		whole(t, s, seq-1)
	}
	free()
	fine(t, appended(s, "r", recs(seq, batch)))
	fine(t, s.Create(t.Context(), aRun("q"), recs(1, 1)))
	whole(t, s, seq-1+batch)
	fine(t, s.Close())
	again := open(t, dir)
	whole(t, again, seq-1+batch)
	if _, err := again.ListRuns(t.Context(), store.Filter{}); err != nil {
		t.Error(err)
	}
	fine(t, again.Close())
}

// whole checks that the journal holds just what was acknowledged.
func whole(t *testing.T, s *Store, want int) {
	t.Helper()
	got, err := s.Read(t.Context(), "r")
	if err != nil || len(got) != want {
		t.Errorf("%d records are there, want %d (%v)", len(got), want, errors.Unwrap(err))
	}
}
