package sim

import (
	"errors"
	"fmt"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// A request is a run that someone wants; they ask again until it is accepted.
type request struct {
	runner.Request
	key      string // of the run
	at       time.Duration
	accepted bool
}

// scenario plans what people do: which runs they want, which they cancel, clear or mark, and how
// the wall's clock is set.
func (s *Sim) scenario() {
	for d := range 1 + s.rng.IntN(2) {
		name := fmt.Sprintf("dag%d", d)
		g := grow(s.seed, name)
		_, hash := g.plan.Encode()
		s.plans[hash] = g.plan
		for r := range 1 + s.rng.IntN(3) {
			s.want(g, name, r)
		}
	}
	if s.faults.jumps {
		for range 1 + s.rng.IntN(3) {
			s.after(s.upTo(10*time.Minute), s.setWall)
		}
	}
	s.drains()
	if s.faults.news {
		for range 30 {
			s.after(s.upTo(20*time.Minute), s.repeatNews)
		}
	}
}

func (s *Sim) want(g *dag, name string, r int) {
	date := epoch.AddDate(0, 0, r)
	req := &request{at: s.upTo(time.Minute), Request: runner.Request{
		Plan: g.plan, Dir: "/dags", Run: fmt.Sprintf("%s-%d", name, r), Type: pick(s.rng, "scheduled", "scheduled", "manual", "backfill"),
		LogicalDate: date, IntervalStart: date, IntervalEnd: date.AddDate(0, 0, 1), By: "sim",
		Params: map[string]any{"yes": true, "no": false},
	}}
	req.key = machine.RunKey(g.plan.DAG, req.Type, req.Run)
	s.dags[req.key] = g
	s.wanted = append(s.wanted, req)
	s.after(req.at, func() { s.tellCore(s.startWanted) })
	if s.chance(0.15) { // the same request again
		s.after(req.at+s.upTo(3*time.Minute), func() { s.tellCore(func() { s.start(req) }) })
	}
	if s.chance(0.2) {
		s.cancels(req.key)
	}
	if s.chance(0.15) {
		s.meddled[req.key] = true
		for range 1 + s.rng.IntN(3) {
			s.after(s.upTo(10*time.Minute), func() { s.tellCore(func() { s.byHand(req.key) }) })
		}
	}
}

// tellCore posts something to the core if weft lives.
func (s *Sim) tellCore(do func()) {
	if s.core != nil {
		s.post(do)
	}
}

// startWanted asks for every run that is due and not accepted.
func (s *Sim) startWanted() {
	for _, req := range s.wanted {
		if !req.accepted && req.at <= s.mono {
			s.start(req)
		}
	}
}

func (s *Sim) start(req *request) {
	err := s.core.Start(s.ctx, s.store, req.Request)
	switch {
	case err == nil:
		s.logf("run %s is accepted", req.key)
		req.accepted, s.driven[req.key] = true, true
	case errors.Is(err, store.ErrExists):
		req.accepted = true
	default: // the disk refused it: they ask again
		s.after(time.Second, func() {
			s.tellCore(func() {
				if !req.accepted {
					s.start(req)
				}
			})
		})
	}
}

// cancels has a run cancelled at some moment: over the engine, or by an order left on the disk.
func (s *Sim) cancels(run string) {
	if s.chance(0.3) { // just as a task ends
		s.fickle[run] = true
		return
	}
	fact := machine.CancelAsked{By: "ann"}
	onDisk := s.chance(0.5)
	s.after(s.upTo(8*time.Minute), func() {
		if !onDisk {
			s.tellCore(func() { s.core.Record(run, fact) })
			return
		}
		if s.disk.ghosts[run] == nil {
			return
		}
		if err := s.disk.PutAsk(s.ctx, run, machine.Event{At: s.Now(), Fact: fact}); err == nil {
			s.logf("an order is left for run %s", run)
			s.asks = append(s.asks, asked{run, fact})
			s.asking[run]++
		}
	})
}

// byHand clears a task and what follows it, or marks one, in a run that goes on.
func (s *Sim) byHand(run string) {
	r := s.core.Run(run)
	if r == nil || r.State() != machine.RunRunning {
		return
	}
	plan := r.Plan()
	id := plan.Tasks[s.rng.IntN(len(plan.Tasks))].ID
	if s.chance(0.4) {
		s.core.Record(run, machine.Marked{By: "ann", Task: id, State: []machine.State{machine.Success, machine.Failed, machine.Skipped}[s.rng.IntN(3)]})
		return
	}
	tasks := []string{id}
	for i := 0; i < len(tasks); i++ {
		for _, d := range plan.Downstream(tasks[i]) {
			tasks = appendNew(tasks, d)
		}
	}
	info := r.Info()
	s.core.Record(run, machine.Reopened{By: "ann", Tasks: tasks, Plan: info.Plan, Epoch: info.Epoch + 1})
}

// setWall sets the wall's clock.
func (s *Sim) setWall() {
	s.jumped = true
	s.skew += time.Duration(s.rng.Int64N(int64(4*time.Hour))) - 2*time.Hour
	s.logf("the wall's clock is set to %s", s.Now())
}

// repeatNews tells the engine something that it has heard before. AttemptLost is not among it: it
// carries the key of the attempt that begins again, and only a weft that wakes says it.
func (s *Sim) repeatNews() {
	if s.core == nil || len(s.order) == 0 {
		return
	}
	id := s.order[s.rng.IntN(len(s.order))]
	g := s.disk.ghosts[id]
	if g.touched || len(g.facts) < 2 {
		return
	}
	switch f := g.facts[s.rng.IntN(len(g.facts))].(type) {
	case machine.AttemptEnded, machine.TimerFired, machine.PastAnswered, machine.Evaluated, machine.RunAdmitted, machine.RunDecided, machine.CancelAsked:
		s.tellCore(func() { s.core.Record(id, f) })
	}
}
