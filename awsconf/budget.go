package awsconf

import "sync/atomic"

const (
	// readSize is the size of a part that is read, mostRead how many of one object are read at a time;
	// mostSent is how many parts of PartSize are sent. More connections carry more, and each part is in
	// memory.
	readSize = PartSize / 4
	mostRead = 8
	mostSent = 5
	// roomInAll is how many bytes all transfers of the program hold together, beyond the parts that each
	// cannot do without.
	roomInAll = 96 << 20
)

// spare counts the bytes that may still be held.
var spare = func() *atomic.Int64 { n := new(atomic.Int64); n.Store(roomInAll); return n }()

// take asks for room for one part more; there may be none.
func take(size int64) bool {
	for {
		n := spare.Load()
		if n < size {
			return false
		}
		if spare.CompareAndSwap(n, n-size) {
			return true
		}
	}
}

// give returns room.
func give(size int64) { spare.Add(size) }
