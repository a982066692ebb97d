package handoff_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"weft/handoff"
)

// A full disk says so, on the way there and on the way back, and leaves no half.
func TestAFullDisk(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	src := root(t, map[string]string{"in/a": strings.Repeat("x", 2<<20)})
	tight, err := handoff.Known().At(handoff.FileURI(small))
	if err != nil {
		t.Fatal(err)
	}
	_, err = handoff.Keep(t.Context(), tight, "k", "m", handoff.Source{Root: src, Path: "in"})
	if want := "cannot put k/artifacts/m/a into " + small + ": no space left on device"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if left := files(t, small); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	wide, _ := place(t)
	a, err := handoff.Keep(t.Context(), wide, "k", "m", handoff.Source{Root: src, Path: "in"})
	if err != nil {
		t.Fatal(err)
	}
	to, err := os.OpenRoot(small)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := handoff.Lay(t.Context(), wide, a, to, "m"); err == nil || err.Error() != "cannot write a: no space left on device" {
		t.Errorf("laid out: %v", err)
	}
}
