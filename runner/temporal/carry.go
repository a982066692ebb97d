package temporal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
)

// carry does what the drive has ordered in this turn.
func (x *host) carry() {
	t := x.drive.todo
	x.drive.todo = todo{}
	x.stop(t.stop)
	x.begin(t.begin)
	for _, q := range t.asks {
		x.evaluate(q)
	}
	for _, q := range t.pasts {
		x.askPast(q, x.drive.run.PastRefused(q.Task))
	}
	x.forgetPasts()
	if len(t.free) > 0 { // before what is wanted: an attempt that was lost is wanted again under its key
		x.signal(PoolsID, SignalFree, Freed{Run: x.drive.id, Keys: t.free}, nil)
	}
	x.want(t.want)
}

// begin has attempts done, here or in batches.
func (x *host) begin(keys []machine.Key) {
	var work []Work
	var views []Views
	seen := map[string]Views{}
	for _, key := range keys {
		w, v, ok := x.workOf(key, seen)
		if !ok {
			x.drive.letGo(key) // nobody wants it any more
			continue
		}
		l := x.drive.live[key]
		l.stage = inHand
		if x.here(w) {
			x.doer.begin(w, v)
			continue
		}
		work, views = append(work, w), append(views, v)
	}
	if few := len(work) < leastBatch && len(x.doer.hand)+len(work) <= hardHere; few && !x.spill {
		work, views = x.beginHere(work, views)
	}
	x.beginAway(work, views)
}

// beginHere has attempts done here that are too few for a batch, and returns those that it never does.
func (x *host) beginHere(work []Work, views []Views) (left []Work, leftViews []Views) {
	for i, w := range work {
		if w.waitsLong() {
			left, leftViews = append(left, w), append(leftViews, views[i])
			continue
		}
		x.doer.begin(w, views[i])
	}
	return left, leftViews
}

// here tells whether the run has an attempt done itself.
func (x *host) here(w Work) bool {
	return !w.waitsLong() && !x.spill && len(x.doer.hand) < mostHere
}

// waitsLong tells whether a work may take days by its nature, as a sensor or what is done elsewhere: in hand of the run
// it would keep that from going on.
func (w Work) waitsLong() bool { return w.Kind == PokeActivity || w.Kind == CheckActivity }

// workOf makes what a worker is told of an attempt. seen are the views of tasks that have been made: they are the
// same for all instances.
func (x *host) workOf(key machine.Key, seen map[string]Views) (w Work, v Views, ok bool) {
	l := x.drive.live[key]
	if l == nil || l.stage != ready {
		return w, nil, false
	}
	o, ok := x.orderOf(key, l.work, seen)
	if !ok {
		return w, nil, false
	}
	body, err := o.Encode()
	if err != nil {
		panic(err) // its values have been JSON before
	}
	return Work{
		Kind: l.work, Key: key, Queue: TaskQueue(o.Task.Queue), Reason: l.reason, Timeout: time.Duration(o.Task.Timeout),
		Order: Order{Body: body, Plan: x.drive.plans.hashes[o.Plan], Source: x.drive.source, Poke: l.pokes, Again: l.again},
	}, o.Tasks, true
}

func (x *host) orderOf(key machine.Key, kind string, seen map[string]Views) (machine.Order, bool) {
	run := x.drive.run
	name := fmt.Sprintf("%s/%d", key.Task, key.Epoch)
	if v, known := seen[name]; known {
		o, ok := run.Bare(key)
		o.Tasks = v
		return o, ok
	}
	o, ok := run.Order(key)
	if ok {
		seen[name] = o.Tasks
		return o, true
	}
	if kind == HaltActivity {
		return run.DrainOrder(key)
	}
	return o, false
}

// beginAway has attempts done by workflows of their own.
func (x *host) beginAway(work []Work, views []Views) {
	for len(work) > 0 {
		n, bytes := 0, 0
		for n < len(work) && n < mostBatch && (n == 0 || bytes+len(work[n].Order.Body) <= batchBytes) {
			bytes += len(work[n].Order.Body)
			n++
		}
		x.beginBatch(work[:n], views[:n])
		work, views = work[n:], views[n:]
	}
}

func (x *host) beginBatch(work []Work, views []Views) {
	x.batches++
	in := BatchInput{Run: x.drive.id, Batch: x.batches, Work: work}
	for i := range work { // in the order of the plan: those of one task stand together
		if i == 0 || work[i].Key.Task != work[i-1].Key.Task || work[i].Key.Epoch != work[i-1].Key.Epoch {
			in.Views = append(in.Views, views[i])
		}
		work[i].View = len(in.Views) - 1
		x.drive.live[work[i].Key].batch = x.batches
	}
	ctx := workflow.WithChildOptions(x.ctx, workflow.ChildWorkflowOptions{
		WorkflowID: batchID(x.drive.id, x.batches), TaskQueue: Queue, ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
	})
	batch := x.batches
	x.away[batch] = &far{child: true}
	x.sending++
	child := workflow.ExecuteChildWorkflow(ctx, BatchWorkflow, in)
	x.sel.AddFuture(child.GetChildWorkflowExecution(), func(workflow.Future) {
		x.sending--
		if b := x.away[batch]; b != nil {
			stops := b.stops
			b.begun, b.stops = true, nil
			x.stopAway(batch, stops)
		}
	})
	x.sel.AddFuture(child, func(workflow.Future) {
		x.batchGone(batch) // whatever it told has come before
	})
}

func batchID(run string, batch int) string { return fmt.Sprintf("%s/batch/%d", run, batch) }

// batchGone hears that a batch has ended. If it has not told of all it had, somebody ended it; workers hear of that
// in a while, and then nothing of it lives.
func (x *host) batchGone(batch int) {
	b := x.away[batch]
	switch {
	case b == nil || b.gone:
	case len(x.drive.inBatch(batch)) == 0:
		delete(x.away, batch)
	default:
		b.gone = true
		x.drive.alarms.set(fmt.Sprint(batchAlarm, batch), workflow.Now(x.ctx).Add(untilGone), true)
	}
}

// look asks those batches whether they are there of whose end the run would not hear: an earlier execution began
// them.
func (x *host) look() {
	for _, n := range sorted(x.away) {
		if len(x.drive.inBatch(n)) == 0 {
			delete(x.away, n)
			continue
		}
		if !x.away[n].child && !x.away[n].gone {
			x.tellBatch(n, nil)
		}
	}
	if slices.ContainsFunc(sorted(x.away), func(n int) bool { return !x.away[n].child }) {
		x.drive.alarms.set(lookAlarm, workflow.Now(x.ctx).Add(lookAgain), true)
	}
}

// stop ends attempts that are in hand.
func (x *host) stop(keys []machine.Key) {
	away := map[int][]Stop{}
	for _, key := range keys {
		l := x.drive.live[key]
		if l == nil || l.stage != inHand {
			continue
		}
		if l.batch == 0 {
			x.doer.stop(key, l.reason)
			continue
		}
		away[l.batch] = append(away[l.batch], Stop{Key: key, Reason: l.reason})
	}
	for _, n := range sorted(away) {
		x.stopAway(n, away[n])
	}
}

// stopAway has a batch stop attempts, once it can hear of it.
func (x *host) stopAway(batch int, stops []Stop) {
	switch b := x.away[batch]; {
	case b == nil || len(stops) == 0:
	case b.child && !b.begun:
		b.stops = append(b.stops, stops...)
	default:
		x.tellBatch(batch, stops)
	}
}

// tellBatch has a batch stop attempts. One that is not there has ended, or been ended: of this execution's own it
// hears otherwise.
func (x *host) tellBatch(batch int, stops []Stop) {
	x.signal(batchID(x.drive.id, batch), SignalStop, stops, func(there bool) {
		if b := x.away[batch]; !there && b != nil && !b.child {
			x.batchGone(batch)
		}
	})
}

// signal tells another workflow something; heard is told whether it is there.
func (x *host) signal(id, name string, what any, heard func(there bool)) {
	x.sending++
	sent := workflow.SignalExternalWorkflow(x.ctx, id, "", name, what)
	x.sel.AddFuture(sent, func(f workflow.Future) {
		x.sending--
		var unknown *temporal.UnknownExternalWorkflowExecutionError
		err := f.Get(x.ctx, nil)
		switch {
		case heard == nil:
		case err == nil:
			heard(true)
		case errors.As(err, &unknown):
			heard(false)
		default: // the server could not just now
			x.sending++
			x.sel.AddFuture(workflow.NewTimer(x.ctx, askAgain), func(workflow.Future) {
				x.sending--
				x.signal(id, name, what, heard)
			})
		}
	})
}

// want asks for slots of pools that all workers share. Where nobody lends them they are asked for again.
func (x *host) want(wants []machine.Want) {
	if len(wants) == 0 {
		return
	}
	x.signal(PoolsID, SignalWant, Wanted{Run: x.drive.id, Wants: wants}, func(there bool) {
		if !there && !x.drive.alarms.has(askAlarm) {
			x.drive.alarms.set(askAlarm, workflow.Now(x.ctx).Add(askAgain), true)
		}
	})
}

// queued begins an activity that any weft can do.
func (x *host) queued(name string, args ...any) workflow.Future {
	return queuedIn(x.ctx, name, args...)
}

func queuedIn(ctx workflow.Context, name string, args ...any) workflow.Future {
	o := workflow.ActivityOptions{
		TaskQueue: Queue, StartToCloseTimeout: queueLimit,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: longestRetry},
	}
	if name == EvaluateActivity {
		o.StartToCloseTimeout, o.HeartbeatTimeout = valueLimit, mostSilent
	}
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), name, args...)
}

// evaluate has a value worked out whose inputs lie in the handoff.
func (x *host) evaluate(q machine.Evaluate) {
	o, ok := x.drive.run.EvaluateOrder(q)
	if !ok {
		return
	}
	body, err := o.Encode()
	if err != nil {
		panic(err)
	}
	x.asking++
	wire := Order{Body: body, Plan: x.drive.plans.hashes[o.Plan], Source: x.drive.source}
	x.sel.AddFuture(x.queued(EvaluateActivity, wire, o.Tasks, q), func(f workflow.Future) {
		x.asking--
		var e machine.Evaluated
		if err := f.Get(x.ctx, &e); err != nil {
			e = machine.Evaluated{ID: q.ID, Error: refused(err).Error}
		}
		x.drive.record(e)
	})
}

// askPast asks how a task ended in an earlier run: at once, and where the answer is no until it is yes.
func (x *host) askPast(q machine.AskPast, until bool) {
	info := x.drive.run.Info()
	ctx, cancel := workflow.WithCancel(x.ctx)
	if stop := x.pasts[q.Task]; stop != nil {
		stop()
	}
	x.pasts[q.Task] = cancel
	past := Past{DAG: info.DAG, LogicalDate: info.LogicalDate, Task: q.Task, Until: until}
	x.sel.AddFuture(queuedIn(ctx, PastActivity, past), func(f workflow.Future) {
		var a PastAnswer
		if f.Get(x.ctx, &a) != nil || !x.drive.run.AwaitsPast(q.Task, q.Epoch) {
			return
		}
		delete(x.pasts, q.Task)
		if a.OK || !until {
			x.drive.record(machine.PastAnswered{Task: q.Task, Epoch: q.Epoch, OK: a.OK, Run: a.Run})
		}
		if !a.OK {
			x.drive.todo.pasts = append(x.drive.todo.pasts, q)
		}
	})
}

// forgetPasts stops asking for tasks that no longer wait for an answer.
func (x *host) forgetPasts() {
	for _, task := range sorted(x.pasts) {
		if !x.drive.run.AsksPast(task) {
			x.pasts[task]()
			delete(x.pasts, task)
		}
	}
}
