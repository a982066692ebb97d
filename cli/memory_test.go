package cli

import (
	"os"
	"path/filepath"
	"runtime"
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
	for _, c := range []struct {
		what    string
		live    uint64
		percent int
	}{
		{"nothing lives", 0, 400},
		{"a file under way: to 16 MB", 8 << 20, 100},
		{"a file at its limits: to 32 MB", 24 << 20, 33},
		{"more than there is room for", 60 << 20, 30},
	} {
		if got := collectTightly(c.live); got != c.percent {
			t.Errorf("of one file, %s: by %d %%, want %d", c.what, got, c.percent)
		}
	}
}

// One file is read in little memory, two beside each other too, and afterwards everything is as it was.
func TestAFileIsReadInLittleMemory(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(77)
	defer debug.SetGCPercent(percent)
	procs := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(procs)
	small, large := filepath.Join(t.TempDir(), "small"), filepath.Join(t.TempDir(), "large")
	for file, size := range map[string]int{small: 100, large: narrowDAG + 1} {
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, wantLimit int64, wantProcs int) {
		t.Helper()
		if l, p := debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(0); l != wantLimit || p != wantProcs {
			t.Errorf("%s: %d bytes on %d processors, want %d on %d", what, l, p, wantLimit, wantProcs)
		}
	}
	c := collector{on: true}
	one := c.collectMore(small)
	is("a small file", tightLimit, 3)
	c.look()
	is("a small file that makes much", tightLimit, 1)
	one()
	is("read", limit, 3)
	one = c.collectMore(large)
	is("a large file", tightLimit, 1)
	two := c.collectMore(large)
	one()
	is("another beside it", tightLimit, 1)
	two()
	is("both are read", limit, 3)
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
