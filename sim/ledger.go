package sim

import (
	"fmt"
	"time"

	"weft/machine"
)

// A ledger is what processes write of themselves: the ground truth, outside every crash.
type ledger struct {
	lines  []line
	procs  []*proc              // alive, in the order they started
	byTask map[taskKey]*proc    // the one that is alive
	last   map[machineKey]*proc // the newest of each attempt
	ended  map[taskKey]*proc    // the one that ended last
	starts int
}

// A line is one entry: a process began, ended, or was ended.
type line struct {
	at   time.Duration
	what string
	run  string
	key  machine.Key
	poke int
	note string
}

func (l line) String() string {
	s := fmt.Sprintf("%s %s %s %s", l.at, l.what, l.run, l.key)
	if l.poke > 0 {
		s += fmt.Sprintf(" poke %d", l.poke)
	}
	return s + " " + l.note
}

type taskKey struct {
	run, task string
	index     int
}

type machineKey struct {
	run string
	key machine.Key
}

// A proc is one process of an attempt, or of one poke.
type proc struct {
	run   string
	key   machine.Key
	task  *machine.Task
	poke  int // number; 0 = an attempt
	gen   int // the weft that started it
	since time.Duration
	until time.Duration // when it ended
	alive bool
	told  bool // its end has been reported
	out   machine.Outcome
	done  bool // of a poke: it ended the attempt
	slots machine.Alive
	end   func(machine.Outcome) // ends it early: a stop
	kill  func(machine.Outcome) // ends it at once; nil: end does
}

func newLedger() *ledger {
	return &ledger{byTask: map[taskKey]*proc{}, last: map[machineKey]*proc{}, ended: map[taskKey]*proc{}}
}

func (p *proc) id() taskKey { return taskKey{p.run, p.key.Task, p.key.Index} }

// begin writes that a process has started.
func (l *ledger) begin(at time.Duration, p *proc) {
	p.since, p.alive = at, true
	l.procs = append(l.procs, p)
	l.byTask[p.id()] = p
	l.last[machineKey{p.run, p.key}] = p
	l.starts++
	l.lines = append(l.lines, line{at, "start", p.run, p.key, p.poke, ""})
}

// finish writes that a process has ended, by itself or by force.
func (l *ledger) finish(at time.Duration, p *proc, what, note string) {
	p.alive, p.until = false, at
	for i, o := range l.procs {
		if o == p {
			l.procs = append(l.procs[:i], l.procs[i+1:]...)
			break
		}
	}
	if l.byTask[p.id()] == p {
		delete(l.byTask, p.id())
	}
	l.ended[p.id()] = p
	l.lines = append(l.lines, line{at, what, p.run, p.key, p.poke, note})
}

// killAll ends every process that an earlier weft left behind: what proc.Leftovers does. It
// returns which attempts they were.
func (l *ledger) killAll(at time.Duration) map[string]map[machine.Key]bool {
	found := map[string]map[machine.Key]bool{}
	for len(l.procs) > 0 {
		p := l.procs[0]
		if found[p.run] == nil {
			found[p.run] = map[machine.Key]bool{}
		}
		found[p.run][p.key] = true
		l.finish(at, p, "killed", "left over")
	}
	return found
}
