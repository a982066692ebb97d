// Package cputime measures work by what the processor did for it, for tests that hold a function to a bound: on a machine
// that others use too, the wall's time says how long one waited.
package cputime

import (
	"runtime"
	"time"
)

// Of carries f out and returns the time that the calling thread worked meanwhile; of goroutines that f starts nothing is
// counted. Where the system does not tell that of one thread it is the wall's time.
func Of(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := spent()
	f()
	return spent() - begun
}
