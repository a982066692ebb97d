package temporal

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"weft/machine"
	"weft/runner"
)

// intend is IntendActivity. The service hears nothing of it.
func (h *hands) intend(ctx context.Context, info activity.Info, ord Order, views Views) (runner.Intent, error) {
	h.metrics.came(info)
	j, err := h.take(ctx, info, ord, views)
	if err != nil {
		return runner.Intent{}, err
	}
	defer j.close()
	defer h.left(j.order)
	leave, err := j.enter()
	if err != nil {
		return runner.Intent{}, err
	}
	defer leave()
	in := h.exec.Intend(j.ctx, j.order)
	if in.Outcome != nil {
		if err := j.undecided(in.Outcome); err != nil {
			return runner.Intent{}, err
		}
	}
	return in, nil
}

// undecided is not nil where what was asked failed because it was ended here: another worker asks again. One that was
// cancelled is decided.
func (j *job) undecided(out *machine.Outcome) error {
	if out != nil && out.State == machine.Success {
		return nil
	}
	why := j.why()
	switch {
	case why == goesOn && !j.beat.late(), why == cancelled:
		return nil
	case why == goesOn:
		why = cutOff
	}
	return handedBack(reasons[why], atOnce)
}

// submit is SubmitActivity. At a second try the service may have begun: it is looked for first.
func (h *hands) submit(ctx context.Context, info activity.Info, ord Order, views Views) (runner.Submitted, error) {
	j, err := h.take(ctx, info, ord, views)
	if err != nil {
		return runner.Submitted{}, err
	}
	defer j.close()
	defer h.left(j.order)
	leave, err := j.enter()
	if err != nil {
		return runner.Submitted{}, err
	}
	defer leave()
	s := h.exec.Submit(j.ctx, j.order, ord.Again || info.Attempt > 1)
	if s.Handle == nil {
		if err := j.undecided(s.Outcome); err != nil {
			return runner.Submitted{}, err
		}
	}
	return s, nil
}

// A watch is remote work that this worker has checked before.
type watch struct {
	*runner.Watch
	unanswered int // checks in a row that could not ask
}

// watchOf is what this worker knows of a submission. It is in the hands of one activity.
func (h *hands) watchOf(o machine.Order) *watch {
	if w := h.watched.take(nameOf(o)); w != nil && w.Order.Plan == o.Plan && w.Order.Remote.Token == o.Remote.Token {
		return w
	}
	return &watch{Watch: &runner.Watch{Order: o}}
}

// askLimit bounds one check: a service that does not answer is asked again.
const askLimit = 2 * time.Minute

// check is CheckActivity: how a submission is. That it goes on is told as an error that the server tries again.
func (h *hands) check(ctx context.Context, info activity.Info, ord Order, views Views) (machine.Outcome, error) {
	j, err := h.take(ctx, info, ord, views)
	if err != nil {
		return machine.Outcome{}, err
	}
	defer j.close()
	o := j.order
	defer h.left(o)
	w := h.watchOf(o)
	asking, cancel := context.WithTimeout(j.ctx, askLimit)
	defer cancel()
	got := h.checks.ask(asking, h.exec.Group(o), w.Watch)
	if got.Done {
		return got.Outcome, nil
	}
	switch {
	case got.Failed != "":
		w.unanswered++
	default:
		w.unanswered = 0
	}
	h.watched.put(nameOf(o), w, h.clock.Mono())
	said := "it is " + got.State
	if got.Failed != "" {
		said = "it cannot be asked now: " + got.Failed
	}
	now := h.clock.Now()
	return machine.Outcome{}, askLater(said, nextCheck(h.exec.Group(o), now, now.Sub(o.Remote.Intended), w.unanswered))
}

// nextCheck is how long from now a submission of that age is checked again: at moments that all of a group share, whichever
// worker asks, so that one call serves them; and no two groups ask in step.
func nextCheck(group string, now time.Time, age time.Duration, unanswered int) time.Duration {
	step := runner.CheckStep(age, unanswered)
	f := fnv.New32a()
	_, _ = f.Write([]byte(group))
	phase := time.Duration(float64(f.Sum32()) / (1 << 32) * float64(step))
	soonest := now.Add(step/2 - phase).UnixNano()
	over := time.Duration(soonest % int64(step))
	return step/2 + (step-over)%step
}

// halt is HaltActivity: it stops a submission and tells how that ended.
func (h *hands) halt(ctx context.Context, info activity.Info, ord Order, reason string) (machine.Outcome, error) {
	j, err := h.take(ctx, info, ord, nil)
	if err != nil {
		return machine.Outcome{}, err
	}
	defer j.close()
	o := j.order
	defer h.left(o)
	out := h.exec.Halt(j.ctx, h.watchOf(o).Watch, reason)
	if err := j.undecided(&out); err != nil {
		return machine.Outcome{}, err
	}
	return out, nil
}

// gatherFor is how long a check waits for others of its group.
const gatherFor = 150 * time.Millisecond

// A gathering makes one call of checks of a group that come together.
type gathering struct {
	do func(ctx context.Context, ws []*runner.Watch) []runner.Checked

	mu    sync.Mutex
	calls map[string]*gathered
}

type gathered struct {
	ws   []*runner.Watch
	res  []runner.Checked
	done chan struct{}
}

// ask checks a submission with what else of its group comes now.
func (g *gathering) ask(ctx context.Context, group string, w *runner.Watch) runner.Checked {
	g.mu.Lock()
	c := g.calls[group]
	if first := c == nil; first {
		if g.calls == nil {
			g.calls = map[string]*gathered{}
		}
		c = &gathered{done: make(chan struct{})}
		g.calls[group] = c
		time.AfterFunc(gatherFor, func() {
			g.mu.Lock()
			delete(g.calls, group)
			g.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), askLimit) // it is not of one alone
			defer cancel()
			c.res = g.do(ctx, c.ws)
			close(c.done)
		})
	}
	i := len(c.ws)
	c.ws = append(c.ws, w)
	g.mu.Unlock()
	select {
	case <-c.done:
		return c.res[i]
	case <-ctx.Done():
		return runner.Checked{Failed: context.Cause(ctx).Error()}
	}
}
