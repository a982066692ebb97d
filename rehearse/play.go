package rehearse

import (
	"container/heap"
	"context"
	"fmt"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/spec"
	"weft/store"
)

// A play is one case under way: its clock, its worker, and what is to be.
type play struct {
	stage   *Stage
	c       *spec.Case
	core    *local.Core
	shelf   *shelf
	record  *Record
	mono    time.Duration // since the start
	heap    happenings
	n       uint64
	inbox   []func()
	happens int
	pokes   int
	alive   map[machine.Key]*attempt
	refused map[string]bool // tasks whose past has been refused once
}

var _ local.Worker = (*play)(nil)

// An attempt is one that is played now.
type attempt struct {
	trace *Attempt
	ends  *happening
	end   func(machine.Outcome) // early: a stop
}

func newPlay(s *Stage, c *spec.Case) *play {
	kept := newShelf()
	return &play{
		stage: s, c: c, shelf: kept, alive: map[machine.Key]*attempt{}, refused: map[string]bool{},
		record: &Record{Case: c, stage: s, shelf: kept, attempts: map[taskKey][]*Attempt{}, samples: map[string]bool{}},
	}
}

// Now implements local.Clock.
func (p *play) Now() time.Time { return p.c.Run.Start.Add(p.mono) }

// Mono implements local.Clock. It does not begin at zero: nothing may take zero for "not set".
func (p *play) Mono() time.Duration { return p.mono + time.Hour }

func (p *play) post(f func()) { p.inbox = append(p.inbox, f) }

// step takes the engine's news, or else goes on to the next moment at which something is; false if
// there is none.
func (p *play) step() bool {
	p.happens++
	if len(p.inbox) > 0 {
		for len(p.inbox) > 0 {
			f := p.inbox[0]
			p.inbox = p.inbox[1:]
			f()
		}
		p.core.Tick()
		p.core.Turn()
		return true
	}
	due, ok := p.core.Next()
	due -= time.Hour
	if len(p.heap) > 0 && (!ok || p.heap[0].at <= due) {
		h := heap.Pop(&p.heap).(*happening)
		p.mono = max(p.mono, h.at)
		h.do()
		p.core.Turn()
		return true
	}
	if ok {
		p.mono = max(p.mono, due)
		p.core.Tick()
		p.core.Turn()
	}
	return ok
}

// after plans something.
func (p *play) after(d time.Duration, do func()) *happening {
	p.n++
	h := &happening{at: p.mono + max(0, d), n: p.n, do: do}
	heap.Push(&p.heap, h)
	return h
}

func (p *play) drop(h *happening) {
	if h != nil && h.pos >= 0 {
		heap.Remove(&p.heap, h.pos)
	}
}

// secret is the value that a secret has in the case.
func (p *play) secret(name string) string {
	if v, ok := p.c.Secrets[name]; ok {
		return v
	}
	return "secret " + name
}

// begin opens the record of an attempt, or goes on with that of a sensor's earlier pokes.
func (p *play) begin(o machine.Order) *attempt {
	a := p.alive[o.Key]
	if a == nil {
		a = &attempt{trace: &Attempt{Key: o.Key, Start: p.mono, order: o}}
		p.alive[o.Key] = a
		id := taskKey{o.ID, o.Key.Index}
		p.record.attempts[id] = append(p.record.attempts[id], a.trace)
	}
	a.trace.order = o
	return a
}

// finish closes the record of an attempt.
func (p *play) finish(a *attempt, out machine.Outcome) {
	p.drop(a.ends)
	delete(p.alive, a.trace.Key)
	a.trace.End, a.trace.Ended, a.trace.Outcome = p.mono, true, out
}

// Attempt implements local.Worker.
func (p *play) Attempt(o machine.Order, done func(machine.Outcome)) {
	a := p.begin(o)
	out, takes := p.attempt(a, o)
	end := func(out machine.Outcome) {
		p.finish(a, out)
		done(out)
	}
	a.end = end
	a.ends = p.after(takes, func() { end(out) })
}

// Poke implements local.Worker.
func (p *play) Poke(o machine.Order, n int, since time.Time, done func(runner.PokeResult)) {
	a := p.begin(o)
	a.trace.Pokes++
	res, takes := p.poke(a, o, n, since)
	end := func(res runner.PokeResult) {
		if res.Done {
			p.finish(a, res.Outcome)
		}
		done(res)
	}
	a.end = func(out machine.Outcome) {
		p.drop(a.ends)
		end(runner.PokeResult{Done: true, Outcome: out})
	}
	a.ends = p.after(takes, func() { a.end = nil; end(res) })
}

// Stop implements local.Worker.
func (p *play) Stop(_ string, key machine.Key, reason string) {
	a := p.alive[key]
	if a == nil || a.end == nil {
		return
	}
	kind, words := "cancelled", "stopped: "+reason
	if reason == "timeout" {
		kind, words = "timeout", "stopped: timed out"
	}
	end := a.end
	p.after(0, func() {
		if p.alive[key] == a {
			end(machine.Outcome{State: machine.Failed, Kind: kind, Error: words})
		}
	})
}

// Evaluate implements local.Worker.
func (p *play) Evaluate(o machine.Order, q machine.Evaluate, done func(machine.Evaluated)) {
	done(p.stage.exec.Evaluate(context.Background(), o, q))
}

// Past implements local.Worker. A past that says no says so once: it does not change while a case is
// played, and asking again would go on for ever.
func (p *play) Past(_ machine.RunInfo, task string, done func(ok bool, run string)) {
	state, known := p.c.Past[task]
	if !known || state == machine.Success || state == machine.Skipped {
		run := ""
		if known {
			run = pastRun
		}
		done(true, run)
		return
	}
	if !p.refused[task] {
		p.refused[task] = true
		done(false, pastRun)
	}
}

// pastRun is how the run before is called.
const pastRun = "the run before"

// Asked implements local.Worker: nobody orders anything from outside, and so there is no answer, after
// which the engine would ask again.
func (p *play) Asked(func([]string)) {}

// Asks implements local.Worker.
func (p *play) Asks(string, func([]store.Ask)) {}

// Drop implements local.Worker.
func (p *play) Drop([]int64) {}

// Lane implements local.Worker.
func (p *play) Lane(o machine.Order) string { return fmt.Sprint(o.Task.Uses, " ", o.ID) }

// A happening is something that will be.
type happening struct {
	at  time.Duration
	n   uint64 // order of planning, for those at one moment
	do  func()
	pos int // in the heap; -1 = not in it
}

// happenings is a heap by time, then by order of planning.
type happenings []*happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].n < h[j].n
}

func (h happenings) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

func (h *happenings) Push(x any) {
	one := x.(*happening)
	one.pos = len(*h)
	*h = append(*h, one)
}

func (h *happenings) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	x.pos = -1
	return x
}
