package sqlite

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weft/store"
)

func TestOpenMakesWhatOnlyTheOwnerReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "folder with ? and # and %20")
	s := open(t, dir)
	fine(t, s.Create(t.Context(), aRun("r"), recs(1, 2)))
	mode := func(name string) fs.FileMode {
		info, err := os.Stat(name)
		fine(t, err)
		return info.Mode().Perm()
	}
	if got := mode(dir); got != 0o700 {
		t.Errorf("the folder has mode %v", got)
	}
	for _, name := range []string{File, File + "-wal", File + "-shm"} {
		if got := mode(filepath.Join(dir, name)); got != 0o600 {
			t.Errorf("%s has mode %v", name, got)
		}
	}
	fine(t, s.Close())
	left, err := os.ReadDir(dir)
	fine(t, err)
	if len(left) != 1 || left[0].Name() != File {
		t.Errorf("after Close there is %v", left)
	}
}

func TestOpenAgainFindsEverything(t *testing.T) {
	dir := t.TempDir()
	before := furnish(t, open(t, dir))
	again := open(t, dir) // while the first is open
	if errs := before.compare(t, again); errs != nil {
		t.Error(errs)
	}
	fine(t, again.Close())
	if errs := before.compare(t, open(t, dir)); errs != nil {
		t.Error(errs)
	}
}

func TestManyOpenAFreshFolderAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fresh")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.ListRuns(t.Context(), store.Filter{}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, dir string)
		is     error
		says   string
	}{
		{"a newer form", func(t *testing.T, dir string) {
			s := open(t, dir)
			_, err := s.write.Exec("PRAGMA user_version = 99")
			fine(t, err)
			fine(t, s.Close())
		}, store.ErrFuture, "its form is 99, this weft knows up to 3: written by a newer weft (upgrade weft"},
		{"what is no database", func(t *testing.T, dir string) {
			fine(t, os.WriteFile(filepath.Join(dir, File), bytes.Repeat([]byte("not a database. "), 1000), 0o600))
		}, store.ErrCorrupt, "cannot open "},
		{"a folder in the file's place", func(t *testing.T, dir string) {
			fine(t, os.Mkdir(filepath.Join(dir, File), 0o700))
		}, nil, "cannot open "},
		{"a file in the folder's place", func(t *testing.T, dir string) {
			fine(t, os.Remove(dir))
			fine(t, os.WriteFile(dir, nil, 0o600))
		}, nil, "cannot open "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			fine(t, os.Mkdir(dir, 0o700))
			c.before(t, dir)
			s, err := Open(dir)
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			t.Log(err)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v does not say %q and where", err, c.says)
			}
		})
	}
}

func TestMigrationsAreNumberedWithoutAGap(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*")
	fine(t, err)
	if len(files) != schema {
		t.Fatalf("there are %d files, schema says %d", len(files), schema)
	}
	for n := 1; n <= schema; n++ {
		tx, err := open(t, t.TempDir()).write.Begin()
		fine(t, err)
		err = step(t.Context(), tx, n) // taken already: SQLite must notice
		_ = tx.Rollback()
		if err == nil {
			t.Errorf("step %d can be taken twice", n)
		}
	}
}
