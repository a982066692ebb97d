package temporal

import (
	"context"
	"runtime"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"weft/clock"
	"weft/machine"
	"weft/runner"
)

// An Executor carries out single orders; runner.Executor is the one there is.
type Executor interface {
	Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome))
	Poke(ctx context.Context, o machine.Order, poke int, since time.Time) runner.PokeResult
	Evaluate(ctx context.Context, o machine.Order, q machine.Evaluate) machine.Evaluated
	Remote(o machine.Order) bool
	Intend(ctx context.Context, o machine.Order) runner.Intent
	Submit(ctx context.Context, o machine.Order, again bool) runner.Submitted
	Group(o machine.Order) string
	Check(ctx context.Context, ws []*runner.Watch) []runner.Checked
	Halt(ctx context.Context, w *runner.Watch, reason string) machine.Outcome
	Leave(run string) error
}

// hands are the activities of a worker: what it does itself.
type hands struct {
	cfg     Config
	exec    Executor
	clock   clock.Clock
	to      teller
	shelf   *shelf
	gate    *gate // of attempts
	pokes   *gate // of all that waits elsewhere: it needs no slot of an attempt
	metrics *Metrics
	asked   memory[*runner.Question] // of sensors, between two pokes
	watched memory[*watch]
	checks  gathering

	mu       sync.Mutex
	jobs     map[*job]struct{}
	runs     map[string]*visit
	draining bool
}

func newHands(cfg Config, to teller) *hands {
	h := &hands{
		cfg: cfg, exec: cfg.Exec, clock: cfg.Clock, to: to, gate: newGate(cfg.Concurrency), pokes: newGate(cfg.Pokes),
		metrics: cfg.Metrics, jobs: map[*job]struct{}{}, runs: map[string]*visit{},
	}
	h.shelf = &shelf{place: cfg.Place, values: cfg.Values, folder: cfg.Folder}
	h.checks.do = h.exec.Check
	return h
}

// A job is one activity in hand.
type job struct {
	h     *hands
	info  activity.Info
	order machine.Order
	dir   string
	beat  *beat
	ctx   context.Context // of the work: it ends when the work is to end
	stop  context.CancelCauseFunc
	hurry context.CancelFunc

	mu      sync.Mutex
	verdict verdict // why it is to end; the first counts
}

// stoppedByOrder is the reason that an attempt gives which a drain has ended.
const stoppedByOrder = "weft was stopped"

// reasons are what the log of an attempt says that was ended.
var reasons = map[verdict]string{
	cancelled: "cancelled",
	gone:      "the run wants it no more",
	returned:  "it was paused",
	cutOff:    "Temporal does not answer, and may have it done elsewhere",
	drained:   stoppedByOrder,
}

// end has the job end, for a reason.
func (j *job) end(why verdict) {
	j.mu.Lock()
	if j.verdict == goesOn {
		j.verdict = why
	}
	j.mu.Unlock()
	j.stop(&runner.StopError{Reason: reasons[why]})
}

// why is why it was told to end.
func (j *job) why() verdict {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.verdict
}

// take begins an activity: it is told of, its plan, folder and plugin are there. The error is what the activity ends
// with. Else close must follow.
func (h *hands) take(ctx context.Context, info activity.Info, ord Order, views Views) (*job, error) {
	j := &job{h: h, info: info}
	var work context.Context
	work, j.stop = context.WithCancelCause(context.Background())
	var hurried context.Context
	hurried, j.hurry = context.WithCancel(context.Background())
	j.ctx = runner.WithHurry(work, hurried)
	if !h.enlist(j) {
		j.stop(nil)
		j.hurry()
		return nil, handedBack("this worker is being stopped", atOnce)
	}
	j.beat = &beat{
		pace: h.cfg.Pace, clock: h.clock, to: h.to, token: info.TaskToken, heard: j.end, hurry: j.hurry,
		miss: func(err error) { h.missed(j, err) },
	}
	j.beat.begin()
	context.AfterFunc(ctx, func() { // the SDK hears of some things by itself
		if v := heardIn(context.Cause(ctx)); v != goesOn {
			j.end(v)
		}
	})
	if err := h.prepare(j, ord, views); err != nil {
		j.close()
		h.metrics.unready()
		h.cfg.Log.Warn("cannot do what came; it is tried again", "activity", info.ActivityID, "workflow", info.WorkflowExecution.ID, "error", err)
		return nil, again(err, info.Attempt)
	}
	return j, nil
}

// enlist counts a job; false: nothing is taken on any more.
func (h *hands) enlist(j *job) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return false
	}
	h.jobs[j] = struct{}{}
	return true
}

// prepare finds what the order needs.
func (h *hands) prepare(j *job, ord Order, views Views) (err error) {
	if h.cfg.Space != nil {
		if err := h.cfg.Space(); err != nil {
			return err
		}
	}
	plan, err := h.shelf.plan(j.ctx, ord.Plan)
	if err != nil {
		return err
	}
	if j.order, err = machine.DecodeOrder(ord.Body, plan, views); err != nil {
		return unreadyf("%w; this is weft %s", err, h.cfg.Version)
	}
	if rules := j.order.Run.Rules; rules > machine.Rules {
		return unreadyf("cannot go by rules %d of run %s: this weft (%s) knows up to %d", rules, j.order.Run.Key(), h.cfg.Version, machine.Rules)
	}
	if uses := j.order.Task.Uses; h.cfg.Knows != nil && !h.cfg.Knows(uses) {
		return unreadyf("cannot use %s: this weft (%s) has no such plugin; task %s waits for a worker that has it", uses, h.cfg.Version, j.order.Key.Task)
	}
	if j.dir, err = h.shelf.dir(j.ctx, ord.Source); err != nil {
		return err
	}
	if j.order.Run.Handoff == "" && plan.Handoff == "" { // the folder of this machine is nobody else's
		j.order.Run.Handoff = h.cfg.Place
	}
	h.visit(j.order, j.dir)
	return nil
}

// close ends a job; its order may be the zero one.
func (j *job) close() {
	j.beat.end()
	j.stop(nil)
	j.hurry()
	j.h.mu.Lock()
	delete(j.h.jobs, j)
	j.h.mu.Unlock()
}

// missed hears of a heartbeat that got no answer.
func (h *hands) missed(j *job, err error) {
	h.metrics.missed()
	silent := j.beat.silent()
	h.cfg.Log.Warn("Temporal does not answer", "task", j.info.ActivityID, "silent", silent.Round(time.Second), "ends_after", h.cfg.Pace.Patient, "error", err)
}

// attempt is AttemptActivity.
func (h *hands) attempt(ctx context.Context, info activity.Info, ord Order, views Views) (machine.Outcome, error) {
	h.metrics.came(info)
	j, err := h.take(ctx, info, ord, views)
	if err != nil {
		return machine.Outcome{}, err
	}
	defer j.close()
	leave, err := j.enter()
	if err != nil {
		h.left(j.order)
		return machine.Outcome{}, err
	}
	defer leave()
	done := make(chan machine.Outcome, 1)
	h.metrics.began()
	go func() {
		roomy()
		defer h.left(j.order)
		h.exec.Attempt(j.ctx, j.order, func(out machine.Outcome) { done <- out })
	}()
	out := <-done
	j.stow(out)
	res, err := j.outcome(out)
	h.metrics.ended(res, err)
	return res, err
}

// How long it takes until a result that could not be handed over is tried again.
const (
	stowPause     = time.Second
	mostStowPause = 10 * time.Second
)

// stow waits until a success can be sent: the work is done, and must not be done again because the handoff is out of reach.
func (j *job) stow(out machine.Outcome) {
	if j.h.cfg.Stow == nil || out.State != machine.Success {
		return
	}
	pause := stowPause
	for tries := 1; ; tries++ {
		err := j.h.cfg.Stow(j.ctx, out)
		if err == nil || j.ctx.Err() != nil {
			return
		}
		if tries == 1 {
			j.h.cfg.Log.Warn("what a task gave cannot be handed over; it is tried again", "task", j.order.Key.String(), "run", j.order.Run.Key(), "error", err)
		}
		again, stop := j.h.clock.After(pause)
		select {
		case <-again:
		case <-j.ctx.Done():
			stop()
			return
		}
		pause = min(2*pause, mostStowPause)
	}
}

// roomy grows the stack of a new goroutine in one step while there is next to nothing on it: an attempt goes deep.
//
//go:noinline
func roomy() {
	var room [20 << 10]byte
	runtime.KeepAlive(&room)
}

// enter waits for a slot. What came when there was room for nothing is given to another after a while.
func (j *job) enter() (leave func(), err error) {
	ctx, cancel := context.WithTimeout(j.ctx, j.h.cfg.Hold)
	defer cancel()
	leave, ok := j.h.gate.enter(ctx)
	switch {
	case ok:
		return leave, nil
	case j.why() != goesOn:
		return nil, j.unbegun()
	case ctx.Err() == nil:
		return nil, handedBack("this worker is being stopped", atOnce)
	}
	return nil, handedBack("this worker has no slot free", unreadyIsFull)
}

// unbegun is the end of an activity of which nothing was begun.
func (j *job) unbegun() error {
	if j.why() == cancelled {
		return temporal.NewCanceledError() // the run knows why
	}
	return handedBack(reasons[j.why()], atOnce)
}

// outcome is what an attempt came to for its run. A success is one whatever happened beside it. Of a failure it is not:
// an attempt that was ended because the worker was, or because nobody could be told of it, runs again.
func (j *job) outcome(out machine.Outcome) (machine.Outcome, error) {
	if out.State == machine.Success {
		return out, nil
	}
	switch why := j.why(); {
	case why == drained:
		return machine.Outcome{}, lost(Lost{Reason: stoppedByOrder, Ordered: true})
	case why == returned:
		return machine.Outcome{}, handedBack(reasons[returned], atOnce)
	case why == cutOff || why == gone || j.beat.late():
		return machine.Outcome{}, lost(Lost{Reason: "its worker lost Temporal out of sight"})
	}
	return out, nil
}

// drain has all end, in order: what runs is told so when its time is over.
func (h *hands) drain(ctx context.Context) {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	h.gate.close()
	h.pokes.close()
	<-ctx.Done()
	h.mu.Lock()
	defer h.mu.Unlock()
	for j := range h.jobs {
		j.end(drained)
		j.hurry()
	}
}

// evaluate is EvaluateActivity.
func (h *hands) evaluate(ctx context.Context, info activity.Info, ord Order, views Views, q machine.Evaluate) (machine.Evaluated, error) {
	j, err := h.take(ctx, info, ord, views)
	if err != nil {
		return machine.Evaluated{}, err
	}
	defer j.close()
	defer h.left(j.order)
	ans := h.exec.Evaluate(j.ctx, j.order, q)
	if why := j.why(); why != goesOn && why != cancelled {
		return machine.Evaluated{}, handedBack(reasons[why], atOnce)
	}
	return ans, nil
}

// running tells what the worker has in hand.
func (h *hands) running() (jobs int, draining bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.jobs), h.draining
}

// until is when the attempts in hand end at the latest if the server is not heard of any more; false: there are none.
func (h *hands) until() (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	least, any := h.cfg.Pace.Hurry, false
	for j := range h.jobs {
		least, any = min(least, h.cfg.Pace.Hurry-j.beat.silent()), true
	}
	return max(0, least), any
}
