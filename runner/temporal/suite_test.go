package temporal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
)

// stageOf is a run in virtual time.
func stageOf(t *testing.T, c *crew, change func(*testsuite.TestWorkflowEnvironment), in RunInput) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(runRun, workflow.RegisterOptions{Name: RunWorkflow})
	env.RegisterWorkflowWithOptions(runBatch, workflow.RegisterOptions{Name: BatchWorkflow})
	c.registry(env)
	if change != nil {
		change(env)
	}
	env.ExecuteWorkflow(RunWorkflow, in)
	return env
}

// TestRunOfANewerWeft: what this weft cannot follow fails its workflow task, which is tried again until a newer weft
// takes it, and not the run.
func TestRunOfANewerWeft(t *testing.T) {
	p := plan(t, nil, machine.Task{ID: "a"})
	newer := map[string]func(*RunInput){
		"its rules are newer":   func(in *RunInput) { in.Started.Rules = machine.Rules + 1 },
		"its plan is newer":     func(in *RunInput) { in.Plans[0].Plan = []byte(`{"format":99}`) },
		"its snapshot is newer": func(in *RunInput) { in.Started, in.Going = nil, &Going{Snapshot: []byte("weft run\n newer")} },
	}
	for name, change := range newer {
		t.Run(name, func(t *testing.T) {
			in := input(p, "r")
			change(&in)
			env := stageOf(t, newCrew(t, p), nil, in)
			var panicked *temporal.PanicError
			if err := env.GetWorkflowError(); !errors.As(err, &panicked) {
				t.Errorf("the workflow ended with %v", err)
			}
		})
	}
}

// TestGoesOn: a run whose history is long begins nothing new, waits for what is in hand, and takes everything along.
func TestGoesOn(t *testing.T) {
	p := plan(t, func(p *machine.Plan) { p.MaxActiveTasks = 2; p.Timeout = machine.Duration(time.Hour) },
		machine.Task{ID: "long"}, machine.Task{ID: "b", Retries: 1, RetryDelay: 2 * sec}, machine.Task{ID: "c", Needs: []string{"long"}})
	c := newCrew(t, p)
	var token []byte
	c.attempt = func(ctx context.Context, o machine.Order) (machine.Outcome, error) {
		if o.ID == "long" {
			token = activity.GetInfo(ctx).TaskToken
			return machine.Outcome{}, activity.ErrResultPending
		}
		if o.ID == "b" && o.Attempt == 1 {
			return failing("temporary"), nil
		}
		return machine.Outcome{State: ok}, nil
	}
	env := stageOf(t, c, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, time.Second)
		env.RegisterDelayedCallback(func() {
			if err := env.CompleteActivity(token, machine.Outcome{State: ok}, nil); err != nil {
				t.Error(err)
			}
		}, 5*time.Second)
	}, input(p, "r"))
	var on *workflow.ContinueAsNewError
	if err := env.GetWorkflowError(); !errors.As(err, &on) {
		t.Fatalf("it ended with %v", err)
	}
	var in RunInput
	if err := converter.GetDefaultDataConverter().FromPayloads(on.Input, &in); err != nil {
		t.Fatal(err)
	}
	if saw := strings.Join(c.notedOf("r"), ", "); strings.Contains(saw, "attempt b/-/0/2") || strings.Contains(saw, "attempt c") {
		t.Errorf("something began although it was to go on: %s", saw)
	}
	second := stageOf(t, c, nil, in)
	if err := second.GetWorkflowError(); err != nil {
		t.Fatalf("the second execution ended with %v", err)
	}
	if saw := strings.Join(c.notedOf("r"), ", "); strings.Count(saw, "arrive") != 1 || strings.Count(saw, "attempt long") != 1 || !strings.Contains(saw, "attempt b/-/0/2") || !strings.Contains(saw, "attempt c") {
		t.Errorf("it went on otherwise: %s", saw)
	}
}
