package temporal

import (
	"maps"
	"slices"
	"strings"

	"weft/machine"
	wire "weft/runner/temporal"
)

// Pools lends the slots of pools that all workers share: machine.Admit over the runs of all of them. A lease lasts until
// its run frees it, or is gone. It is pure, and what its workflow takes along as JSON.
type Pools struct {
	// Sizes are the slots of each pool; of one that is not named machine.DefaultPool.
	Sizes  map[string]int `json:"sizes,omitempty"`
	Leases []*Lease       `json:"leases,omitempty"` // as they were granted
	Wants  []*Asking      `json:"wants,omitempty"`  // as they came
	N      uint64         `json:"n,omitempty"`      // numbers given

	ready machine.Waitlist // of Wants
	stale bool             // ready is to be made anew
}

// A Lease is slots that somebody holds.
type Lease struct {
	machine.Alive        // Run: workflow id
	N             uint64 `json:"n"`
	Told          bool   `json:"told,omitempty"`
}

// An Asking is slots that somebody wants.
type Asking struct {
	machine.Want        // Run: workflow id
	N            uint64 `json:"n"`
}

// Resize sets how many slots there are. What is held above that is held until it is freed.
func (p *Pools) Resize(sizes map[string]int) { p.Sizes = maps.Clone(sizes) }

// Want notes what a run wants. Of what it holds already it is told again.
func (p *Pools) Want(w wire.Wanted) {
	if p.N == 0 {
		p.stale = true
	}
	held := map[machine.Key]*Lease{}
	for _, l := range p.Leases {
		if l.Run == w.Run {
			held[l.Key] = l
		}
	}
	asked := map[machine.Key]bool{}
	for _, a := range p.Wants {
		if a.Run == w.Run {
			asked[a.Key] = true
		}
	}
	p.N++
	for _, want := range w.Wants {
		want.Run = w.Run
		switch l := held[want.Key]; {
		case l != nil:
			l.Told, l.N = false, p.N
		case !asked[want.Key]:
			asked[want.Key] = true
			p.Wants = append(p.Wants, &Asking{Want: want, N: p.N})
			p.stale = true
		}
	}
}

// Free takes back what a run holds or wants.
func (p *Pools) Free(f wire.Freed) {
	freed := map[machine.Key]bool{}
	for _, k := range f.Keys {
		freed[k] = true
	}
	p.drop(func(run string, key machine.Key, _ uint64) bool { return run == f.Run && freed[key] })
}

// Lost takes back all of runs that are gone, but for what they have asked for since.
func (p *Pools) Lost(gone []Gone) {
	by := map[string]uint64{}
	for _, g := range gone {
		by[g.Workflow] = max(by[g.Workflow], g.N)
	}
	p.drop(func(run string, _ machine.Key, n uint64) bool {
		last, is := by[run]
		return is && n <= last
	})
}

func (p *Pools) drop(which func(run string, key machine.Key, n uint64) bool) {
	p.Leases = slices.DeleteFunc(p.Leases, func(l *Lease) bool { return which(l.Run, l.Key, l.N) })
	was := len(p.Wants)
	p.Wants = slices.DeleteFunc(p.Wants, func(a *Asking) bool { return which(a.Run, a.Key, a.N) })
	p.stale = p.stale || len(p.Wants) != was
}

// Admit lends what there is room for.
func (p *Pools) Admit() {
	if len(p.Wants) == 0 {
		return
	}
	if p.stale || p.ready.Len() != len(p.Wants) {
		p.ready, p.stale = machine.Waitlist{}, false
		for _, a := range p.Wants {
			p.ready.Add(a.Want)
		}
	}
	alive := make([]machine.Alive, len(p.Leases))
	for i, l := range p.Leases {
		alive[i] = l.Alive
	}
	granted := map[holding]bool{}
	for _, w := range machine.Admit(machine.Limits{Pools: p.Sizes}, alive, &p.ready) {
		p.N++
		granted[holding{w.Run, w.Key}] = true
		p.Leases = append(p.Leases, &Lease{Alive: machine.Alive{Run: w.Run, Key: w.Key, Pool: w.Pool, Slots: w.Slots}, N: p.N})
	}
	p.Wants = slices.DeleteFunc(p.Wants, func(a *Asking) bool { return granted[holding{a.Run, a.Key}] })
}

type holding struct {
	run string
	key machine.Key
}

// A Grant is slots that a run has got and has not been told of.
type Grant struct {
	Holder
	Keys []machine.Key
}

// Grants are what is to be told, by run; from then on it counts as told.
func (p *Pools) Grants() (out []Grant) {
	at := map[string]int{}
	for _, l := range p.Leases {
		if l.Told {
			continue
		}
		l.Told = true
		i, has := at[l.Run]
		if !has {
			i = len(out)
			at[l.Run] = i
			out = append(out, Grant{Holder: Holder{Workflow: l.Run}})
		}
		out[i].Keys, out[i].N = append(out[i].Keys, l.Key), max(out[i].N, l.N)
	}
	return out
}

// untold tells whether somebody has got slots and does not know.
func (p *Pools) untold() bool {
	return slices.ContainsFunc(p.Leases, func(l *Lease) bool { return !l.Told })
}

// Holders are the runs that hold or want slots.
func (p *Pools) Holders() []Holder {
	last := map[string]uint64{}
	for _, l := range p.Leases {
		last[l.Run] = max(last[l.Run], l.N)
	}
	for _, a := range p.Wants {
		last[a.Run] = max(last[a.Run], a.N)
	}
	out := make([]Holder, 0, len(last))
	for _, run := range slices.Sorted(maps.Keys(last)) {
		out = append(out, Holder{run, last[run]})
	}
	return out
}

// runOf is the run of a run's workflow.
func runOf(workflow string) string { return strings.TrimPrefix(workflow, wire.RunID("")) }
