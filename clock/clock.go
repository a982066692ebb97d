// Package clock gives the two times there are: the wall's, which people set and which jumps, and
// the monotonic one, which only goes on. What is due at a date asks the first; what lasts (a
// timeout, a poll's interval) asks the second.
package clock

import "time"

// A Clock tells both times and wakes its caller.
type Clock interface {
	// Now is the wall's time, in UTC. It may go back, and jumps after a suspension.
	Now() time.Time
	// Mono is the time since some fixed moment of this process; it never goes back. On Linux it
	// stands still while the machine is suspended.
	Mono() time.Duration
	// After closes the channel once d has passed on the monotonic clock (at once if d ≤ 0). stop
	// releases the timer; the channel then stays open unless it was closed before. A wait for a
	// moment of the wall must be cut in pieces (a minute or less) and ask Now again: neither a
	// jump nor a suspension moves a timer.
	After(d time.Duration) (done <-chan struct{}, stop func())
}

// Real is the clock of the machine.
var Real Clock = machineClock{}

type machineClock struct{}

var start = time.Now()

// Now drops the monotonic reading, so that differences of two wall times are those of the wall.
func (machineClock) Now() time.Time { return time.Now().UTC().Round(0) }

func (machineClock) Mono() time.Duration { return time.Since(start) }

func (machineClock) After(d time.Duration) (<-chan struct{}, func()) {
	done := make(chan struct{})
	t := time.AfterFunc(d, func() { close(done) })
	return done, func() { t.Stop() }
}
