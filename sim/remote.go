package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
)

// A job is remote work: it lives outside of weft and of every crash. The service begins one with each
// request that reaches it, whatever its token.
type job struct {
	token string
	run   string
	key   machine.Key
	alive bool
	until time.Duration // when it ended
	out   machine.Outcome
	end   func(machine.Outcome)
}

// service is where jobs run.
type service struct {
	byToken map[string]*job
	last    map[machineKey]*job // the newest of each attempt
	alive   map[taskKey]*job
	tokens  int
	jobs    int
	found   int // submissions that were found again
	stopped int
}

func newService() *service {
	return &service{byToken: map[string]*job{}, last: map[machineKey]*job{}, alive: map[taskKey]*job{}}
}

var _ local.Remoter = (*worker)(nil)

// What requests are like: how long one may be under way, and how long after it may have been sent its
// absence is believed.
const (
	inFlight = 2 * time.Second
	settles  = 3 * time.Second
)

// Remote implements local.Remoter.
func (w *worker) Remote(o machine.Order) bool { return w.s.traits(o).remote }

// Group implements local.Remoter.
func (w *worker) Group(o machine.Order) string { return w.s.traits(o).lane }

// Intend implements local.Remoter.
func (w *worker) Intend(o machine.Order, done func(runner.Intent)) {
	s, r := w.s, w.dice("intend", o)
	p := w.holds(o)
	s.after(draw(r, 500*time.Millisecond), func() {
		if !p.alive {
			return
		}
		s.tokens()
		in := runner.Intent{Token: fmt.Sprintf("weft-%d", s.service.tokens), Target: machine.Raw(`{"job":"j"}`)}
		if r.Float64() < 0.03 {
			out := failure(0)
			in = runner.Intent{Outcome: &out}
			p.out = out
		}
		s.ledger.finish(s.mono, p, "rendered", in.Token)
		w.tell(p, 0, func() { done(in) })
		if r.Float64() < 0.05 {
			w.tell(p, time.Second, func() { done(in) })
		}
	})
	s.point("remote work is rendered")
}

func (s *Sim) tokens() { s.service.tokens++ }

// dice is chance for one step of one attempt, another one each time.
func (w *worker) dice(step string, o machine.Order) *rand.Rand {
	id := machineKey{o.Run.Key(), o.Key}
	n := w.s.again[id]
	w.s.again[id]++
	return dice(w.s.seed, step, o.Run.Key(), o.Key.String(), strconv.Itoa(n))
}

// holds is the piece of work that holds a slot while remote work is rendered or submitted.
func (w *worker) holds(o machine.Order) *proc {
	p := &proc{run: o.Run.Key(), key: o.Key, task: o.Task, gen: w.gen, done: true, end: func(machine.Outcome) {}}
	p.slots = machine.Alive{Run: p.run, Key: p.key, Pool: o.Task.Pool, Slots: o.Task.PoolSlots}
	w.s.startingRemote(p)
	w.s.ledger.begin(w.s.mono, p)
	return p
}

// A submitting is one call of Submit.
type submitting struct {
	w      *worker
	o      machine.Order
	r      *rand.Rand
	p      *proc
	done   func(runner.Submitted)
	unsure bool          // a request may have reached the service
	since  time.Duration // when the last may have been sent
	stop   bool
}

// Submit implements local.Remoter.
func (w *worker) Submit(o machine.Order, again bool, done func(runner.Submitted)) {
	t := &submitting{w: w, o: o, r: w.dice("submit", o), p: w.holds(o), done: done, unsure: again, since: w.s.mono}
	t.p.end = func(machine.Outcome) { t.stop = true }
	t.next(0)
	w.s.point("remote work is submitted")
}

// next plans the next step of a submission, for a weft that may not live to see it.
func (t *submitting) next(d time.Duration) {
	s := t.w.s
	s.after(d, func() {
		if t.p.alive && t.w.gen == s.gen && s.core != nil {
			t.step()
		}
	})
}

func (t *submitting) step() {
	s := t.w.s
	switch j := s.service.byToken[t.o.Remote.Token]; {
	case t.stop && !t.unsure:
		out := machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped"}
		t.finish(runner.Submitted{Outcome: &out})
	case t.stop:
		t.finish(runner.Submitted{})
	case t.unsure && t.r.Float64() < 0.2: // it cannot be asked
		t.next(time.Second)
	case t.unsure && j != nil && !s.bug.noAdoption:
		s.service.found++
		t.finish(handleOf(j))
	case t.unsure && s.mono < t.since+settles && !s.bug.noAdoption:
		t.next(time.Second)
	default:
		t.send()
	}
}

func handleOf(j *job) runner.Submitted {
	return runner.Submitted{Handle: machine.Raw(`{"token":"` + j.token + `"}`), Text: "job " + j.token}
}

// send sends the request: it reaches the service or not, and the answer comes or not.
func (t *submitting) send() {
	s := t.w.s
	if t.r.Float64() < 0.1 {
		out := failure(3 + t.r.IntN(2))
		t.finish(runner.Submitted{Outcome: &out})
		return
	}
	t.unsure, t.since = true, s.mono
	arrives, answers := t.r.Float64() < 0.9, t.r.Float64() < 0.8
	under := draw(t.r, inFlight)
	if arrives {
		s.after(under, func() { s.launch(t.o) }) // whether weft lives or not
	}
	if !arrives || !answers {
		t.next(inFlight + time.Second)
		return
	}
	s.after(under, func() {
		if t.p.alive && t.w.gen == s.gen && s.core != nil {
			t.finish(handleOf(s.service.byToken[t.o.Remote.Token]))
		}
	})
}

func (t *submitting) finish(res runner.Submitted) {
	if res.Outcome != nil {
		t.p.out = *res.Outcome
	}
	t.w.s.ledger.finish(t.w.s.mono, t.p, "submitted", res.Text)
	t.w.tell(t.p, draw(t.r, 100*time.Millisecond), func() { t.done(res) })
	if t.r.Float64() < 0.05 {
		t.w.tell(t.p, 2*time.Second, func() { t.done(res) })
	}
}

// launch is a request that reached the service: a job begins.
func (s *Sim) launch(o machine.Order) {
	id := machineKey{o.Run.Key(), o.Key}
	j := &job{token: o.Remote.Token, run: o.Run.Key(), key: o.Key, alive: true}
	s.launching(o, j)
	s.service.jobs++
	s.service.byToken[j.token] = j
	s.service.last[id] = j
	s.service.alive[taskKey{j.run, j.key.Task, j.key.Index}] = j
	s.ledger.lines = append(s.ledger.lines, line{s.mono, "job begins", j.run, j.key, 0, j.token})
	s.logf("job %s begins, for %s of run %s", j.token, j.key, j.run)
	r, tr := dice(s.seed, "job", j.run, j.key.String()), s.traits(o)
	j.end = func(out machine.Outcome) {
		if !j.alive {
			return
		}
		j.alive, j.until, j.out = false, s.mono, out
		if k := (taskKey{j.run, j.key.Task, j.key.Index}); s.service.alive[k] == j {
			delete(s.service.alive, k)
		}
		s.ledger.lines = append(s.ledger.lines, line{s.mono, "job ends", j.run, j.key, 0, out.State.String()})
		s.outside("a job has ended")
	}
	out := machine.Outcome{State: machine.Success}
	if r.Float64() < tr.fails {
		out = failure(3 + r.IntN(4))
	} else {
		(&worker{s: s}).output(o, tr, &out)
	}
	if hangs := r.Float64() < tr.hangs; !hangs {
		s.after(draw(r, 3*tr.slow), func() { j.end(out) })
	}
}

// Check implements local.Remoter.
func (w *worker) Check(ws []*runner.Watch, done func([]runner.Checked)) {
	s := w.s
	away := s.chance(0.1)
	w.later(2*time.Second, func() {
		res := make([]runner.Checked, len(ws))
		for i, watch := range ws {
			j := s.service.byToken[watch.Order.Remote.Token]
			switch {
			case j == nil:
				s.broken("untrue: %s of run %s is watched, and was never submitted", watch.Order.Key, watch.Order.Run.Key())
			case away || s.chance(0.05):
				res[i].Failed = "it asks to slow down"
			case j.alive:
				res[i].State = "RUNNING"
			default:
				res[i] = runner.Checked{Done: true, Outcome: j.out, State: "DONE"}
			}
		}
		done(res)
		if s.chance(0.05) {
			w.later(5*time.Second, func() { done(res) })
		}
	})
}

// Halt implements local.Remoter.
func (w *worker) Halt(watch *runner.Watch, reason string, done func(machine.Outcome)) {
	s, o := w.s, watch.Order
	stopped := machine.Outcome{State: machine.Failed, Kind: reason, Error: reason}
	if s.bug.noStop {
		w.later(time.Second, func() { done(stopped) })
		return
	}
	since, asked := s.mono, false
	var step func()
	step = func() {
		j := s.service.byToken[o.Remote.Token]
		switch {
		case s.chance(0.1): // it cannot be asked
		case j == nil && s.mono >= since+settles:
			done(stopped)
			return
		case j == nil:
		case !j.alive && j.out.State == machine.Success:
			done(j.out)
			return
		case !j.alive:
			done(stopped)
			return
		case !asked:
			asked = true
			s.service.stopped++
			s.after(s.upTo(4*time.Second), func() { j.end(stopped) })
		}
		w.later(2*time.Second, step)
	}
	w.later(time.Second, step)
}

// remote tells whether a task is remote work: said to run it is being submitted, or waits for that after
// a crash, while its job may go on.
func (s *Sim) remote(run, task string) bool {
	tr := s.dags[run].traits[task]
	return tr != nil && tr.remote
}

// startingRemote holds a submission that takes a slot against all that is known.
func (s *Sim) startingRemote(p *proc) {
	g := s.disk.ghosts[p.run]
	switch {
	case g == nil:
		s.broken("lost: %s is submitted, and run %s is on no disk", p.key, p.run)
		return
	case s.ledger.byTask[p.id()] != nil:
		s.broken("doubled: %s of run %s is submitted while %s of it lives", p.key, p.run, s.ledger.byTask[p.id()].key)
	case g.success[g.epochOf(p.key)]:
		s.broken("doubled: %s of run %s is submitted again, and its success was durable", p.key, p.run)
	case g.cancel && !g.touched:
		s.broken("untrue: %s of run %s is submitted, and the run's cancel was durable", p.key, p.run)
	}
	if early := g.retryAt[g.epochOf(p.key)] - s.mono; early > time.Millisecond && !s.skewed() {
		s.broken("untrue: %s of run %s is submitted %s before its retry delay is over", p.key, p.run, early)
	}
	if _, ordered := g.run.Order(p.key); !ordered {
		s.broken("untrue: %s of run %s is submitted, and what is durable does not order it", p.key, p.run)
	}
	s.slots(p)
}

// launching holds a job that begins against all that is known.
func (s *Sim) launching(o machine.Order, j *job) {
	g := s.disk.ghosts[j.run]
	if s.service.byToken[j.token] != nil {
		s.broken("doubled: %s of run %s has two jobs", j.key, j.run)
	}
	if other := s.service.alive[taskKey{j.run, j.key.Task, j.key.Index}]; other != nil {
		s.broken("doubled: a job of %s of run %s begins while one of %s goes on", j.key, j.run, other.key)
	}
	if !g.intended[j.token] {
		s.broken("untrue: a job of %s of run %s begins, and its intent is not durable", j.key, j.run)
	}
	if g.tries[machineKey{j.run, j.key}] {
		s.broken("untrue: a job of %s of run %s begins, and the attempt is recorded as ended", j.key, j.run)
	}
	if g.success[g.epochOf(j.key)] {
		s.broken("doubled: a job of %s of run %s begins, and its success was durable", j.key, o.Run.Key())
	}
}

// noteRemoteEnd holds the record of an end against the attempt's job.
func (g *ghost) noteRemoteEnd(f machine.AttemptEnded) {
	j := g.s.service.last[machineKey{g.id, f.Key}]
	switch {
	case j != nil && j.alive:
		g.s.broken("left over: %s of run %s is recorded as ended, and its job goes on", f.Key, g.id)
	case f.State == machine.Success && (j == nil || j.out.State != machine.Success):
		g.s.broken("untrue: %s of run %s is recorded as a success, and no job of it succeeded", f.Key, g.id)
	}
}
