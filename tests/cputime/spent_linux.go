package cputime

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// spent is what this thread has worked so far, in the program and in the system.
func spent() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &used); err != nil {
		panic(fmt.Sprintf("cannot read the time of a thread: %v", err)) // Linux has told it since 2.6.26
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
