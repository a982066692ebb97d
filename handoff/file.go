package handoff

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"weft/machine"
)

// file keeps values as files below one folder, a folder for each part of the key. It opens
// nothing outside that folder, whatever a key, a URI or a symbolic link says.
type file struct{ dir string }

var _ Backend = file{}

// FileURI is the URI of a folder of this machine as a handoff; dir must be absolute.
func FileURI(dir string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
}

func openFile(u *url.URL) (Backend, error) {
	dir, err := localPath(u)
	if err != nil {
		return nil, err
	}
	return file{dir: dir}, nil
}

// localPath is the path that a file URI names.
func localPath(u *url.URL) (string, error) {
	if u.Host != "" && u.Host != "localhost" || u.Opaque != "" || !path.IsAbs(u.Path) {
		return "", errors.New("it must name an absolute folder: file:///folder")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("a file URI has no ? and no #")
	}
	return filepath.Clean(filepath.FromSlash(u.Path)), nil
}

// Put writes to a temporary name, syncs, renames and syncs the folder: after a crash or a power
// cut there is the old value, the new one, or none. The temporary name is the key's own, so what
// a crash leaves is overwritten when the attempt runs again; see openPart.
func (f file) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	ref, err := f.put(ctx, key, r, size)
	if err != nil {
		return machine.Ref{}, fmt.Errorf("cannot put %s into %s: %w", key, f.dir, plain(err))
	}
	return ref, nil
}

func (f file) put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	folder, name, err := split(key)
	if err != nil {
		return machine.Ref{}, err
	}
	root, err := f.makeRoot()
	if err != nil {
		return machine.Ref{}, err
	}
	defer root.Close()
	if err := makeFolders(root, folder); err != nil {
		return machine.Ref{}, err
	}
	w, part, err := openPart(root, folder, name)
	if err != nil {
		return machine.Ref{}, err
	}
	whole := path.Join(folder, name)
	in := newTally(ctx, r)
	if err = writeSynced(w, in, size); err == nil {
		err = root.Rename(part, whole)
	}
	if err != nil {
		err = errors.Join(err, ignoreAbsent(root.Remove(part)))
	}
	if err := errors.Join(err, w.Close()); err != nil { // the lock is held until it has its name
		return machine.Ref{}, err
	}
	if err := syncFolder(root, folder); err != nil {
		return machine.Ref{}, err
	}
	return in.ref(FileURI(filepath.Join(f.dir, filepath.FromSlash(whole)))), nil
}

// split turns a key into the folder and the name of its file.
func split(key string) (folder, name string, err error) {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		if p == "" {
			return "", "", errors.New("a key has no empty part")
		}
		parts[i] = FileName(p)
	}
	last := len(parts) - 1
	return path.Join(".", path.Join(parts[:last]...)), parts[last], nil
}

// makeRoot opens the folder, after making it if it is not there.
func (f file) makeRoot() (*os.Root, error) {
	root, err := os.OpenRoot(f.dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	if parent, err := os.OpenRoot(filepath.Dir(f.dir)); err == nil { // some folders may be entered, yet not read
		err = errors.Join(syncFolder(parent, "."), parent.Close())
		if err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(f.dir)
}

// makeFolders makes a folder and those above it; each new one is synced into its parent.
func makeFolders(root *os.Root, folder string) error {
	if _, err := root.Stat(folder); err == nil {
		return nil
	}
	parent := "."
	for p := range strings.SplitSeq(folder, "/") {
		at := path.Join(parent, p)
		switch err := root.Mkdir(at, 0o700); {
		case err == nil:
			if err := syncFolder(root, parent); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrExist):
			return err
		}
		parent = at
	}
	return nil
}

// openPart opens the temporary file of a name, empty, and the lock of it held: a second writer of the same key, as
// there may be where a key is named by what it holds, has a file of its own.
func openPart(root *os.Root, folder, name string) (w *os.File, part string, err error) {
	part = path.Join(folder, "."+name+".part")
	for {
		if w, err = root.OpenFile(part, os.O_WRONLY|os.O_CREATE, 0o600); err != nil {
			return nil, "", err
		}
		switch err = syscall.Flock(int(w.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EWOULDBLOCK):
			part = path.Join(folder, "."+name+"."+rand.Text()+".part")
		case !errors.Is(err, syscall.EINTR): // a file system without locks has one writer at a time
			same, err := emptied(root, part, w)
			if same || err != nil {
				return w, part, err
			}
		}
		if err := w.Close(); err != nil {
			return nil, "", err
		}
	}
}

// emptied empties a file, if it is still that of its name: else another writer has finished, and it is the value.
func emptied(root *os.Root, name string, f *os.File) (same bool, err error) {
	here, err := f.Stat()
	if err != nil {
		return false, errors.Join(err, f.Close())
	}
	if there, err := root.Stat(name); err != nil || !os.SameFile(here, there) {
		return false, ignoreAbsent(err)
	}
	if err := f.Truncate(0); err != nil {
		return false, errors.Join(err, f.Close())
	}
	return true, nil
}

func writeSynced(w *os.File, in *tally, size int64) error {
	_, err := io.Copy(w, in)
	if err == nil && size >= 0 && in.n != size {
		err = fmt.Errorf("%d bytes were announced, %d came", size, in.n)
	}
	if err == nil {
		err = w.Sync()
	}
	return err
}

func syncFolder(root *os.Root, folder string) error {
	d, err := root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Fetch implements Backend.
func (f file) Fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	r, err := f.fetch(uri)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		if r != nil {
			_ = r.Close() // read only: nothing is lost
		}
		return nil, fmt.Errorf("cannot read %s: %w", uri, plain(err))
	}
	return r, nil
}

func (f file) fetch(uri string) (*os.File, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return nil, errors.New("it is no file URI")
	}
	p, err := localPath(u)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(f.dir, p)
	if err != nil || !filepath.IsLocal(rel) {
		return nil, fmt.Errorf("%w %s", ErrOutside, f.dir)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	r, err := root.Open(rel)
	if err != nil {
		return nil, err
	}
	if info, err := r.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("it is no file"), r.Close())
	}
	return r, nil
}

// plain drops the system call's name and path from an error: the caller's sentence names both.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
