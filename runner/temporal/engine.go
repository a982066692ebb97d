package temporal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"weft/handoff"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/temporalconf"
)

// Errors of an Engine; wrapped, so test with errors.Is. Whoever has a store makes its own of them.
var (
	ErrExists  = errors.New("a run of that id exists")
	ErrUnknown = errors.New("there is no such run on Temporal")
)

// An Engine keeps runs going on a Temporal server: it starts their workflows, and asks them. Nothing of a run is in this
// process. It may be used by many goroutines.
type Engine struct{ conf EngineConfig }

// EngineConfig is what an Engine is made of.
type EngineConfig struct {
	Client  client.Client
	Values  handoff.Backend // where plans are put for whoever carries out their tasks
	Place   string          // its URI
	Plugins *plugins.Registry
	// SourceOf tells where the files beside a DAG are, by the folder of its file; nil: there alone.
	SourceOf func(dir string) Source
	Pools    []string // those whose slots all workers share
	Now      func() time.Time
}

// NewEngine makes an engine.
func NewEngine(conf EngineConfig) *Engine {
	if conf.Now == nil {
		conf.Now = time.Now
	}
	if conf.SourceOf == nil {
		conf.SourceOf = func(dir string) Source { return Source{Dir: dir} }
	}
	slices.Sort(conf.Pools)
	return &Engine{conf}
}

var _ runner.Engine = (*Engine)(nil)

// How long one call may take while somebody waits.
const (
	callTime  = 10 * time.Second
	queryTime = 5 * time.Second // a worker has to answer it
)

// memoDAG is a note of a run's workflow that tells its DAG's id: the id of a manual run does not.
const memoDAG = "dag"

// Start implements runner.Engine. A run whose id exists is ErrExists, as long as the namespace keeps it.
func (e *Engine) Start(ctx context.Context, req runner.Request) (run string, err error) {
	now := e.conf.Now().UTC().Truncate(time.Microsecond)
	if req.Run == "" {
		req.Run = runner.RunID(req.Type, req.LogicalDate, now)
	}
	run = machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	cannot := func(err error) error { return fmt.Errorf("cannot start run %s on Temporal: %w", run, err) }
	body, err := e.keep(ctx, req.Plan)
	if err != nil {
		return run, cannot(err)
	}
	started, err := req.Started(body.Hash)
	if err != nil {
		return run, err
	}
	started.Hold = true // until its DAG's line lets it in
	in := RunInput{Plans: []Body{body}, Source: e.conf.SourceOf(req.Dir), Pools: e.conf.Pools, Started: &started}
	err = e.begin(ctx, run, req.Plan.DAG, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, in)
	if temporalconf.FaultOf(err) == temporalconf.Exists {
		return run, fmt.Errorf("cannot start run %s: %w", run, ErrExists)
	}
	if err != nil {
		return run, cannot(err)
	}
	return run, nil
}

// begin starts a run's workflow, unless one goes on under its id.
func (e *Engine) begin(ctx context.Context, run, dag string, reuse enums.WorkflowIdReusePolicy, in RunInput) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	_, err := e.conf.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: RunID(run), TaskQueue: Queue, WorkflowIDReusePolicy: reuse,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{memoDAG: dag}, StaticSummary: dag,
	}, RunWorkflow, in)
	return temporalconf.Explain(err)
}

// keep puts a plan where workers find it, and makes of it what its workflow is given.
func (e *Engine) keep(ctx context.Context, plan *machine.Plan) (Body, error) {
	body, hash := plan.Encode()
	if err := e.PutPlan(ctx, hash, body); err != nil {
		return Body{}, err
	}
	return Body{Hash: hash, Plan: body, Elsewhere: e.elsewhere(plan)}, nil
}

// PutPlan puts a plan's encoded form into the handoff, where it stays.
func (e *Engine) PutPlan(ctx context.Context, hash string, body []byte) error {
	_, err := e.conf.Values.Put(ctx, PlanKey(hash), bytes.NewReader(body), int64(len(body)))
	return err
}

// body gets a plan that was put.
func (e *Engine) body(ctx context.Context, hash string) (Body, error) {
	raw, err := handoff.Load(ctx, e.conf.Values, e.conf.Place, PlanKey(hash), maxPlan)
	if err != nil {
		return Body{}, fmt.Errorf("cannot get plan %s: %w", hash, err)
	}
	plan, err := Body{Hash: hash, Plan: raw}.read()
	if err != nil {
		return Body{}, err
	}
	return Body{Hash: hash, Plan: raw, Elsewhere: e.elsewhere(plan)}, nil
}

// elsewhere are the plugins of a plan whose work lives elsewhere.
func (e *Engine) elsewhere(plan *machine.Plan) (names []string) {
	for _, name := range plan.Uses() {
		if _, remote := e.conf.Plugins.Get(name).(plugins.RemoteWork); remote {
			names = append(names, name)
		}
	}
	return names
}

// Resume implements runner.Engine: a run on Temporal always goes on.
func (e *Engine) Resume(context.Context, string) error { return nil }

// ResumeAll is Resume of many.
func (e *Engine) ResumeAll(context.Context, ...string) map[string]error { return nil }

// Cancel implements runner.Engine. A run that is over stays as it is.
func (e *Engine) Cancel(ctx context.Context, run, by, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := temporalconf.Explain(e.conf.Client.SignalWorkflow(ctx, RunID(run), "", SignalCancel, machine.CancelAsked{By: by, Reason: reason}))
	if temporalconf.FaultOf(err) == temporalconf.NotFound {
		if _, err := e.describe(ctx, run); err != nil {
			return err
		}
		return nil
	}
	return cannot("cancel", run, err)
}

// Wait implements runner.Engine.
func (e *Engine) Wait(ctx context.Context, run string) (machine.Summary, error) {
	for {
		// How the workflow ended its summary says: of a run that failed that is an error, too.
		failed := e.conf.Client.GetWorkflow(ctx, RunID(run), "").Get(ctx, nil)
		if ctx.Err() != nil {
			return machine.Summary{}, ctx.Err()
		}
		r, _, err := e.Run(ctx, run)
		switch {
		case err == nil && r.State().Terminal():
			return r.Summarize(), nil
		case err != nil && !isTemporary(err):
			return machine.Summary{}, err
		case err == nil && failed != nil && !isTemporary(temporalconf.Explain(failed)) && !r.State().Terminal():
			if open, err := e.open(ctx, run); err == nil && !open {
				return machine.Summary{}, fmt.Errorf("cannot see the end of run %s: its workflow was ended in Temporal: %w", run, temporalconf.Explain(failed))
			}
		}
		select {
		case <-ctx.Done():
			return machine.Summary{}, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// cannot says what could not be done to a run; nil stays nil.
func cannot(what, run string, err error) error {
	if err == nil {
		return nil
	}
	if temporalconf.FaultOf(err) == temporalconf.NotFound {
		return fmt.Errorf("cannot %s run %s: %w", what, run, ErrUnknown)
	}
	if err = temporalconf.Explain(err); temporalconf.FaultOf(err) == temporalconf.Unreached {
		return fmt.Errorf("cannot %s run %s: Temporal cannot be reached: %w", what, run, err)
	}
	return fmt.Errorf("cannot %s run %s: %w", what, run, err)
}
