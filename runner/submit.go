package runner

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"weft/machine"
	"weft/plugins"
)

// settles is how long after a submission may have been sent its absence is believed: what was under way
// has arrived by then, or never will.
const settles = 5 * time.Second

// A submitting is one call of Submit.
type submitting struct {
	attempt
	rem    plugins.RemoteWork
	sub    plugins.Submission
	call   *plugins.Call // nil = to be made
	unsure bool          // the service may have begun
	since  time.Time     // when that may have been sent
}

// Submit submits an attempt whose intent is durable; again tells that a weft which ended may have
// submitted it. It gives up only where the service has surely not begun, or when ctx ends.
func (x *Executor) Submit(ctx context.Context, o machine.Order, again bool) Submitted {
	t := &submitting{
		attempt: attempt{x: x, o: o, apart: true, plugin: x.Plugins.Get(o.Task.Uses)}, rem: x.elsewhere(o),
		sub: plugins.Submission{Token: o.Remote.Token, Intended: o.Remote.Intended, Target: o.Remote.Target}, unsure: again, since: time.Now(),
	}
	t.ready()
	for n := 1; ; n++ {
		h, err := tamed(&t.attempt, func() (plugins.Handle, error) { return t.step(ctx) })
		switch {
		case err == nil && h.Data != nil:
			t.log.weft("submitted " + h.Text)
			t.tidy(false)
			return Submitted{Handle: h.Data, Text: t.mask.Message(h.Text), Soon: h.Soon}
		case err != nil && !t.unsure:
			if ctx.Err() != nil {
				err = stopped(context.Cause(ctx))
			}
			out := t.failed(err).Outcome
			t.tidy(true)
			return Submitted{Outcome: &out}
		case ctx.Err() != nil:
			t.tidy(false)
			return Submitted{}
		case err != nil && n <= 3:
			t.log.weft("nobody knows yet whether it has begun: " + err.Error())
		}
		rest(ctx, n)
	}
}

// step looks for the submission where there may be one, and else submits. Neither handle nor error: look
// again.
func (t *submitting) step(ctx context.Context) (plugins.Handle, error) {
	if t.call == nil {
		c, err := t.prepare(ctx)
		if err != nil {
			return plugins.Handle{}, err
		}
		t.call = c
	}
	if f, ok := t.rem.(plugins.Finder); ok && t.unsure {
		h, found, err := f.Find(ctx, t.call, t.sub)
		switch {
		case err != nil:
			t.call = nil // credentials may be others by then
			return plugins.Handle{}, err
		case found:
			t.log.weft("it had begun, and is found again")
			return t.recordable(h)
		}
		if _, harmless := t.rem.(plugins.Idempotent); !harmless && time.Since(t.since) < settles {
			return plugins.Handle{}, nil
		}
		t.unsure = false
	}
	h, err := t.rem.Submit(ctx, t.call, t.sub)
	if err == nil {
		return t.recordable(h)
	}
	t.unsure = t.unsure && !lasting(err) // of one that is idempotent: what no waiting mends is the answer
	var e *plugins.Error
	if ctx.Err() != nil || (errors.As(err, &e) && e.Unsure) {
		t.unsure, t.since, t.call = true, time.Now(), nil
	}
	return plugins.Handle{}, err
}

// recordable is a handle, unless it holds a secret; a service does not give one back.
func (t *submitting) recordable(h plugins.Handle) (plugins.Handle, error) {
	if err := t.mayRecord(string(h.Data)); err != nil {
		return plugins.Handle{}, err
	}
	return h, nil
}

// rest waits between two tries, longer each time, up to about ten seconds, or until ctx ends.
func rest(ctx context.Context, n int) {
	most := min(time.Second<<min(n-1, 4), 10*time.Second)
	timer := time.NewTimer(most/2 + rand.N(most/2)) // half of it by chance: nobody tries in step
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
