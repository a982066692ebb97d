package handoff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Measure implements Remover.
func (f file) Measure(ctx context.Context, prefix string) (Amount, error) {
	var n Amount
	err := f.below(prefix, func(root *os.Root, folder string) (err error) {
		n, _, err = measure(ctx, root, folder)
		return err
	})
	if err != nil {
		return Amount{}, fmt.Errorf("cannot look into %s for %s: %w", f.dir, prefix, plain(err))
	}
	return n, nil
}

// Remove implements Remover. The folder above, a DAG's, stays though it be empty: a run that begins
// may be about to put something there.
func (f file) Remove(ctx context.Context, prefix string) (Amount, error) {
	var before, left Amount
	err := f.below(prefix, func(root *os.Root, folder string) (err error) {
		if before, _, err = measure(ctx, root, folder); err != nil {
			return err
		}
		if err = root.RemoveAll(folder); err != nil {
			left, _, _ = measure(ctx, root, folder) // what cannot be looked at is not gone
		}
		return err
	})
	if err != nil {
		return Amount{before.Count - left.Count, before.Bytes - left.Bytes}, fmt.Errorf("cannot remove %s from %s: %w", prefix, f.dir, plain(err))
	}
	return before, nil
}

// below opens the place for a look at the folder of a prefix. It is not made.
func (f file) below(prefix string, do func(root *os.Root, folder string) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	folder, name, err := split(prefix)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root, path.Join(folder, name))
}

// measure counts the files below a folder, whole or not, and tells when the newest was written.
// Links are not followed.
func measure(ctx context.Context, root *os.Root, folder string) (n Amount, newest time.Time, err error) {
	err = fs.WalkDir(root.FS(), folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return ignoreAbsent(err)
		}
		info, err := d.Info()
		if err != nil { // gone in this moment
			return ignoreAbsent(err)
		}
		n = n.Plus(Amount{1, info.Size()})
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return nil
	})
	return n, newest, err
}

// A Folder is what one run has in a place on this machine.
type Folder struct {
	DAG, Run string
	Amount
	Newest time.Time // when the newest of it was written
}

// Folders lists the runs that have something in a folder that is a file:// place, but for those of
// which nobody wants to know. A name that was too long to be read back, and whatever else lies there,
// is left out. No folder, no runs.
func Folders(ctx context.Context, dir string, skip func(dag, run string) bool) ([]Folder, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look into %s: %w", dir, plain(err))
	}
	defer root.Close()
	paths, err := fs.Glob(root.FS(), "*/*")
	if err != nil {
		return nil, fmt.Errorf("cannot look into %s: %w", dir, plain(err))
	}
	var out []Folder
	for _, p := range paths {
		dag, run, _ := strings.Cut(p, "/")
		var f Folder
		var ok1, ok2 bool
		f.DAG, ok1 = TextOf(dag)
		f.Run, ok2 = TextOf(run)
		info, err := root.Lstat(p)
		if !ok1 || !ok2 || err != nil || !info.IsDir() || skip(f.DAG, f.Run) {
			continue
		}
		if f.Amount, f.Newest, err = measure(ctx, root, p); err != nil {
			return nil, fmt.Errorf("cannot look into %s: %w", filepath.Join(dir, p), plain(err))
		}
		out = append(out, f)
	}
	return out, nil
}
