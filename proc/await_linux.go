package proc

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// await returns when the foreground has exited; it stays a zombie, which pins its number.
//
// It waits in the runtime's poller (a pidfd is readable once its process has exited, Linux 5.10), so
// that a process that runs holds no thread; a thread that waits in the kernel keeps a processor of the Go
// scheduler from others until that notices.
func (f *family) await(c *child) error {
	if fd, err := unix.PidfdOpen(c.pid, unix.O_NONBLOCK); err == nil {
		file := os.NewFile(uintptr(fd), "pidfd")
		defer file.Close()
		if err := c.awaitReadable(file); err == nil {
			return nil
		}
	}
	_, err := c.exited(0)
	return err
}

// awaitReadable fails where the file cannot be polled.
func (c *child) awaitReadable(pidfd *os.File) error {
	conn, err := pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Read(func(uintptr) (done bool) {
		done, failed = c.exited(unix.WNOHANG)
		return done || failed != nil
	})
	return errors.Join(err, failed)
}

// exited tells whether the foreground has exited; without WNOHANG it waits for that.
func (c *child) exited(options int) (bool, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, c.pid, &info, unix.WEXITED|unix.WNOWAIT|options, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && info.Signo != 0, err
		}
	}
}
