package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Up to smallHeap bytes of what lives a heap is collected half as often as Go would, and never before it is as large as
// firstHeap; up to middleHeap oftener.
const (
	firstHeap  = 16 << 20
	smallHeap  = 16 << 20
	middleHeap = 64 << 20
)

// A collector decides how far the heap may grow between two collections of garbage.
type collector struct {
	mu     sync.Mutex
	on     bool // it decides, not GOGC
	now    int  // per cent; 0 = as Go begins
	pinned int  // how many have said for a while what it is to be
	tight  tightness
}

var garbage collector

// collectLess has a small heap grow to three times what lives in it, instead of twice, and a tiny one to firstHeap: an
// attempt's garbage is short-lived, and half of the collections is a good part of what a short one costs. A middle heap
// (a DAG of ten thousand tasks) is not let grow by more than a small one, and a large one is collected as usual. GOGC
// says otherwise.
func (c *collector) collectLess() {
	if os.Getenv("GOGC") != "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on {
		return
	}
	c.on = true
	c.set(collectAt(0))
	var look func(*[64]byte)
	look = func(*[64]byte) { // after each collection
		c.look()
		runtime.SetFinalizer(new([64]byte), look)
	}
	runtime.SetFinalizer(new([64]byte), look)
}

// look sets it by what lives.
func (c *collector) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := collectAt
	if c.tight.files > 0 {
		c.tight.narrow()
		at = collectTightly
	}
	if !c.on || c.pinned > 0 {
		return
	}
	percent := 100
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 {
		percent = at(live[0].Value.Uint64())
	}
	c.set(percent)
}

// set does so; mu is held. It returns what it was.
func (c *collector) set(percent int) (before int) {
	before = c.now
	if percent != before {
		before = debug.SetGCPercent(percent)
		c.now = percent
	}
	return before
}

// pin has it be so many per cent until the function that it returns is called, whatever lives meanwhile.
func (c *collector) pin(percent int) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned++
	before := c.set(percent)
	return func() {
		c.mu.Lock()
		c.pinned--
		c.set(before)
		c.mu.Unlock()
		c.look()
	}
}

// collectAt is by how many per cent a heap may grow between two collections.
func collectAt(live uint64) int {
	switch {
	case live <= smallHeap:
		return int(min(max(100*firstHeap/max(live, 1), 300), 500)) - 100
	case live <= middleHeap:
		return 30
	}
	return 100
}
