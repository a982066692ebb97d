package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

func logSize(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, File+"-wal"))
	fine(t, err)
	return info.Size()
}

// Two wefts that append in turn make room for themselves and for each other, and neither writes over
// what the other has written; nor does a third that opens the file while there is room in the log.
func TestRoomInTheLogIsNobodysRecord(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	fine(t, a.Create(t.Context(), aRun("r"), nil))
	const most = 600 // the log begins anew in between
	for seq := 1; seq <= most; seq++ {
		s := a
		if seq%3 == 0 {
			s = b
		}
		fine(t, appended(s, "r", recs(seq, 1)))
		if seq%150 != 0 {
			continue
		}
		c := open(t, dir)
		got, err := c.Read(t.Context(), "r")
		fine(t, err)
		if len(got) != seq {
			t.Fatalf("%d records are there, not %d", len(got), seq)
		}
		fine(t, c.Close())
	}
	if size := logSize(t, dir); size < roomMost || size > roomMost+4*roomStep {
		t.Errorf("the log has %d bytes", size)
	}
}

// Commits overwrite what is there: the log does not grow with each, and a run of a few commits makes no room.
func TestRoomIsMadeAheadAndNotForAFewCommits(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fine(t, s.Create(t.Context(), aRun("r"), nil))
	grew := 0
	for seq := 1; seq <= 100; seq++ {
		before := logSize(t, dir)
		fine(t, appended(s, "r", recs(seq, 1)))
		fine(t, s.do(t.Context(), "cannot wait", func(*tx) error { return nil })) // returns when the writer is through with what was before
		if logSize(t, dir) != before {
			grew++
			if seq > roomEach && grew > roomEach+3 {
				t.Fatalf("it has grown %d times in %d commits", grew, seq)
			}
		}
	}
	if grew < roomEach-2 {
		t.Errorf("it has grown %d times: room was made at once", grew)
	}
}
