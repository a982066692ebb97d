package proc

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// OpenPlain opens a regular file or a folder in two system calls. os.OpenFile takes seven: it asks the
// poller first, which has no use for one.
func OpenPlain(path string, flags int, perm os.FileMode) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, uint32(perm.Perm()))
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
