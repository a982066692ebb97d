package scheduler

import (
	"container/heap"
	"time"
)

// A queue is the DAGs that are to be asked, by when.
type queue struct{ heap dagHeap }

// first tells when the next DAG is to be asked.
func (q *queue) first() (time.Time, bool) {
	if len(q.heap) == 0 {
		return time.Time{}, false
	}
	return q.heap[0].next, true
}

// put has a DAG be asked at a moment, and at no other.
func (q *queue) put(d *dag, at time.Time) {
	d.next = at
	if d.at < 0 {
		heap.Push(&q.heap, d)
		return
	}
	heap.Fix(&q.heap, d.at)
}

// drop has a DAG be asked no more.
func (q *queue) drop(d *dag) {
	if d.at >= 0 {
		heap.Remove(&q.heap, d.at)
	}
}

// due takes out the DAGs that are to be asked by now.
func (q *queue) due(now time.Time) (out []*dag) {
	for len(q.heap) > 0 && !q.heap[0].next.After(now) {
		out = append(out, heap.Pop(&q.heap).(*dag))
	}
	return out
}

type dagHeap []*dag

func (h dagHeap) Len() int { return len(h) }
func (h dagHeap) Less(i, j int) bool {
	if !h[i].next.Equal(h[j].next) {
		return h[i].next.Before(h[j].next)
	}
	return h[i].id < h[j].id
}
func (h dagHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }
func (h *dagHeap) Push(x any) {
	d := x.(*dag)
	d.at = len(*h)
	*h = append(*h, d)
}

func (h *dagHeap) Pop() any {
	old := *h
	d := old[len(old)-1]
	*h, d.at = old[:len(old)-1], -1
	return d
}

// soon has a DAG be asked in the next round.
func (s *Service) soon(d *dag) { s.queue.put(d, time.Time{}) }
