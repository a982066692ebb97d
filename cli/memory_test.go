package cli

import (
	"runtime/debug"
	"testing"
)

func TestHowFarAHeapGrowsBetweenTwoCollections(t *testing.T) {
	for _, c := range []struct {
		what    string
		live    uint64
		percent int
	}{
		{"nothing lives", 0, 400}, // Go's least, 4 MB, four times: to 16 MB
		{"a small run: to 16 MB", 4 << 20, 300},
		{"a thousand tasks: to 24 MB", 8 << 20, 200},
		{"ten thousand tasks: to 52 MB", 40 << 20, 30},
		{"much: as Go has it", 100 << 20, 100},
	} {
		if got := collectAt(c.live); got != c.percent {
			t.Errorf("%s: by %d %%, want %d", c.what, got, c.percent)
		}
	}
}

// While a setting is pinned no collection changes it; afterwards what lives decides again.
func TestASettingIsPinnedForAWhile(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	now := func() int {
		p := debug.SetGCPercent(77)
		debug.SetGCPercent(p)
		return p
	}
	c := collector{on: true}
	c.look()
	free := now()
	outer := c.pin(500)
	inner := c.pin(20)
	c.look()
	if got := now(); got != 20 {
		t.Errorf("pinned twice: %d", got)
	}
	inner()
	if got := now(); got != 500 {
		t.Errorf("pinned once: %d", got)
	}
	outer()
	if got := now(); got != free || free == 77 {
		t.Errorf("pinned no more: %d, before it %d", got, free)
	}
	own := collector{} // GOGC decides
	debug.SetGCPercent(77)
	unpin := own.pin(20)
	unpin()
	if got := now(); got != 77 {
		t.Errorf("GOGC says 77, and it is %d", got)
	}
}
