package logs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// punch gives back the disk below a range of a file; offsets stay. errors.ErrUnsupported where the
// file system has no holes.
func punch(f *os.File, from, to int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, to-from)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// holeFrom returns the first hole at or after an offset; from = to = size if there is none.
func holeFrom(f *os.File, off, size int64) (from, to int64) {
	for off < size {
		from, err := unix.Seek(int(f.Fd()), off, unix.SEEK_HOLE)
		if err != nil || from >= size {
			return size, size
		}
		to, err := unix.Seek(int(f.Fd()), from, unix.SEEK_DATA)
		if err != nil {
			to = size
		}
		// Ours begin and end on a grain; off may lie within one. Others are none to us: some file
		// systems do not store zeros.
		if (from%grain == 0 || from == off) && to%grain == 0 && err == nil {
			return from, to
		}
		off = to
	}
	return size, size
}
