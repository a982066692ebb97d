package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestSideBySide: files are parsed at the same time as they are alone, whatever they share.
func TestSideBySide(t *testing.T) {
	files, _ := filepath.Glob("testdata/right/*.yaml")
	more, _ := filepath.Glob("testdata/*.yaml")
	var together sync.WaitGroup
	for _, file := range append(files, more...) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		alone, found := Parse(name, src, online())
		want := show(found)
		var body []byte
		if alone != nil && !hasSeverity(found, Error) {
			body = encoded(t, alone)
		}
		for range 2 {
			together.Go(func() {
				d, found := Parse(name, src, online())
				if got := show(found); got != want {
					t.Errorf("%s: alone\n%s\nbeside others\n%s", name, want, got)
				}
				if body == nil {
					return
				}
				if p, err := d.Plan(); err != nil {
					t.Errorf("%s: %v", name, err)
				} else if got, _ := p.Encode(); !bytes.Equal(got, body) {
					t.Errorf("%s: another plan than alone", name)
				}
			})
		}
	}
	together.Wait()
}
