package temporal

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
	"weft/runner"
)

// A doer has attempts done by activities of its workflow: a run's, or a batch's. What comes of each is one fact,
// which it tells: that the attempt ended, was lost, was intended, or was submitted.
type doer struct {
	ctx  workflow.Context // which no cancel of the workflow ends
	sel  workflow.Selector
	tell func(machine.Fact)
	hand map[machine.Key]*doing
	used map[string]int // ids of activities of this execution, and how often
}

// A doing is one attempt in hand.
type doing struct {
	work   Work
	views  Views
	cancel workflow.CancelFunc
	reason string // it was told to stop
}

func newDoer(ctx workflow.Context, sel workflow.Selector, tell func(machine.Fact)) *doer {
	return &doer{ctx: ctx, sel: sel, tell: tell, hand: map[machine.Key]*doing{}, used: map[string]int{}}
}

// Attempts may take as long as they like: their executor keeps their timeout, and these are only for a worker that
// is alive and forgets about one.
const (
	longest      = 10 * 365 * 24 * time.Hour
	slack        = time.Hour
	checkLimit   = 10 * time.Minute
	firstRetry   = time.Second
	longestRetry = time.Minute
)

// mostSilent is how long a worker may be silent about what it does, between two heartbeats.
var mostSilent = 30 * time.Second

// begin has an attempt done.
func (d *doer) begin(w Work, views Views) {
	it := &doing{work: w, views: views}
	d.hand[w.Key] = it
	d.do(it)
}

func (d *doer) do(it *doing) {
	w := it.work
	ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(d.ctx, d.options(w)))
	it.cancel = cancel
	args := []any{w.Order, it.views}
	if w.Kind == HaltActivity {
		args = []any{w.Order, w.Reason}
	}
	d.sel.AddFuture(workflow.ExecuteActivity(ctx, w.Kind, args...), func(f workflow.Future) { d.done(it, f) })
}

func (d *doer) options(w Work) workflow.ActivityOptions {
	id := w.Key.String()
	if d.used[id]++; d.used[id] > 1 {
		id = fmt.Sprintf("%s#%d", id, d.used[id])
	}
	o := workflow.ActivityOptions{
		ActivityID: id, TaskQueue: w.Queue, StartToCloseTimeout: longest, HeartbeatTimeout: mostSilent, WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: longestRetry, NonRetryableErrorTypes: []string{ErrLost},
		},
	}
	switch w.Kind {
	case PokeActivity, CheckActivity, HaltActivity:
		o.TaskQueue = watching(w.Queue)
	}
	switch {
	case w.Kind == CheckActivity:
		o.StartToCloseTimeout = checkLimit
	case w.Timeout > 0 && (w.Kind == AttemptActivity || w.Kind == PokeActivity):
		o.StartToCloseTimeout = w.Timeout + slack
	}
	if w.Kind == AttemptActivity { // of others a second try does no harm
		o.RetryPolicy.NonRetryableErrorTypes = append(o.RetryPolicy.NonRetryableErrorTypes, timedOut(enumspb.TIMEOUT_TYPE_HEARTBEAT), timedOut(enumspb.TIMEOUT_TYPE_START_TO_CLOSE))
	}
	return o
}

// timedOut is the type under which a retry policy knows a timeout (server, common/retrypolicy).
func timedOut(kind enumspb.TimeoutType) string { return "TemporalTimeout:" + kind.String() }

// stop ends an attempt; its fact follows. false if it is not in hand.
func (d *doer) stop(key machine.Key, reason string) bool {
	it := d.hand[key]
	if it == nil {
		return false
	}
	if it.reason == "" && it.work.Kind != HaltActivity {
		it.reason = reason
		it.cancel()
	}
	return true
}

// done hears how an activity ended.
func (d *doer) done(it *doing, f workflow.Future) {
	it.cancel()
	switch it.work.Kind {
	case IntendActivity:
		var in runner.Intent
		err := f.Get(d.ctx, &in)
		d.intended(it, in, err)
	case SubmitActivity:
		var s runner.Submitted
		err := f.Get(d.ctx, &s)
		d.submitted(it, s, err)
	default:
		var out machine.Outcome
		err := f.Get(d.ctx, &out)
		d.ended(it, out, err)
	}
}

// ended hears of an attempt, a sensor, a check or a halt.
func (d *doer) ended(it *doing, out machine.Outcome, err error) {
	kind, key := it.work.Kind, it.work.Key
	lost, cut := lostBy(err)
	switch {
	case err == nil:
		d.told(it, machine.AttemptEnded{Key: key, Outcome: stoppedAs(out, it.reason)})
	case kind == AttemptActivity && cut:
		d.told(it, machine.AttemptLost{Key: key, Reason: lost.Reason, Ordered: lost.Ordered})
	case kind == HaltActivity || kind == CheckActivity && (it.reason != "" || !cut):
		d.halt(it, err)
	case it.reason != "":
		d.told(it, machine.AttemptEnded{Key: key, Outcome: stopped(it.reason)})
	case cut: // a sensor is asked on, a submission is checked on
		it.work.Order.Poke = max(it.work.Order.Poke, lost.Pokes)
		d.do(it)
	default:
		d.told(it, machine.AttemptEnded{Key: key, Outcome: refused(err)})
	}
}

// intended hears of an intent. The service has heard nothing.
func (d *doer) intended(it *doing, in runner.Intent, err error) {
	key := it.work.Key
	_, cut := lostBy(err)
	switch {
	case err == nil && in.Outcome != nil:
		d.told(it, machine.AttemptEnded{Key: key, Outcome: stoppedAs(*in.Outcome, it.reason)})
	case it.reason != "":
		d.told(it, machine.AttemptEnded{Key: key, Outcome: stopped(it.reason)})
	case err == nil:
		d.told(it, machine.RemoteIntended{Key: key, Token: in.Token, Target: in.Target})
	case cut:
		d.do(it)
	default:
		d.told(it, machine.AttemptEnded{Key: key, Outcome: refused(err)})
	}
}

// submitted hears of a submission. Where nobody knows whether it was made it is submitted again, which finds it; or,
// if it was to stop, it is stopped by its token.
func (d *doer) submitted(it *doing, s runner.Submitted, err error) {
	key := it.work.Key
	_, cut := lostBy(err)
	switch {
	case err == nil && s.Handle != nil:
		d.told(it, machine.RemoteSubmitted{Key: key, Handle: s.Handle, Text: s.Text})
	case err == nil && s.Outcome != nil:
		d.told(it, machine.AttemptEnded{Key: key, Outcome: stoppedAs(*s.Outcome, it.reason)})
	case cut && it.reason == "":
		it.work.Order.Again = true
		d.do(it)
	default:
		d.halt(it, err)
	}
}

// halt stops a submission; the attempt ends when that has. One that could not be stopped is tried again, and at
// last left.
func (d *doer) halt(it *doing, err error) {
	_, cut := lostBy(err)
	if it.work.Kind == HaltActivity && !cut {
		d.told(it, machine.AttemptEnded{Key: it.work.Key, Outcome: stopped(it.work.Reason)})
		return
	}
	it.work.Kind, it.work.Reason = HaltActivity, cmp.Or(it.reason, it.work.Reason, "cancelled")
	d.do(it)
}

func (d *doer) told(it *doing, f machine.Fact) {
	delete(d.hand, it.work.Key)
	d.tell(f)
}

// lostBy tells whether an activity was cut off with nothing of it left alive, and why.
func lostBy(err error) (l Lost, cut bool) {
	var app *temporal.ApplicationError
	var late *temporal.TimeoutError
	switch {
	case errors.As(err, &app) && app.Type() == ErrLost:
		if app.HasDetails() && app.Details(&l) != nil {
			l = Lost{}
		}
		l.Reason = cmp.Or(l.Reason, app.Message())
		return l, true
	case errors.As(err, &late) && late.TimeoutType() == enumspb.TIMEOUT_TYPE_HEARTBEAT:
		return Lost{Reason: "its worker was not heard of any more"}, true
	case errors.As(err, &late):
		return Lost{Reason: "its worker did not end it in time"}, true
	}
	return Lost{}, false
}

// refused is the failure of an attempt that no worker can make: the server gave it up.
func refused(err error) machine.Outcome {
	return machine.Outcome{State: machine.Failed, Kind: "internal", Error: "cannot have it done: " + strings.Join(strings.Fields(err.Error()), " ")}
}

// stoppedAs is the outcome of an attempt that was told to stop, with the reason, which a worker is not told.
func stoppedAs(out machine.Outcome, reason string) machine.Outcome {
	if reason == "" || out.State != machine.Failed || out.Kind != "cancelled" || !strings.HasPrefix(out.Error, "stopped: ") {
		return out
	}
	out.Error = "stopped: " + reason
	if reason == "timeout" {
		out.Kind, out.Error = "timeout", "stopped: timed out"
	}
	return out
}
