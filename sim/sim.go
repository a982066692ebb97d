package sim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"weft/machine"
	"weft/runner/local"
	"weft/store"
	"weft/store/mem"
)

// A Sim is one story: a few runs of a few random DAGs, from their requests to their ends.
type Sim struct {
	world
	ctx    context.Context
	seed   uint64
	bug    Bug
	trace  func(format string, args ...any)
	limits machine.Limits

	core   *local.Core
	gen    int           // which weft lives: one higher with each crash
	since  time.Duration // when it began
	inbox  []func()      // news for the core
	round  time.Duration // when it takes them
	rounds bool          // a round is planned

	disk    *disk
	store   store.Store // what the engine is given: the disk, or a planted bug before it
	ledger  *ledger
	service *service
	readies readies
	dags    map[string]*dag          // by run
	plans   map[string]*machine.Plan // by hash
	order   []string                 // runs that are on the disk, as they came
	wanted  []*request
	driven  map[string]bool          // runs the core was given
	resumed map[string]time.Duration // when
	asking  map[string]int           // orders left for a run
	asks    []asked
	meddled map[string]bool // runs that someone clears and marks
	fickle  map[string]bool // runs that someone cancels as one of their tasks ends
	again   map[machineKey]int
	held    map[taskKey]int
	spilled map[string]machine.Raw

	faults   faults
	jumped   bool
	resuming bool          // the core replays a run
	gaveUp   bool          // a run was given up: its journal could not be written
	ordered  time.Duration // when weft was told to stop
	goes     bool          // it has stopped
	bad      error
	stats    Stats
}

// Stats are what happened in a story.
type Stats struct {
	Runs, Tasks int
	Judged      int // runs that came to their own end, held against the oracle
	Starts      int // of processes
	Again       int // of those, attempts that had been started before
	Crashes     int
	Failures    int // runs given up, to be resumed
	Drains      int // ends in order
	Left        int // of those, where something was left
	Jobs        int // that began elsewhere
	Found       int // submissions that were found again by their tokens
	Halted      int // jobs that were stopped
	Readied     int // attempts that were prepared while a record was on its way to the disk
	Thrown      int // of those, how many did not begin
	Events      int // happenings
	Virtual     time.Duration
	Hash        string // of every journal and the ledger
}

// An asked is an order that was left on the disk for a run.
type asked struct {
	run  string
	fact machine.Fact
}

// killed is the end of weft in the midst of its work.
type killed struct{}

// lasts bounds a story in virtual time and in happenings: whatever goes on longer is stuck.
const (
	lasts    = 12 * time.Hour
	longest  = 400_000
	faulting = 20 * time.Minute // no fault comes later
)

// Tell plays the story of a seed to its end. The error says which promise was broken.
func Tell(seed uint64, bug Bug, trace func(string, ...any)) (stats Stats, err error) {
	s := &Sim{
		world: newWorld(seed), ctx: context.Background(), seed: seed, bug: bug, trace: trace, ledger: newLedger(), service: newService(),
		dags: map[string]*dag{}, plans: map[string]*machine.Plan{}, driven: map[string]bool{}, resumed: map[string]time.Duration{}, asking: map[string]int{},
		again: map[machineKey]int{}, held: map[taskKey]int{}, spilled: map[string]machine.Raw{}, meddled: map[string]bool{}, fickle: map[string]bool{},
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	s.limits.Pools = map[string]int{"default": 2 + s.rng.IntN(8), "wide": 3 + s.rng.IntN(20), "one": 1}
	s.faults = newFaults(&s.world)
	var under backing = mem.NewHeld()
	if bug.under != nil {
		under = bug.under(s, under)
	}
	s.disk = newDisk(s, under)
	s.store = s.disk
	if bug.over != nil {
		s.store = bug.over(s, s.disk)
	}
	s.scenario()
	s.wake()
	s.play()
	if s.bad == nil {
		s.end()
	}
	s.sum()
	return s.stats, s.bad
}

// play goes from happening to happening until every run is over.
func (s *Sim) play() {
	for s.bad == nil && !s.over() {
		if s.stats.Events++; s.stats.Events > longest || s.mono > lasts {
			s.stuck()
			return
		}
		if !s.step() {
			s.stuck()
			return
		}
	}
}

// step goes to the next moment at which something is, and does it; false if there is none.
func (s *Sim) step() bool {
	due, round := time.Duration(0), false
	if s.core != nil {
		if t, ok := s.core.Next(); ok {
			due, round = max(s.mono, t-time.Hour), true
		}
		if s.rounds && (!round || s.round < due) {
			due, round = s.round, true
		}
	}
	if len(s.heap) > 0 && (!round || s.heap[0].at <= due) {
		h, _ := s.next(s.heap[0].at)
		s.mono = max(s.mono, h.at)
		s.guard(h.do)
		return true
	}
	if round {
		s.mono = max(s.mono, due)
		s.guard(s.turn)
	}
	return round
}

// turn is a round of the engine's loop: all news, then what is due, then what follows.
func (s *Sim) turn() {
	s.rounds = false
	for len(s.inbox) > 0 {
		f := s.inbox[0]
		s.inbox = s.inbox[1:]
		f()
	}
	s.core.Tick()
	s.core.Turn()
	s.core.LookAhead()
	if s.goes {
		s.leave()
		return
	}
	s.watch()
	if s.chance(0.05) {
		s.look()
	}
}

// guard does something in whose midst weft may be killed.
func (s *Sim) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			s.crash(s.rng.IntN(3))
		}
	}()
	do()
}

// post hands news to the core: most come at once, some have to wait for the loop.
func (s *Sim) post(f func()) {
	s.inbox = append(s.inbox, f)
	if s.rounds {
		return
	}
	s.rounds, s.round = true, s.mono
	if s.chance(0.1) {
		s.round += s.upTo(30 * time.Millisecond)
	}
}

// crash ends weft: what it had in mind is gone, its processes live on.
func (s *Sim) crash(torn int) {
	if s.core == nil {
		return
	}
	s.stats.Crashes++
	s.logf("CRASH (torn %d)", torn)
	s.core, s.inbox, s.rounds, s.goes = nil, nil, false, false
	clear(s.readies.of)
	clear(s.driven)
	s.disk.lost(torn)
	s.disk.audit()
	s.after(s.upTo(time.Minute), func() { s.wake() })
}

// wake starts weft: it ends what an earlier one left, then goes on with each run that is not over,
// those that had begun before those that are held.
func (s *Sim) wake() {
	s.gen++
	s.since = s.mono
	s.logf("weft %d begins", s.gen)
	found := map[string]map[machine.Key]bool{}
	if !s.bug.keepLeftovers {
		found = s.ledger.killAll(s.mono)
	}
	opt := local.Options{Limits: s.limits, PokeSlots: 4 + s.rng.IntN(8), Observe: s.observe, Patience: s.faults.patience}
	if s.bug.limits != nil {
		opt.Limits = s.bug.limits(s.limits)
	}
	if s.bug.carry != nil {
		opt.Carry = s.bug.carry(s)
	}
	var w local.Worker = &worker{s: s, gen: s.gen}
	if s.bug.worker != nil {
		w = s.bug.worker(s, w)
	}
	gen := s.gen
	s.core = local.NewCore(opt, s.store, w, s, func(f func()) {
		if gen == s.gen && s.core != nil {
			s.post(f)
		}
	})
	for _, state := range []machine.RunState{machine.RunRunning, machine.RunQueued} {
		rows, err := s.store.ListRuns(s.ctx, store.Filter{States: []machine.RunState{state}})
		if err != nil {
			s.broken("cannot list the runs: %v", err)
		}
		for _, row := range rows {
			s.post(func() { s.resume(row.ID, found[row.ID]) })
		}
	}
	s.post(s.startWanted)
}

func (s *Sim) resume(id string, found map[machine.Key]bool) {
	s.point("before a run is resumed")
	if s.bug.forgetFound {
		found = nil
	}
	s.resuming = true
	err := s.core.Resume(s.ctx, s.store, id, found)
	s.resuming = false
	if errors.Is(err, local.ErrDraining) { // the next weft goes on with it
		return
	}
	if err != nil {
		s.broken("lost: run %s cannot be resumed: %v", id, err)
		return
	}
	s.driven[id], s.resumed[id] = true, s.mono
}

// watch sees which runs the core has let go: those that are over, and those it gave up because
// their journal could not be written, which are resumed a while later.
func (s *Sim) watch() {
	for _, id := range s.order {
		if !s.driven[id] || s.core.Run(id) != nil {
			continue
		}
		delete(s.driven, id)
		switch {
		case s.disk.ghosts[id].run.State().Terminal():
		case !s.disk.failed[id] && !errors.Is(s.core.GaveUp(id), errDisk): // what it could not write may be durable by now
			s.broken("lost: run %s was given up, and nothing is wrong with its journal", id)
		default:
			s.disk.failed[id], s.gaveUp = false, true
			s.stats.Failures++
			gen := s.gen
			s.after(time.Second+s.upTo(time.Minute), func() {
				if gen == s.gen && s.core != nil {
					s.post(func() { s.resume(id, nil) })
				}
			})
		}
	}
}

// broken notes the first promise that does not hold.
func (s *Sim) broken(format string, args ...any) {
	if s.bad == nil {
		s.bad = fmt.Errorf(format, args...)
		s.logf("BROKEN %v", s.bad)
	}
}

func (s *Sim) logf(format string, args ...any) {
	if s.trace != nil {
		s.trace("%12s "+format, append([]any{s.mono}, args...)...)
	}
}

// skewed tells that the wall was set and a run resumed: timers then hang on what the wall said.
func (s *Sim) skewed() bool { return s.jumped && (s.stats.Crashes+s.stats.Drains > 0 || s.gaveUp) }

// plan finds a plan by its hash, for ghosts.
func (s *Sim) plan(hash string) *machine.Plan { return s.plans[hash] }

func (s *Sim) traits(o machine.Order) *traits {
	if tr := s.dags[o.Run.Key()].traits[o.ID]; tr != nil {
		return tr
	}
	return &traits{slow: time.Second, fails: 0.2, lane: "a"} // a callback
}

// sum counts, and names the story by a hash over every journal and the ledger.
func (s *Sim) sum() {
	h := sha256.New()
	for _, id := range s.order {
		recs, err := s.disk.backing.Read(s.ctx, id)
		if err != nil {
			s.broken("cannot read the journal of run %s: %v", id, err)
		}
		for _, r := range recs {
			body, err := r.Event.MarshalJSON()
			if err != nil {
				s.broken("cannot write an event of run %s: %v", id, err)
			}
			_, _ = fmt.Fprintf(h, "%s %d %d %d %s\n", id, r.Seq, r.After, r.Hash, body)
		}
		s.stats.Tasks += len(s.dags[id].plan.Tasks)
	}
	for _, l := range s.ledger.lines {
		_, _ = fmt.Fprintln(h, l)
	}
	s.stats.Hash = hex.EncodeToString(h.Sum(nil)[:8])
	s.stats.Jobs, s.stats.Found, s.stats.Halted = s.service.jobs, s.service.found, s.service.stopped
	s.stats.Readied, s.stats.Thrown = s.readies.count, s.readies.thrown
	s.stats.Runs, s.stats.Starts, s.stats.Virtual = len(s.order), s.ledger.starts, s.mono
}

// past answers depends_on_past by what is durable.
func (s *Sim) past(info machine.RunInfo, task string) (ok bool, run string) {
	rows, err := s.disk.ListRuns(s.ctx, store.Filter{
		DAG: info.DAG, Before: info.LogicalDate, Types: []string{"scheduled", "backfill"}, Limit: 1,
	})
	if err != nil {
		s.broken("cannot list the runs: %v", err)
	}
	if len(rows) == 0 {
		return true, ""
	}
	st := s.disk.ghosts[rows[0].ID].run.States()[task]
	return st == machine.Success || st == machine.Skipped, rows[0].ID
}
