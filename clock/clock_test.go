package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fired(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestAFakeFiresWhatIsDueAndNothingElse(t *testing.T) {
	f := clock.NewFake(noon)
	late, _ := f.After(3 * time.Second)
	soon, _ := f.After(time.Second)
	gone, stop := f.After(2 * time.Second)
	now, _ := f.After(0)
	stop()

	if !fired(now) || fired(soon) {
		t.Fatal("a wait of nothing must be over at once, and only that")
	}
	if d, ok := f.Next(); !ok || d != time.Second {
		t.Fatalf("next timer in %v, %v; want 1s", d, ok)
	}
	f.Advance(2 * time.Second)
	if !fired(soon) || fired(late) || fired(gone) {
		t.Fatalf("after 2s: soon %v, late %v, stopped %v", fired(soon), fired(late), fired(gone))
	}
	f.Advance(time.Second)
	if !fired(late) {
		t.Fatal("the last timer did not fire at its very moment")
	}
	if _, ok := f.Next(); ok {
		t.Fatal("nobody waits, yet there is a next timer")
	}
}

func TestAJumpOfTheWallMovesNoTimer(t *testing.T) {
	f := clock.NewFake(noon)
	c, _ := f.After(time.Minute)
	f.Jump(-10 * 365 * 24 * time.Hour)
	f.Jump(400 * 24 * time.Hour)
	if fired(c) || f.Mono() != 0 {
		t.Fatal("a jump of the wall moved the monotonic clock")
	}
	f.Advance(time.Minute)
	if want := noon.AddDate(0, 0, 400-3650).Add(time.Minute); !fired(c) || !f.Now().Equal(want) {
		t.Fatalf("fired %v at %v, want true at %v", fired(c), f.Now(), want)
	}
}

func TestTheRealClockGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, wall := clock.Real.Mono(), clock.Real.Now()
		c, stop := clock.Real.After(time.Hour)
		dropped, drop := clock.Real.After(time.Minute)
		drop()
		defer stop()
		<-c
		if d := clock.Real.Mono() - before; d != time.Hour {
			t.Fatalf("%v went by on the monotonic clock, want 1h", d)
		}
		if d := clock.Real.Now().Sub(wall); d != time.Hour {
			t.Fatalf("%v went by on the wall, want 1h", d)
		}
		if fired(dropped) {
			t.Fatal("a timer that was stopped fired")
		}
		if clock.Real.Now().Location() != time.UTC {
			t.Fatal("the wall's time is not in UTC")
		}
	})
}
