package python

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncTree makes all that is below a folder durable: the file system whole, as an environment has
// thousands of files.
func syncTree(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}
