package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"weft/machine"
	"weft/temporalconf"
)

// Run returns a run as it stands, to look at, and how many events it is folded from. It may be over.
func (e *Engine) Run(ctx context.Context, run string) (*machine.Run, uint64, error) {
	v := view{engine: e, run: run}
	if _, err := v.look(ctx); err != nil {
		return nil, 0, err
	}
	return v.state, v.seq, nil
}

// A view is a run as somebody sees it who looks again and again.
type view struct {
	engine *Engine
	run    string
	plans  *plans
	state  *machine.Run
	seq    uint64
	source Source
}

// look asks for what is new; false if nothing is.
func (v *view) look(ctx context.Context) (changed bool, err error) {
	var s Snapshot
	ask := Asked{Seq: v.seq}
	if v.plans != nil {
		ask.Plans = len(v.plans.bodies)
	}
	if err := v.engine.query(ctx, v.run, ask, &s); err != nil {
		return false, err
	}
	if v.state != nil && s.State == nil {
		return false, nil
	}
	if s.State == nil {
		return false, &temporalconf.Error{Fault: temporalconf.NoWorker, Text: "cannot look at run " + v.run + ": it has not begun yet"}
	}
	if v.plans == nil {
		v.plans, err = newPlans(s.Plans)
	} else {
		err = v.plans.add(s.Plans)
	}
	if err != nil {
		return false, fmt.Errorf("cannot look at run %s: %w", v.run, err)
	}
	if v.state, err = machine.Restore(v.plans.find, s.State); err != nil {
		return false, fmt.Errorf("cannot look at run %s: %w", v.run, err)
	}
	v.seq, v.source = s.Seq, s.Source
	return true, nil
}

// query asks a run's workflow for its snapshot. A worker answers: that there is none is another error than that there
// is no run.
func (e *Engine) query(ctx context.Context, run string, ask Asked, out *Snapshot) error {
	at, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	answer, err := e.conf.Client.QueryWorkflow(at, RunID(run), "", QuerySnapshot, ask)
	if err == nil {
		err = answer.Get(out)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err = temporalconf.Explain(err); temporalconf.FaultOf(err) == temporalconf.Unreached {
		err = e.unanswered(ctx, run, err)
	}
	return cannot("look at", run, err)
}

// unanswered says why a question that a worker has to answer has no answer: err, unless the server is there.
func (e *Engine) unanswered(ctx context.Context, run string, err error) error {
	no := func(text, hint string) error {
		return &temporalconf.Error{Fault: temporalconf.NoWorker, Text: text, Hint: hint}
	}
	if e.deserted(ctx, Queue, enums.TASK_QUEUE_TYPE_WORKFLOW) {
		return no("no worker hosts runs", "start one: weft worker")
	}
	d, failed := e.describe(ctx, run)
	switch {
	case failed != nil:
		return err
	case d.GetPendingWorkflowTask().GetAttempt() > 2: // no worker has made anything of it for some tries
		return no("the workers that host runs cannot follow it", "their logs say why; a run of a newer weft waits for a worker of that weft")
	}
	return no("no worker has answered", "the one that hosts it is busy, or has just gone: ask again in a while")
}

// deserted tells that nobody polls a task queue.
func (e *Engine) deserted(ctx context.Context, queue string, kind enums.TaskQueueType) bool {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	d, err := e.conf.Client.DescribeTaskQueue(ctx, queue, kind)
	return err == nil && len(d.GetPollers()) == 0
}

// describe asks the server alone about a run.
func (e *Engine) describe(ctx context.Context, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	d, err := e.conf.Client.DescribeWorkflowExecution(ctx, RunID(run), "")
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("cannot find run %s: %w", run, ErrUnknown)
	}
	return d, cannot("look at", run, err)
}

// open tells whether a run's workflow goes on.
func (e *Engine) open(ctx context.Context, run string) (bool, error) {
	d, err := e.describe(ctx, run)
	if err != nil {
		return false, err
	}
	return d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// A Pending is an attempt that was ordered and that nobody carries out at the moment.
type Pending struct {
	Task  string
	Queue string // task queue
	Why   string // in a user's words
}

// Look tells where a run stands, and of its attempts that wait for somebody to carry them out. What a machine takes for
// running has been handed to the server; whether a worker has it the server alone knows.
func (e *Engine) Look(ctx context.Context, run string) (*machine.Run, machine.Summary, uint64, error) {
	r, seq, err := e.Run(ctx, run)
	if err != nil {
		return nil, machine.Summary{}, 0, err
	}
	sum := r.Summarize()
	if !sum.State.Terminal() {
		if d, err := e.describe(ctx, run); err == nil {
			overlay(&sum, e.waiting(ctx, d.GetPendingActivities()))
		}
	}
	return r, sum, seq, nil
}

// waiting tells why pending activities are not carried out, by their ids.
func (e *Engine) waiting(ctx context.Context, pending []*workflowpb.PendingActivityInfo) map[string]string {
	why, deserted := map[string]string{}, map[string]bool{}
	for _, p := range pending {
		if p.GetState() != enums.PENDING_ACTIVITY_STATE_SCHEDULED {
			continue
		}
		failure := p.GetLastFailure()
		kind := failure.GetApplicationFailureInfo().GetType()
		queue := p.GetActivityOptions().GetTaskQueue().GetName()
		switch {
		case kind == ErrNotYet: // it waits for its next poll
		case kind == ErrUnready:
			why[p.GetActivityId()] = failure.GetMessage()
		case queue == "":
		default:
			if _, asked := deserted[queue]; !asked {
				deserted[queue] = e.deserted(ctx, queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
			}
			why[p.GetActivityId()] = "waits for a worker of queue " + queueOf(queue)
			if deserted[queue] {
				why[p.GetActivityId()] += ": none is there"
			}
		}
	}
	return why
}

// queueOf is the `queue:` of a task queue.
func queueOf(taskQueue string) string {
	return taskQueue[min(len(Queue)+1, len(taskQueue)):]
}

// overlay has what is not carried out be queued.
func overlay(sum *machine.Summary, why map[string]string) {
	for id, reason := range why {
		key, ok := attemptOf(id)
		if !ok {
			continue
		}
		t, ok := sum.Tasks[key.Task]
		if !ok {
			continue
		}
		if key.Index < 0 && !t.State.Finished() {
			t.State, t.Reason, t.StartedAt = machine.Queued, reason, time.Time{}
		}
		for i := range t.Instances {
			if in := &t.Instances[i]; in.Index == key.Index && !in.State.Finished() {
				in.State, in.Reason = machine.Queued, reason
			}
		}
		sum.Tasks[key.Task] = t
	}
}
