package runner

import (
	"math"
	"time"

	"weft/machine"
)

// mostBetweenPokes bounds what exponential_backoff without max_wait comes to.
const mostBetweenPokes = 30 * 24 * time.Hour

// PokeInterval is the time from the end of a sensor's n-th poke (from 1) to the start of the next: poke_interval, or with
// exponential_backoff that doubled with each poke, up to max_wait, less a deterministic tenth. run is its machine.RunKey.
func PokeInterval(run string, key machine.Key, def *machine.Sensor, n int) time.Duration {
	d := float64(def.PokeInterval)
	if def.ExponentialBackoff {
		d *= math.Pow(2, float64(min(n-1, 40)))
		if limit := float64(def.MaxWait); limit > 0 {
			d = min(d, limit)
		}
		key.Attempt = key.Attempt*1000 + n
		d *= 1 - 0.1*machine.Chance(run, key)
	}
	return time.Duration(min(d, float64(mostBetweenPokes)))
}

// Bounds of the time between two checks of remote work, as long as they are answered and there is little of it.
const (
	FirstCheck   = time.Second
	LongestCheck = 32 * time.Second
	slowestCheck = 64 * time.Second
)

// CheckStep is how long after a check of a submission of that age the next is due: an eighth to a quarter of the age, by steps
// of a factor of two; longer after checks in a row that could not ask.
func CheckStep(age time.Duration, unanswered int) time.Duration {
	step := FirstCheck
	for step < LongestCheck && step*8 <= age {
		step *= 2
	}
	for range min(unanswered, 3) {
		step = min(step*2, slowestCheck)
	}
	return step
}
