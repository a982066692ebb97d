package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"weft/store"
)

// held stops the writer within a transaction, so that what comes next forms one group; release
// lets it go.
func held(t *testing.T, s *Store) (release func()) {
	t.Helper()
	in, out := make(chan struct{}), make(chan struct{})
	s.w.put(&op{
		do:   func(*tx) error { close(in); <-out; return nil },
		done: func(err error) { fine(t, err) },
	})
	<-in
	return func() { close(out) }
}

// In one group, what fails fails alone: refused beforehand, or found out halfway by the database.
func TestOneThatFailsHarmsNoNeighbour(t *testing.T) {
	s := open(t, t.TempDir())
	fine(t, s.Create(t.Context(), aRun("a"), nil))
	fine(t, s.Create(t.Context(), aRun("b"), nil))
	broken := errors.New("broken")
	rounds := 0
	var got []error
	done := func(err error) { got = append(got, err) }
	release := held(t, s)
	s.Append("a", recs(1, 2), nil, done)
	s.Append("a", recs(9, 1), nil, done) // a gap
	s.w.put(&op{what: "cannot plan", done: done, do: func(t *tx) error {
		rounds++
		_, err := t.exec(addPlan, "too short", []byte{}) // a CHECK
		return err
	}})
	s.w.put(&op{what: "cannot count", done: done, do: func(t *tx) error {
		if _, err := t.exec(moveTail, 77, make([]byte, 16), 1); err != nil { // must not stay
			return err
		}
		return broken
	}})
	s.Append("b", recs(1, 1), nil, done)
	s.Append("a", recs(3, 1), nil, done) // follows the first
	release()
	fine(t, s.Close())

	if len(got) != 6 || got[0] != nil || !errors.Is(got[1], store.ErrGap) || got[2] == nil || !errors.Is(got[3], broken) || got[4] != nil || got[5] != nil {
		t.Fatalf("the answers are %v", got)
	}
	if rounds != 1 {
		t.Errorf("what failed was tried %d times", rounds)
	}
	again := open(t, filepath.Dir(s.path))
	for run, want := range map[string]int{"a": 3, "b": 1} {
		recs, err := again.Read(t.Context(), run)
		fine(t, err)
		if len(recs) != want {
			t.Errorf("run %s has %d records, want %d", run, len(recs), want)
		}
	}
}

// One who gives up while waiting has not written; one who gives up too late learns what came of it.
func TestGivingUp(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	release := held(t, s)
	answer := make(chan error)
	go func() { answer <- s.Create(ctx, aRun("early"), nil) }()
	for len(waiting(s)) == 0 { // until it stands in the queue
		select {
		case err := <-answer:
			t.Fatalf("it did not wait: %v", err)
		case <-t.Context().Done():
			t.Fatal("it never came")
		default:
		}
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("early: got %v", err)
	}
	release()

	ctx, cancel = context.WithCancel(t.Context())
	fine(t, s.do(ctx, "cannot test", func(*tx) error { cancel(); return nil }))
	if _, err := s.GetRun(t.Context(), "early"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("early was written: %v", err)
	}
}

func waiting(s *Store) []*op {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.waiting
}

// Statements are prepared when they are first needed; none fails then.
func TestEveryStatementCanBePrepared(t *testing.T) {
	s := open(t, t.TempDir())
	fine(t, s.do(t.Context(), "cannot prepare", func(tx *tx) error {
		for q := range queryCount {
			if _, err := tx.stmt(q); err != nil {
				t.Errorf("%s: %v", queryTexts[q], err)
			}
		}
		return nil
	}))
}
