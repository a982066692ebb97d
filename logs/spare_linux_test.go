package logs

import (
	"bytes"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func nth(n int) ID { return ID{"d", "r", "t", -1, n} }

func opened(t *testing.T, s *Store, id ID) *os.File {
	t.Helper()
	f, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func listed(t *testing.T, s *Store) (attempts []int) {
	t.Helper()
	ids, err := s.List("d", "r")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		attempts = append(attempts, id.Attempt)
	}
	return attempts
}

func sameFile(t *testing.T, a, b *os.File) bool {
	t.Helper()
	x, errX := a.Stat()
	y, errY := b.Stat()
	if errX != nil || errY != nil {
		t.Fatal(errX, errY)
	}
	return os.SameFile(x, y)
}

func TestTheFileOfASilentAttemptServesTheNext(t *testing.T) {
	s := New(t.TempDir(), 0)
	first := opened(t, s, nth(1))
	s.Spare(nth(1), first)
	second := opened(t, s, nth(2))
	if !sameFile(t, first, second) {
		t.Error("another file was made")
	}
	third := opened(t, s, nth(3))
	if sameFile(t, second, third) {
		t.Error("two attempts have one file")
	}
	if _, err := second.WriteString("what the second says\n"); err != nil {
		t.Fatal(err)
	}
	second.Close()
	if err := s.Seal(nth(2)); err != nil {
		t.Error(err)
	}
	s.Spare(nth(3), third)
	if got := listed(t, s); len(got) != 2 || got[0] != 2 || got[1] != 3 {
		t.Errorf("there are the logs of attempts %v", got)
	}
	s.Leave("r")
	if got := listed(t, s); len(got) != 1 || got[0] != 2 {
		t.Errorf("after the run's end there are the logs of attempts %v", got)
	}
	if b, err := os.ReadFile(s.Path(nth(2))); string(b) != "what the second says\n" {
		t.Errorf("the second's log is %q, error %v", b, err)
	}
}

func TestASpareTakesNoLogsPlace(t *testing.T) {
	s := New(t.TempDir(), 0)
	cut := opened(t, s, nth(2)) // of an attempt that is cut off, and will run again under its number
	if _, err := cut.WriteString("before the crash\n"); err != nil {
		t.Fatal(err)
	}
	s.Spare(nth(1), opened(t, s, nth(1)))
	again := opened(t, s, nth(2))
	if !sameFile(t, cut, again) {
		t.Error("what the attempt said before the crash is gone")
	}
	if later := opened(t, s, nth(3)); sameFile(t, again, later) {
		t.Error("two attempts have one file")
	}
}

// An attempt that was prepared and did not begin leaves its log as a spare; when it begins after all, no other
// may get that file.
func TestASpareOfTheSameAttemptIsNoSpareAnyMore(t *testing.T) {
	s := New(t.TempDir(), 0)
	s.Spare(nth(1), opened(t, s, nth(1)))
	begun := opened(t, s, nth(1))
	if later := opened(t, s, nth(2)); sameFile(t, begun, later) {
		t.Error("two attempts have one file")
	}
	if _, err := begun.WriteString("it began\n"); err != nil {
		t.Fatal(err)
	}
	s.Leave("r")
	if b, err := os.ReadFile(s.Path(nth(1))); string(b) != "it began\n" {
		t.Errorf("its log is %q, error %v", b, err)
	}
}

func TestASpareWhoseNameIsGoneIsNotMissed(t *testing.T) {
	s := New(t.TempDir(), 0)
	s.Spare(nth(1), opened(t, s, nth(1)))
	if err := os.RemoveAll(filepath.Join(s.folder, "d")); err != nil {
		t.Fatal(err)
	}
	f := opened(t, s, nth(2))
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	s.Leave("r")
	if got := listed(t, s); len(got) != 1 || got[0] != 2 {
		t.Errorf("there are the logs of attempts %v", got)
	}
}

func TestWhoFollowsASilentAttemptHearsNothingOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t.TempDir(), 0)
		f := opened(t, s, nth(1))
		var got bytes.Buffer
		var over atomic.Bool
		done := make(chan error, 1)
		go func() { done <- s.Follow(t.Context(), &got, nth(1), time.Second, over.Load) }()
		beyond(2 * time.Second)
		s.Spare(nth(1), f)
		next := opened(t, s, nth(2))
		if _, err := next.WriteString("what another says\n"); err != nil {
			t.Fatal(err)
		}
		beyond(2 * time.Second)
		over.Store(true)
		beyond(time.Second)
		if err := <-done; err != nil || got.Len() > 0 {
			t.Errorf("heard %q, error %v", got.String(), err)
		}
	})
}
