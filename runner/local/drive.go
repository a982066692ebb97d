package local

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"weft/machine"
	"weft/store"
)

// A drive keeps one run going: it puts facts in the journal, steps the machine on them in the
// order of the journal, and carries out what the machine orders.
//
// Invariants: facts are stepped in the order of their seq; an awaited fact is stepped only once it
// is durable, but for one that Core.LookAhead steps on, whose orders wait for that; every record says what the machine's hash was when it was made.
type drive struct {
	core *Core
	id   string
	run  *machine.Run
	row  store.Run

	seq     uint64 // last given to a fact
	durable uint64 // last that the journal has acknowledged
	stepped uint64 // last that the machine has stepped on
	queue   []heard
	unsent  []store.Record
	late    late
	dirty   bool
	lazy    *alarm

	line   *line
	came   uint64 // order in which runs came
	heldAt int    // in the line's held; -1 = it is not held

	opening  *machine.Event // RunStarted of a run that begins here; watchers have not heard of it
	stepping bool
	step     heard // the fact of the step at hand

	live     map[machine.Key]liveKind
	stopping map[machine.Key]string // remote work that is to stop once its intent or handle is there
	intents  []machine.Key          // to be submitted once the step at hand is over
	soon     map[machine.Key]bool   // to be checked at once when they are watched
	leaving  bool                   // the worker tidies up before the end
	alarms   map[string]*alarm
	waits    []func(machine.Summary, error)
	acks     map[uint64]func(error) // whom to tell once a seq is durable
	asked    []taken                // asks taken, to be dropped once durable
	asking   bool                   // they are being read
	err      error
	unlock   func()
}

// A heard is a record and when the engine heard of its fact, on the clock that nobody sets.
type heard struct {
	store.Record
	mono time.Duration
}

// liveKind is what the worker has of an attempt now.
type liveKind uint8

const (
	liveAttempt  liveKind = iota + 1 // runs, holds its slots
	livePoke                         // a poke is in flight
	liveWait                         // a sensor between two pokes
	liveIntent                       // remote work is rendered, holds its slots
	liveIntended                     // its intent is on its way to the disk, holds them still
	liveSubmit                       // is submitted, holds them still
	liveHanded                       // its handle is on its way to the disk
	liveWatch                        // is checked from time to time
	liveHalt                         // is stopped
)

// begin carries out what is outstanding of a run that was just started or replayed. found are the
// attempts whose remains another weft left behind; they have been ended.
func (d *drive) begin(found map[machine.Key]bool) {
	fresh := d.opening != nil
	if fresh {
		d.tell(*d.opening)
		d.opening = nil
	}
	lost := d.lose(found)
	for _, cmd := range d.run.Outstanding() {
		switch cmd := cmd.(type) {
		case machine.StartAttempt:
			if lost[cmd.Key] {
				continue
			}
		case machine.StopAttempt:
			if lost[cmd.Key] {
				continue
			}
		}
		d.carry(cmd)
	}
	if fresh { // nobody has known of it: a run of a few milliseconds need not look
		d.core.lookForAsks(askDelay)
		return
	}
	d.core.lookForAsks(0)
}

// record makes a fact part of the run: it gets its number and its time now.
func (d *drive) record(f machine.Fact) {
	if d.err != nil || d.core.drives[d.id] != d {
		return
	}
	d.seq++
	ev := machine.Event{At: d.core.clock.Now().UTC(), Fact: f}
	rec := store.Record{Seq: d.seq, Event: ev, After: d.stepped, Hash: d.run.Hash()}
	d.queue = append(d.queue, heard{rec, d.core.clock.Mono()})
	d.unsent = append(d.unsent, rec)
	switch {
	case !d.mayRide(ev):
		d.soil()
	case d.lazy == nil:
		d.lazy = d.core.after(lazyDelay, func() { d.lazy = nil; d.soil() })
	}
	d.advance()
}

// mayRide tells whether a fact may be stepped on before it is durable: lazy ones, and the verdict of a
// run without callbacks. What follows that is the run's end, and a crash that loses it gives the same.
func (d *drive) mayRide(ev machine.Event) bool {
	if _, verdict := ev.Fact.(machine.RunDecided); verdict {
		p := d.run.Plan()
		return len(p.OnSuccess)+len(p.OnFailure) == 0
	}
	return ev.Lazy()
}

// soil has the run's records sent at the end of the turn.
func (d *drive) soil() {
	if !d.dirty {
		d.dirty = true
		d.core.dirty = append(d.core.dirty, d)
	}
}

func (d *drive) send() {
	if len(d.unsent) == 0 || d.err != nil || d.late.on {
		return
	}
	recs := d.unsent
	d.unsent = nil
	d.core.timers.cancel(d.lazy)
	d.lazy = nil
	d.write(recs)
}

func (d *drive) write(recs []store.Record) {
	d.late.flights++
	d.core.journ.Append(d.id, recs, d.update(recs), func(err error) {
		d.core.post(func() { d.appended(recs, err) })
	})
}

// update returns the run's row if one of the records changes it.
func (d *drive) update(recs []store.Record) *store.Run {
	changed := false
	for _, r := range recs {
		switch f := r.Event.Fact.(type) {
		case machine.RunAdmitted:
			d.row.State, d.row.StartedAt, changed = machine.RunRunning, r.Event.At, true
		case machine.Reopened:
			d.row.Plan, d.row.Dir = f.Plan, cmp.Or(f.Dir, d.row.Dir)
			changed = d.revives()
		case machine.Marked:
			changed = d.revives()
		case machine.RunFinished:
			if d.ends(f) {
				d.row.State, d.row.FinishedAt, changed = f.State, r.Event.At, true
				d.row.Tasks = d.run.States()
			}
		}
	}
	if !changed {
		return nil
	}
	row := d.row
	return &row
}

// revives has the row say that a run goes on which was over. One that is held is not touched.
func (d *drive) revives() bool {
	if d.run.State() == machine.RunQueued {
		return false
	}
	d.row.State, d.row.FinishedAt = machine.RunRunning, time.Time{}
	return true
}

// ends tells whether a RunFinished will be the run's end: someone may have opened the run again
// since the machine asked for it, in a fact that has been stepped on or in one that waits.
func (d *drive) ends(f machine.RunFinished) bool {
	for _, q := range d.queue {
		switch q.Event.Fact.(type) {
		case machine.Reopened, machine.Marked:
			return false
		}
	}
	return slices.Contains(d.run.Outstanding(), machine.Command(machine.Finish(f)))
}

// mend writes the row of a run that is over anew where it says otherwise: an order to clear that
// the machine refused, or a crash in between. If that fails, the next to open the run does it.
func (d *drive) mend() {
	if d.row.State == d.run.State() {
		return
	}
	sum := d.run.Summarize()
	d.row.State, d.row.FinishedAt, d.row.Plan, d.row.Tasks = sum.State, sum.FinishedAt, d.run.Info().RunStarted.Plan, d.run.States()
	row := d.row
	d.core.journ.Append(d.id, nil, &row, func(error) {})
}

// appended hears from the journal.
func (d *drive) appended(recs []store.Record, err error) {
	if d.core.drives[d.id] != d {
		return
	}
	d.late.flights--
	if err != nil {
		if d.err != nil || !d.keep(recs, err) {
			d.fail(err)
		}
		return
	}
	d.core.wrote(d)
	d.durable = max(d.durable, recs[len(recs)-1].Seq)
	d.advance()
	d.dropAsks()
}

// advance steps the machine on what may be stepped on.
//
// It does not nest: what carrying an order out records is stepped on after the orders of the step
// at hand have all been carried out.
func (d *drive) advance() {
	if d.stepping {
		return
	}
	d.stepping = true
	defer func() { d.stepping = false }()
	for len(d.queue) > 0 && d.err == nil {
		rec := d.queue[0]
		if rec.Seq > d.durable && !d.mayRide(rec.Event) {
			return
		}
		d.queue, d.step = d.queue[1:], rec
		cmds, early := d.ahead(rec.Seq)
		if !early {
			d.stepped = rec.Seq
			cmds = d.run.Step(rec.Event)
		}
		d.tell(rec.Event)
		for _, cmd := range cmds {
			d.carry(cmd)
		}
		if ack := d.acks[rec.Seq]; ack != nil {
			delete(d.acks, rec.Seq)
			d.core.admit = true // see grant
			ack(nil)
		}
	}
	d.submitIntents()
	// A run that is over is let go of once nothing is left to step on: what was recorded after its
	// end may open it again.
	if len(d.queue) == 0 && d.err == nil && d.run.State().Terminal() {
		d.mend()
		d.over(nil)
	}
}

// carry does one order of the machine. Doing it twice does no harm.
func (d *drive) carry(cmd machine.Command) {
	if only := d.core.opt.Carry; only != nil && !only(cmd) {
		return
	}
	switch cmd := cmd.(type) {
	case machine.StartAttempt:
		d.want(cmd.Key)
	case machine.SubmitRemote:
		d.carrySubmit(cmd.Key)
	case machine.WatchRemote:
		d.watch(cmd.Key)
	case machine.StopAttempt:
		d.stop(cmd.Key, cmd.Reason)
	case machine.SetTimer:
		d.setTimer(cmd)
	case machine.DropTimer:
		d.core.timers.cancel(d.alarms[cmd.Timer])
		delete(d.alarms, cmd.Timer)
	case machine.AskPast:
		d.askPast(cmd)
	case machine.Evaluate:
		if o, ok := d.run.EvaluateOrder(cmd); ok {
			d.core.work.Evaluate(o, cmd, func(e machine.Evaluated) {
				d.core.post(func() { d.record(e) })
			})
		}
	case machine.Decide:
		d.record(machine.RunDecided(cmd))
	case machine.Finish:
		d.finish(cmd)
	}
}

// finish records the end of a run once the worker has tidied up after it.
func (d *drive) finish(cmd machine.Finish) {
	w, ok := d.core.work.(leaver)
	if !ok {
		d.record(machine.RunFinished(cmd))
		return
	}
	d.leaving = true
	w.Leave(d.id, func() {
		d.core.post(func() {
			d.leaving = false
			d.record(machine.RunFinished(cmd))
		})
	})
}

// want puts an attempt on the waitlist, or a sensor's among the pokes.
func (d *drive) want(key machine.Key) {
	if d.live[key] != 0 {
		return
	}
	o, ok := d.run.Order(key)
	if !ok {
		return
	}
	if o.Task.Sensor != nil {
		d.live[key] = liveWait
		d.core.pokes.add(&sensor{d: d, key: key, task: o.Task, since: o.Since, lane: d.core.work.Lane(o)})
		return
	}
	plan := d.run.Plan()
	w := machine.Want{
		Run: d.id, RunOrder: d.row.LogicalDate.UnixMicro(), Key: key, Pool: o.Task.Pool, Slots: o.Task.PoolSlots,
		Priority: o.Task.Priority, Task: plan.Position(key.Task), Parallel: o.Task.MaxParallel, RunTasks: plan.MaxActiveTasks,
		Backfill: d.row.Type == backfill,
	}
	d.core.ready.Add(w)
	d.core.admit = true
}

// stop ends an attempt wherever it is; its end is recorded either way.
func (d *drive) stop(key machine.Key, reason string) {
	if d.stopRemote(key, reason) {
		return
	}
	switch d.live[key] {
	case livePoke:
		d.core.pokes.halt(d, key, reason)
		d.core.work.Stop(d.id, key, reason)
		return
	case liveAttempt:
		d.core.work.Stop(d.id, key, reason)
		return
	case liveWait:
		d.core.pokes.remove(d, key)
		delete(d.live, key)
	default:
		d.core.ready.Remove(d.id, key)
	}
	d.record(machine.AttemptEnded{Key: key, Outcome: stopped(reason)})
}

func stopped(reason string) machine.Outcome {
	return machine.Outcome{State: machine.Failed, Kind: reason, Error: reason}
}

func (d *drive) setTimer(cmd machine.SetTimer) {
	d.core.timers.cancel(d.alarms[cmd.Timer])
	d.alarms[cmd.Timer] = d.core.timers.push(d.due(cmd.At), func() {
		delete(d.alarms, cmd.Timer)
		if d.run.Wants(cmd.Timer) {
			d.record(machine.TimerFired{Timer: cmd.Timer})
		}
	})
}

// due is a moment of the wall on the monotonic clock. Where it follows from a fact it counts from
// when that was heard: the wall may have been set before the fact was durable.
func (d *drive) due(at time.Time) time.Duration {
	if d.stepping {
		return d.step.mono + max(0, at.Sub(d.step.Event.At))
	}
	return d.core.clock.Mono() + max(0, at.Sub(d.core.clock.Now()))
}

func (d *drive) askPast(cmd machine.AskPast) {
	d.core.work.Past(d.run.Info(), cmd.Task, func(ok bool, run string) {
		d.core.post(func() { d.past(cmd, ok, run) })
	})
}

// past records the answer; a refusal once, then the question is asked again in silence.
func (d *drive) past(cmd machine.AskPast, ok bool, run string) {
	if !d.run.AwaitsPast(cmd.Task, cmd.Epoch) {
		return
	}
	if ok || !d.run.PastRefused(cmd.Task) {
		d.record(machine.PastAnswered{Task: cmd.Task, Epoch: cmd.Epoch, OK: ok, Run: run})
	}
	if !ok {
		name := "past/" + cmd.Task
		d.core.timers.cancel(d.alarms[name])
		d.alarms[name] = d.core.after(pastDelay, func() {
			delete(d.alarms, name)
			d.askPast(cmd)
		})
	}
}

// attemptEnded hears from the worker: the slot is free at once, dependents wait for the record.
func (d *drive) attemptEnded(key machine.Key, out machine.Outcome) {
	if d.live[key] != liveAttempt {
		return // repeated news: the key may be alive again, for another drive of the run
	}
	if d.core.wasCut(out) {
		d.cut(key)
		return
	}
	d.ended(key, out)
}

// fail gives a run up: its journal cannot be written. Nothing is lost: what is recorded stays, and
// resume goes on from there.
func (d *drive) fail(err error) {
	if d.err != nil {
		return
	}
	d.err = err
	d.core.forgetEarlyOf(d)
	for _, key := range slices.SortedFunc(maps.Keys(d.live), compareKeys) {
		switch d.live[key] {
		case liveAttempt, livePoke:
			d.core.work.Stop(d.id, key, "cancelled")
		case liveWait:
			d.core.pokes.remove(d, key)
			delete(d.live, key)
		default:
			d.leaveRemote(key)
		}
	}
	d.core.ready.RemoveRun(d.id)
	d.settleFailed()
}

func compareKeys(a, b machine.Key) int {
	return cmp.Or(cmp.Compare(a.Task, b.Task), a.Index-b.Index, a.Epoch-b.Epoch, a.Attempt-b.Attempt)
}

// settleFailed lets go of a failed run once nothing of it lives any more.
func (d *drive) settleFailed() {
	if d.err != nil && len(d.live) == 0 && d.core.drives[d.id] == d {
		d.over(d.err)
	}
}

// over ends the drive.
func (d *drive) over(err error) {
	d.core.drop(d)
	if d.unlock != nil {
		d.unlock()
	}
	if err != nil && err != ErrDraining {
		d.core.gaveUp[d.id] = err
	}
	sum := d.run.Summarize()
	for _, w := range d.waits {
		w(sum, err)
	}
	for _, seq := range slices.Sorted(maps.Keys(d.acks)) {
		d.acks[seq](err)
	}
	d.waits, d.acks = nil, nil
}
