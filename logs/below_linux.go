package logs

import (
	"os"

	"golang.org/x/sys/unix"
)

// openBelow opens a file below the root in one system call where the kernel can keep it there by
// itself (Linux 5.6). The rest, links within the folder too, is left to os.Root, which goes folder by
// folder.
func openBelow(root *os.Root, top *os.File, rel string, flags int, perm os.FileMode) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	if flags&os.O_CREATE != 0 { // a mode is refused with anything else
		how.Mode = uint64(perm.Perm())
	}
	fd, err := unix.Openat2(int(top.Fd()), rel, &how)
	if err != nil {
		return root.OpenFile(rel, flags, perm)
	}
	return os.NewFile(uintptr(fd), root.Name()+"/"+rel), nil
}
