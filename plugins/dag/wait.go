package dag

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"weft/plugins"
)

// Wait is the plugin dag.wait: it holds once a run of another DAG, or a task of it, is in a state that is
// waited for.
type Wait struct{ Runs plugins.Runs }

var (
	_ plugins.Plugin    = Wait{}
	_ plugins.Sensor    = Wait{}
	_ plugins.Endless   = Wait{}
	_ plugins.InProcess = Wait{}
)

//go:embed wait_input.json
var waitInput []byte

//go:embed wait_output.json
var waitOutput []byte

// Name implements plugins.Plugin.
func (Wait) Name() string { return "dag.wait" }

// SensorByNature implements plugins.Sensor.
func (Wait) SensorByNature() {}

// Endless implements plugins.Endless: who knows whether the run will ever be.
func (Wait) Endless() {}

// InProcess implements plugins.InProcess.
func (Wait) InProcess() {}

// Schema implements plugins.Plugin.
func (Wait) Schema() plugins.Schema {
	return plugins.Schema{Title: "Waits for the run of another DAG for the same date, or for a task of it, holding no slot", Input: waitInput, Output: waitOutput}
}

type waitWith struct {
	ID          string
	Task        string
	LogicalDate string `json:"logical_date"`
	States      []string
}

// The states in which runs and tasks end.
var (
	runEnds  = []string{"success", "failed", "cancelled"}
	taskEnds = []string{"success", "failed", "skipped", "upstream_failed"}
)

// asked reads the input, and refuses to wait for what cannot be.
func asked(call *plugins.Call) (in waitWith, at time.Time, err error) {
	if in, err = read[waitWith](call.Input, theInput); err != nil {
		return in, at, err
	}
	if len(in.States) == 0 {
		in.States = []string{"success"}
	}
	ends, of := runEnds, "a run"
	if in.Task != "" {
		ends, of = taskEnds, "a task"
	}
	for _, s := range in.States {
		if !slices.Contains(ends, s) {
			return in, at, plugins.Errorf(plugins.BadInput, "cannot wait for the state %s: %s ends as %s", s, of, orWords(ends))
		}
	}
	at, err = dateOf(in.LogicalDate, call.By.LogicalDate)
	return in, at, err
}

func orWords(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Run implements plugins.Plugin: one poke.
//
// An end that is not among the states fails the poke, at once: Airflow's sensor goes on asking then, until
// its timeout, unless failed_states says otherwise, which nearly everybody who meets it has to write.
// `on_error: wait` waits on, for somebody may clear the run.
func (p Wait) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	if err := ctx.Err(); err != nil {
		return plugins.Result{}, err
	}
	in, at, err := asked(call)
	if err != nil {
		return plugins.Result{}, err
	}
	if p.Runs == nil {
		return plugins.Result{}, alone("dag.wait")
	}
	s, ok, err := p.Runs.Newest(ctx, in.ID, at, in.Task)
	if err != nil {
		return plugins.Result{}, err
	}
	if !ok {
		if call.Poke == 1 {
			call.Logf("there is no run of %s for %s yet", in.ID, at.Format(time.RFC3339Nano))
		}
		return plugins.Result{NotYet: true}, nil
	}
	if call.Poke == 1 {
		call.Logf("waiting for run %s of %s, which is %s", s.ID, in.ID, s.State)
	}
	state, over := s.State, s.Ended
	if in.Task != "" {
		if s.Task == "" {
			return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot wait for task %s of %s: run %s has no such task, but %s", in.Task, in.ID, s.ID, strings.Join(s.Tasks, ", "))
		}
		state, over = s.Task, slices.Contains(taskEnds, s.Task)
	}
	switch {
	case !over:
		return plugins.Result{NotYet: true}, nil
	case slices.Contains(in.States, state):
		return done{s.ID, state}.result()
	}
	return plugins.Result{}, missed(in, s, state)
}

// missed says that what was waited for did not come.
func missed(in waitWith, s plugins.RunStatus, state string) error {
	if in.Task == "" {
		return plugins.Errorf(plugins.Remote, "%s", ended(s.ID, in.ID, s))
	}
	err := fmt.Errorf("task %s of run %s of %s is %s, and not %s", in.Task, s.ID, in.ID, state, strings.Join(in.States, " or "))
	return &plugins.Error{Kind: plugins.Remote, Err: err}
}
