package proc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// rest returns the living orphans that belong to c, or to nobody once c is gone; c may be nil. On
// the way it reaps every orphan that is a zombie.
func (f *family) rest(c *child) []procStat {
	f.starting.Lock()
	defer f.starting.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	var mine []procStat
	for _, pid := range f.adopted.list() {
		if f.live[pid] != nil {
			continue
		}
		st, err := readStat(pid)
		if err != nil || st.pgrp == f.pgrp {
			continue // someone else's child, or gone
		}
		if st.zombie {
			var ws syscall.WaitStatus
			if got, _ := syscall.Wait4(pid, &ws, unix.WNOHANG, nil); got == pid {
				delete(f.claims, pid)
			}
			continue
		}
		if owner := f.owner(st); owner == c && c != nil || owner == nil && f.nobodys(st, c) {
			mine = append(mine, st)
		}
	}
	return mine
}

// owner returns whom an orphan belongs to, nil if that cannot be told. An answer is kept: a
// process that wipes its traces later stays whose it was. Its pid is pinned until we reap it.
func (f *family) owner(o procStat) *child {
	if c := f.claims[o.pid]; c != nil {
		return c
	}
	c := f.live[o.sid]
	if c == nil {
		c = f.live[o.pgrp]
	}
	if c == nil {
		c = f.byMarker(o.pid)
	}
	if c == nil {
		c = f.byLive(o.pid)
	}
	if c != nil {
		f.claims[o.pid] = c
	}
	return c
}

func (f *family) byMarker(pid int) *child {
	env := environ(pid)
	if env == nil {
		return nil
	}
	for _, c := range f.live {
		if holdsAll(env, Marker(c.spec.Env)) {
			return c
		}
	}
	return nil
}

func (f *family) byLive(pid int) (owner *child) {
	files := make(map[fileID]*child, len(f.live))
	for _, c := range f.live {
		if id, ok := idOf(c.spec.Live); ok {
			files[id] = c
		}
	}
	openFiles(pid, func(id fileID) bool {
		owner = files[id]
		return owner == nil
	})
	return owner
}

// nobodys tells whether an orphan that none claims can be killed when c ends: it began under this
// weft, and every attempt that goes on is younger than it.
func (f *family) nobodys(o procStat, c *child) bool {
	for _, other := range f.live {
		if other != c && other.start <= o.start {
			return false
		}
	}
	return o.start >= f.first
}
