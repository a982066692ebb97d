package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// largeDAG is from what size on memory counts for more than time when a file is read: what is made of
// it is forty times its text, for a moment.
const largeDAG = 128 << 10

// What one file is read in: the heap may grow by tightRoom from one collection to the next, by less as it comes
// near tightLimit. Beyond that it is collected as often as it helps, up to half of the time, and what is free goes back to
// the system at once. The program's own pages are some 10 MB beside it.
const (
	tightRoom  = 16 << 20
	tightLimit = 46 << 20
)

// collectTightly is by how many per cent a heap may grow while a file is read.
func collectTightly(live uint64) int {
	return int(min(max(100*tightRoom/max(live, 1), 30), 400))
}

// A tightness is how many files are being read in little memory, large ones among them, and what held before.
type tightness struct {
	files, large int
	limit        int64
	procs        int
}

// collectMore keeps what one file makes of the heap small until the function that it returns is called: a few bytes can
// stand for very many, by aliases. While a large one is read, nothing runs beside it: on one processor the collector
// takes turns with what makes the garbage, so that how much gathers does not depend on how busy the machine is; on two, one
// that the system stops for a while is overtaken by tens of megabytes.
func (c *collector) collectMore(file string) func() {
	large := isLarge(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tight.files++; c.tight.files == 1 {
		c.tight.limit = debug.SetMemoryLimit(tightLimit)
	}
	if large {
		if c.tight.large++; c.tight.large == 1 {
			c.tight.procs = runtime.GOMAXPROCS(1)
		}
		dropOwnPages()
	}
	return func() {
		c.mu.Lock()
		if c.tight.files--; c.tight.files == 0 {
			debug.SetMemoryLimit(c.tight.limit)
		}
		if large {
			if c.tight.large--; c.tight.large == 0 {
				runtime.GOMAXPROCS(c.tight.procs)
			}
		}
		c.mu.Unlock()
		c.look()
	}
}

// leaveLittle is collectMore for a file of which only the plan, or what is wrong with it, stays: what else was made of
// it goes back to the system at the end.
func leaveLittle(file string) func() {
	done := garbage.collectMore(file)
	return func() {
		done()
		if isLarge(file) {
			debug.FreeOSMemory()
		}
	}
}

func isLarge(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > largeDAG
}
