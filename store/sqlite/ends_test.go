package sqlite

import (
	"errors"
	"testing"

	"weft/store"
)

// Where a journal ends is remembered only as long as nobody else writes: two wefts that append to
// one run in turn each see what the other wrote, and neither chains to a stale end.
func TestAnEndThatAnotherMovedIsLookedUpAgain(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	fine(t, a.Create(t.Context(), aRun("r"), nil))
	for seq := 1; seq <= 9; seq += 3 {
		fine(t, appended(a, "r", recs(seq, 1)))
		fine(t, appended(a, "r", recs(seq+1, 1))) // from memory
		fine(t, appended(b, "r", recs(seq+2, 1)))
		if err := appended(a, "r", recs(seq+2, 1)); !errors.Is(err, store.ErrGap) {
			t.Errorf("record %d is there, and is taken again: %v", seq+2, err)
		}
	}
	got, err := b.Read(t.Context(), "r")
	fine(t, err)
	if len(got) != 9 {
		t.Errorf("%d records are there, not 9", len(got))
	}
}

// What is remembered is forgotten with a transaction that failed: it speaks of what is not there.
func TestAnEndThatWasRolledBackIsForgotten(t *testing.T) {
	s := open(t, t.TempDir())
	fine(t, s.Create(t.Context(), aRun("r"), nil))
	fine(t, appended(s, "r", recs(1, 1)))
	broken := errors.New("broken")
	var got []error
	done := func(err error) { got = append(got, err) }
	release := held(t, s)
	s.Append("r", recs(2, 1), nil, done)
	s.w.put(&op{what: "cannot go on", appends: true, do: func(*tx) error { return broken }, done: done})
	release()
	fine(t, appended(s, "r", recs(3, 1)))
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], broken) {
		t.Fatalf("the answers are %v", got)
	}
	if end := s.w.session.ends.known["r"]; end.seq != 3 {
		t.Errorf("it remembers record %d as the last", end.seq)
	}
}
