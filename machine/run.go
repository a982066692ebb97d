package machine

import (
	"errors"
	"fmt"
	"time"

	"weft/expr"
)

// A Run is the state of one run, folded from its events. Given the same events it is the same
// state and has given the same commands: it reads no clock, draws no chance, starts nothing.
//
// A Run is not safe for concurrent use; whoever drives it owns it.
//
// Invariants, true between steps:
//   - open is the number of nodes that have not finished, and no run is decided while open > 0;
//   - a finished state never changes within an epoch;
//   - for one task instance at most one attempt is outstanding (StartAttempt given, no end known);
//   - once ending is set, no StartAttempt of a task is given any more.
type Run struct {
	plans Plans
	plan  *Plan
	info  RunStarted
	hash  uint64 // over every transition so far; see mix
	exprs *expr.Cache

	state      RunState
	startedAt  time.Time
	finishedAt time.Time
	epoch      int
	ending     ending
	endingBy   string
	late       bool // the deadline has passed while the run went on
	deciding   bool // Decide is given, RunDecided has not come
	decided    *RunDecided
	finishing  bool // Finish is given, RunFinished has not come

	nodes    []*node              // as plan.Tasks
	gone     map[string]*node     // tasks that an earlier plan had: their numbers count on if they return
	watch    [][]int              // by task: downstream triggers that look at its instances
	calls    map[callKey]*node    // callbacks that have begun
	callList []*node              // the same, in the order they began
	chains   map[hookKey][]*chain // callbacks one after another; the first of each queue is under way
	open     int                  // unfinished nodes
	drains   map[Key]*drain       // attempts of epochs that are over, not yet ended
	timers   map[string]timer     // outstanding
	asks     map[string]Evaluate  // outstanding questions for values

	// Of the step at hand.
	now     time.Time
	work    []int // tasks whose trigger is to be judged (again)
	out     []Command
	changes []Change
}

// Plans finds a plan by its hash; nil if there is none.
type Plans func(hash string) *Plan

type ending string

const (
	notEnding    ending = ""
	byCancel     ending = "cancelled"
	byRunTimeout ending = "timeout"
)

// The timers of a run; those of instances are named by timerName.
const (
	timeoutTimer = "run/timeout"
	lateTimer    = "run/late"
)

type timer struct {
	at   time.Time
	node *node // nil: of the run
	k    int   // instance
}

// A Change is one transition of a Step, for whoever watches.
type Change struct {
	Task    string // "" = the run itself
	Index   int    // -1: the task as a whole, or an unmapped one; of a callback the failed instance's
	Attempt int
	State   State
	Run     RunState // of the run, where Task is ""
	Reason  string
	Next    time.Time // of up_for_retry: when; of a waiting sensor or remote work: its deadline
}

// New makes a run that waits for its RunStarted.
func New(plans Plans) *Run {
	return &Run{
		plans: plans, exprs: new(expr.Cache), calls: map[callKey]*node{}, chains: map[hookKey][]*chain{},
		timers: map[string]timer{}, asks: map[string]Evaluate{}, drains: map[Key]*drain{}, gone: map[string]*node{},
	}
}

// ErrRules says that a journal was written under rules this weft does not know.
var ErrRules = errors.New("cannot follow the journal: it was written under newer rules")

// Replay folds events into a run. It refuses what Step would only pass over: rules from the
// future, a plan that is missing, a journal that does not open with RunStarted.
func Replay(plans Plans, events []Event) (*Run, error) {
	r := New(plans)
	for i, ev := range events {
		if err := r.Check(ev); err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		r.Step(ev)
	}
	return r, nil
}

// Check tells whether an event from a journal can be followed at all.
func (r *Run) Check(ev Event) error {
	switch f := ev.Fact.(type) {
	case RunStarted:
		if f.Rules > Rules {
			return fmt.Errorf("%w (%d, this weft knows %d)", ErrRules, f.Rules, Rules)
		}
		if r.plans(f.Plan) == nil {
			return fmt.Errorf("cannot follow the journal: plan %s is missing", f.Plan)
		}
	case Reopened:
		if r.plans(f.Plan) == nil {
			return fmt.Errorf("cannot follow the journal: plan %s is missing", f.Plan)
		}
	default:
		if r.plan == nil {
			return fmt.Errorf("cannot follow the journal: %s comes before run_started", ev.Name())
		}
	}
	return nil
}

// Step applies one event and returns the orders that follow from it. It is total: events that are
// late, repeated or make no sense change nothing and order nothing.
func (r *Run) Step(ev Event) []Command {
	r.now, r.out, r.changes = ev.At.UTC().Round(0), nil, nil
	if started, ok := ev.Fact.(RunStarted); ok {
		r.start(started)
	} else if r.plan != nil {
		r.apply(ev.Fact)
	}
	r.settle()
	return r.out
}

func (r *Run) apply(f Fact) {
	switch f := f.(type) {
	case RunAdmitted:
		r.admit()
	case AttemptStarted:
		r.attemptStarted(f)
	case AttemptEnded:
		r.attemptEnded(f)
	case AttemptLost:
		r.attemptLost(f)
	case RemoteIntended:
		r.remoteIntended(f)
	case RemoteSubmitted:
		r.remoteSubmitted(f)
	case TimerFired:
		r.timerFired(f)
	case PastAnswered:
		r.pastAnswered(f)
	case Evaluated:
		r.evaluated(f)
	case CancelAsked:
		r.cancel(f)
	case RunDecided:
		r.runDecided(f)
	case RunFinished:
		r.runFinished(f)
	case Reopened:
		r.reopen(f)
	case Marked:
		r.mark(f)
	}
}

func (r *Run) start(f RunStarted) {
	if r.plan != nil || f.Rules > Rules {
		return
	}
	plan := r.plans(f.Plan)
	if plan == nil {
		return
	}
	r.info, r.plan = f, plan
	r.nodes = make([]*node, len(plan.Tasks))
	for i := range plan.Tasks {
		r.nodes[i] = &node{def: &plan.Tasks[i], id: plan.Tasks[i].ID, ti: i}
	}
	r.open = len(r.nodes)
	r.lookUps()
	r.setRun(RunQueued, "")
	if !f.Hold {
		r.admit()
	}
}

// lookUps derives from the plan what the triggers need.
func (r *Run) lookUps() {
	r.watch = make([][]int, len(r.nodes))
	for i := range r.nodes {
		for _, d := range r.plan.down[i] {
			if asksInstances(r.nodes[d].def.Trigger) {
				r.watch[i] = append(r.watch[i], d)
			}
		}
	}
}

func (r *Run) admit() {
	if r.state != RunQueued {
		return
	}
	r.startedAt = r.now
	r.setRun(RunRunning, "")
	if r.plan.Timeout > 0 {
		r.setTimer(timeoutTimer, r.now.Add(time.Duration(r.plan.Timeout)), nil, 0)
	}
	if r.plan.Deadline > 0 {
		r.setTimer(lateTimer, r.deadline(), nil, 0)
	}
	for i := range r.nodes {
		r.work = append(r.work, i)
	}
}

// deadline is when on_late begins, if the run still goes on then.
func (r *Run) deadline() time.Time {
	from := r.info.IntervalEnd
	if r.info.RunType == "manual" {
		from = r.startedAt
	}
	return from.UTC().Add(time.Duration(r.plan.Deadline))
}

// settle judges triggers until nothing moves, then sees whether the run is decided or over.
func (r *Run) settle() {
	if r.state != RunRunning {
		return // nothing can have been touched: whatever touches sets the run going
	}
	for i := 0; i < len(r.work); i++ {
		n := r.nodes[r.work[i]]
		n.touched = false
		r.consider(n)
	}
	r.work = r.work[:0]
	r.conclude()
}

// touch has a task's trigger judged (again) within this step.
func (r *Run) touch(ti int) {
	if n := r.nodes[ti]; !n.touched && n.state == None {
		n.touched = true
		r.work = append(r.work, ti)
	}
}

func (r *Run) order(c Command) { r.out = append(r.out, c) }

func (r *Run) setTimer(name string, at time.Time, n *node, k int) {
	r.timers[name] = timer{at: at, node: n, k: k}
	r.mix(uint64(at.UnixMicro()))
	r.order(SetTimer{Timer: name, At: at})
}

func (r *Run) dropTimer(name string) {
	if _, ok := r.timers[name]; ok {
		delete(r.timers, name)
		r.order(DropTimer{Timer: name})
	}
}

func (r *Run) timerFired(f TimerFired) {
	t, ok := r.timers[f.Timer]
	if !ok {
		return
	}
	delete(r.timers, f.Timer)
	switch {
	case t.node != nil:
		r.instanceTimer(f.Timer, t.node, t.k)
	case f.Timer == timeoutTimer:
		if r.decided == nil && r.ending == notEnding {
			r.end(byRunTimeout, "", fmt.Sprintf("the run took longer than its timeout of %s", time.Duration(r.plan.Timeout)))
		}
	case f.Timer == lateTimer:
		if r.decided == nil && r.ending == notEnding {
			r.late = true
			r.startChain(nil, "on_late", -1, r.plan.OnLate)
		}
	}
}

func (r *Run) setRun(s RunState, reason string) {
	r.state = s
	r.mix(uint64(len(s)), uint64(s[0]))
	r.changes = append(r.changes, Change{Index: -1, Run: s, Reason: reason})
}

// mix folds numbers into the state hash (FNV-1a, 64 bit, by 8-byte words): two replays of one
// journal that differ in any transition differ in it.
func (r *Run) mix(words ...uint64) {
	if r.hash == 0 {
		r.hash = 14695981039346656037
	}
	for _, w := range words {
		for range 8 {
			r.hash = (r.hash ^ (w & 0xff)) * 1099511628211
			w >>= 8
		}
	}
}

// Hash names the state: it covers every transition so far.
func (r *Run) Hash() uint64 { return r.hash }

// Changes returns the transitions of the last Step.
func (r *Run) Changes() []Change { return r.changes }

// State returns the state of the run.
func (r *Run) State() RunState { return r.state }

// Info returns what the run was started with.
func (r *Run) Info() RunInfo {
	return RunInfo{RunStarted: r.info, StartedAt: r.startedAt, Epoch: r.epoch}
}

// Plan returns the plan in force.
func (r *Run) Plan() *Plan { return r.plan }

// Wants tells whether a timer is still waited for; one that is not need not be recorded.
func (r *Run) Wants(timer string) bool {
	_, ok := r.timers[timer]
	return ok
}

// AwaitsPast tells whether a task still waits for the answer to AskPast.
func (r *Run) AwaitsPast(task string, epoch int) bool {
	n := r.node(task, -1)
	return n != nil && n.epoch == epoch && n.state == Scheduled && len(n.inst) == 0 &&
		(n.past == pastAsked || n.past == pastRefused)
}

// AsksPast tells whether a task waits for the answer to AskPast, of whatever epoch.
func (r *Run) AsksPast(task string) bool {
	n := r.node(task, -1)
	return n != nil && r.AwaitsPast(task, n.epoch)
}

// PastRefused tells whether the answer has been no before.
func (r *Run) PastRefused(task string) bool {
	n := r.node(task, -1)
	return n != nil && n.past == pastRefused
}
