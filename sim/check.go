package sim

import (
	"encoding/json"
	"time"

	"weft/machine"
)

// note holds a fact against the ledger as it becomes durable, before the ghost steps on it.
func (g *ghost) note(ev machine.Event) {
	s := g.s
	switch f := ev.Fact.(type) {
	case machine.AttemptStarted:
		if id := g.epochOf(f.Key); g.since[id] == 0 {
			g.since[id] = s.mono + 1
		}
	case machine.RemoteIntended:
		g.intended[f.Token] = true
	case machine.AttemptEnded:
		g.noteEnd(f)
	case machine.AttemptLost:
		g.cut[g.epochOf(f.Key)] = true
	case machine.CancelAsked:
		g.cancel = true
	case machine.RunDecided:
		if s.meddled[g.id] && s.chance(0.5) { // just as the run ends
			s.after(s.upTo(20*time.Millisecond), func() { s.tellCore(func() { s.byHand(g.id) }) })
		}
	case machine.Reopened:
		if g.run.Info().Epoch+1 == f.Epoch {
			g.touched = true
			g.clears++
		}
	case machine.Marked:
		g.touched = true
		g.clears++
	case machine.RunFinished:
		for _, p := range s.ledger.procs {
			if p.run == g.id && g.run.State() == machine.RunRunning && !g.touched {
				s.broken("untrue: run %s is over, and %s lives", g.id, p.key)
			}
		}
		for k, j := range s.service.alive {
			if k.run == g.id && g.run.State() == machine.RunRunning && !g.touched {
				s.broken("left over: run %s is over, and job %s of it goes on", g.id, j.token)
			}
		}
	}
}

// noteEnd holds the record of an end against the process.
func (g *ghost) noteEnd(f machine.AttemptEnded) {
	id := machineKey{g.id, f.Key}
	if g.tries[id] {
		return // repeated news
	}
	elsewhere := g.run.RemoteOf(f.Key) != nil
	if elsewhere {
		g.noteRemoteEnd(f)
	}
	o, current := g.run.Order(f.Key)
	if !current {
		return
	}
	g.tries[id] = true
	p := g.s.ledger.last[id]
	switch {
	case elsewhere:
	case f.State == machine.Success && (p == nil || p.out.State != machine.Success || p.alive):
		g.s.broken("untrue: %s of run %s is recorded as a success, and no process of it succeeded", f.Key, g.id)
	case p != nil && p.alive && p.gen == g.s.gen:
		g.s.broken("untrue: %s of run %s is recorded as ended, and its process lives", f.Key, g.id)
	}
	switch f.State {
	case machine.Success:
		g.success[g.epochOf(f.Key)] = true
	case machine.Failed:
		g.failures[g.epochOf(f.Key)]++
		if f.Final || f.Kind == "bad_input" {
			g.final[g.epochOf(f.Key)] = true
		}
		delay := time.Duration(o.Task.RetryDelay)
		if most := time.Duration(o.Task.MaxRetryDelay); most > 0 {
			delay = min(delay, most)
		}
		if j := g.s.service.last[id]; j != nil {
			g.retryAt[g.epochOf(f.Key)] = j.until + delay
		} else if p != nil {
			g.retryAt[g.epochOf(f.Key)] = p.until + delay
		}
	}
}

// starting holds a process that is about to start against all that is known.
func (s *Sim) starting(p *proc) {
	g := s.disk.ghosts[p.run]
	if g == nil {
		s.broken("lost: %s starts, and run %s is on no disk", p.key, p.run)
		return
	}
	id, inst := machineKey{p.run, p.key}, g.epochOf(p.key)
	if other := s.ledger.byTask[p.id()]; other != nil {
		s.broken("doubled: %s of run %s starts while %s of it lives", p.key, p.run, other.key)
	}
	if g.success[inst] {
		s.broken("doubled: %s of run %s starts again, and its success was durable", p.key, p.run)
	}
	if g.cancel && !g.touched {
		s.broken("untrue: %s of run %s starts, and the run's cancel was durable", p.key, p.run)
	}
	if _, ordered := g.run.Order(p.key); !ordered {
		s.broken("untrue: %s of run %s starts, and what is durable does not order it", p.key, p.run)
	}
	if p.poke == 0 && g.run.Began(p.key) {
		s.broken("doubled: %s of run %s starts, and what is durable says it runs", p.key, p.run)
	}
	if g.isTask(p.key.Task) && p.key.Epoch > g.clears { // run/task/index/epoch is the idempotency key
		s.broken("doubled: %s of run %s has an idempotency key of an epoch that nobody began", p.key, p.run)
	}
	if early := g.retryAt[inst] - s.mono; p.poke <= 1 && early > time.Millisecond && !s.skewed() {
		s.broken("untrue: %s of run %s starts %s before its retry delay is over", p.key, p.run, early)
	}
	if p.poke > 0 {
		s.startingPoke(g, p, inst)
		return
	}
	if s.ledger.last[id] != nil {
		s.stats.Again++
	}
	s.slots(p)
}

// isTask tells a task from a callback, whose epochs count how often it was begun.
func (g *ghost) isTask(id string) bool {
	return g.run.Plan().Position(id) < len(g.run.Plan().Tasks)
}

// slack is what may lie between a deadline and what follows: stalls of the disk, lazy records.
const slack = 5 * time.Second

// startingPoke holds a poke against its sensor's deadline.
func (s *Sim) startingPoke(g *ghost, p *proc, inst machineKey) {
	limit := time.Duration(p.task.Sensor.Timeout)
	if since := g.since[inst]; limit > 0 && since > 0 && !s.skewed() && s.mono > since+limit+time.Millisecond {
		s.broken("untrue: poke %d of %s of run %s starts %s after the sensor's deadline", p.poke, p.key, p.run, s.mono-since-limit)
	}
}

// slots counts what is alive against every limit, with the one that starts.
func (s *Sim) slots(p *proc) {
	pool, run, task := p.slots.Slots, 1, 1
	for _, o := range s.ledger.procs {
		if o.poke > 0 {
			continue
		}
		if o.slots.Pool == p.slots.Pool {
			pool += o.slots.Slots
		}
		if o.run == p.run {
			run++
			if o.key.Task == p.key.Task {
				task++
			}
		}
	}
	plan := s.dags[p.run].plan
	if size := s.limits.Pool(p.slots.Pool); pool > size && pool > p.slots.Slots {
		s.broken("slots: %d of %d in pool %s as %s of run %s starts", pool, size, p.slots.Pool, p.key, p.run)
	}
	if run > plan.MaxActiveTasks {
		s.broken("slots: %d of %d tasks of run %s", run, plan.MaxActiveTasks, p.run)
	}
	if limit := p.task.MaxParallel; limit > 0 && task > limit {
		s.broken("slots: %d of %d instances of %s of run %s", task, limit, p.key.Task, p.run)
	}
}

// look samples a live engine: what it calls running runs, and every slot is held by something.
func (s *Sim) look() {
	for _, a := range s.core.Alive() {
		p := s.ledger.last[machineKey{a.Run, a.Key}]
		if p == nil || p.gen != s.gen || (!p.alive && s.mono > max(p.until, s.disk.full)+slack) {
			s.broken("slots: %s of run %s holds %d of pool %s, and no process of it lives", a.Key, a.Run, a.Slots, a.Pool)
		}
	}
	type line struct {
		dag      string
		backfill bool
	}
	active := map[line]int{}
	for _, id := range s.order {
		g := s.disk.ghosts[id]
		at := line{g.run.Plan().DAG, g.run.Info().RunType == "backfill"}
		if g.run.State() == machine.RunRunning && !g.cancel && !g.touched {
			active[at]++
		}
		if r := s.core.Run(id); r != nil && !s.disk.failed[id] && s.chance(0.2) {
			s.lookAtRun(id, r)
		}
		if n, limit := active[at], g.run.Plan().MaxActiveRuns; n > limit && !s.gaveUp { // one given up takes its place again when it is resumed
			s.broken("slots: %d runs of %s are active, %d may be", n, g.run.Plan().DAG, limit)
		}
	}
}

func (s *Sim) lookAtRun(id string, r *machine.Run) {
	sum := r.Summarize()
	for task, t := range sum.Tasks {
		list := t.Instances
		if len(list) == 0 {
			list = []machine.InstanceSummary{{Index: -1, State: t.State}}
		}
		for _, in := range list {
			if in.State != machine.Running || s.remote(id, task) {
				continue
			}
			if p := s.newest(id, task, in.Index); p == nil || (!p.alive && s.mono > max(p.until, s.resumed[id], s.disk.full)+2*slack) {
				s.broken("untrue: %s/%d of run %s is said to run, and no process of it lives", task, in.Index, id)
			}
		}
	}
}

// newest finds the last process of a task instance, alive or not.
func (s *Sim) newest(run, task string, index int) *proc {
	if p := s.ledger.byTask[taskKey{run, task, index}]; p != nil {
		return p
	}
	return s.ledger.ended[taskKey{run, task, index}]
}

// words is a fact in short, for traces.
func words(f machine.Fact) string {
	b, err := json.Marshal(f)
	if err != nil {
		return err.Error()
	}
	if len(b) > 160 {
		b = append(b[:160], "…"...)
	}
	return string(b)
}
