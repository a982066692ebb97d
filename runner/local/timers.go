package local

import (
	"container/heap"
	"time"
)

// An alarm is one waiting timer: its whole cost is this and a place in the heap.
type alarm struct {
	due  time.Duration // monotonic
	n    uint64        // order of arming, for those due at once
	fire func()
	pos  int // in the heap; -1 = not in it
}

// timers is one heap of alarms.
type timers struct {
	heap alarms
	n    uint64
}

func (t *timers) push(due time.Duration, fire func()) *alarm {
	a := &alarm{fire: fire}
	t.arm(a, due)
	return a
}

// arm puts an alarm in that is in no more, or has never been: one serves all the pokes of a sensor.
func (t *timers) arm(a *alarm, due time.Duration) {
	t.n++
	a.due, a.n = due, t.n
	heap.Push(&t.heap, a)
}

// pop takes the first alarm that is due.
func (t *timers) pop(now time.Duration) (*alarm, bool) {
	if len(t.heap) == 0 || t.heap[0].due > now {
		return nil, false
	}
	return heap.Pop(&t.heap).(*alarm), true
}

func (t *timers) next() (time.Duration, bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].due, true
}

// cancel takes an alarm out; one that has fired, or nil, is passed over.
func (t *timers) cancel(a *alarm) {
	if a != nil && a.pos >= 0 {
		heap.Remove(&t.heap, a.pos)
	}
}

type alarms []*alarm

func (h alarms) Len() int { return len(h) }
func (h alarms) Less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].n < h[j].n
}

func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

func (h *alarms) Push(x any) {
	a := x.(*alarm)
	a.pos = len(*h)
	*h = append(*h, a)
}

func (h *alarms) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.pos = -1
	return a
}
