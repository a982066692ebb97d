package away_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weft/handoff"
	"weft/logs"
	"weft/logs/away"
	"weft/machine"
)

var hello = logs.ID{DAG: "etl", Run: "manual__2026-01-01T00:00:00+00:00", Task: "hello", Index: -1, Attempt: 1}

const limit = 64 << 20

// A desk is a machine that writes a log, and a handoff.
type desk struct {
	t    *testing.T
	file string
	to   away.Place
	ship *away.Shipper
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	to, err := away.Open(handoff.FileURI(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, filepath.Join(t.TempDir(), "a.log"), to, &away.Shipper{}}
}

func (d *desk) begin(id logs.ID) *away.Shipment {
	d.t.Helper()
	sh, err := d.ship.Begin(d.to, id, d.file, limit)
	if err != nil {
		d.t.Fatal(err)
	}
	return sh
}

func (d *desk) say(text string) {
	d.t.Helper()
	f, err := os.OpenFile(d.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// read is what somebody elsewhere sees now.
func (d *desk) read(id logs.ID) string {
	d.t.Helper()
	var b bytes.Buffer
	if err := d.to.Copy(context.Background(), &b, id); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return b.String()
}

func (d *desk) wait() {
	d.t.Helper()
	if err := d.ship.Wait(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

func TestALogIsReadElsewhereWhileItGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		sh := d.begin(hello)
		want := ""
		for i := range 4 {
			line := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i*away.Piece*2/3)) // across pieces
			d.say(line)
			want += line
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if got := d.read(hello); got != want {
				t.Fatalf("after line %d: %d bytes are read, %d were written", i, len(got), len(want))
			}
		}
		d.say("last words\n")
		sh.End()
		d.wait()
		if got := d.read(hello); got != want+"last words\n" {
			t.Fatalf("at its end %d bytes are read, %d were written", len(got), len(want)+11)
		}
		if left := measure(t, d.to, hello); left.Count != 1 {
			t.Fatalf("%d objects are left of a log that is complete; want 1", left.Count)
		}
	})
}

func measure(t *testing.T, p away.Place, id logs.ID) handoff.Amount {
	t.Helper()
	left, err := p.Backend.Measure(context.Background(), id.DAG+"/"+id.Run)
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestWhatWasCutOffStaysBeforeWhatRanAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newDesk(t)
		first.begin(hello)
		first.say("I begin\n")
		time.Sleep(3 * time.Second)
		ended, cancel := context.WithCancel(context.Background())
		cancel() // its machine dies
		if err := first.ship.Wait(ended); err == nil {
			t.Fatal("a shipper that was stopped says that all has arrived")
		}

		for n := 2; n <= 9; n++ { // other machines; each ends it, as checks of a remote job do
			d := newDesk(t)
			d.to = first.to
			sh := d.begin(hello)
			d.say(fmt.Sprintf("again %d\n", n))
			sh.End()
			d.wait()
		}
		want := "I begin\n"
		for n := 2; n <= 9; n++ {
			want += fmt.Sprintf("again %d\n", n)
		}
		if got := first.read(hello); got != want {
			t.Fatalf("read:\n%swant:\n%s", got, want)
		}
	})
}

func TestALogIsFollowedToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		sh := d.begin(hello)
		var seen bytes.Buffer
		var over atomic.Bool
		done := make(chan error)
		go func() {
			done <- d.to.Follow(context.Background(), &seen, hello, time.Second, func() bool { return over.Load() })
		}()
		d.say("one\n")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if seen.String() != "one\n" {
			t.Fatalf("followed so far: %q", seen.String())
		}
		d.say("two\n")
		over.Store(true)
		time.Sleep(500 * time.Millisecond) // the attempt is over, its log still on its way
		sh.End()
		if err := <-done; err != nil || seen.String() != "one\ntwo\n" {
			t.Fatalf("followed to the end: %q, %v", seen.String(), err)
		}
	})
}

func TestAnAttemptThatSaysNothingLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		silent, spared := d.begin(hello), logs.ID{DAG: "etl", Run: "r", Task: "b", Index: 3, Attempt: 2}
		silent.End()
		other := d.begin(spared)
		d.say("another's words\n")
		other.Drop()
		d.wait()
		for _, id := range []logs.ID{hello, spared} {
			if err := d.to.Copy(context.Background(), io.Discard, id); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("log of %s: %v; want that there is none", id.Task, err)
			}
		}
		begun := time.Now()
		if err := d.to.Follow(context.Background(), io.Discard, hello, time.Second, func() bool { return true }); err != nil || time.Since(begun) > 10*time.Second {
			t.Errorf("following it to its end: %v after %v", err, time.Since(begun))
		}
	})
}

func TestAFileGoesOnceAllOfItIsInTheHandoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.ship.Remove = true
		first := d.begin(hello)
		d.say("submitted\n")
		first.End()
		second := d.begin(hello) // before the first has arrived
		d.say("it runs\n")
		synctest.Wait()
		if _, err := os.Stat(d.file); err != nil {
			t.Fatal("the file has gone while something is written to it")
		}
		second.End()
		d.wait()
		if got := d.read(hello); got != "submitted\nit runs\n" {
			t.Fatalf("read %q", got)
		}
		if _, err := os.Stat(d.file); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the file is still there: %v", err)
		}
	})
}

// failing is a handoff that fails so often, and takes no value larger than most.
type failing struct {
	handoff.Backend
	times int
	most  int64
}

func (f *failing) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	switch {
	case f.times > 0:
		f.times--
		return machine.Ref{}, errors.New("out of reach")
	case size > f.most:
		return machine.Ref{}, fmt.Errorf("put %s: %w", key, handoff.ErrTooLarge)
	}
	return f.Backend.Put(ctx, key, r, size)
}

func TestALogArrivesThoughTheHandoffFailsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.to.Backend = &failing{d.to.Backend, 5, 1 << 20}
		sh := d.begin(hello)
		d.say("still here\n")
		time.Sleep(3 * time.Second)
		sh.End()
		d.wait()
		if got := d.read(hello); got != "still here\n" {
			t.Fatalf("read %q", got)
		}
	})
}

func TestAPlaceThatTakesNoLargeValueKeepsPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.to.Backend = &failing{d.to.Backend, 0, 400_000}
		sh := d.begin(hello)
		want := strings.Repeat("a line of a long log\n", 100_000)
		d.say(want)
		sh.End()
		d.wait()
		if got := d.read(hello); got != want {
			t.Fatalf("%d bytes are read, %d were written", len(got), len(want))
		}
	})
}
