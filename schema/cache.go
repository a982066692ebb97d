package schema

import "sync"

// maxKept bounds how many compiled schemas a process keeps. What is compiled again and again are the
// inputs of the plugins and a handful of short fragments (`{"type":"string"}`), far fewer than that.
const maxKept = 512

// maxKeptBytes is the longest schema that is worth keeping: none of a plugin's comes near it.
const maxKeptBytes = 64 << 10

// kept holds what Compile made of which text. To compile is to validate the schema against its
// draft, which takes longer than reading a whole DAG file; a folder of files, or a server that
// checks each output, would pay it every time. A Checker is immutable, so all may share one.
var kept = struct {
	sync.Mutex
	checkers map[string]*Checker
}{checkers: map[string]*Checker{}}

func recall(raw []byte) *Checker {
	kept.Lock()
	defer kept.Unlock()
	return kept.checkers[string(raw)]
}

// remember keeps a checker. When there are too many all are forgotten: fragments come from files, so
// a hostile one could otherwise fill the memory, and what is in use comes back at once. Failures are
// not kept.
func remember(raw []byte, c *Checker) {
	if len(raw) > maxKeptBytes {
		return
	}
	kept.Lock()
	defer kept.Unlock()
	if len(kept.checkers) >= maxKept {
		clear(kept.checkers)
	}
	kept.checkers[string(raw)] = c
}
