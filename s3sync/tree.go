package s3sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A Tree is the files of a folder that are published, as they were when it was read.
type Tree struct {
	Dir     string
	Files   []File // by path; Pack and At mean nothing
	LeftOut []Note // what is there and is no file: links, sockets; of ScanWhatCan all that cannot be had, too

	lenient bool
	mu      sync.Mutex // of LeftOut, while files are read
}

// maxIgnore bounds an ignore file.
const maxIgnore = 1 << 20

// A Known tells what a file holds without reading it, if that is sure.
type Known func(path string, info fs.FileInfo) (File, bool)

// Scan reads a folder: each file that no rule ignores, with its hash. except, "" or a folder, is left
// out: weft's own state. Links are not followed. A file that cannot be read is an error, for who
// publishes what is left would remove it. known may be nil.
func Scan(ctx context.Context, dir, except string, known Known) (*Tree, error) {
	return scan(ctx, &Tree{Dir: dir}, except, known)
}

// ScanWhatCan is Scan for who only reads: what cannot be had, or have its name, is left out, and the rest is what
// there is. One bad file stops nobody.
func ScanWhatCan(ctx context.Context, dir, except string, known Known) (*Tree, error) {
	return scan(ctx, &Tree{Dir: dir, lenient: true}, except, known)
}

func scan(ctx context.Context, t *Tree, except string, known Known) (*Tree, error) {
	root, err := os.OpenRoot(t.Dir)
	if err != nil {
		return nil, cannotRead(t.Dir, err)
	}
	defer root.Close()
	if err := t.walk(root, except); err != nil {
		return nil, err
	}
	sortFiles(t.Files)
	left := map[string]bool{}
	for _, bad := range twins(pathsOf(t.Files)) {
		if err := t.without(bad.Path, fmt.Errorf("cannot publish %s: %s", shownPath(bad.Path), bad.Text)); err != nil {
			return nil, err
		}
		left[bad.Path] = true
	}
	t.Files = slices.DeleteFunc(t.Files, func(f File) bool { return left[f.Path] })
	if err := t.hash(ctx, root, known); err != nil {
		return nil, err
	}
	t.Files = slices.DeleteFunc(t.Files, func(f File) bool { return f.SHA256 == "" })
	slices.SortStableFunc(t.LeftOut, func(a, b Note) int { return strings.Compare(a.Path, b.Path) })
	return t, nil
}

// without is the error of a file that cannot be part of the tree, or, where that is allowed, leaves it out.
func (t *Tree) without(file string, err error) error {
	if !t.lenient {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.LeftOut = append(t.LeftOut, Note{file, err.Error()})
	return nil
}

func (t *Tree) walk(root *os.Root, except string) error {
	rules := Rules{}
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p == ".":
			return cannotRead(p, err)
		case err != nil:
			return t.without(p, cannotRead(p, err))
		case p != "." && rules.Ignored(p, d.IsDir()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if except != "" && filepath.Join(t.Dir, filepath.FromSlash(p)) == except {
				return fs.SkipDir
			}
			own, err := readIgnore(root, p)
			rules.Enter(p, own)
			if err != nil {
				return t.without(path.Join(p, IgnoreFile), err)
			}
			return nil
		}
		if bad := badPath(p); bad != "" {
			return t.without(p, fmt.Errorf("cannot publish %s: its name cannot be a key: %s", shownPath(p), bad))
		}
		switch kind := d.Type(); {
		case kind.IsRegular():
			t.Files = append(t.Files, File{Path: p})
		case kind&fs.ModeSymlink != 0:
			t.LeftOut = append(t.LeftOut, Note{p, "it is a symbolic link, which is not followed"})
		default:
			t.LeftOut = append(t.LeftOut, Note{p, "it is no regular file"})
		}
		return nil
	})
}

func readIgnore(root *os.Root, folder string) ([]byte, error) {
	name := path.Join(folder, IgnoreFile)
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil // there is none
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, cannotRead(name, err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxIgnore))
}

// hash reads all files, a few at a time.
func (t *Tree) hash(ctx context.Context, root *os.Root, known Known) error {
	reading, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	for range min(2*runtime.GOMAXPROCS(0), len(t.Files)) {
		reading.Go(func() error {
			buf := make([]byte, 64<<10)
			for i := range next {
				f := &t.Files[i]
				err := f.know(root, known)
				if err == nil && f.SHA256 == "" {
					err = f.read(ctx, root, buf)
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					f.SHA256 = ""
					err = t.without(f.Path, err)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	reading.Go(func() error {
		defer close(next)
		for i := range t.Files {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return reading.Wait()
}

// know takes what is known of a file for what it holds.
func (f *File) know(root *os.Root, known Known) error {
	if known == nil {
		return nil
	}
	info, err := root.Lstat(f.Path)
	if err != nil {
		return cannotRead(f.Path, err)
	}
	if is, ok := known(f.Path, info); ok {
		*f = is
	}
	return nil
}

func (f *File) read(ctx context.Context, root *os.Root, buf []byte) error {
	in, err := root.Open(f.Path)
	if err != nil {
		return cannotRead(f.Path, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return cannotRead(f.Path, err)
	}
	sum := sha256.New()
	for {
		n, err := in.Read(buf)
		sum.Write(buf[:n])
		f.Size += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cannotRead(f.Path, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	f.SHA256, f.Exec = hex.EncodeToString(sum.Sum(nil)), info.Mode()&0o111 != 0
	return nil
}

// cannotRead says what is wrong with a file, without Go's names for it.
func cannotRead(file string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot read %s: it is not there", shownPath(file))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot read %s: permission denied (make it readable, or name it in %s)", shownPath(file), IgnoreFile)
	}
	return fmt.Errorf("cannot read %s: %w", shownPath(file), err)
}

// Read hands out the bytes of files as they were when the folder was read; one that has changed since
// is an error.
func (t *Tree) Read(ctx context.Context, need []File, to Sink) error {
	root, err := os.OpenRoot(t.Dir)
	if err != nil {
		return cannotRead(t.Dir, err)
	}
	defer root.Close()
	for _, f := range need {
		in := &concat{ctx: ctx, root: root, left: []File{f}}
		err := to(f, in)
		in.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
