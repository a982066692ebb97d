package proc

import (
	"bytes"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A process is one of a leftover attempt, as it was found.
type process struct {
	pid   int
	start uint64
}

// signal signals the process, not another that has its number by now: the descriptor pins it,
// its start proves it.
func (p process) signal(sig syscall.Signal) {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		if st, err := readStat(p.pid); err == nil && st.start == p.start {
			_ = syscall.Kill(p.pid, sig) // before Linux 5.3
		}
		return
	}
	defer unix.Close(fd)
	if st, err := readStat(p.pid); err == nil && st.start == p.start {
		_ = unix.PidfdSendSignal(fd, sig, nil, 0)
	}
}

// bootID names this boot of the machine.
var bootID = sync.OnceValue(func() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(b))
})

// groupOf names a child's group. Two looks at the clock do for its start: asking the kernel for it
// would take longer than all else that starting a process has us do.
func groupOf(c *child) Group {
	return Group{PID: c.pid, Start: c.start, Until: bootTicks(), Boot: bootID()}
}

// leads tells whether a process is the leader that was noted.
func (g Group) leads(st procStat) bool { return g.Start <= st.start && st.start <= g.Until }

// findLeftovers returns the living processes of these attempts: members of their groups and
// sessions, those with their markers, those with their live files open, and all below them.
func findLeftovers(left []leftover) ([]process, error) {
	if len(left) == 0 {
		return nil, nil
	}
	// A process that this program is just forking has a copy of every open file until its exec, the
	// live files that are looked for here too: no leftover, and it must not be ended like one.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	pids, err := allPids()
	if err != nil {
		return nil, err
	}
	table := make(map[int]procStat, len(pids))
	for _, pid := range pids {
		if st, err := readStat(pid); err == nil && !st.zombie && pid != os.Getpid() {
			table[pid] = st
		}
	}
	traces := tracesOf(left, table)
	found := map[int]bool{}
	for pid, st := range table {
		if traces.match(st) {
			found[pid] = true
		}
	}
	addDescendants(found, table)
	list := make([]process, 0, len(found))
	for pid := range found {
		list = append(list, process{pid, table[pid].start})
	}
	return list, nil
}

// addDescendants grows a set of processes by all that lives below them.
func addDescendants(found map[int]bool, table map[int]procStat) {
	for grown := len(found) > 0; grown; {
		grown = false
		for pid, st := range table {
			if !found[pid] && found[st.ppid] {
				found[pid], grown = true, true
			}
		}
	}
}

// traces is what gives a process of an attempt away.
type traces struct {
	groups  map[int]uint64 // number of a group and session → start of its leader
	markers [][]string
	files   map[fileID]bool
}

// tracesOf collects them. A group counts if its leader is the one that was noted, or is gone: as
// long as a group has members no other process can get its number.
func tracesOf(left []leftover, table map[int]procStat) traces {
	t := traces{map[int]uint64{}, nil, map[fileID]bool{}}
	for _, l := range left {
		for _, g := range l.live.Groups {
			leader, there := table[g.PID]
			if g.Boot == bootID() && g.Start > 0 && (!there || g.leads(leader)) {
				t.groups[g.PID] = g.Start
			}
		}
		if len(l.live.Marker) > 0 {
			t.markers = append(t.markers, l.live.Marker)
		}
		if id, ok := idOf(l.file); ok {
			t.files[id] = true
		}
	}
	return t
}

// match asks what is cheap first. A group whose leader is gone must also be a session of that
// number, since the leader made both: that rules out a stranger who got the number after it was
// free for a while, but for one who leads a session of the same number.
func (t traces) match(st procStat) bool {
	if start, ok := t.groups[st.sid]; ok && st.start >= start {
		return true
	}
	if len(t.markers) > 0 {
		env := environ(st.pid)
		for _, m := range t.markers {
			if holdsAll(env, m) {
				return true
			}
		}
	}
	hit := false
	openFiles(st.pid, func(id fileID) bool {
		hit = t.files[id]
		return !hit
	})
	return hit
}
