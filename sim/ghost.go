package sim

import (
	"time"

	"weft/machine"
	"weft/store"
)

// A ghost is a run as the disk has acknowledged it: a machine of its own, stepped on what is
// durable and on nothing else; and a few facts counted without the machine's help.
type ghost struct {
	s    *Sim
	id   string
	run  *machine.Run
	seq  uint64
	ends map[uint64]bool // seqs at which an append ended

	facts    []machine.Fact
	intended map[string]bool     // tokens
	success  map[machineKey]bool // by key with attempt 0
	failures map[machineKey]int  // failed attempts of an epoch, likewise
	tries    map[machineKey]bool // attempts whose end is durable
	retryAt  map[machineKey]time.Duration
	since    map[machineKey]time.Duration // first poke of an epoch
	cut      map[machineKey]bool          // lost an attempt in this epoch
	final    map[machineKey]bool          // failed so that no retry mends it
	clears   int                          // epochs begun by hand
	touched  bool                         // cleared or marked by hand
	cancel   bool
}

func newGhost(s *Sim, id string) *ghost {
	return &ghost{
		s: s, id: id, run: machine.New(s.plan), ends: map[uint64]bool{}, intended: map[string]bool{}, success: map[machineKey]bool{},
		failures: map[machineKey]int{}, tries: map[machineKey]bool{}, retryAt: map[machineKey]time.Duration{},
		since: map[machineKey]time.Duration{}, cut: map[machineKey]bool{}, final: map[machineKey]bool{},
	}
}

// epochOf names an instance in its epoch.
func (g *ghost) epochOf(k machine.Key) machineKey {
	k.Attempt = 0
	return machineKey{g.id, k}
}

// durable steps the ghost on records that are on the disk.
func (g *ghost) durable(recs []store.Record) {
	for _, rec := range recs {
		if rec.Seq != g.seq+1 {
			g.s.broken("the journal of run %s has a gap: %d follows %d", g.id, rec.Seq, g.seq)
			return
		}
		g.seq = rec.Seq
		g.note(rec.Event)
		g.run.Step(rec.Event)
		g.facts = append(g.facts, rec.Event.Fact)
		g.s.logf("  %s %d: %s %s", g.id, rec.Seq, rec.Event.Name(), words(rec.Event.Fact))
	}
}
