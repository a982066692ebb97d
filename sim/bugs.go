package sim

import (
	"time"

	"weft/machine"
	"weft/runner/local"
	"weft/store"
)

// A Bug is planted to see that it is caught. Its zero value is none.
type Bug struct {
	Name   string
	Caught string // the check that catches it: how its words begin
	Seeds  uint64 // within how many stories

	under         func(*Sim, backing) backing           // the disk lies
	over          func(*Sim, store.Store) store.Store   // the engine hears something else than the disk says
	worker        func(*Sim, local.Worker) local.Worker // what carries out reports wrongly
	carry         func(*Sim) func(machine.Command) bool // orders are forgotten
	limits        func(machine.Limits) machine.Limits   // slots are counted wrongly
	keepLeftovers bool                                  // what an earlier weft left is not ended
	forgetFound   bool                                  // it is ended, and nobody hears of it
	noAdoption    bool                                  // what may have been submitted is not looked for
	noStop        bool                                  // jobs are said to have been stopped, and were not
}

// Bugs is every bug that is planted, and what catches it. The list grows by each real one that a
// seam can bring back.
func Bugs() []Bug {
	return []Bug{
		{Name: "step before durable", Caught: "untrue", Seeds: 20, over: acksAtOnce(func(machine.Fact) bool { return true })},
		{Name: "journal after exec", Caught: "untrue", Seeds: 20, over: acksAtOnce(isEnd)},
		{Name: "no fsync", Caught: "lost", Seeds: 40, under: noSync},
		{Name: "torn append accepted", Caught: "torn", Seeds: 200, under: tornIn},
		{Name: "attempt lost not recorded", Caught: "doubled", Seeds: 60, over: blank(isStart), forgetFound: true},
		{Name: "leftovers not ended before rerun", Caught: "doubled", Seeds: 40, keepLeftovers: true},
		{Name: "slot not freed on failure", Caught: "slots", Seeds: 40, worker: keepsSlot},
		{Name: "timer dropped at restart", Caught: "stuck", Seeds: 100, carry: dropsTimers},
		{Name: "lazy event reordered", Caught: "lost", Seeds: 40, over: reorders},
		{Name: "repeated end taken for the next attempt's", Caught: "untrue", Seeds: 40, worker: repeatsEnd},
		{Name: "sensor deadline reset at restart", Caught: "untrue: poke", Seeds: 300, over: blank(isFirstPoke)},
		{Name: "run id not checked", Caught: "doubled", Seeds: 60, over: createsTwice},
		{Name: "cancel forgotten at restart", Caught: "untrue", Seeds: 200, over: blank(isCancel)},
		{Name: "order forgotten once read", Caught: "lost", Seeds: 400, worker: dropsEarly},
		{Name: "stop forgotten", Caught: "stuck", Seeds: 100, carry: dropsStops},
		{Name: "slots miscounted", Caught: "slots", Seeds: 20, limits: oneMore},
		{Name: "submit before the intent is durable", Caught: "untrue: a job", Seeds: 40, over: acksAtOnce(isIntent)},
		{Name: "submission not found again", Caught: "doubled", Seeds: 40, noAdoption: true},
		{Name: "intent forgotten at restart", Caught: "doubled", Seeds: 100, over: blank(isIntent)},
		{Name: "no stop of a job", Caught: "left over", Seeds: 40, noStop: true},
		{Name: "stop of a job forgotten at restart", Caught: "stuck", Seeds: 400, carry: dropsStopsAtRestart},
	}
}

func isEnd(f machine.Fact) bool    { _, ok := f.(machine.AttemptEnded); return ok }
func isCancel(f machine.Fact) bool { _, ok := f.(machine.CancelAsked); return ok }
func isIntent(f machine.Fact) bool { _, ok := f.(machine.RemoteIntended); return ok }
func isStart(f machine.Fact) bool  { _, ok := f.(machine.AttemptStarted); return ok }

// dropsTimers forgets, when a run is resumed, the timers it had.
func dropsTimers(s *Sim) func(machine.Command) bool {
	return func(c machine.Command) bool {
		_, timer := c.(machine.SetTimer)
		return !timer || !s.resuming
	}
}

func dropsStops(*Sim) func(machine.Command) bool {
	return func(c machine.Command) bool {
		_, stop := c.(machine.StopAttempt)
		return !stop
	}
}

func dropsStopsAtRestart(s *Sim) func(machine.Command) bool {
	return func(c machine.Command) bool {
		_, stop := c.(machine.StopAttempt)
		return !stop || !s.resuming
	}
}

func oneMore(l machine.Limits) machine.Limits {
	more := machine.Limits{Pools: map[string]int{}}
	for name, n := range l.Pools {
		more.Pools[name] = n + 1
	}
	return more
}

// A liar is a worker that reports wrongly.
type liar struct {
	local.Worker
	s       *Sim
	attempt func(o machine.Order, done func(machine.Outcome)) func(machine.Outcome)
	early   bool // orders are forgotten once read
}

// Attempt implements local.Worker.
func (l *liar) Attempt(o machine.Order, done func(machine.Outcome)) {
	if l.attempt != nil {
		done = l.attempt(o, done)
	}
	l.Worker.Attempt(o, done)
}

// Asks implements local.Worker.
func (l *liar) Asks(run string, done func([]store.Ask)) {
	l.Worker.Asks(run, func(asks []store.Ask) {
		if !l.early {
			done(asks)
			return
		}
		for _, a := range asks {
			l.Drop([]int64{a.ID})
		}
		gen := l.s.gen
		l.s.after(l.s.upTo(time.Minute), func() {
			if gen == l.s.gen && l.s.core != nil {
				done(asks)
			}
		})
	})
}

// keepsSlot has failures recorded past the place where the slot is freed.
func keepsSlot(s *Sim, w local.Worker) local.Worker {
	return &liar{Worker: w, s: s, attempt: func(o machine.Order, done func(machine.Outcome)) func(machine.Outcome) {
		return func(out machine.Outcome) {
			if out.State != machine.Failed {
				done(out)
				return
			}
			s.tellCore(func() { s.core.Record(o.Run.Key(), machine.AttemptEnded{Key: o.Key, Outcome: out}) })
		}
	}}
}

// repeatsEnd has the end of an attempt heard again when the next one runs, under that one's name.
func repeatsEnd(s *Sim, w local.Worker) local.Worker {
	last := map[taskKey]machine.Outcome{}
	return &liar{Worker: w, s: s, attempt: func(o machine.Order, done func(machine.Outcome)) func(machine.Outcome) {
		id := taskKey{o.Run.Key(), o.Key.Task, o.Key.Index}
		if out, again := last[id]; again {
			s.tellCore(func() { s.core.Record(id.run, machine.AttemptEnded{Key: o.Key, Outcome: out}) })
		}
		return func(out machine.Outcome) {
			last[id] = out
			done(out)
		}
	}}
}

func dropsEarly(s *Sim, w local.Worker) local.Worker { return &liar{Worker: w, s: s, early: true} }
