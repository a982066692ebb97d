package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/store/sqlite"
)

// The disk under the store of 20 runs at work fills up, and some time later there is space again: all of them end
// right after, none was torn, nothing ran twice, and nobody started weft anew.
func TestRunsOutlastAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m,mode=0700"); err != nil {
		t.Skipf("cannot mount a small disk: %v; TestAFullDiskDelaysRunsAndCostsNothing covers what it can", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	st, err := sqlite.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	h := &hands{takes: map[string]time.Duration{}}
	p := chain(t, 50)
	for i := range 50 {
		h.takes[fmt.Sprint("a", i)] = 20 * time.Millisecond
	}
	e := New(Config{
		Store: st, Worker: &Crew{Exec: h, Store: st}, Clock: clock.Real, Locks: &locks{held: map[string]bool{}},
		Options: Options{Patience: time.Hour, Limits: machine.Limits{Pools: map[string]int{"default": 20}}},
	})
	defer e.Close()
	for i := range 20 {
		if _, err := e.Start(t.Context(), request(p, fmt.Sprint("r", i), 1+i)); err != nil {
			t.Fatal(err)
		}
	}
	fill := filepath.Join(dir, "ballast")
	if err := os.WriteFile(fill, make([]byte, 32<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for deadline := time.Now().Add(time.Minute); e.Stalled() == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody saw that the disk is full")
		}
	}
	t.Logf("full: %v", e.Stalled().Err)
	time.Sleep(1200 * time.Millisecond) // it is tried again meanwhile
	stalled, began := e.Stalled(), len(h.started())
	if stalled == nil || began == 20*50 {
		t.Fatalf("the disk was not full long enough (%d attempts)", began)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	free := time.Now()
	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 20 {
		if sum, err := e.Wait(patient, fmt.Sprint("r", i)); err != nil || sum.State != machine.RunSuccess {
			t.Errorf("r%d is %s (%v)", i, sum.State, err)
		}
	}
	t.Logf("%d runs waited, %d of 1000 attempts had begun; all ended %s after there was space", stalled.Runs, began, time.Since(free).Round(time.Millisecond))
	if twice := h.twice(); len(twice) > 0 {
		t.Errorf("these began twice: %v", twice)
	}
	for i := range 20 {
		if sum, err := Load(t.Context(), st, fmt.Sprint("r", i)); err != nil || sum.State != machine.RunSuccess {
			t.Errorf("the journal of r%d gives %s (%v)", i, sum.State, err)
		}
	}
}
