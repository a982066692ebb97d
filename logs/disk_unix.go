//go:build unix

package logs

import (
	"io/fs"
	"syscall"
)

// onDisk is what a file takes: of a log with a hole less than its length. A short one has no hole, but
// perhaps no blocks yet: some file systems give them late, or never.
func onDisk(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Size() > grain {
		return min(info.Size(), st.Blocks*512)
	}
	return info.Size()
}
