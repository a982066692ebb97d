package shell

import (
	"os"

	"golang.org/x/sys/unix"
)

// holed tells whether part of a range is left out of the log (logs.Store punches holes). It moves
// the offset, which nobody needs any more.
func holed(f *os.File, from, to int64) bool {
	if from >= to {
		return false
	}
	hole, err := unix.Seek(int(f.Fd()), from, unix.SEEK_HOLE)
	return err == nil && hole < to
}
