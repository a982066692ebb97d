package handoff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"weft/machine"
)

// Lay puts the file or folder that an artifact names at a path below root, streamed. All of it is
// checked against size and SHA-256 by the time Lay returns nil; after an error what lies there must
// not be used. Nothing may be there before.
func Lay(ctx context.Context, b Backend, a machine.Artifact, root *os.Root, name string) error {
	if !a.Folder() {
		return writeFile(ctx, root, name, a.Executable, func() (io.ReadCloser, error) { return Open(ctx, b, a.Ref) })
	}
	m, err := fetchManifest(ctx, b, a)
	if err != nil {
		return err
	}
	return layFolder(ctx, root, name, m.Entries, func(ctx context.Context, e *entry) (io.ReadCloser, error) {
		at := e.At
		if at == "" {
			at = e.Path
		}
		return Open(ctx, b, machine.Ref{URI: a.URI + at, Size: e.Size, SHA256: e.SHA256})
	})
}

// Copy puts a copy of a file or folder of this machine at a path below root. What is wrong with the
// source is an *UnfitError.
func Copy(ctx context.Context, src Source, root *os.Root, name string) error {
	info, err := src.stat()
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return writeFile(ctx, root, name, info.Mode()&0o111 != 0, func() (io.ReadCloser, error) {
			f, _, err := openRegular(src.Root, path.Clean(src.Path))
			return f, err
		})
	}
	folder, skip, err := src.open()
	if err != nil {
		return err
	}
	defer folder.Close()
	entries, err := survey(ctx, folder, skip)
	if err == nil {
		err = layFolder(ctx, root, name, entries, func(_ context.Context, e *entry) (io.ReadCloser, error) {
			f, _, err := openRegular(folder, e.Path)
			return f, err
		})
	}
	return inside(src.Path, err)
}

// layFolder makes a folder of entries: folders and files first, then links, so that nothing is
// written through one.
func layFolder(ctx context.Context, root *os.Root, name string, entries []entry, open func(context.Context, *entry) (io.ReadCloser, error)) error {
	if err := root.MkdirAll(name, 0o755); err != nil {
		return written(name, err)
	}
	folder, err := root.OpenRoot(name)
	if err != nil {
		return written(name, err)
	}
	defer folder.Close()
	for _, e := range entries {
		if e.Folder {
			if err := folder.MkdirAll(e.Path, 0o755); err != nil {
				return written(e.Path, err)
			}
		}
	}
	err = each(ctx, entries, func(ctx context.Context, e *entry) error {
		return writeFile(ctx, folder, e.Path, e.Executable, func() (io.ReadCloser, error) { return open(ctx, e) })
	})
	if err != nil {
		return err
	}
	return layLinks(folder, entries)
}

// layLinks makes the links, then follows each: none may lead out.
func layLinks(folder *os.Root, entries []entry) error {
	for _, e := range entries {
		if e.Link == "" {
			continue
		}
		err := folder.MkdirAll(path.Dir(e.Path), 0o755)
		if err == nil {
			err = folder.Symlink(e.Link, e.Path)
		}
		if err != nil {
			return written(e.Path, err)
		}
	}
	for _, e := range entries {
		if e.Link == "" {
			continue
		}
		if _, err := folder.Stat(e.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot make the link %s to %s: it leads out of its folder", e.Path, e.Link)
		}
	}
	return nil
}

// writeFile makes one new file below root. Nothing is synced: a scratch folder does not outlive the
// attempt, and a power cut ends that.
func writeFile(ctx context.Context, root *os.Root, name string, executable bool, open func() (io.ReadCloser, error)) error {
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return written(name, err)
	}
	mode := fs.FileMode(0o644)
	if executable {
		mode = 0o755
	}
	out, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode) // what is written by parts is read again
	if err != nil {
		return written(name, err)
	}
	whole := false
	if c, ok := in.(*checked); ok {
		whole, err = c.intoFile(out)
	}
	if !whole {
		_, err = io.Copy(out, whileGoing{ctx, in})
	}
	if errClose := out.Close(); err == nil {
		err = errClose
	}
	var disk *fs.PathError // of the writing side; the reading one has named itself
	if errors.As(err, &disk) && disk.Op == "write" {
		return written(name, err)
	}
	return err
}

// written says that a file could not be made.
func written(name string, err error) error {
	return fmt.Errorf("cannot write %s: %w", strings.TrimPrefix(name, "./"), plain(err))
}

// whileGoing ends a copy when ctx ends.
type whileGoing struct {
	ctx context.Context
	r   io.Reader
}

func (w whileGoing) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
