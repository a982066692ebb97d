package clock

import (
	"slices"
	"sync"
	"time"
)

// A Fake is a clock that moves when it is told to. It is safe for concurrent use.
type Fake struct {
	mu     sync.Mutex
	wall   time.Time
	mono   time.Duration
	timers []*fakeTimer // by the moment they are due, then by the order they were asked for
}

type fakeTimer struct {
	at   time.Duration // of mono
	done chan struct{}
}

var _ Clock = (*Fake)(nil)

// NewFake makes a clock that stands at that time of the wall.
func NewFake(wall time.Time) *Fake { return &Fake{wall: wall.UTC().Round(0)} }

// Now implements Clock.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wall
}

// Mono implements Clock.
func (f *Fake) Mono() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mono
}

// After implements Clock.
func (f *Fake) After(d time.Duration) (<-chan struct{}, func()) {
	t := &fakeTimer{done: make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d <= 0 {
		close(t.done)
		return t.done, func() {}
	}
	t.at = f.mono + d
	i, _ := slices.BinarySearchFunc(f.timers, t.at, func(o *fakeTimer, at time.Duration) int {
		if o.at <= at { // behind its equals
			return -1
		}
		return 1
	})
	f.timers = slices.Insert(f.timers, i, t)
	return t.done, func() { f.drop(t) }
}

func (f *Fake) drop(t *fakeTimer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.timers, t); i >= 0 {
		f.timers = slices.Delete(f.timers, i, i+1)
	}
}

// Advance lets d pass on both clocks, firing what comes due.
func (f *Fake) Advance(d time.Duration) {
	if d < 0 {
		panic("clock: monotonic time does not go back; use Jump")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wall, f.mono = f.wall.Add(d), f.mono+d
	n := 0
	for ; n < len(f.timers) && f.timers[n].at <= f.mono; n++ {
		close(f.timers[n].done)
	}
	f.timers = slices.Delete(f.timers, 0, n)
}

// Jump moves the wall alone, forward or back: someone set it, or the machine was suspended.
func (f *Fake) Jump(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wall = f.wall.Add(d)
}

// Next tells how long it is until the first timer fires; ok is false if nobody waits.
func (f *Fake) Next() (d time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.timers) == 0 {
		return 0, false
	}
	return f.timers[0].at - f.mono, true
}
