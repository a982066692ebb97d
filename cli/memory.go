package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// smallHeap is up to what size of what lives a heap is collected half as often.
const smallHeap = 16 << 20

// collectLess has a small heap grow to three times what lives in it, instead of twice: an attempt's
// garbage is short-lived, and half of the collections is a good part of what a short one costs. A heap
// that has become large is collected as usual from then on. GOGC says otherwise.
func collectLess() {
	if os.Getenv("GOGC") != "" {
		return
	}
	const usual = 100
	debug.SetGCPercent(2 * usual)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var look func(*[64]byte)
	look = func(*[64]byte) { // after each collection
		if metrics.Read(live); live[0].Value.Kind() != metrics.KindUint64 || live[0].Value.Uint64() > smallHeap {
			debug.SetGCPercent(usual)
			return
		}
		runtime.SetFinalizer(new([64]byte), look)
	}
	runtime.SetFinalizer(new([64]byte), look)
}

// largeDAG is from what size on memory counts for more than time when a file is read: what is made of
// it is a hundred times its text, for a moment.
const largeDAG = 256 << 10

// collectMore has little garbage gather, if a file is large, until the function that it returns is called.
// It is for one file at a time: the setting is that of the whole program.
func collectMore(file string) func() {
	if info, err := os.Stat(file); err != nil || info.Size() <= largeDAG {
		return func() {}
	}
	before := debug.SetGCPercent(40)
	return func() { debug.SetGCPercent(before) }
}
