package machine

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"
)

// A world is what stands around a run: it keeps what was ordered and answers in any order. It knows
// the contract of the commands and nothing of how the machine works.
type world struct {
	rng   *rand.Rand
	plans map[string]*Plan
	run   *Run
	twin  *Run // restored from a snapshot some steps ago, and told the same since
	now   time.Time

	events []Event
	starts map[Key]bool
	remote map[Key]int // 1 = its submission is ordered, 2 = it is watched
	stops  map[Key]string
	ended  map[Key]bool
	timers map[string]time.Time
	pasts  map[AskPast]bool
	asks   map[string]Evaluate
	decide *Decide
	finish *Finish
	calm   bool // no more disturbances
}

func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &world{
		rng: rng, plans: map[string]*Plan{}, now: epoch, starts: map[Key]bool{}, remote: map[Key]int{}, stops: map[Key]string{}, ended: map[Key]bool{},
		timers: map[string]time.Time{}, pasts: map[AskPast]bool{}, asks: map[string]Evaluate{},
	}
	for range 3 {
		body, hash := randomPlan(rng).Encode()
		p, err := DecodePlan(body)
		if err != nil {
			panic(err) // the generator makes plans that are sound
		}
		w.plans[hash] = p
	}
	w.run = New(w.find)
	return w
}

func (w *world) find(hash string) *Plan { return w.plans[hash] }

func (w *world) anyPlan() string { return pick(w.rng, slices.Sorted(maps.Keys(w.plans))) }

// live plays the run to its end: a while of disturbed days, then calm ones.
func (w *world) live() error {
	start := RunStarted{
		Rules: Rules, DAG: "random", Run: "r", RunType: pick(w.rng, []string{"manual", "scheduled"}), LogicalDate: epoch, IntervalStart: epoch,
		IntervalEnd: epoch, Plan: w.anyPlan(), Hold: w.rng.IntN(5) == 0, MaxInstances: w.rng.IntN(4),
	}
	if err := w.tell(start); err != nil {
		return err
	}
	for range w.rng.IntN(200) {
		if err := w.disturbedDay(); err != nil {
			return err
		}
	}
	w.calm = true
	for days := 0; !w.run.State().Terminal(); days++ {
		f := w.answer()
		if f == nil || days > 20000 {
			return fmt.Errorf("nothing is outstanding and the run is %s", w.run.State())
		}
		if err := w.tell(f); err != nil {
			return err
		}
	}
	if out := w.run.Outstanding(); len(out) > 0 {
		return fmt.Errorf("the run is over and %+v is outstanding", out)
	}
	return nil
}

func (w *world) disturbedDay() error {
	var f Fact
	switch w.rng.IntN(12) {
	case 0:
		f = w.garbage()
	case 1:
		f = pick(w.rng, w.events).Fact // again, and late
	case 2:
		f = w.byHand()
	default:
		f = w.answer()
	}
	if f == nil {
		return nil
	}
	return w.tell(f)
}

// byHand is what people order.
func (w *world) byHand() Fact {
	task := func() string { return pick(w.rng, w.run.plan.Tasks).ID }
	switch w.rng.IntN(8) {
	case 0:
		return CancelAsked{By: "ann"}
	case 1, 2:
		return Marked{By: "ann", Task: task(), State: State(w.rng.IntN(stateCount))}
	case 3, 4, 5:
		plan := w.run.info.Plan
		if w.rng.IntN(3) == 0 {
			plan = w.anyPlan()
		}
		var tasks []string
		for range w.rng.IntN(4) {
			tasks = append(tasks, task())
		}
		return Reopened{Tasks: tasks, Plan: plan, Epoch: w.run.epoch + 1}
	}
	return nil
}

// garbage is an event that nobody would send; the keys are near the true ones.
func (w *world) garbage() Fact {
	near := Key{Task: pick(w.rng, w.run.plan.Tasks).ID, Index: w.rng.IntN(5) - 2, Epoch: w.rng.IntN(3), Attempt: w.rng.IntN(4)}
	if w.rng.IntN(4) == 0 {
		near.Task = pick(w.rng, []string{"", "nobody", "on_failure.c0", "t0.on_failure.c0"})
	}
	if w.starts[near] || w.stops[near] != "" {
		return nil // that would be a true answer
	}
	switch w.rng.IntN(8) {
	case 0:
		return pick(w.rng, []Fact{AttemptStarted{near}, RemoteIntended{Key: near, Token: "x"}, RemoteSubmitted{Key: near, Handle: Raw("1")}})
	case 1:
		return AttemptEnded{Key: near, Outcome: Outcome{State: State(w.rng.IntN(stateCount))}}
	case 2:
		return AttemptLost{Key: near}
	case 3:
		return TimerFired{Timer: "retry/" + near.String() + "x"}
	case 4:
		return Evaluated{ID: "when/" + near.Task, Value: Raw(`{}`)}
	case 5:
		return RunDecided{State: RunState(pick(w.rng, []string{"", "lost", "queued"}))}
	case 6:
		return RunFinished{State: RunState(pick(w.rng, []string{"", "lost", "queued"}))}
	}
	return Reopened{Tasks: []string{near.Task}, Plan: pick(w.rng, []string{"", "nowhere", w.run.info.Plan}), Epoch: w.run.epoch + pick(w.rng, []int{-1, 0, 2})}
}

// answer carries out one order that is outstanding, if there is one.
func (w *world) answer() Fact {
	var can []func() Fact
	if w.run.State() == RunQueued {
		can = append(can, func() Fact { return RunAdmitted{} })
	}
	for _, k := range slices.SortedFunc(maps.Keys(w.starts), compareKeys) {
		can = append(can, func() Fact { return w.carry(k) })
	}
	for _, name := range slices.Sorted(maps.Keys(w.timers)) {
		can = append(can, func() Fact {
			w.now = later(w.now, w.timers[name])
			return TimerFired{Timer: name}
		})
	}
	for _, id := range slices.Sorted(maps.Keys(w.asks)) {
		can = append(can, func() Fact { return w.value(w.asks[id]) })
	}
	for _, q := range slices.SortedFunc(maps.Keys(w.pasts), func(a, b AskPast) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), a.Epoch-b.Epoch)
	}) {
		can = append(can, func() Fact {
			return PastAnswered{Task: q.Task, Epoch: q.Epoch, OK: w.calm || w.rng.IntN(3) > 0, Run: pick(w.rng, []string{"p1", "p2"})}
		})
	}
	if w.decide != nil {
		can = append(can, func() Fact { return RunDecided(*w.decide) })
	}
	if w.finish != nil {
		can = append(can, func() Fact { return RunFinished(*w.finish) })
	}
	if len(can) == 0 {
		return nil
	}
	return pick(w.rng, can)()
}

func (w *world) carry(k Key) Fact {
	switch w.rng.IntN(6) {
	case 0:
		return AttemptStarted{k}
	case 1:
		if w.remote[k] == 0 { // what lives elsewhere is not cut off
			return AttemptLost{Key: k}
		}
		return RemoteSubmitted{Key: k, Handle: Raw(`{"run":"` + k.String() + `"}`), Text: "run " + k.String()}
	case 2:
		return RemoteIntended{Key: k, Token: k.String(), Target: pick(w.rng, []Raw{nil, Raw(`{"job":"j"}`)})}
	}
	one := w.rng.IntN(2)
	return AttemptEnded{Key: k, Outcome: pick(w.rng, []Outcome{
		{State: Success, Output: Raw("1"), Elapsed: w.rng.Int64N(1e9)},
		{State: Success, Output: Raw(`[1,2]`)},
		{State: Success},
		{State: Success, Ref: &Ref{URI: "file:///x", Size: 1 << 20, SHA256: "00"}},
		{State: Failed, Kind: "temporary", Error: "exit 1", Exit: &one},
		{State: Failed, Kind: "bad_input", Error: "bad"},
		{State: Failed, Error: "final", Final: true},
		{State: Skipped},
	})}
}

func (w *world) value(q Evaluate) Fact {
	if q.What == "when" {
		return pick(w.rng, []Evaluated{{ID: q.ID, Value: Raw("true")}, {ID: q.ID, Value: Raw("false")}, {ID: q.ID, Error: "gone"}, {ID: q.ID, Value: Raw("3")}})
	}
	return pick(w.rng, []Evaluated{
		{ID: q.ID, Value: Raw("[1,2.5]")},
		{ID: q.ID, Value: Raw("null")},
		{ID: q.ID, Value: Raw(`{"b":1,"a":[]}`)},
		{ID: q.ID, Value: Raw(`"text"`)},
		{ID: q.ID, Error: "gone"},
		{ID: q.ID, Ref: &Ref{URI: "file:///l"}, Len: 2},
		{ID: q.ID, Ref: &Ref{URI: "file:///l"}, Len: -1},
	})
}

// tell steps the run (and its twin) and holds what comes of it against the contract.
func (w *world) tell(f Fact) error {
	w.now = w.now.Add(time.Duration(w.rng.IntN(2000)) * time.Millisecond)
	ev := Event{At: w.now, Fact: f}
	w.events = append(w.events, ev)
	w.settled(f)
	before := w.run.Hash()
	cmds := w.run.Step(ev)
	if w.run.Hash() == before && len(cmds) > 0 {
		return fmt.Errorf("%+v ordered %+v and changed no hash", f, cmds)
	}
	for _, cmd := range cmds {
		if err := w.take(cmd); err != nil {
			return fmt.Errorf("%T %+v: %w", f, f, err)
		}
	}
	if err := w.check(ev, cmds); err != nil {
		return fmt.Errorf("after %T %+v: %w", f, f, err)
	}
	return nil
}

// settled forgets what a fact answers.
func (w *world) settled(f Fact) {
	over := func(k Key) {
		if w.starts[k] || w.stops[k] != "" {
			delete(w.starts, k)
			delete(w.stops, k)
			delete(w.remote, k)
			w.ended[k] = true
		}
	}
	switch f := f.(type) {
	case AttemptEnded:
		if f.State == Success || f.State == Failed || f.State == Skipped {
			over(f.Key)
		}
	case AttemptLost:
		if w.remote[f.Key] > 0 {
			return // news that came before the intent, again
		}
		over(f.Key)
		delete(w.ended, f.Key) // it may start again under the same key
	case TimerFired:
		delete(w.timers, f.Timer)
	case Evaluated:
		delete(w.asks, f.ID)
	}
}

// take keeps an order, and refuses one that the contract forbids.
func (w *world) take(cmd Command) error {
	switch cmd := cmd.(type) {
	case StartAttempt:
		if w.starts[cmd.Key] || w.ended[cmd.Key] {
			return fmt.Errorf("start %s, which was started before", cmd.Key)
		}
		if w.run.ending == byCancel {
			return fmt.Errorf("start %s after a cancel", cmd.Key)
		}
		for k := range w.starts {
			if k.Task == cmd.Task && (k.Index == cmd.Index || k.Epoch != cmd.Epoch && w.run.Plan().Task(k.Task) != nil && w.isTask(k.Task)) {
				return fmt.Errorf("start %s while %s is alive", cmd.Key, k)
			}
		}
		w.starts[cmd.Key] = true
	case SubmitRemote:
		if !w.starts[cmd.Key] || w.remote[cmd.Key] != 0 || w.stops[cmd.Key] != "" {
			return fmt.Errorf("submit %s: alive %v, stage %d, stop %q", cmd.Key, w.starts[cmd.Key], w.remote[cmd.Key], w.stops[cmd.Key])
		}
		w.remote[cmd.Key] = 1
	case WatchRemote:
		if !w.starts[cmd.Key] || w.remote[cmd.Key] != 1 {
			return fmt.Errorf("watch %s: alive %v, stage %d", cmd.Key, w.starts[cmd.Key], w.remote[cmd.Key])
		}
		w.remote[cmd.Key] = 2
	case StopAttempt:
		if !w.starts[cmd.Key] {
			return fmt.Errorf("stop %s, which is not alive", cmd.Key)
		}
		w.stops[cmd.Key] = cmd.Reason
	case SetTimer:
		w.timers[cmd.Timer] = cmd.At
	case DropTimer:
		delete(w.timers, cmd.Timer)
	case AskPast:
		w.pasts[cmd] = true
	case Evaluate:
		w.asks[cmd.ID] = cmd
	case Decide:
		w.decide = &cmd
	case Finish:
		w.finish = &cmd
	}
	return nil
}

// isTask tells tasks from callbacks, whose instances are of one hook each.
func (w *world) isTask(id string) bool { return w.run.Plan().Position(id) < len(w.run.Plan().Tasks) }

// check holds the run against its invariants, its orders, its twin and, at times, its replay.
func (w *world) check(ev Event, cmds []Command) error {
	if err := invariants(w.run); err != nil {
		return err
	}
	if err := w.sameOrders(); err != nil {
		return err
	}
	if w.twin != nil {
		if got := w.twin.Step(ev); !reflect.DeepEqual(got, cmds) || w.twin.Hash() != w.run.Hash() {
			return fmt.Errorf("the restored run orders\n%+v\nand not\n%+v", got, cmds)
		}
		if !reflect.DeepEqual(w.twin.Changes(), w.run.Changes()) {
			return fmt.Errorf("the restored run changes\n%+v\nand not\n%+v", w.twin.Changes(), w.run.Changes())
		}
	}
	if w.rng.IntN(10) > 0 {
		return nil
	}
	b, err := w.run.Snapshot()
	if err != nil {
		return err
	}
	if w.twin, err = Restore(w.find, b); err != nil {
		return err
	}
	if err := sameRuns(w.run, w.twin); err != nil {
		return fmt.Errorf("restored: %w", err)
	}
	return invariants(w.twin)
}

// sameOrders compares Outstanding with what was ordered and not answered, and takes over what the
// run no longer asks: an order that was overtaken is not taken back by a command.
func (w *world) sameOrders() error {
	starts, stops, timers := map[Key]bool{}, map[Key]string{}, map[string]time.Time{}
	pasts, asks := map[AskPast]bool{}, map[string]Evaluate{}
	decide, finish := w.decide, w.finish
	w.decide, w.finish = nil, nil
	for _, cmd := range w.run.Outstanding() {
		switch cmd := cmd.(type) {
		case StartAttempt:
			starts[cmd.Key] = true
		case SubmitRemote:
			starts[cmd.Key] = w.remote[cmd.Key] == 1
		case WatchRemote:
			starts[cmd.Key] = w.remote[cmd.Key] == 2
		case StopAttempt:
			starts[cmd.Key] = true // a drained one is only to be stopped
			stops[cmd.Key] = cmd.Reason
		case SetTimer:
			timers[cmd.Timer] = cmd.At
		case AskPast:
			if !w.pasts[cmd] {
				return fmt.Errorf("%+v is outstanding and was never ordered", cmd)
			}
			pasts[cmd] = true
		case Evaluate:
			if w.asks[cmd.ID] != cmd {
				return fmt.Errorf("%+v is outstanding and was never ordered", cmd)
			}
			asks[cmd.ID] = cmd
		case Decide:
			if w.decide = decide; decide == nil || *decide != cmd {
				return fmt.Errorf("%+v is outstanding, ordered was %+v", cmd, decide)
			}
		case Finish:
			if w.finish = finish; finish == nil || *finish != cmd {
				return fmt.Errorf("%+v is outstanding, ordered was %+v", cmd, finish)
			}
		}
	}
	if !maps.Equal(starts, w.starts) || len(stops) != len(w.stops) {
		return fmt.Errorf("attempts %v are outstanding, ordered were %v; stops %v and %v", starts, w.starts, stops, w.stops)
	}
	if !maps.Equal(timers, w.timers) && !w.run.State().Terminal() {
		return fmt.Errorf("timers %v are outstanding, ordered were %v", timers, w.timers)
	}
	w.pasts, w.asks = pasts, asks
	return nil
}
