//go:build !linux

package logs

import "os"

// openBelow opens a file below the root.
func openBelow(root *os.Root, _ *os.File, rel string, flags int, perm os.FileMode) (*os.File, error) {
	return root.OpenFile(rel, flags, perm)
}
