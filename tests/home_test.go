package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The two homes of a copy: each has its own runs and values, wherever the records say they were put.
func TestAHomeThatIsCopiedOrMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.spoke("r1")
	home, twin := filepath.Join(w.dir, "state"), filepath.Join(w.dir, "twin")
	again := func(home, what string) {
		t.Helper()
		if res := w.run("clear", "r1", "--task", "reader", "--yes", "--home", home); res.code != 0 {
			t.Errorf("%s: exit %d\n%s%s", what, res.code, res.out, res.stderr)
		}
	}
	if err := os.CopyFS(twin, os.DirFS(home)); err != nil {
		t.Fatal(err)
	}
	again(twin, "a copy beside the original")
	if _, done, res := w.gc("--older-than", "0s", "--keep", "0", "--yes", "--home", twin); done.Values.Count != 1 || res.code != 0 {
		t.Errorf("gone of the copy %+v, exit %d\n%s", done, res.code, res.stderr)
	}
	again(home, "the original, after the copy's runs have gone")
	if err := os.Rename(home, twin+".moved"); err != nil {
		t.Fatal(err)
	}
	again(twin+".moved", "a home that has moved")
	if _, done, res := w.gc("--older-than", "0s", "--keep", "0", "--yes", "--home", twin+".moved"); done.Values.Count != 1 || res.code != 0 {
		t.Errorf("gone of the moved %+v, exit %d\n%s", done, res.code, res.stderr)
	}
}

// What the home's own folder took is found after somebody has configured another, in the file or in the DAG.
func TestAHandoffThatComesLater(t *testing.T) {
	t.Parallel()
	for _, later := range []string{"weft.yaml", "speaker.yaml"} {
		w := newWorld(t)
		w.spoke("r1")
		line := "handoff: file://" + filepath.Join(w.dir, "place")
		if later == "weft.yaml" {
			w.write(later, line+"\n")
		} else {
			w.write(later, fmt.Sprintf(speaker, line))
		}
		if res := w.run("clear", "r1", "--task", "reader", "--yes"); res.code != 0 {
			t.Errorf("%s: exit %d\n%s%s", later, res.code, res.out, res.stderr)
		}
	}
}

// Who has removed values by hand can still remove their run.
func TestGCAfterTheHandoffWasRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.spoke("r1")
	if err := os.RemoveAll(filepath.Join(w.dir, "state/handoff")); err != nil {
		t.Fatal(err)
	}
	if _, done, res := w.gc("--older-than", "0s", "--keep", "0", "--yes"); done.Runs != 1 || res.code != 0 {
		t.Errorf("gone %+v, exit %d\n%s", done, res.code, res.stderr)
	}
}
