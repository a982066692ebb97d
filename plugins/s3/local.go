package s3

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"weft/plugins"
)

// A local is a file below one of the two folders that a task calls its own: its scratch folder and
// its working directory. Nothing outside them is opened, whatever a path or a symbolic link says.
type local struct{ folder, name string }

func (l local) path() string { return filepath.Join(l.folder, l.name) }

// locate finds the folder that a path belongs to; a relative one belongs to each that is given, in
// their order.
func locate(call *plugins.Call, path string) ([]local, error) {
	folders := []string{call.TmpDir, call.Dir}
	var found []local
	for _, folder := range folders {
		name := filepath.Clean(path)
		if filepath.IsAbs(path) {
			rel, err := filepath.Rel(folder, path)
			if err != nil {
				continue
			}
			name = rel
		}
		if folder != "" && filepath.IsLocal(name) && name != "." {
			found = append(found, local{folder, name})
		}
	}
	if len(found) == 0 || path == "" || strings.ContainsRune(path, 0) || strings.HasSuffix(path, "/") {
		return nil, &plugins.Error{
			Kind: plugins.BadInput, Err: plugins.Errorf(plugins.BadInput, "cannot use the path %q: it is no file below the task's scratch folder or working directory", path),
			Hint: "workdir sets the working directory",
		}
	}
	return found, nil
}

// openSource opens the file to be sent: from the scratch folder, where `inputs` are, else from the
// working directory.
func openSource(call *plugins.Call, path string) (*steady, error) {
	places, err := locate(call, path)
	if err != nil {
		return nil, err
	}
	for _, l := range places {
		var f *os.File
		if f, err = l.open(); err == nil {
			info, statErr := f.Stat()
			if statErr == nil && info.Mode().IsRegular() {
				return &steady{File: f, was: info}, nil
			}
			_ = f.Close() // read only
			return nil, plugins.Errorf(plugins.BadInput, "cannot send %s: it is no regular file", path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	// Someone may make the file, or grant the right, before the next attempt.
	return nil, plugins.Errorf(plugins.Temporary, "cannot send %s: %w", path, plain(err))
}

func (l local) open() (*os.File, error) {
	root, err := os.OpenRoot(l.folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(l.name)
}

// What a path of `to` cannot be; the folders above it are made.
var (
	errIsFolder  = errors.New("it is a folder (name the file in it)")
	errBelowFile = errors.New("a part of its path is a file, not a folder")
)

// create writes the file by way of a temporary name beside it: it is there whole or not at all.
func (l local) create(write func(*os.File) error) error {
	root, err := os.OpenRoot(l.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	if info, err := root.Stat(l.name); err == nil && info.IsDir() { // known before anything is fetched
		return errIsFolder
	}
	dir, base := filepath.Split(l.name)
	if dir != "" {
		if err := root.MkdirAll(filepath.Clean(dir), 0o755); errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) {
			return errBelowFile
		} else if err != nil {
			return err
		}
	}
	part := filepath.Join(dir, "."+base+".part")
	f, err := root.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Close()); err == nil {
		err = root.Rename(part, l.name)
	}
	if err != nil {
		_ = root.Remove(part) // the scratch folder goes with the attempt
	}
	return err
}

// plain drops the system call's name from an error: the caller's sentence names the path.
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
