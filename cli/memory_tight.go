package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// largeDAG is from what size on memory counts for more than time when a file is read: what is made of
// it is forty times its text, for a moment.
const largeDAG = 128 << 10

// narrowDAG is from what size on a file is read on one processor from the beginning.
const narrowDAG = 16 << 10

// What one file is read in: the heap may grow by tightRoom from one collection to the next, by less as what lives becomes
// more, and what Go has of the system may come to tightLimit. Beyond that it is collected as often as it helps, up to half
// of the time, and what is free goes back at once. The program's own pages are 10 to 20 MB beside it.
const (
	tightRoom  = 8 << 20
	tightLimit = 36 << 20
)

// collectTightly is by how many per cent a heap may grow while a file is read.
func collectTightly(live uint64) int {
	return int(min(max(100*tightRoom/max(live, 1), 30), 400))
}

// A tightness is how many files are being read in little memory, and what held before.
type tightness struct {
	files int
	limit int64
	procs int // 0 = as many as before
}

// narrow has nothing run beside the file that is read: on one processor the collector takes turns with what makes the
// garbage, so that how much gathers does not depend on how busy the machine is. On two, a collector that the system
// stops for a while is overtaken by tens of megabytes.
func (t *tightness) narrow() {
	dropOwnPages()
	if t.procs == 0 {
		t.procs = runtime.GOMAXPROCS(1)
	}
}

// collectMore keeps what one file makes of the heap small until the function that it returns is called. A large file is
// narrow from the beginning, another one from the first collection on: a few bytes can stand for very many, by aliases.
func (c *collector) collectMore(file string) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tight.files++; c.tight.files == 1 {
		c.tight.limit = debug.SetMemoryLimit(tightLimit)
	}
	if largerThan(narrowDAG, file) {
		c.tight.narrow()
	}
	return func() {
		c.mu.Lock()
		if c.tight.files--; c.tight.files == 0 {
			debug.SetMemoryLimit(c.tight.limit)
			if c.tight.procs > 0 {
				runtime.GOMAXPROCS(c.tight.procs)
			}
			c.tight = tightness{}
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
		if largerThan(largeDAG, file) {
			debug.FreeOSMemory()
		}
	}
}

func largerThan(size int64, file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > size
}
