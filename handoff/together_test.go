package handoff_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"

	"weft/handoff"
)

// TestManyWritersOfOneKey: of any number who put the same bytes under one key at one time, all succeed, and whoever
// reads meanwhile reads all of them or nothing; nothing is left beside the value.
func TestManyWritersOfOneKey(t *testing.T) {
	dir := t.TempDir()
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	b, err := handoff.Known().At((&url.URL{Scheme: "file", Path: dir}).String())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				ref, err := b.Put(t.Context(), "plans/one", iotest.HalfReader(bytes.NewReader(body)), int64(len(body)))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := handoff.Get(t.Context(), b, ref, 1<<20); err != nil || !bytes.Equal(got, body) {
					t.Errorf("read %d bytes: %v", len(got), err)
				}
			}
		})
	}
	all.Wait()
	left, err := os.ReadDir(filepath.Join(dir, "plans"))
	if err != nil || len(left) != 1 || left[0].Name() != "one" {
		t.Errorf("left: %v %v", left, err)
	}
}
