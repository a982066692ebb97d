package temporal

import (
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
)

// Bounds of one execution's history: beyond them a run goes on as a new one. What a history holds follows from them:
// once runs of a release may be under way they are changed by workflow.GetVersion alone. The server's own is 51,200 events; it
// suggests to go on from 4,096, or 4 MiB, at which a worker that lost its cache still replays in a moment.
var (
	mostEvents = 4000
	mostHere   = 200              // attempts in hand of the run itself
	leastBatch = 20               // attempts that are worth one
	hardHere   = 1500             // fewer are begun here up to this; the server takes 2,000 activities of a workflow
	mostBatch  = 500              // attempts of a batch
	batchBytes = 1 << 20          // of their orders
	holdBack   = 10 * time.Second // how long a run that is to go on waits for what is in hand here
	firstLook  = time.Minute      // after a run went on: whether its batches are there
	untilGone  = 40 * time.Second // from a batch's end to when nothing it had in hand lives: workers hear of it by then
	hardEvents = 40000            // beyond them nothing begins until the run has gone on
)

const (
	queueLimit = 20 * time.Second // of an activity that any weft can do; it may be handed to one that is cut off
	valueLimit = 10 * time.Minute // of the evaluation of values that lie in the handoff, which beats
	lookAgain  = time.Hour        // and every
	askAgain   = 10 * time.Second // for slots of shared pools, where nobody was there
	spillEvery = time.Second      // how often something begins while a run that is to go on still waits
	batchAlarm = "gone/"
	lineAlarm  = "line"
	lookAlarm  = "look"
	askAlarm   = "ask"
	holdAlarm  = "hold"
	byServer   = "temporal" // who cancelled, where that was the workflow's cancel
)

// A host is the workflow of one run: its drive decides, the rest talks to Temporal. Its life is one execution of the
// workflow, see goOn.
type host struct {
	ctx   workflow.Context // which no cancel of the workflow ends
	in    RunInput
	drive *drive
	doer  *doer
	sel   workflow.Selector

	wake    workflow.Channel // an update has come
	timer   time.Time        // when the workflow's timer fires; zero = it has none
	undo    workflow.CancelFunc
	batches int               // begun so far
	away    map[int]*far      // batches that go on
	pasts   map[string]func() // tasks whose past is asked about: how to stop that
	asking  int               // values that are awaited
	sending int               // signals and beginnings of batches on their way: the server forgets them with the execution
	line    line              // of the runs of its DAG
	closing bool              // it is to go on as a new execution
	spill   bool              // what begins until then begins in batches
	over    bool              // nothing is taken any more
	cut     bool              // it was cancelled in Temporal
}

// far is a batch as the run sees it.
type far struct {
	child bool   // this execution began it, and hears of its end
	begun bool   // it is there, and can be told something
	stops []Stop // to be told once it is
	gone  bool   // it is there no more, and what it had in hand will not live for long
}

// line is where the run stands among those of its DAG.
type line struct {
	arrived bool   // it stands in it
	busy    bool   // an activity of it is under way
	by      string // who had it begin again since it arrived last
}

func runRun(ctx workflow.Context, in RunInput) (RunResult, error) {
	own, _ := workflow.NewDisconnectedContext(ctx)
	x := &host{
		ctx: own, in: in, sel: workflow.NewSelector(own), wake: workflow.NewBufferedChannel(own, 1),
		away: map[int]*far{}, pasts: map[string]func(){},
	}
	x.restore()
	x.doer = newDoer(own, x.sel, func(f machine.Fact) { x.drive.heard(0, f) })
	if err := x.listen(ctx); err != nil {
		return RunResult{}, err
	}
	return x.live()
}

// restore makes the drive. What this weft cannot read a newer one can: a panic has the workflow's task tried again.
func (x *host) restore() {
	in := x.in
	p, err := newPlans(in.Plans)
	if err == nil && in.Order != nil {
		err = p.add(in.Order.Plans)
	}
	if err != nil {
		panic(err)
	}
	run := machine.New(p.find)
	if g := in.Going; g != nil {
		if run, err = machine.Restore(p.find, g.Snapshot); err != nil {
			panic(err)
		}
		x.line.arrived = g.Arrived
		x.batches = g.Batches
		if x.batches == 0 {
			x.batches = int(min(g.Seq, 1<<40)) // of a run that was over; each batch had an event at least
		}
		for _, b := range g.Away {
			x.away[b.Batch] = &far{}
		}
	}
	x.drive = newDrive(workflow.GetInfo(x.ctx).WorkflowExecution.ID, run, p, in)
	if in.Started != nil {
		x.drive.record(*in.Started)
	}
	if in.Order != nil {
		x.order(*in.Order, nil)
	}
	if len(x.away) > 0 {
		x.drive.alarms.set(lookAlarm, workflow.Now(x.ctx).Add(firstLook), true)
	}
}

// live is the life of one execution.
func (x *host) live() (RunResult, error) {
	for {
		now := workflow.Now(x.ctx).UTC()
		x.close()
		x.drive.turn(now)
		x.carry()
		x.pace(now)
		x.stand()
		if x.mayGoOn() {
			return RunResult{}, x.goOn()
		}
		if x.mayEnd() {
			return x.end()
		}
		x.setTimer(now)
		x.sel.Select(x.ctx)
		for x.sel.HasPending() {
			x.sel.Select(x.ctx)
		}
	}
}

// setTimer sees that the workflow's timer fires at the first alarm. One that fires before does no harm.
func (x *host) setTimer(now time.Time) {
	at := x.drive.alarms.first()
	if at.IsZero() || !x.timer.IsZero() && !x.timer.After(at) {
		return
	}
	if x.undo != nil {
		x.undo()
	}
	ctx, undo := workflow.WithCancel(x.ctx)
	x.timer, x.undo = at, undo
	x.sel.AddFuture(workflow.NewTimer(ctx, max(0, at.Sub(now))), func(f workflow.Future) {
		if f.Get(x.ctx, nil) != nil {
			return // another was set
		}
		x.timer, x.undo = time.Time{}, nil
		for _, name := range x.drive.ring(workflow.Now(x.ctx)) {
			x.ring(name)
		}
	})
}

// ring hears of an alarm that is not the machine's.
func (x *host) ring(name string) {
	n, isBatch := strings.CutPrefix(name, batchAlarm)
	switch {
	case name == holdAlarm:
		x.spill, x.drive.hold = true, false // for one turn, see pace
	case name == lineAlarm:
		x.line.busy = false
	case name == lookAlarm:
		x.look()
	case name == askAlarm:
		x.drive.slots.refused(x.drive.slots.unanswered())
	case isBatch:
		if batch, err := strconv.Atoi(n); err == nil {
			delete(x.away, batch)
			x.drive.gone(batch)
		}
	}
}

// stand sees to the run's place in the line of its DAG: it arrives before it begins, or begins again, and leaves
// once it is over.
func (x *host) stand() {
	run := x.drive.run
	switch {
	case x.line.busy || run.Plan() == nil:
	case !x.line.arrived && !run.State().Terminal():
		x.arrive()
	case x.line.arrived && run.State().Terminal():
		x.leave()
	}
}

func (x *host) arrive() {
	info, plan := x.drive.run.Info(), x.drive.run.Plan()
	x.line.busy = true
	ask := x.queued(ArriveActivity, Arrival{
		DAG: info.DAG, Run: info.Key(), Type: info.RunType, LogicalDate: info.LogicalDate, CreatedAt: x.started(), Plan: info.Plan,
		Dir: x.drive.source.Dir, Max: plan.MaxActiveRuns, By: x.line.by,
	})
	x.sel.AddFuture(ask, func(f workflow.Future) {
		var p Place
		if err := f.Get(x.ctx, &p); err != nil {
			x.lineAgain()
			return
		}
		x.line = line{arrived: true}
		if p.Admitted {
			x.drive.record(machine.RunAdmitted{})
		}
	})
}

func (x *host) started() time.Time { return workflow.GetInfo(x.ctx).WorkflowStartTime.UTC() }

func (x *host) leave() {
	run := x.drive.run
	info, sum := run.Info(), run.Summarize()
	left := Departure{
		DAG: info.DAG, Run: info.Key(), Type: info.RunType, State: sum.State, StartedAt: sum.StartedAt, FinishedAt: sum.FinishedAt,
	}
	for i := range run.Plan().Tasks {
		if run.Plan().Tasks[i].DependsOnPast {
			left.Tasks = run.States()
			break
		}
	}
	x.line.busy = true
	x.sel.AddFuture(x.queued(LeaveActivity, left), func(f workflow.Future) {
		if f.Get(x.ctx, nil) != nil {
			x.lineAgain()
			return
		}
		x.line.arrived, x.line.busy = false, false
	})
}

// lineAgain tries again after a while what the server has given up.
func (x *host) lineAgain() {
	x.drive.alarms.set(lineAlarm, workflow.Now(x.ctx).Add(askAgain), true)
}

// mayEnd tells whether nothing is left to do or to hear.
func (x *host) mayEnd() bool {
	return x.drive.run.State().Terminal() && !x.line.arrived && !x.line.busy && x.sending == 0 && x.quiet()
}

// quiet tells that nobody has said anything that was not heard, and nobody waits for an answer.
func (x *host) quiet() bool {
	_ = workflow.Await(x.ctx, func() bool { return workflow.AllHandlersFinished(x.ctx) })
	return len(x.drive.inbox) == 0 && !x.sel.HasPending()
}

// end ends the workflow as its run has ended, so that Temporal shows the same.
func (x *host) end() (RunResult, error) {
	x.over = true
	sum := x.drive.run.Summarize()
	res := RunResult{State: sum.State, Seq: x.drive.seq}
	switch sum.State {
	case machine.RunSuccess:
		return res, nil
	case machine.RunCancelled:
		return res, temporal.NewCanceledError(res)
	}
	why := sum.Reason
	if why == "" {
		why = "the run " + string(sum.State)
	}
	return res, temporal.NewApplicationErrorWithOptions(why, string(sum.State), temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{res},
	})
}
