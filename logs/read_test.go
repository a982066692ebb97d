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
