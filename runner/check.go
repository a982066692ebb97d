package runner

import (
	"context"
	"fmt"
	"time"

	"weft/machine"
	"weft/plugins"
)

// Check asks how submissions of one group are, in their order. What cannot be asked now is no failure.
func (x *Executor) Check(ctx context.Context, ws []*Watch) []Checked {
	out := make([]Checked, len(ws))
	byWhere, order := map[string][]int{}, []string(nil)
	for i, w := range ws {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err := w.prepare(ctx, x); err != nil {
			out[i] = w.unanswered(x, err)
			continue
		}
		if byWhere[w.where] == nil {
			order = append(order, w.where)
		}
		byWhere[w.where] = append(byWhere[w.where], i)
	}
	for _, where := range order {
		x.checkTogether(ctx, ws, byWhere[where], out)
	}
	return out
}

// checkTogether checks submissions that are reached by the same credentials.
func (x *Executor) checkTogether(ctx context.Context, ws []*Watch, at []int, out []Checked) {
	first := ws[at[0]]
	rem := x.elsewhere(first.Order)
	a := attempt{x: x, o: first.Order}
	if b, ok := rem.(plugins.BatchChecker); ok && len(at) > 1 {
		handles := make([]machine.Raw, len(at))
		for n, i := range at {
			handles[n] = ws[i].Order.Remote.Handle
		}
		all, err := tamed(&a, func() ([]plugins.Progress, error) { return b.CheckAll(ctx, first.call, handles) })
		if err == nil && len(all) != len(at) {
			err = plugins.Errorf(plugins.Internal, "cannot check %d submissions: %d are answered", len(at), len(all))
		}
		for n, i := range at {
			if err != nil {
				out[i] = ws[i].unanswered(x, err)
				continue
			}
			if why := all[n].Unasked; why != nil {
				out[i] = ws[i].unanswered(x, why)
				continue
			}
			out[i] = ws[i].answered(ctx, x, all[n])
		}
		return
	}
	for _, i := range at {
		p, err := tamed(&a, func() (plugins.Progress, error) { return rem.Check(ctx, ws[i].call, ws[i].Order.Remote.Handle) })
		if err != nil {
			out[i] = ws[i].unanswered(x, err)
			continue
		}
		out[i] = ws[i].answered(ctx, x, p)
	}
}

// unanswered is a check that could not ask. The log has the first of each row; credentials and secrets
// are looked up anew for the next.
func (w *Watch) unanswered(x *Executor, err error) Checked {
	text := oneLine(w.mask.Message(err.Error()))
	if w.failed++; w.failed == 1 {
		w.note(x, "it goes on unwatched for now: "+text)
	}
	w.call = nil
	return Checked{Failed: short(text)}
}

// answered takes what the service says of a submission.
func (w *Watch) answered(ctx context.Context, x *Executor, p plugins.Progress) Checked {
	if w.failed > 0 {
		w.note(x, fmt.Sprintf("it is watched again; checks that failed: %d", w.failed))
		w.failed = 0
	}
	if p.State != w.state {
		w.state = p.State
		w.note(x, w.Order.Remote.Text+" is "+p.State)
	}
	if !p.Done {
		return Checked{State: p.State}
	}
	out, err := w.outcome(ctx, x, p)
	if err != nil {
		return w.unanswered(x, err)
	}
	return Checked{Done: true, Outcome: out, State: p.State}
}

// outcome ends the attempt of a submission that has ended. An error says that this cannot be done now.
func (w *Watch) outcome(ctx context.Context, x *Executor, p plugins.Progress) (out machine.Outcome, err error) {
	a := attempt{x: x, o: w.Order, apart: true, plugin: x.Plugins.Get(w.Order.Task.Uses)}
	a.ready()
	a.log.mask, a.mask = w.mask, w.mask
	a.log.used = true // by those before: it is complete now
	defer func() {
		a.tidy(err == nil)
		out.Elapsed = int64(max(0, x.clock().Now().Sub(w.Order.Remote.Intended)))
	}()
	if p.Failed != nil {
		return a.failed(p.Failed).Outcome, nil
	}
	res, err := tamed(&a, func() (PokeResult, error) { return a.conclude(ctx, p.Result) })
	switch {
	case err == nil:
		x.caches.Put(a.exprs)
		return res.Outcome, nil
	case ctx.Err() != nil, plugins.KindOf(err) == plugins.Temporary: // the work is done: its output is worth another try
		return out, err
	}
	return a.failed(err).Outcome, nil
}

// conclude keeps the output of work that succeeded.
func (a *attempt) conclude(ctx context.Context, res plugins.Result) (PokeResult, error) {
	if err := a.see(ctx); err != nil {
		return PokeResult{}, err
	}
	input, err := a.renderInput()
	if err != nil {
		return PokeResult{}, err
	}
	a.given = input
	return a.settle(ctx, res)
}

// haltLimit is how long the end of a submission that was asked to stop is waited for.
const haltLimit = 3 * time.Minute

// Halt stops a submission, and tells how it ended: it may have succeeded before. One without a handle is
// looked for by its token. Where it cannot be stopped, or not be seen to have, the outcome says so and
// leaves no room for a retry: two attempts of one task are never alive together.
func (x *Executor) Halt(ctx context.Context, w *Watch, reason string) machine.Outcome {
	ctx, cancel := context.WithTimeoutCause(ctx, haltLimit, timeoutError(haltLimit))
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	h := halting{x: x, w: w, rem: x.elsewhere(w.Order), reason: reason, since: time.Now(), handle: w.Order.Remote.Handle, text: w.Order.Remote.Text}
	a := attempt{x: x, o: w.Order}
	var last error // that says more than that the limit is reached
	for n := 1; ; n++ {
		out, err := tamed(&a, func() (*machine.Outcome, error) { return h.step(ctx) })
		if err != nil && (ctx.Err() == nil || last == nil) {
			last = err
		}
		switch {
		case out != nil:
			w.note(x, fmt.Sprintf("attempt %d %s: %s", w.Order.Key.Attempt, out.State, out.Error))
			out.Elapsed = int64(max(0, x.clock().Now().Sub(w.Order.Remote.Intended)))
			return *out
		case err != nil:
			w.call = nil
			if n <= 3 {
				w.note(x, "cannot stop it yet: "+err.Error())
			}
		}
		if ctx.Err() != nil || lasting(err) {
			return h.inVain(last)
		}
		rest(ctx, min(n, 3))
	}
}

// lasting tells that no waiting mends an error.
func lasting(err error) bool {
	if err == nil {
		return false
	}
	switch plugins.KindOf(err) {
	case plugins.BadInput, plugins.Remote, plugins.Internal:
		return true
	}
	return false
}

// A halting is one call of Halt.
type halting struct {
	x      *Executor
	w      *Watch
	rem    plugins.RemoteWork
	reason string
	since  time.Time
	handle machine.Raw
	text   string
	asked  bool // the service has taken the order to stop
}

// step goes as far as it can: find, stop, see that it has ended. Neither outcome nor error: not yet.
func (h *halting) step(ctx context.Context) (*machine.Outcome, error) {
	if err := h.w.prepare(ctx, h.x); err != nil {
		return nil, err
	}
	if h.handle == nil {
		found, err := h.find(ctx)
		if err != nil || !found {
			if err == nil && time.Since(h.since) >= settles {
				return h.ended("before it was submitted"), nil
			}
			return nil, err
		}
	}
	var refused error
	if !h.asked {
		refused = h.rem.Stop(ctx, h.w.call, h.handle)
		h.asked = refused == nil
	}
	p, err := h.rem.Check(ctx, h.w.call, h.handle)
	switch {
	case err == nil && p.Done: // whatever the stop was refused for
	case refused != nil:
		return nil, refused
	default:
		return nil, err
	}
	if p.Failed != nil {
		return h.ended(p.Failed.Error()), nil
	}
	out, err := h.w.outcome(ctx, h.x, p)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// find looks for the submission by its token. A plugin that cannot is idempotent under it.
func (h *halting) find(ctx context.Context) (bool, error) {
	m := h.w.Order.Remote
	sub := plugins.Submission{Token: m.Token, Intended: m.Intended, Target: m.Target}
	f, ok := h.rem.(plugins.Finder)
	if !ok {
		return h.again(ctx, sub)
	}
	got, found, err := f.Find(ctx, h.w.call, sub)
	if err == nil && found {
		h.handle, h.text = got.Data, got.Text
	}
	return found, err
}

// again submits once more under the token, to be told the handle.
func (h *halting) again(ctx context.Context, sub plugins.Submission) (bool, error) {
	a := attempt{x: h.x, o: h.w.Order, apart: true, plugin: h.x.Plugins.Get(h.w.Order.Task.Uses)}
	a.ready()
	defer a.tidy(false)
	call, err := a.prepare(ctx)
	if err != nil {
		return false, err
	}
	got, err := h.rem.Submit(ctx, call, sub)
	if err == nil {
		h.handle, h.text = got.Data, got.Text
	}
	return err == nil, err
}

// kind is the kind of failure that a reason to stop makes.
func (h *halting) kind() string {
	if h.reason == "timeout" || h.reason == machine.Overtime {
		return string(plugins.Timeout)
	}
	return string(plugins.Cancelled)
}

func (h *halting) ended(how string) *machine.Outcome {
	text := how
	if h.reason == machine.Overtime {
		text = fmt.Sprintf("timed out after %s, %s", time.Duration(h.w.Order.Task.Timeout), how)
	}
	return &machine.Outcome{State: machine.Failed, Kind: h.kind(), Error: h.w.mask.Message(text)}
}

// inVain is the end of an attempt whose submission may go on.
func (h *halting) inVain(err error) machine.Outcome {
	text := "cannot tell that it has stopped: " + h.text
	if h.text == "" {
		text = "cannot tell whether it was submitted"
	}
	if err != nil {
		text += ": " + err.Error()
	}
	out := *h.ended(oneLine(text))
	out.Error, out.Final = short(out.Error), true
	h.w.note(h.x, out.Error)
	return out
}
