package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A procStat is what /proc/PID/stat tells of a process.
type procStat struct {
	pid, ppid, pgrp, sid int
	zombie               bool
	start                uint64 // clock ticks since boot
}

// errProcStat: the kernel wrote something we cannot read.
var errProcStat = errors.New("stat of a process is malformed")

func readStat(pid int) (procStat, error) {
	var buf [1024]byte
	n, err := readSmall("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return procStat{}, err
	}
	st, err := parseStat(buf[:n])
	st.pid = pid
	return st, err
}

// readSmall reads the beginning of a file of the kernel in three system calls; os.ReadFile takes ten,
// and this is done for each process that starts.
func readSmall(path string, buf []byte) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Read(fd, buf)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// parseStat reads "pid (comm) state ppid pgrp session …"; comm may hold anything, ") " too, so
// the fields begin after the last parenthesis.
func parseStat(b []byte) (st procStat, err error) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return st, errProcStat
	}
	f := bytes.Fields(b[i+1:])
	if len(f) < 20 || len(f[0]) != 1 {
		return st, errProcStat
	}
	// A process whose main thread alone has ended looks like a zombie and is none.
	st.zombie = (f[0][0] == 'Z' || f[0][0] == 'X') && (string(f[17]) == "1" || string(f[17]) == "0")
	for n, dst := range []*int{&st.ppid, &st.pgrp, &st.sid} {
		if *dst, err = strconv.Atoi(string(f[n+1])); err != nil {
			return st, errProcStat
		}
	}
	if st.start, err = strconv.ParseUint(string(f[19]), 10, 64); err != nil {
		return st, errProcStat
	}
	return st, nil
}

// environ returns the environment a process was started with; nil if we may not see it.
func environ(pid int) [][]byte {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || len(b) == 0 {
		return nil
	}
	return bytes.Split(b, []byte{0})
}

// holdsAll tells whether an environment holds all entries of a marker; no marker, no.
func holdsAll(env [][]byte, marker []string) bool {
	for _, want := range marker {
		if !slices.ContainsFunc(env, func(kv []byte) bool { return string(kv) == want }) {
			return false
		}
	}
	return len(marker) > 0
}

// A fileID names a file as long as it exists.
type fileID struct{ dev, ino uint64 }

func idOf(f *os.File) (fileID, bool) {
	var st unix.Stat_t
	if f == nil || unix.Fstat(int(f.Fd()), &st) != nil {
		return fileID{}, false
	}
	return fileID{uint64(st.Dev), st.Ino}, true
}

// openFiles calls yield with each file that a process has open, until it returns false.
func openFiles(pid int, yield func(fileID) bool) {
	folder := "/proc/" + strconv.Itoa(pid) + "/fd"
	d, err := os.Open(folder)
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, n := range names {
		var st unix.Stat_t
		if unix.Stat(folder+"/"+n, &st) == nil && !yield(fileID{uint64(st.Dev), st.Ino}) {
			return
		}
	}
}

// ignoresTerm tells whether SIGTERM would be lost on a process.
func ignoresTerm(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return false
	}
	_, rest, ok := bytes.Cut(b, []byte("\nSigIgn:"))
	if !ok {
		return false
	}
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	mask, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
	return err == nil && mask&(1<<(uint(syscall.SIGTERM)-1)) != 0
}

// allPids lists the processes of this machine that we can see.
func allPids() ([]int, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("cannot look for processes: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("cannot look for processes: %w", err)
	}
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// bootTicks is now on the clock of procStat.start; the kernel counts 100 a second for user space.
func bootTicks() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0 // then everything seems younger, and an orphan nobody claims lives until the last attempt ends
	}
	return uint64(ts.Nano() / 1e7)
}
