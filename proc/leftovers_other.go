//go:build unix && !linux

package proc

import "syscall"

// A process stands for a process group here: nothing finer can be seen.
type process struct{ pid int }

func (p process) signal(sig syscall.Signal) { signalGroup(p.pid, sig) }

func groupOf(c *child) Group { return Group{PID: c.pid} }

// findLeftovers returns the noted groups of those attempts whose lock is held: that something of
// them lives is what proves that the numbers are still theirs.
func findLeftovers(left []leftover) ([]process, error) {
	var list []process
	for _, l := range left {
		if locked, err := tryLock(l.file); err != nil || locked {
			continue
		}
		for _, g := range l.live.Groups {
			if syscall.Kill(-g.PID, 0) == nil {
				list = append(list, process{g.PID})
			}
		}
	}
	return list, nil
}
