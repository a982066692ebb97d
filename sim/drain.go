package sim

import (
	"time"

	"weft/machine"
	"weft/runner/local"
)

// drains plans that someone stops weft in order, now and then.
func (s *Sim) drains() {
	if !s.faults.drains {
		return
	}
	for range 1 + s.rng.IntN(4) {
		grace := s.upTo(20 * time.Second)
		s.after(s.upTo(10*time.Minute), func() {
			s.tellCore(func() {
				s.logf("weft is told to stop, with a grace of %s", grace)
				s.ordered = s.mono
				s.core.Drain(grace, func(left error) { s.drained(grace, left) })
			})
		})
	}
}

// drained holds the end of a drain against the ledger and the disk.
func (s *Sim) drained(grace time.Duration, left error) {
	s.logf("weft has stopped (%v)", left)
	if s.goes = true; left != nil {
		s.stats.Left++
	}
	if d := s.mono - s.ordered; d > grace+2*time.Second {
		s.broken("left over: weft took %s to stop, with a grace of %s", d, grace)
	}
	if left != nil {
		return
	}
	for _, p := range s.ledger.procs {
		if p.gen == s.gen {
			s.broken("left over: weft has stopped in order, and %s of run %s lives", p.key, p.run)
		}
	}
	for _, id := range s.order {
		if s.disk.failed[id] || !s.driven[id] { // it was given up
			continue
		}
		for task, t := range s.disk.ghosts[id].run.Summarize().Tasks {
			if t.State == machine.Running && !s.remote(id, task) {
				s.broken("untrue: weft has stopped in order, and %s of run %s is said to run", task, id)
			}
		}
	}
}

// leave is the end of a weft that was stopped in order; it starts again some time later.
func (s *Sim) leave() {
	s.goes = false
	s.stats.Drains++
	s.core, s.inbox, s.rounds = nil, nil, false
	clear(s.driven)
	s.disk.lost(0)
	s.disk.audit()
	s.after(s.upTo(time.Minute), func() { s.wake() })
}

// hurried is how long a process may still take that is told to end at once.
const hurried = 1100 * time.Millisecond

// Hurry has something end at once: what Stop does, with less patience.
func (w *worker) Hurry(run string, key machine.Key, reason string) {
	s := w.s
	p := s.ledger.byTask[taskKey{run, key.Task, key.Index}]
	if p == nil || p.key != key {
		return // it has ended; the news is on its way
	}
	if p.kill == nil { // remote work that is being rendered or submitted
		p.end(machine.Outcome{State: machine.Failed, Kind: reason, Error: reason})
		return
	}
	s.after(s.upTo(hurried), func() { p.kill(machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped: " + reason}) })
}

var _ interface {
	Hurry(run string, key machine.Key, reason string)
	local.Worker
} = (*worker)(nil)
