package temporal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"weft/machine"
)

// A drive keeps one run going, as the local engine's does: it steps the machine on facts and turns its orders into
// what is to be done (todo). It is plain: whoever owns it carries that out, tells it what came of it, and says what
// time it is.
//
// Invariant: of a key in live exactly one thing is to be done, is being done, or waits for a slot; heard ends that.
type drive struct {
	id     string // workflow id
	run    *machine.Run
	plans  *plans
	source Source
	seq    uint64
	now    time.Time

	inbox  []note
	live   map[machine.Key]*live
	slots  slots
	leases map[machine.Key]bool // from before, not yet wanted again
	alarms alarms
	hold   bool // nothing that wants a slot begins
	todo   todo
	watch  func(machine.Event) // is told of what is stepped on; nil = nobody (tests do)
}

// A note is a fact that is to be stepped on, and whom to tell whether it changed anything.
type note struct {
	fact  machine.Fact
	taken func(bool)
}

// live is what is known of an attempt that was ordered.
type live struct {
	stage  stage
	work   string // an activity's name
	batch  int    // where it is done; 0 = here
	again  bool   // it may have been submitted before
	pokes  int
	reason string // it was told to stop
}

type stage uint8

const (
	waits    stage = iota + 1 // for slots
	ready                     // is in todo
	inHand                    // is being done
	intended                  // between intent and submission
)

// todo is what a turn has ordered.
type todo struct {
	begin []machine.Key // live has what
	stop  []machine.Key // in hand; live has why
	asks  []machine.Evaluate
	pasts []machine.AskPast
	want  []machine.Want
	free  []machine.Key
}

// newDrive makes the drive of a run; its machine is new or restored.
func newDrive(id string, run *machine.Run, p *plans, in RunInput) *drive {
	d := &drive{
		id: id, run: run, plans: p, source: in.Source,
		live: map[machine.Key]*live{}, leases: map[machine.Key]bool{}, slots: newSlots(in.Pools),
	}
	if in.Going != nil {
		d.seq = in.Going.Seq
		for _, key := range in.Going.Leases {
			d.leases[key] = true
		}
		for _, b := range in.Going.Away {
			for _, key := range b.Keys {
				d.adopt(key, b.Batch)
			}
		}
		for _, cmd := range run.Outstanding() {
			d.carry(cmd)
		}
		for _, key := range in.Going.Leases {
			if _, wanted := d.slots.leased[key]; !wanted {
				d.todo.free = append(d.todo.free, key)
			}
		}
	}
	return d
}

// adopt takes up an attempt that a batch has in hand.
func (d *drive) adopt(key machine.Key, batch int) {
	d.live[key] = &live{stage: inHand, batch: batch}
	o, ok := d.run.Bare(key)
	if !ok || o.Task.Sensor != nil || o.Remote != nil && o.Remote.Handle != nil {
		return
	}
	d.slots.hold(machine.Alive{Run: d.run.Info().Key(), Key: key, Pool: o.Task.Pool, Slots: o.Task.PoolSlots})
	if d.leases[key] {
		d.slots.leased[key] = d.wantOf(o)
	}
}

// record puts a fact to those that the next turn steps on.
func (d *drive) record(f machine.Fact) { d.inbox = append(d.inbox, note{fact: f}) }

// turn steps on all that has been recorded and lets begin what may. What is to be done then stands in todo.
func (d *drive) turn(now time.Time) {
	d.now = now
	for {
		for len(d.inbox) > 0 {
			n := d.inbox[0]
			d.inbox = d.inbox[1:]
			d.step(n)
		}
		if !d.grant() {
			return
		}
	}
}

func (d *drive) step(n note) {
	ev := machine.Event{At: d.now, Fact: n.fact}
	if err := d.run.Check(ev); err != nil {
		panic(err) // a newer weft can: the workflow's task is tried again
	}
	d.seq++
	if d.watch != nil {
		d.watch(ev)
	}
	cmds := d.run.Step(ev)
	changed := len(d.run.Changes()) > 0
	for _, cmd := range cmds {
		d.carry(cmd)
	}
	if n.taken != nil {
		n.taken(changed)
	}
}

// carry does one order of the machine. Doing it twice does no harm.
func (d *drive) carry(cmd machine.Command) {
	switch cmd := cmd.(type) {
	case machine.StartAttempt:
		d.want(cmd.Key)
	case machine.SubmitRemote:
		d.submit(cmd.Key)
	case machine.WatchRemote:
		d.follow(cmd.Key)
	case machine.StopAttempt:
		d.stop(cmd.Key, cmd.Reason)
	case machine.SetTimer:
		d.alarms.set(cmd.Timer, cmd.At, false)
	case machine.DropTimer:
		d.alarms.drop(cmd.Timer, false)
	case machine.AskPast:
		d.todo.pasts = append(d.todo.pasts, cmd)
	case machine.Evaluate:
		d.todo.asks = append(d.todo.asks, cmd)
	case machine.Decide:
		d.record(machine.RunDecided(cmd))
	case machine.Finish:
		d.record(machine.RunFinished(cmd))
	}
}

// want has an attempt wait for its slots; a sensor is asked at once, as between pokes it holds none.
func (d *drive) want(key machine.Key) {
	if d.live[key] != nil {
		return
	}
	o, ok := d.run.Bare(key)
	if !ok {
		return
	}
	if o.Task.Sensor != nil {
		d.live[key] = &live{work: PokeActivity}
		d.begin(key)
		return
	}
	d.live[key] = &live{stage: waits}
	d.slots.add(d.wantOf(o), d.leases[key])
}

func (d *drive) wantOf(o machine.Order) machine.Want {
	plan := d.run.Plan()
	return machine.Want{
		Run: o.Run.Key(), RunOrder: o.Run.LogicalDate.UnixMicro(), Key: o.Key, Pool: o.Task.Pool, Slots: o.Task.PoolSlots,
		Priority: o.Task.Priority, Task: plan.Position(o.Key.Task), Parallel: o.Task.MaxParallel, RunTasks: plan.MaxActiveTasks,
		Backfill: o.Run.RunType == "backfill",
	}
}

// grant begins what has got its slots, and asks for those of shared pools; false if nothing has.
func (d *drive) grant() bool {
	if d.hold {
		return false
	}
	d.todo.want = append(d.todo.want, d.slots.ask()...)
	grants := d.slots.admit()
	for _, w := range grants {
		l, o, ok := d.granted(w.Key)
		switch {
		case !ok:
			d.letGo(w.Key)
		case o.Remote != nil: // nobody knows whether it was submitted
			l.work, l.again = SubmitActivity, true
			d.begin(w.Key)
		case d.plans.elsewhere(o):
			l.work = IntendActivity
			d.begin(w.Key)
		default:
			l.work = AttemptActivity
			d.begin(w.Key)
		}
	}
	return len(grants) > 0
}

func (d *drive) granted(key machine.Key) (*live, machine.Order, bool) {
	l := d.live[key]
	o, ok := d.run.Bare(key)
	return l, o, ok && l != nil && l.stage == waits
}

// letGo forgets an attempt that is over, or not wanted any more.
func (d *drive) letGo(key machine.Key) {
	delete(d.live, key)
	if d.slots.free(key) {
		d.todo.free = append(d.todo.free, key)
	}
}

// begin has an attempt done at the end of the turn.
func (d *drive) begin(key machine.Key) {
	l := d.live[key]
	l.stage, l.batch = ready, 0
	d.todo.begin = append(d.todo.begin, key)
	switch l.work {
	case AttemptActivity, IntendActivity, PokeActivity:
		if !d.run.Began(key) {
			d.record(machine.AttemptStarted{Key: key})
		}
	}
}

// submit goes on with an attempt that was intended just now. One of before wants slots first.
func (d *drive) submit(key machine.Key) {
	if l := d.live[key]; l != nil && l.stage == intended {
		l.work = SubmitActivity
		d.begin(key)
		return
	}
	d.want(key)
}

// follow has a submission checked from now on. It holds no slots.
func (d *drive) follow(key machine.Key) {
	if d.live[key] == nil {
		d.live[key] = &live{work: CheckActivity}
		d.begin(key)
	}
}

// stop ends an attempt wherever it is; its end is recorded either way.
func (d *drive) stop(key machine.Key, reason string) {
	l := d.live[key]
	switch {
	case l != nil && l.work == HaltActivity:
		return
	case l != nil && l.stage == inHand:
		if l.reason == "" {
			l.reason = reason
			d.todo.stop = append(d.todo.stop, key)
		}
		return
	case l != nil:
		fresh := l.work == SubmitActivity && !l.again || l.stage == intended // nothing was submitted
		d.withdraw(key)
		if fresh {
			d.record(machine.AttemptEnded{Key: key, Outcome: stopped(reason)})
			return
		}
	}
	if d.run.RemoteOf(key) != nil {
		d.halt(key, reason)
	} else {
		d.record(machine.AttemptEnded{Key: key, Outcome: stopped(reason)})
	}
}

// withdraw takes back what has not begun.
func (d *drive) withdraw(key machine.Key) {
	d.todo.begin = slices.DeleteFunc(d.todo.begin, func(k machine.Key) bool { return k == key })
	if d.slots.remove(d.run.Info().Key(), key) {
		d.todo.free = append(d.todo.free, key)
	}
	d.letGo(key)
}

// halt stops a submission that nobody has in hand.
func (d *drive) halt(key machine.Key, reason string) {
	d.live[key] = &live{work: HaltActivity, reason: reason}
	d.begin(key)
}

func stopped(reason string) machine.Outcome {
	return machine.Outcome{State: machine.Failed, Kind: reason, Error: reason}
}

// heard is told what became of what was in hand: one fact. batch is where, 0 = here; what another has in hand now
// it passes over.
func (d *drive) heard(batch int, f machine.Fact) {
	key, ok := keyOf(f)
	l := d.live[key]
	if !ok || l == nil || l.stage != inHand || l.batch != batch {
		return
	}
	switch f.(type) {
	case machine.RemoteIntended:
		if l.reason != "" { // the machine passes over an intent that comes behind the stop
			d.letGo(key)
			f = machine.AttemptEnded{Key: key, Outcome: stopped(l.reason)}
			break
		}
		l.stage, l.work = intended, SubmitActivity
	default:
		d.letGo(key)
	}
	d.record(f)
}

func keyOf(f machine.Fact) (machine.Key, bool) {
	switch f := f.(type) {
	case machine.AttemptEnded:
		return f.Key, true
	case machine.AttemptLost:
		return f.Key, true
	case machine.RemoteIntended:
		return f.Key, true
	case machine.RemoteSubmitted:
		return f.Key, true
	}
	return machine.Key{}, false
}

// gone hears that a batch is there no more, and nothing of what it had in hand lives.
func (d *drive) gone(batch int) {
	for _, key := range sortedKeys(d.live) {
		l := d.live[key]
		if l.stage != inHand || l.batch != batch {
			continue
		}
		d.regain(key, l)
	}
}

// regain takes up what a batch that is gone had in hand.
func (d *drive) regain(key machine.Key, l *live) {
	o, ok := d.run.Bare(key)
	known := d.run.RemoteOf(key)
	d.letGo(key)
	switch {
	case known != nil && (l.reason != "" || !ok):
		d.halt(key, cmp.Or(l.reason, "cancelled"))
	case known != nil && known.Handle != nil:
		d.follow(key)
	case known != nil || ok && o.Task.Sensor != nil && l.reason == "":
		d.want(key)
	default:
		d.record(machine.AttemptLost{Key: key, Reason: fmt.Sprintf("the workflow of its batch %d was ended", l.batch)})
	}
}

// ring has the machine's timers fired whose moment has come; it returns the alarms that are not the machine's.
func (d *drive) ring(now time.Time) []string {
	var own []string
	for _, a := range d.alarms.due(now) {
		switch {
		case a.own:
			own = append(own, a.name)
		case d.run.Wants(a.name):
			d.record(machine.TimerFired{Timer: a.name})
		}
	}
	return own
}
