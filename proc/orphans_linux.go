package proc

import (
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// An adoptions reads which children the kernel has handed to this process. Orphans go to the main
// thread of a subreaper, and the kernel lists children by thread, so one small file has them all;
// beside them stand at most those children that happened to be forked from that thread.
type adoptions struct {
	once sync.Once
	file int // of /proc/self/task/PID/children, kept open; -1 = this kernel has none
	buf  []byte
}

// open makes this process a subreaper, once, and opens the list.
func (a *adoptions) open() {
	a.once.Do(func() {
		a.file = -1
		if unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != nil {
			return // before Linux 3.4: groups alone
		}
		self := strconv.Itoa(os.Getpid())
		if fd, err := unix.Open("/proc/self/task/"+self+"/children", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			a.file = fd
		}
		a.buf = make([]byte, 4096)
	})
}

// list returns the pids. The caller must hold off anyone who reaps: the kernel may skip an entry
// when another vanishes while it counts.
func (a *adoptions) list() []int {
	if a.file < 0 {
		return childrenByScan()
	}
	var pids []int
	for off, n := int64(0), 0; ; {
		got, err := unix.Pread(a.file, a.buf, off)
		if err == unix.EINTR {
			continue
		}
		if err != nil || got <= 0 {
			return pids
		}
		off += int64(got)
		for _, b := range a.buf[:got] { // a number may be split between two reads: n carries over
			if b >= '0' && b <= '9' {
				n = n*10 + int(b-'0')
			} else if n > 0 {
				pids = append(pids, n)
				n = 0
			}
		}
	}
}

// childrenByScan is for kernels built without the list: it reads every process there is.
func childrenByScan() []int {
	all, _ := allPids()
	self := os.Getpid()
	var pids []int
	for _, pid := range all {
		if st, err := readStat(pid); err == nil && st.ppid == self {
			pids = append(pids, pid)
		}
	}
	return pids
}
