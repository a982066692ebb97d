package temporal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	wire "weft/runner/temporal"
	"weft/store"
)

// Far is how what is remembered is reached. Errors are store.ErrGap where a DAG refuses who leads no more, store.ErrNotFound
// where nothing is remembered; all others may pass.
type Far interface {
	// DAGs lists those of which something is remembered. One that came a moment ago may be left out.
	DAGs(ctx context.Context) ([]string, error)
	Claim(ctx context.Context, dag string, c Claim) (Claimed, error)
	Settle(ctx context.Context, dag string, s Settle) (Settled, error)
	Arrive(ctx context.Context, a wire.Arrival) (wire.Place, error)
	Leave(ctx context.Context, d wire.Departure) error

	Kept(ctx context.Context, dag string) (Kept, error)
	Missed(ctx context.Context, dag string, limit int) ([]Numbered, error)
	Backfills(ctx context.Context, dag string, limit int) ([]store.Backfill, error)
	Runs(ctx context.Context, dag string, a Asked) ([]Known, error)
	Past(ctx context.Context, p wire.Past) (Earlier, error)

	// Busy lists the DAGs of which runs may go on; all is true if there may be others.
	Busy(ctx context.Context) (dags []string, all bool, err error)
	// Look tells of a run what its own workflow tells; Run.DAG is "" if that is not known.
	Look(ctx context.Context, run string) (store.Run, error)
}

// patience is how long one call waits for an answer: the server for a worker, or we for the server.
const patience = 30 * time.Second

// NewFar reaches the workflows of a server.
func NewFar(c client.Client) Far { return &far{client: c, crowds: map[string]*crowd{}} }

type far struct {
	client client.Client

	mu     sync.Mutex
	crowds map[string]*crowd // by DAG, of which something is under way
}

// update changes a DAG, and begins its workflow if there is none. One of the same id is carried out once.
func (f *far) update(ctx context.Context, dag, name, id string, arg, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := f.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: DAGID(dag), TaskQueue: wire.Queue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "what weft remembers of " + dag,
	}, DAGWorkflow, &Entity{})
	h, err := f.client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateID: id, UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err == nil {
		err = h.Get(ctx, out)
	}
	return said(dag, err)
}

func (f *far) query(ctx context.Context, dag, name string, arg, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var args []any
	if arg != nil {
		args = append(args, arg)
	}
	answer, err := f.client.QueryWorkflow(ctx, DAGID(dag), "", name, args...)
	if err == nil {
		err = answer.Get(out)
	}
	return said(dag, err)
}

// said makes an error of the server's one of a store's.
func said(dag string, err error) error {
	var refused *temporal.ApplicationError
	var missing *serviceerror.NotFound
	var late *serviceerror.DeadlineExceeded
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late):
		return unanswered{dag, err}
	case errors.As(err, &refused) && refused.Type() == errFenced:
		return fmt.Errorf("cannot change what is remembered of %s: %s: %w", dag, refused.Message(), store.ErrGap)
	case errors.As(err, &missing):
		return fmt.Errorf("nothing is remembered of %s: %w", dag, store.ErrNotFound)
	}
	return fmt.Errorf("cannot reach what is remembered of %s on Temporal: %w", dag, err)
}

// unanswered is that nobody has answered in time: the server asks a worker, and one that has died may be asked a while longer.
type unanswered struct {
	dag   string
	cause error
}

func (e unanswered) Error() string {
	return fmt.Sprintf("cannot reach what is remembered of %s on Temporal: no worker answers (a weft worker, or weft serve --engine temporal, has to be there)", e.dag)
}

func (e unanswered) Unwrap() error { return e.cause }

func (f *far) Claim(ctx context.Context, dag string, c Claim) (out Claimed, err error) {
	err = f.update(ctx, dag, updateClaim, fmt.Sprintf("claim-%d", c.Token), c, &out)
	return out, err
}

func (f *far) Settle(ctx context.Context, dag string, s Settle) (out Settled, err error) {
	err = f.update(ctx, dag, updateSettle, fmt.Sprintf("settle-%d-%d", s.Token, s.Seq), s, &out)
	return out, err
}

func (f *far) Arrive(ctx context.Context, a wire.Arrival) (out wire.Place, err error) {
	return f.inLine(ctx, a.DAG, Turn{Arrive: &a})
}

func (f *far) Leave(ctx context.Context, d wire.Departure) error {
	_, err := f.inLine(ctx, d.DAG, Turn{Leave: &d})
	return err
}

func (f *far) Kept(ctx context.Context, dag string) (out Kept, err error) {
	err = f.query(ctx, dag, queryKept, nil, &out)
	return out, err
}

func (f *far) Missed(ctx context.Context, dag string, limit int) (out []Numbered, err error) {
	err = f.query(ctx, dag, queryMissed, limit, &out)
	return out, err
}

func (f *far) Backfills(ctx context.Context, dag string, limit int) (out []store.Backfill, err error) {
	err = f.query(ctx, dag, queryBackfills, limit, &out)
	return out, err
}

func (f *far) Runs(ctx context.Context, dag string, a Asked) (out []Known, err error) {
	err = f.query(ctx, dag, queryRuns, a, &out)
	return out, err
}

func (f *far) Past(ctx context.Context, p wire.Past) (out Earlier, err error) {
	err = f.query(ctx, p.DAG, queryPast, p, &out)
	return out, err
}

func (f *far) DAGs(ctx context.Context) (out []string, err error) {
	err = f.list(ctx, DAGWorkflow, func(info *workflowpb.WorkflowExecutionInfo) {
		out = append(out, strings.TrimPrefix(info.GetExecution().GetWorkflowId(), dagPrefix))
	})
	slices.Sort(out)
	return slices.Compact(out), err
}

func (f *far) Busy(ctx context.Context) (out []string, all bool, err error) {
	err = f.list(ctx, wire.RunWorkflow, func(info *workflowpb.WorkflowExecutionInfo) {
		dag := dagOf(runOf(info.GetExecution().GetWorkflowId()))
		if dag == "" {
			dag = memoDAG(info)
		}
		if dag == "" {
			all = true
			return
		}
		out = append(out, dag)
	})
	slices.Sort(out)
	return slices.Compact(out), all, err
}

// list goes through the workflows of a type that go on, as far as they can be listed yet.
func (f *far) list(ctx context.Context, kind string, with func(*workflowpb.WorkflowExecutionInfo)) error {
	req := &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 1000, Query: fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running'", kind),
	}
	for {
		page, err := f.client.ListWorkflow(ctx, req)
		if err != nil {
			return fmt.Errorf("cannot list workflows of type %s on Temporal: %w", kind, err)
		}
		for _, info := range page.GetExecutions() {
			with(info)
		}
		if req.NextPageToken = page.GetNextPageToken(); len(req.NextPageToken) == 0 {
			return nil
		}
	}
}

// Look tells of a run by its workflow's own row.
func (f *far) Look(ctx context.Context, run string) (store.Run, error) {
	row, err := describe(ctx, f.client, wire.RunID(run))
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return row, fmt.Errorf("cannot find run %s: %w", run, store.ErrNotFound)
	}
	return row, err
}

// describe makes a row of what a server says of a run's workflow.
func describe(ctx context.Context, c client.Client, workflow string) (store.Run, error) {
	answer, err := c.DescribeWorkflowExecution(ctx, workflow, "")
	if err != nil {
		return store.Run{}, err
	}
	info := answer.GetWorkflowExecutionInfo()
	row := store.Run{ID: runOf(workflow), Type: "manual", State: states[info.GetStatus()]}
	row.CreatedAt = info.GetStartTime().AsTime()
	row.StartedAt, row.LogicalDate = row.CreatedAt, row.CreatedAt
	if row.State.Terminal() {
		row.FinishedAt = info.GetCloseTime().AsTime()
	}
	if row.DAG = dagOf(row.ID); row.DAG != "" {
		row.Type, _, _ = strings.Cut(row.RunID(), "__")
	} else {
		row.DAG = memoDAG(info)
	}
	if at, ok := LogicalOf(row.ID); ok {
		row.LogicalDate = at
	}
	return row.Kept(), nil
}

// dagOf is the DAG that the key of a dated run names; "" of a manual one.
func dagOf(run string) string {
	dag, _, dated := strings.Cut(run, "/")
	if !dated {
		return ""
	}
	return dag
}

func memoDAG(info *workflowpb.WorkflowExecutionInfo) (dag string) {
	if p := info.GetMemo().GetFields()[MemoDAG]; p != nil {
		_ = converter.GetDefaultDataConverter().FromPayload(p, &dag)
	}
	return dag
}
