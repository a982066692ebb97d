package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// folder is a shelf of files: a folder for each bucket, in it a file for each object. A file has a
// random name, so no key leads anywhere, and any keys can be there side by side. Behind the bytes
// it holds the object's meta as JSON, and the length of that in 8 bytes: it is whole or not there.
type folder struct {
	dir  string
	lock *os.File // held while the sandbox runs
}

const (
	unfinished = ".unfinished" // no bucket's name begins with a dot
	lockName   = ".lock"
	mostMeta   = 1 << 20
)

// ErrInUse: the folder belongs to another sandbox that runs.
var ErrInUse = errors.New("in use by another sandbox")

func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f := &folder{dir, lock}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close() // nothing was written to it
		return nil, fmt.Errorf("the folder %s is %w", dir, ErrInUse)
	}
	err = os.RemoveAll(filepath.Join(dir, unfinished)) // left by a crash
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, unfinished), 0o700)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *folder) close() {
	_ = os.RemoveAll(filepath.Join(f.dir, unfinished)) // else the next start does
	_ = f.lock.Close()                                 // gives the lock back
}

func (f *folder) makeBucket(name string) error {
	err := os.Mkdir(filepath.Join(f.dir, name), 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

func (f *folder) dropBucket(name string) error { return os.Remove(filepath.Join(f.dir, name)) }

func (f *folder) draft() (draft, error) {
	file, err := os.OpenFile(filepath.Join(f.dir, unfinished, random(16)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &fileDraft{file}, nil
}

type fileDraft struct{ *os.File }

func (d *fileDraft) done() (blob, error) {
	if err := d.Close(); err != nil {
		d.drop()
		return nil, err
	}
	return &fileBlob{d.Name()}, nil
}

func (d *fileDraft) drop() {
	_ = d.Close() // it may be closed already
	_ = os.Remove(d.Name())
}

type fileBlob struct{ path string }

func (b *fileBlob) open() (content, error) { return os.Open(b.path) }

// drop leaves to the next start what cannot be removed.
func (b *fileBlob) drop() { _ = os.Remove(b.path) }

func (f *folder) keep(kept blob, bucket string, m meta) error {
	b := kept.(*fileBlob)
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(b.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(binary.BigEndian.AppendUint64(raw, uint64(len(raw))))
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	to := filepath.Join(f.dir, bucket, filepath.Base(b.path))
	if err := os.Rename(b.path, to); err != nil {
		return err
	}
	b.path = to
	return nil
}

// load reads back what an earlier start has left.
func (f *folder) load(bucket func(name string), found func(bucket string, o *object)) error {
	dirs, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if !d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			continue
		}
		files, err := os.ReadDir(filepath.Join(f.dir, d.Name()))
		if err != nil {
			return err
		}
		bucket(d.Name())
		for _, file := range files {
			path := filepath.Join(f.dir, d.Name(), file.Name())
			m, err := readMeta(path)
			if err != nil {
				return fmt.Errorf("%s is no object of a sandbox (name an empty folder): %w", path, err)
			}
			found(d.Name(), &object{m, &fileBlob{path}})
		}
	}
	return nil
}

func readMeta(path string) (m meta, err error) {
	file, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return m, err
	}
	damaged := errors.New("its end is not what a sandbox writes")
	var length [8]byte
	if info.Size() < int64(len(length)) || !info.Mode().IsRegular() {
		return m, damaged
	}
	end := info.Size() - int64(len(length))
	if _, err := file.ReadAt(length[:], end); err != nil {
		return m, err
	}
	n := binary.BigEndian.Uint64(length[:])
	if n > mostMeta || int64(n) > end {
		return m, damaged
	}
	raw, err := io.ReadAll(io.NewSectionReader(file, end-int64(n), int64(n)))
	if err != nil {
		return m, err
	}
	if json.Unmarshal(raw, &m) != nil || m.Size != end-int64(n) || m.Key == "" {
		return m, damaged
	}
	return m, nil
}
