package temporal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
	"weft/runner"
)

// An agency is what a run on Temporal deals with, in virtual time: workers whose work takes its time, whoever lends the
// slots of the pool small (it has one), and batches of earlier executions, which know that they are to stop.
type agency struct {
	t    *testing.T
	env  *testsuite.TestWorkflowEnvironment
	held bool // the run waits in its DAG's line

	mu     sync.Mutex
	began  []beginning
	lent   machine.Key
	queue  []machine.Key
	halted map[string]bool // submissions that were stopped
	made   map[string]bool // submissions that were made
}

// A beginning is an activity that has begun.
type beginning struct {
	what string
	at   time.Time
}

// lasting is how long each kind of work takes; what is not here takes no time.
var lasting = map[string]time.Duration{
	AttemptActivity: 20 * time.Second, IntendActivity: 2 * time.Second, SubmitActivity: 2 * time.Second, HaltActivity: time.Second,
}

// register has all work begin here; what takes time ends when begun says.
func (a *agency) register(r worker.ActivityRegistry) {
	as := func(name string, f any) { r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	never := func(context.Context, Order, Views) (machine.Outcome, error) { // the SDK's test gives a child's retries up after a few seconds
		return machine.Outcome{}, notYet(time.Second)
	}
	as(AttemptActivity, func(ctx context.Context, _ Order, _ Views) (machine.Outcome, error) {
		return outcomeOf(activity.GetInfo(ctx).ActivityID), later(ctx)
	})
	as(IntendActivity, func(ctx context.Context, _ Order, _ Views) (runner.Intent, error) {
		return intentOf(activity.GetInfo(ctx).ActivityID), later(ctx)
	})
	as(SubmitActivity, func(ctx context.Context, _ Order, _ Views) (runner.Submitted, error) {
		return submittedOf(activity.GetInfo(ctx).ActivityID), later(ctx)
	})
	as(HaltActivity, func(ctx context.Context, _ Order, _ string) (machine.Outcome, error) {
		return haltedOutcome, later(ctx)
	})
	as(PokeActivity, never)
	as(CheckActivity, never)
	as(ArriveActivity, func(context.Context, Arrival) (Place, error) { return Place{Admitted: !a.held}, nil })
	as(LeaveActivity, func(context.Context, Departure) error { return nil })
}

// begun hears of each activity that begins, and has it end at its time.
func (a *agency) begun(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
	kind, key, env := info.ActivityType.Name, info.ActivityID, a.env
	a.mu.Lock()
	a.began = append(a.began, beginning{kind + " " + key, env.Now()})
	switch kind {
	case SubmitActivity: // the service has it, whoever hears of it
		a.made[attempted(key)] = true
	case HaltActivity:
		a.halted[attempted(key)] = true
	}
	a.mu.Unlock()
	d, long := lasting[kind]
	if !long || inBatch(info) {
		return
	}
	var res any = outcomeOf(key)
	switch kind {
	case IntendActivity:
		res = intentOf(key)
	case SubmitActivity:
		res = submittedOf(key)
	case HaltActivity:
		res = haltedOutcome
	}
	token := info.TaskToken
	env.RegisterDelayedCallback(func() { _ = env.CompleteActivity(token, res, nil) }, d) // it may have been cancelled
}

// later has what takes time be ended by begun. What a batch has in hand ends at once: the SDK ends nothing of a child later.
func later(ctx context.Context) error {
	info := activity.GetInfo(ctx)
	if inBatch(&info) {
		return nil
	}
	return activity.ErrResultPending
}

// attempted is the attempt that an activity is of: its id may have a number behind it.
func attempted(id string) string {
	key, _, _ := strings.Cut(id, "#")
	return key
}

func inBatch(info *activity.Info) bool { return strings.Contains(info.WorkflowExecution.ID, "/batch/") }

func outcomeOf(key string) machine.Outcome {
	if strings.HasPrefix(key, "flaky/") {
		return failing("temporary")
	}
	return machine.Outcome{State: machine.Success}
}

func intentOf(key string) runner.Intent { return runner.Intent{Token: "t" + key} }

func submittedOf(key string) runner.Submitted {
	return runner.Submitted{Handle: machine.Raw(`1`), Text: "job " + key}
}

var haltedOutcome = machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped: cancelled"}

// signalled is told what the run tells others.
func (a *agency) signalled(_, id, _, name string, arg any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch what := arg.(type) {
	case Wanted:
		for _, w := range what.Wants {
			a.queue = append(a.queue, w.Key)
		}
		a.lend()
	case Freed:
		if slices.Contains(what.Keys, a.lent) {
			a.lent = machine.Key{}
		}
		a.queue = slices.DeleteFunc(a.queue, func(k machine.Key) bool { return slices.Contains(what.Keys, k) })
		a.lend()
	case []Stop: // to a batch of an execution before
		if len(what) == 0 {
			return nil
		}
		told := Told{}
		if _, err := fmt.Sscanf(id[strings.LastIndexByte(id, '/')+1:], "%d", &told.Batch); err != nil {
			return err
		}
		for _, s := range what {
			a.halted[s.Key.String()] = true
			told.Facts = append(told.Facts, machine.Event{At: a.env.Now(), Fact: machine.AttemptEnded{Key: s.Key, Outcome: stopped(s.Reason)}})
		}
		a.env.SignalWorkflow(SignalTold, told)
	case Told: // of a batch
		a.env.SignalWorkflow(name, what)
	default:
		return fmt.Errorf("%s to %s says %T", name, id, arg)
	}
	return nil
}

func (a *agency) lend() {
	if a.lent.Task == "" && len(a.queue) > 0 {
		a.lent, a.queue = a.queue[0], a.queue[1:]
		a.env.SignalWorkflow(SignalGranted, []machine.Key{a.lent})
	}
}

// anything is what the SDK's mocks take for any argument.
const anything = "mock.Anything"

// stage makes one execution.
func (a *agency) stage(at time.Time) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	a.env = suite.NewTestWorkflowEnvironment()
	a.env.SetStartTime(at)
	a.env.SetTestTimeout(20 * time.Second)
	a.env.RegisterWorkflowWithOptions(runRun, workflow.RegisterOptions{Name: RunWorkflow})
	a.env.RegisterWorkflowWithOptions(runBatch, workflow.RegisterOptions{Name: BatchWorkflow})
	a.register(a.env)
	a.env.SetOnActivityStartedListener(a.begun)
	a.env.OnSignalExternalWorkflow(anything, anything, anything, anything, anything).Return(a.signalled)
}

// TestARunIsCancelledWhateverItDoes is R15: a run is cancelled at a thousand moments, by an order or in Temporal, while it is
// held in its DAG's line, and while its tasks wait for slots of a pool that all workers share, run, wait, are between two
// attempts, are intended, submitted and watched elsewhere, or while the run is going on as a new execution. It is over within
// the grace, nothing begins afterwards but what stops work elsewhere, all of that is stopped, and every lease is back.
func TestARunIsCancelledWhateverItDoes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 15))
	met, executions, longest := map[machine.State]int{}, 0, time.Duration(0)
	for n := range 1000 {
		took, each := cancelOnce(t, rng, met)
		executions, longest = executions+each, max(longest, took)
		if t.Failed() {
			t.Fatalf("moment %d", n)
		}
	}
	t.Logf("1000 runs in %d executions; the longest took %s to its end; tasks were %v", executions, longest, met)
	for _, s := range []machine.State{machine.None, machine.Queued, machine.Running, machine.UpForRetry, machine.UpForReschedule, machine.Deferred} {
		if met[s] < 20 {
			t.Errorf("only %d tasks were %s when their run was cancelled", met[s], s)
		}
	}
	if executions < 1050 {
		t.Errorf("only %d runs went on as a new execution", executions-1000)
	}
}

func cancelOnce(t *testing.T, rng *rand.Rand, met map[machine.State]int) (took time.Duration, executions int) {
	p := plan(t, nil,
		machine.Task{ID: "runs"}, machine.Task{ID: "flaky", Retries: 9, RetryDelay: 30 * sec},
		machine.Task{ID: "queued"}, machine.Task{ID: "also"},
		machine.Task{ID: "waits", Sensor: sensor(func(s *machine.Sensor) { s.PokeInterval = 7 * sec })},
		machine.Task{ID: "job", Uses: "job"}, machine.Task{ID: "next", Uses: "job", Needs: []string{"runs"}},
		machine.Task{ID: "later", Needs: []string{"runs", "waits"}},
	)
	p.Tasks[2].Pool, p.Tasks[3].Pool = "small", "small"
	in := input(p, "r")
	in.Pools = []string{"small"}
	a := &agency{t: t, held: rng.IntN(6) == 0, halted: map[string]bool{}, made: map[string]bool{}}
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	cancelAt := start.Add(time.Duration(rng.IntN(60_000)) * time.Millisecond)
	goOnAt := start.Add(time.Duration(rng.IntN(60_000)) * time.Millisecond)
	far, cancelled := rng.IntN(4) == 0, false
	goesOn := rng.IntN(3) == 0
	for at := start; ; {
		executions++
		a.stage(at)
		env := a.env
		if !cancelled {
			env.RegisterDelayedCallback(func() {
				cancelled = true
				if v, err := env.QueryWorkflow(QuerySnapshot, Asked{}); err == nil {
					var s Snapshot
					if v.Get(&s) == nil && s.State != nil {
						for _, state := range restored(t, s).States() {
							met[state]++
						}
					}
				}
				if far {
					env.CancelWorkflow()
					return
				}
				env.SignalWorkflow(SignalCancel, machine.CancelAsked{By: "ann"})
			}, max(cancelAt.Sub(at), time.Millisecond))
		}
		if goesOn && executions == 1 {
			env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, goOnAt.Sub(at))
		}
		env.ExecuteWorkflow(RunWorkflow, in)
		var on *workflow.ContinueAsNewError
		if err := env.GetWorkflowError(); errors.As(err, &on) {
			in, at = RunInput{}, env.Now()
			if err := converter.GetDefaultDataConverter().FromPayloads(on.Input, &in); err != nil {
				t.Fatal(err)
			}
			continue
		}
		a.ended(cancelAt)
		return env.Now().Sub(cancelAt), executions
	}
}

// ended holds a run that was cancelled at a moment to its promise.
func (a *agency) ended(cancelAt time.Time) {
	var cancelled *temporal.CanceledError
	if err := a.env.GetWorkflowError(); !errors.As(err, &cancelled) {
		a.t.Errorf("it ended with %v", err)
	}
	if took := a.env.Now().Sub(cancelAt); took > 3*time.Second {
		a.t.Errorf("it takes %s to its end", took)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.began {
		if kind, _, _ := strings.Cut(b.what, " "); b.at.After(cancelAt) && kind != HaltActivity && kind != LeaveActivity && kind != ArriveActivity {
			a.t.Errorf("%s begins %s after the cancel", b.what, b.at.Sub(cancelAt))
		}
	}
	for key := range a.made {
		if !a.halted[key] {
			a.t.Errorf("%s was submitted, and nobody stopped it", key)
		}
	}
	if a.lent.Task != "" || len(a.queue) > 0 {
		a.t.Errorf("a slot is lent to %s, wanted by %v", a.lent, a.queue)
	}
}
