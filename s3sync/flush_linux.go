package s3sync

import (
	"os"

	"golang.org/x/sys/unix"
)

// flush returns once all that was written to the file system of a folder is durable.
func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
