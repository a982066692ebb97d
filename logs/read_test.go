package logs

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// beyond goes on once the follower has looked again: time in the bubble passes when all wait.
func beyond(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t.TempDir(), 1<<20)
		var got bytes.Buffer
		var over atomic.Bool
		done := make(chan error, 1)
		go func() { done <- s.Follow(t.Context(), &got, attempt, time.Second, over.Load) }()
		beyond(2 * time.Second) // there is no log yet
		f := open(t, s)
		for _, piece := range []string{"one\n", "tw", "o\n\x1b[1m\xff"} {
			if _, err := f.WriteString(piece); err != nil {
				t.Fatal(err)
			}
			beyond(time.Second)
			if !strings.HasSuffix(got.String(), piece) {
				t.Errorf("followed to %q, missing %q", got.String(), piece)
			}
		}
		numbered(t, f, 0, 4<<20) // a flood, cut before anyone looks
		s.CapAll()
		beyond(time.Second)
		if n := len(markerLine.FindAllString(got.String(), -1)); n != 1 {
			t.Errorf("%d markers", n)
		}
		if _, err := f.WriteString("the last words"); err != nil {
			t.Fatal(err)
		}
		over.Store(true)
		beyond(time.Second)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("it goes on after the end of the attempt")
		}
		if got.String() != text(t, s) || !strings.HasSuffix(got.String(), "the last words") {
			t.Errorf("followed %d bytes, the log has %d", got.Len(), len(text(t, s)))
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := New(t.TempDir(), 0).Follow(ctx, &bytes.Buffer{}, attempt, time.Hour, func() bool { return false })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct {
		log   string
		lines int
		most  int64
		want  string
	}{
		{"", 3, 100, ""},
		{"a", 3, 100, "a"},
		{"a\nb\nc\nd\n", 2, 100, "c\nd\n"},
		{"a\nb\nc\nd", 2, 100, "c\nd"},
		{"a\nb\n", 2, 100, "a\nb\n"},
		{"\n\nb\n", 3, 100, "\n\nb\n"},
		{"\n\nb\n", 2, 100, "\nb\n"},
		{"a\nb\n", 0, 100, ""},
		{"a\n", 0, 100, ""},
		{"a", 0, 100, ""},
		{"aaaa\nbbbb\ncccc\n", 9, 12, "bbbb\ncccc\n"},
		{"a line that is long", 9, 4, "long"},
	} {
		s := New(t.TempDir(), 0)
		if _, err := open(t, s).WriteString(c.log); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Tail(attempt, c.lines, c.most); err != nil || string(got) != c.want {
			t.Errorf("%d lines of %q: %q, error %v", c.lines, c.log, got, err)
		}
	}
}

func TestTailStopsAtWhatIsLeftOut(t *testing.T) {
	s := New(t.TempDir(), 256<<10)
	numbered(t, open(t, s), 0, 1<<20)
	s.CapAll()
	got, err := s.Tail(attempt, 1<<30, 1<<20)
	if err != nil || len(got) < 100<<10 || bytes.IndexByte(got, 0) >= 0 || !bytes.HasSuffix(got, []byte(" 1048560\n")) {
		t.Errorf("%d bytes from %q, error %v", len(got), got[:min(len(got), 20)], err)
	}
}

func TestLastLine(t *testing.T) {
	for log, want := range map[string]string{
		"":                              "",
		"\n \n":                         "",
		"one\ntwo\n\n":                  "two",
		"one\ntw":                       "tw",
		" 10 %\r 20 %\r":                "20 %",
		"\x1b[1;31mred\x1b[0m\n":        "red",
		"\x1b]0;title\x07shown\n":       "shown",
		"\x1b]8;;http://x\x1b\\link\n":  "link",
		"ok\n\x1b[2K\x1b[1A\n":          "ok",
		"cut \x1b[1;3":                  "cut",
		"\x1b(Bplain\x1b=":              "plain",
		"a\tb\x00\x07c\u202ed":          "a bcd",
		"not \xff UTF-8":                "not \ufffd UTF-8",
		"broken \x1b[1\nline":           "line",
		strings.Repeat("x", 100) + "\n": strings.Repeat("x", 100),
	} {
		s := New(t.TempDir(), 0)
		if _, err := open(t, s).WriteString(log); err != nil {
			t.Fatal(err)
		}
		if got := s.LastLine(attempt); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
	if got := New(t.TempDir(), 0).LastLine(attempt); got != "" {
		t.Errorf("of no log: %q", got)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m \x1b]0;t\x07\x1bPq\x1b\\\x9b1m\u009b"))
	f.Add([]byte("\x1b\x1b[\x1b]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range Plain(b) {
			if r < ' ' || 0x7f <= r && r < 0xa0 {
				t.Errorf("%q leaves %q", b, r)
			}
		}
	})
}
