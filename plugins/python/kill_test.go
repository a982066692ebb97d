package python

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledBuilds is R28: a build that is killed, with or without the weft that builds, at any
// moment, leaves an environment that is whole or none, and nothing else once another has built.
func TestKilledBuilds(t *testing.T) {
	times := 10
	if os.Getenv("WEFT_SOAK") != "" {
		times = 50
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, times)
	random := rand.New(rand.NewPCG(seed, 0))
	links := wheels(t)
	in := with{"code": manyCode, "requirements": []string{"many"}, "find_links": links}
	first := newCall(t, in)
	begin := time.Now()
	runs(t, Plugin{Cache: t.TempDir()}, first)
	took := time.Since(begin)

	p := Plugin{Cache: t.TempDir()}
	env := first.Env
	var helpers []*helper
	halfway := 0
	for range times {
		call := newCall(t, in)
		call.Env = env
		h := startHelper(t, p.Cache, call)
		helpers = append(helpers, h)
		ended := make(chan struct{})
		go func() { _ = h.cmd.Wait(); close(ended) }()
		select {
		case <-time.After(time.Duration(random.Int64N(int64(took)))):
		case <-ended:
		}
		how := random.IntN(3)
		if how != 0 { // the weft that builds; in one case of the two its builder lives on
			_ = h.cmd.Process.Signal(syscall.SIGKILL)
		}
		if how != 1 {
			h.killGroups()
		}
		<-ended
		for _, name := range inCacheIfThere(p) {
			if strings.Contains(name, asideMark) {
				halfway++
				continue
			}
			// It has its name, so it is whole: a task that uses it builds nothing.
			again := newCall(t, in)
			again.Env = env
			if got := runs(t, p, again); got != "19900" || strings.Contains(logOf(t, again), built) {
				t.Fatalf("seed %d: a half-built environment is in use: %s; log:\n%s", seed, got, logOf(t, again))
			}
			if err := os.RemoveAll(filepath.Join(p.Cache, "venvs", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := newCall(t, in)
	last.Env = env
	if got := runs(t, p, last); got != "19900" {
		t.Errorf("seed %d: after all this: %s", seed, got)
	}
	t.Logf("%d builds were found half-way", halfway)
	for _, h := range helpers {
		h.killGroups()
	}
	// What an orphan went on writing after that is gone with the next build, of whatever environment.
	other := newCall(t, with{"code": "def main(): return 1", "requirements": []string{}})
	other.Env = env
	runs(t, p, other)
	if left := inCache(t, p); len(left) != 2 {
		t.Errorf("seed %d: the cache holds %v, not two environments", seed, left)
	}
}

func inCacheIfThere(p Plugin) []string {
	entries, _ := os.ReadDir(filepath.Join(p.Cache, "venvs"))
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
