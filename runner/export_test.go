package runner

import "time"

// SetDrainTime changes how long the end of a pipe is waited for; the function returned changes it
// back.
func SetDrainTime(d time.Duration) (back func()) {
	before := drainTime
	drainTime = d
	return func() { drainTime = before }
}
