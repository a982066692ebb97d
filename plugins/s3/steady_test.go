package s3

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"
)

// Each row is what happens to a file of 8 bytes after 4 of them were sent.
func TestAFileThatChangesWhileItIsSent(t *testing.T) {
	for what, c := range map[string]struct {
		happens func(path string) error
		want    error
	}{
		"nothing": {func(string) error { return nil }, nil},
		"it grows": {func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("more")
			return errors.Join(err, f.Close())
		}, errChanging},
		"it is cut":               {func(path string) error { return os.Truncate(path, 6) }, errChanging},
		"it is written over":      {func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }, errChanging},
		"another takes its place": {os.Remove, nil}, // what was opened is whole
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("12345678"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		was, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		s := &steady{File: f, was: was}
		r := iotest.OneByteReader(s)
		if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if err := c.happens(path); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(r); !errors.Is(err, c.want) || err == nil && string(rest) != "5678" {
			t.Errorf("%s: %q, %v", what, rest, err)
		}
	}
}
