package sim

import (
	"slices"
	"strings"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
)

// over tells whether every run that was wanted is there and has ended, and weft stands idle.
func (s *Sim) over() bool {
	if s.core == nil || s.rounds || s.disk.Pending() > 0 {
		return false
	}
	for _, req := range s.wanted {
		if !req.accepted {
			return false
		}
	}
	for _, id := range s.order {
		if !s.disk.ghosts[id].run.State().Terminal() || s.driven[id] {
			return false
		}
	}
	return true
}

// stuck says what the story waits for.
func (s *Sim) stuck() {
	var open []string
	for _, id := range s.order {
		g := s.disk.ghosts[id]
		if g.run.State().Terminal() {
			continue
		}
		open = append(open, id+" is "+string(g.run.State()))
		for _, t := range g.run.Plan().Tasks {
			if st := g.run.States()[t.ID]; !st.Finished() {
				open = append(open, t.ID+" "+st.String())
			}
		}
	}
	s.broken("stuck: after %s and %d happenings: %s", s.mono, s.stats.Events, strings.Join(open, ", "))
}

// observe holds what is told to people against what is durable.
func (s *Sim) observe(u runner.Update) {
	if u.Type != "run_finished" {
		return
	}
	if g := s.disk.ghosts[u.Run]; !g.run.State().Terminal() && !g.touched {
		s.broken("untrue: run %s is said to be over, and its end is not durable", u.Run)
	}
}

// end holds every run that is over against the rules of the language.
func (s *Sim) end() {
	for _, id := range s.order {
		s.endOf(id, s.disk.ghosts[id])
	}
	for _, a := range s.asks {
		g := s.disk.ghosts[a.run]
		if !g.cancel && s.left(a) == 0 {
			s.broken("lost: an order that was left for run %s is in no journal", a.run)
		}
	}
	if n := len(s.service.alive); n > 0 {
		s.broken("left over: %d jobs go on after the last run has ended", n)
	}
	if n := len(s.ledger.procs); n > 0 {
		s.broken("left over: %d processes live after the last run has ended", n)
	}
}

// left counts the orders on the disk that nobody took: the run was over before.
func (s *Sim) left(a asked) int {
	asks, err := s.disk.TakeAsks(s.ctx, a.run)
	if err != nil {
		s.broken("cannot read the orders for run %s: %v", a.run, err)
	}
	return len(asks)
}

func (s *Sim) endOf(id string, g *ghost) {
	row, err := s.disk.GetRun(s.ctx, id)
	if err != nil {
		s.broken("lost: run %s has no row: %v", id, err)
		return
	}
	recs, err := s.disk.backing.Read(s.ctx, id)
	if err != nil {
		s.broken("cannot read the journal of run %s: %v", id, err)
		return
	}
	again, err := local.Replay(s.ctx, s.disk.backing, id, recs)
	if err != nil {
		s.broken("untrue: the journal of run %s cannot be replayed: %v", id, err)
		return
	}
	if again.Hash() != g.run.Hash() {
		s.broken("untrue: run %s replays to another state", id)
	}
	sum := again.Summarize()
	if row.State != sum.State || row.FinishedAt.IsZero() {
		s.broken("untrue: run %s is listed as %s, and is %s", id, row.State, sum.State)
	}
	states := again.States()
	for task, st := range states {
		if !st.Finished() {
			s.broken("untrue: run %s is over, and its task %s is %s", id, task, st)
		}
	}
	s.verdict(id, g, sum.State, states)
	if !g.forced() {
		s.stats.Judged++
		if err := s.dags[id].judge(sum); err != nil {
			s.broken("untrue: run %s: %v", id, err)
		}
		s.retried(id, g, again)
	}
}

// forced tells that a run did not come to its own end: it was cancelled, cleared, or timed out.
func (g *ghost) forced() bool {
	return g.cancel || g.touched || g.timedOut()
}

func (g *ghost) timedOut() bool {
	return slices.ContainsFunc(g.facts, func(f machine.Fact) bool { return f == machine.TimerFired{Timer: "run/timeout"} })
}

// verdict holds a run's state against section 6.
func (s *Sim) verdict(id string, g *ghost, got machine.RunState, states map[string]machine.State) {
	want := s.dags[id].verdictOf(states)
	switch {
	case got == want:
	case got == machine.RunCancelled && g.cancel:
	case got == machine.RunFailed && g.timedOut():
	default:
		s.broken("untrue: run %s is %s, and its tasks give %s", id, got, want)
	}
}

// retried holds each task that failed of itself against its retries: none is left unused.
func (s *Sim) retried(id string, g *ghost, r *machine.Run) {
	sum := r.Summarize()
	for i := range r.Plan().Tasks {
		t := &r.Plan().Tasks[i]
		got := sum.Tasks[t.ID]
		key := machineKey{id, machine.Key{Task: t.ID, Index: -1}}
		if t.ForEach != nil || t.RetryIf != nil || t.Sensor != nil || got.State != machine.Failed || g.cut[key] {
			continue
		}
		if n := g.failures[key]; n != t.Retries+1 && !g.final[key] {
			s.broken("untrue: task %s of run %s failed after %d attempts (%s), with %d retries", t.ID, id, n, got.Reason, t.Retries)
		}
	}
}
