package sim

import (
	"container/heap"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// epoch is when every story begins on the wall.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// A world is virtual time and chance. Its clocks stand still unless the next event is due.
type world struct {
	rng  *rand.Rand
	mono time.Duration
	skew time.Duration // of the wall against the monotonic clock: someone set it
	heap happenings
	n    uint64
}

// A happening is something that will be.
type happening struct {
	at time.Duration
	n  uint64 // order of planning, for those at one moment
	do func()
}

func newWorld(seed uint64) world { return world{rng: dice(seed, "world")} }

// Now implements local.Clock: the wall.
func (w *world) Now() time.Time { return epoch.Add(w.mono + w.skew) }

// Mono implements local.Clock. It does not begin at zero: nothing may take zero for "not set".
func (w *world) Mono() time.Duration { return w.mono + time.Hour }

// after plans something.
func (w *world) after(d time.Duration, do func()) {
	w.n++
	heap.Push(&w.heap, happening{w.mono + max(0, d), w.n, do})
}

// next takes the first happening that is due at or before a moment.
func (w *world) next(until time.Duration) (happening, bool) {
	if len(w.heap) == 0 || w.heap[0].at > until {
		return happening{}, false
	}
	return heap.Pop(&w.heap).(happening), true
}

// chance is true with probability p.
func (w *world) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// upTo draws a duration below d, in microseconds, small ones more often.
func (w *world) upTo(d time.Duration) time.Duration { return draw(w.rng, d) }

func draw(r *rand.Rand, d time.Duration) time.Duration {
	f := r.Float64()
	return time.Duration(f * f * float64(d)).Truncate(time.Microsecond)
}

// dice is a source of chance that hangs on nothing but its words: what a task does on its third
// attempt is the same whatever else happens in the story.
func dice(seed uint64, words ...string) *rand.Rand {
	h := fnv.New64a()
	for _, s := range words {
		_, _ = h.Write([]byte(s))
		_, _ = h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// happenings is a heap by time, then by order of planning.
type happenings []happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].n < h[j].n
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(happening)) }
func (h *happenings) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = happening{}
	*h = old[:len(old)-1]
	return x
}
