package temporal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
	wire "weft/runner/temporal"
	kept "weft/store/temporal"
)

// A stage is a workflow of ours in virtual time: what it signals to others is written down, and those it may look after
// are there or gone.
type stage struct {
	*testing.T
	env  *testsuite.TestWorkflowEnvironment
	told []string // "RUN signal"
	gone map[string]bool
	at   time.Duration
}

// anything is testify's word for an argument that may be what it will.
const anything = "mock.Anything"

var errGone = errors.New("no workflow of that id runs")

func onStage(t *testing.T) *stage {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	s := &stage{T: t, env: suite.NewTestWorkflowEnvironment(), gone: map[string]bool{}}
	s.env.SetTestTimeout(time.Minute)
	s.env.RegisterActivityWithOptions(s.sweep, activity.RegisterOptions{Name: kept.SweepName})
	s.env.OnSignalExternalWorkflow(anything, anything, anything, anything, anything).Return(
		func(_ string, id, _, signal string, arg any) error {
			run := strings.TrimPrefix(id, wire.RunID(""))
			if s.gone[run] {
				return errGone
			}
			if keys, ok := arg.([]machine.Key); ok {
				for _, k := range keys {
					signal += " " + k.Task
				}
			}
			s.told = append(s.told, run+" "+signal)
			return nil
		})
	return s
}

// sweep looks as the real one does, at who is on this stage.
func (s *stage) sweep(context.Context, string) ([]kept.Gone, error) {
	answer, err := s.env.QueryWorkflow(kept.QueryHolders)
	var holders []kept.Holder
	if err == nil {
		err = answer.Get(&holders)
	}
	if err != nil {
		return nil, err
	}
	var out []kept.Gone
	for _, h := range holders {
		if s.gone[strings.TrimPrefix(h.Workflow, wire.RunID(""))] {
			out = append(out, kept.Gone{Holder: h, State: machine.RunCancelled, At: s.env.Now()})
		}
	}
	if len(out) > 0 || len(holders) == 0 {
		return out, nil
	}
	return nil, temporal.NewApplicationErrorWithOptions("all are there", wire.ErrNotYet, temporal.ApplicationErrorOptions{NextRetryDelay: kept.SweepEvery})
}

// then does something a second later.
func (s *stage) then(do func()) {
	s.at += time.Second
	s.env.RegisterDelayedCallback(do, s.at)
}

// after lets time pass before what comes next.
func (s *stage) after(d time.Duration) { s.at += d }

func (s *stage) update(name string, arg any) {
	s.then(func() {
		s.env.UpdateWorkflowNoRejection(name, fmt.Sprint(s.at, name, arg), s, arg)
	})
}

// hears checks what was told to whom since it was asked last; in any order.
func (s *stage) hears(want ...string) {
	s.Helper()
	s.then(func() {
		slices.Sort(s.told)
		slices.Sort(want)
		if !slices.Equal(s.told, want) {
			s.Errorf("after %s\n told %q\n want %q", s.at, s.told, want)
		}
		s.told = nil
	})
}

// play runs the workflow to the point where it goes on as a new execution, and returns what that begins with.
func (s *stage) play(flow, with any) *workflow.ContinueAsNewError {
	s.Helper()
	s.then(func() { s.env.SetContinueAsNewSuggested(true) })
	s.then(func() { s.env.SignalWorkflow("nothing", nil) }) // so that it looks
	s.env.ExecuteWorkflow(flow, with)
	var anew *workflow.ContinueAsNewError
	if err := s.env.GetWorkflowError(); !errors.As(err, &anew) {
		s.Fatalf("it ended with %v", err)
	}
	return anew
}

func arrival(run string, day int) wire.Arrival {
	return wire.Arrival{DAG: "d", Run: run, Type: "scheduled", LogicalDate: noon.AddDate(0, 0, day), Max: 1}
}

func (s *stage) arrives(run string, day int) {
	a := arrival(run, day)
	s.update(kept.UpdateLine, []kept.Turn{{Arrive: &a}})
}

func (s *stage) leaves(run string) {
	s.update(kept.UpdateLine, []kept.Turn{{Leave: &wire.Departure{Run: run, State: machine.RunSuccess, FinishedAt: noon}}})
}

func TestARunThatIsLetInIsTold(t *testing.T) {
	s := onStage(t)
	s.arrives("a", 1)
	s.arrives("b", 2)
	s.arrives("c", 3)
	s.hears()
	s.leaves("a")
	s.hears("b weft.admitted")
	s.play(kept.DAGFlow, &kept.Entity{})
}

func TestARunThatVanishedLeavesItsPlace(t *testing.T) {
	s := onStage(t)
	s.arrives("a", 1)
	s.arrives("b", 2)
	s.then(func() { s.gone["a"] = true })
	s.hears()
	s.after(2 * kept.SweepEvery)
	s.hears("b weft.admitted")
	s.play(kept.DAGFlow, &kept.Entity{})
}

// One that waits and has vanished when its turn comes is passed over.
func TestWhoIsGoneIsPassedOver(t *testing.T) {
	s := onStage(t)
	s.arrives("a", 1)
	s.arrives("b", 2)
	s.arrives("c", 3)
	s.then(func() { s.gone["b"] = true })
	s.leaves("a")
	s.hears("c weft.admitted")
	s.play(kept.DAGFlow, &kept.Entity{})
}

// A cancel by hand, in Temporal's own page, takes nothing away.
func TestWhatIsRememberedIsNotCancelled(t *testing.T) {
	s := onStage(t)
	s.arrives("a", 1)
	s.then(s.env.CancelWorkflow)
	s.arrives("b", 2)
	s.leaves("a")
	s.hears("b weft.admitted")
	s.play(kept.DAGFlow, &kept.Entity{})
}

func wants(run string, tasks ...string) wire.Wanted {
	w := wire.Wanted{Run: wire.RunID(run)}
	for _, task := range tasks {
		pool, slots, backfill := "glue", 1, false
		task, is := strings.CutSuffix(task, "!")
		if is {
			slots = 2
		}
		if strings.HasPrefix(run, "backfill") {
			backfill = true
		}
		w.Wants = append(w.Wants, machine.Want{Run: run, RunOrder: 1, Key: machine.Key{Task: task, Index: -1, Attempt: 1}, Pool: pool, Slots: slots, Backfill: backfill})
	}
	return w
}

func frees(run string, tasks ...string) wire.Freed {
	f := wire.Freed{Run: wire.RunID(run)}
	for _, task := range tasks {
		f.Keys = append(f.Keys, machine.Key{Task: task, Index: -1, Attempt: 1})
	}
	return f
}

func (s *stage) wants(run string, tasks ...string) {
	s.then(func() { s.env.SignalWorkflow(wire.SignalWant, wants(run, tasks...)) })
}

func (s *stage) frees(run string, tasks ...string) {
	s.then(func() { s.env.SignalWorkflow(wire.SignalFree, frees(run, tasks...)) })
}

func pool(slots int) *kept.Pools { return &kept.Pools{Sizes: map[string]int{"glue": slots}} }

func TestSlotsAreLentAndComeBack(t *testing.T) {
	s := onStage(t)
	s.wants("a", "x", "y", "z")
	s.hears("a weft.granted x y")
	s.wants("b", "x")
	s.hears()
	s.frees("a", "x")
	s.hears("a weft.granted z")
	s.frees("a", "y", "z")
	s.hears("b weft.granted x")
	s.wants("b", "x") // it goes on as a new execution, and asks whether it has it
	s.hears("b weft.granted x")
	s.play(kept.PoolsFlow, pool(2))
}

func TestALeaseDiesWithItsHolder(t *testing.T) {
	s := onStage(t)
	s.wants("a", "x", "y")
	s.wants("b", "x", "y")
	s.hears("a weft.granted x y")
	s.then(func() { s.gone["a"] = true })
	s.after(2 * kept.SweepEvery)
	s.hears("b weft.granted x y")
	s.play(kept.PoolsFlow, pool(2))
}

func TestWhatIsLentToOneWhoIsGoneComesBackAtOnce(t *testing.T) {
	s := onStage(t)
	s.wants("a", "x")
	s.wants("b", "x")
	s.wants("c", "x")
	s.hears("a weft.granted x")
	s.then(func() { s.gone["b"] = true })
	s.frees("a", "x")
	s.hears("c weft.granted x")
	s.play(kept.PoolsFlow, pool(1))
}

func TestBackfillsLeaveAPartOfAPoolFree(t *testing.T) {
	s := onStage(t)
	s.wants("backfill", "a", "b", "c", "d", "e")
	s.hears("backfill weft.granted a b c")
	s.wants("tonight", "a")
	s.hears("tonight weft.granted a")
	s.play(kept.PoolsFlow, pool(4))
}

func TestALargerPoolLendsMore(t *testing.T) {
	s := onStage(t)
	s.wants("a", "x", "y", "z")
	s.hears("a weft.granted x")
	s.then(func() { s.env.SignalWorkflow(kept.SignalSizes, map[string]int{"glue": 3}) })
	s.hears("a weft.granted y z")
	s.play(kept.PoolsFlow, pool(1))
}

// What a run gives up in the moment in which it is wanted is not lent to it for ever.
func TestAKeyThatIsFreedAndWantedAgainIsLentAgain(t *testing.T) {
	s := onStage(t)
	s.wants("a", "x")
	s.hears("a weft.granted x")
	s.then(func() { // in one turn, as one of a lost attempt
		s.env.SignalWorkflowSkippingWorkflowTask(wire.SignalFree, frees("a", "x"))
		s.env.SignalWorkflow(wire.SignalWant, wants("a", "x"))
	})
	s.hears("a weft.granted x")
	s.play(kept.PoolsFlow, pool(1))
}

// What is lent and wanted goes along into a new execution.
func TestPoolsGoOnAsTheyWere(t *testing.T) {
	s := onStage(t)
	s.wants("a", "x", "y")
	s.hears("a weft.granted x")
	anew := s.play(kept.PoolsFlow, pool(1))
	p := &kept.Pools{}
	if err := decode(anew, p); err != nil {
		t.Fatal(err)
	}
	next := onStage(t)
	next.hears()
	next.frees("a", "x")
	next.hears("a weft.granted y")
	next.play(kept.PoolsFlow, p)
}

func decode(anew *workflow.ContinueAsNewError, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(anew.Input, into)
}
