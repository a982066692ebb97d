package python

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// aged sets the note of an environment's last use back.
func aged(t *testing.T, p Plugin, name string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(filepath.Join(p.Cache, "venvs", name, usedName), then, then); err != nil {
		t.Fatal(err)
	}
}

// only is the one environment of a cache.
func only(t *testing.T, p Plugin) Environment {
	t.Helper()
	list, err := Environments(p.Cache)
	if err != nil || len(list) != 1 {
		t.Fatalf("the cache holds %+v, %v", list, err)
	}
	return list[0]
}

const day = 24 * time.Hour

func TestAnEnvironmentThatNobodyUsesIsRemoved(t *testing.T) {
	p, in := Plugin{Cache: t.TempDir()}, with{"code": "def main(): return 1", "requirements": []string{}, "system_site_packages": false}
	runs(t, p, newCall(t, in))
	e := only(t, p)
	if e.Half || e.Bytes == 0 || time.Since(e.Used) > time.Minute {
		t.Errorf("%+v", e)
	}
	for _, c := range []struct {
		age, than time.Duration
		gone      bool
	}{{time.Hour, day, false}, {40 * day, 41 * day, false}, {40 * day, 30 * day, true}, {40 * day, 30 * day, false}} {
		if only := inCache(t, p); len(only) == 1 {
			aged(t, p, e.Name, c.age)
		}
		gone, err := Remove(p.Cache, e.Name, time.Now().Add(-c.than))
		if gone != c.gone || err != nil {
			t.Errorf("unused for %v, wanted %v: gone %v, %v", c.age, c.than, gone, err)
		}
	}
	if left := inCache(t, p); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	call := newCall(t, in)
	if runs(t, p, call); !strings.Contains(logOf(t, call), built) {
		t.Error("it was not built again")
	}
}

// One use a day is noted, not each.
func TestAUseIsNotedOnceADay(t *testing.T) {
	p, in := Plugin{Cache: t.TempDir()}, with{"code": "def main(): return 1", "requirements": []string{}, "system_site_packages": false}
	runs(t, p, newCall(t, in))
	name := only(t, p).Name
	for _, c := range []struct{ age, seen time.Duration }{{23 * time.Hour, 23 * time.Hour}, {25 * time.Hour, 0}} {
		aged(t, p, name, c.age)
		runs(t, p, newCall(t, in))
		if got := time.Since(only(t, p).Used).Round(time.Hour); got != c.seen {
			t.Errorf("noted %v ago, used now: noted %v ago", c.age, got)
		}
	}
	if err := os.Remove(filepath.Join(p.Cache, "venvs", name, usedName)); err != nil { // of an earlier release
		t.Fatal(err)
	}
	made := time.Now().Add(-50 * day)
	if err := os.Chtimes(filepath.Join(p.Cache, "venvs", name, markerName), made, made); err != nil {
		t.Fatal(err)
	}
	if gone, err := Remove(p.Cache, name, time.Now().Add(-60*day)); gone || err != nil {
		t.Errorf("made 50 days ago: gone %v, %v", gone, err)
	}
	if gone, err := Remove(p.Cache, name, time.Now().Add(-40*day)); !gone || err != nil {
		t.Errorf("made 50 days ago: gone %v, %v", gone, err)
	}
}

// While a task is in an environment it stays, whatever its note says.
func TestAnEnvironmentInUseStays(t *testing.T) {
	p := Plugin{Cache: t.TempDir()}
	flag := filepath.Join(t.TempDir(), "flag")
	call := newCall(t, with{
		"code": `
import os, time
def main(flag):
    open(flag + ".begun", "w").close()
    while not os.path.exists(flag): time.sleep(0.01)
    import json.tool # read only now
    return 1
`, "args": map[string]string{"flag": flag}, "requirements": []string{}, "system_site_packages": false,
	})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := p.Run(t.Context(), call); err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(flag + ".begun"); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the task does not begin")
		}
	}
	e := only(t, p)
	aged(t, p, e.Name, 100*day)
	if gone, err := Remove(p.Cache, e.Name, time.Now()); gone || err != nil {
		t.Errorf("in use: gone %v, %v", gone, err)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if gone, err := Remove(p.Cache, e.Name, time.Now()); !gone || err != nil {
		t.Errorf("in use no more: gone %v, %v", gone, err)
	}
}

// Tasks that want an environment while others remove it get one each time.
func TestRemovingWhileManyUse(t *testing.T) {
	p, in := Plugin{Cache: t.TempDir()}, with{"code": "def main(): return 1", "requirements": []string{}, "system_site_packages": false}
	runs(t, p, newCall(t, in))
	name := only(t, p).Name
	var users, removers sync.WaitGroup
	stop := make(chan struct{})
	removed := 0
	removers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			gone, err := Remove(p.Cache, name, time.Now().Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			if gone {
				removed++
			}
		}
	})
	for range 3 {
		users.Go(func() {
			for range 4 {
				call := newCall(t, in)
				if _, err := p.Run(t.Context(), call); err != nil {
					t.Errorf("%v\n%s", err, logOf(t, call))
				}
			}
		})
	}
	users.Wait()
	close(stop)
	removers.Wait()
	t.Logf("removed %d times", removed)
	for _, left := range inCache(t, p) {
		if strings.Contains(left, asideMark) {
			t.Errorf("left is %s", left)
		}
	}
}

func TestHalfBuiltOnesAreListedUnlessSomeoneBuilds(t *testing.T) {
	p := Plugin{Cache: t.TempDir()}
	key := strings.Repeat("0a", 16)
	half := key + asideMark + "ABCDEFGHIJKL"
	writeFiles(t, filepath.Join(p.Cache, "venvs"), map[string]string{half + "/lib/x.py": "12345", "note.txt": "", "other/file": ""})
	lock, err := tryAcquire(filepath.Join(p.Cache, "venvs", key+lockMark))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := Environments(p.Cache); len(list) != 0 || err != nil {
		t.Errorf("being built: %+v, %v", list, err)
	}
	if gone, err := Remove(p.Cache, half, time.Time{}); gone || err != nil {
		t.Errorf("being built: gone %v, %v", gone, err)
	}
	lock.Close()
	if e := only(t, p); !e.Half || e.Bytes != 5 || e.Name != half {
		t.Errorf("%+v", e)
	}
	if gone, err := Remove(p.Cache, half, time.Time{}); !gone || err != nil {
		t.Errorf("gone %v, %v", gone, err)
	}
	for _, name := range []string{"..", "other", "../venvs", key + asideMark + "/..", ""} {
		if gone, err := Remove(p.Cache, name, time.Now()); gone || err == nil {
			t.Errorf("%q: gone %v, %v", name, gone, err)
		}
	}
	if list, err := Environments(filepath.Join(p.Cache, "none")); list != nil || err != nil {
		t.Errorf("of no cache: %v, %v", list, err)
	}
}
