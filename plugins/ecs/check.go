package ecs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// mostTasks is how many tasks DescribeTasks takes.
const mostTasks = 100

// unseen is how long a task that was just run may not be told of: ECS's answers are consistent in the
// end. One that is older, in a cluster that answers, is forgotten.
const unseen = 10 * time.Minute

// A detail is what of a Task is looked at.
type detail struct {
	TaskARN       string         `json:"taskArn"`
	LastStatus    string         `json:"lastStatus"`
	StopCode      string         `json:"stopCode"`
	StoppedReason string         `json:"stoppedReason"`
	CreatedAt     awscall.Moment `json:"createdAt"`
	StartedAt     awscall.Moment `json:"startedAt"`
	StoppedAt     awscall.Moment `json:"stoppedAt"`
	Containers    []container    `json:"containers"`
}

type container struct {
	Name     string `json:"name"`
	ExitCode *int   `json:"exitCode"`
	Reason   string `json:"reason"`
}

func (d detail) handle(s *awsconf.Session, t target, sub plugins.Submission) handle {
	return handle{Task: d.TaskARN, Cluster: cmp.Or(clusterOf(d.TaskARN), t.Cluster), Container: t.Container, Since: sub.Intended, Region: s.Config.Region}
}

// clusterOf is the ARN of a task's cluster, of the form that ARNs have had since 2018,
// arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID; "" of those before.
func clusterOf(task string) string {
	before, rest, ok := strings.Cut(task, ":task/")
	cluster, _, long := strings.Cut(rest, "/")
	if !ok || !long {
		return ""
	}
	return before + ":cluster/" + cluster
}

// Check implements plugins.RemoteWork.
func (t Task) Check(ctx context.Context, call *plugins.Call, raw json.RawMessage) (plugins.Progress, error) {
	return awscall.One(t.CheckAll(ctx, call, []json.RawMessage{raw}))
}

// Batch implements plugins.BatchChecker: the tasks of one cluster.
func (Task) Batch(raw json.RawMessage) string {
	h, err := awscall.Recorded[handle](raw)
	if err != nil {
		return string(raw)
	}
	return h.Region + "/" + h.Cluster
}

// CheckAll implements plugins.BatchChecker.
func (Task) CheckAll(ctx context.Context, call *plugins.Call, handles []json.RawMessage) ([]plugins.Progress, error) {
	return awscall.Parts(handles, mostTasks, func(part []json.RawMessage, into []plugins.Progress) error {
		return describe(ctx, call, part, into)
	}), nil
}

func describe(ctx context.Context, call *plugins.Call, handles []json.RawMessage, into []plugins.Progress) error {
	at, arns, hs := map[string]int{}, make([]string, len(handles)), make([]handle, len(handles))
	for i, raw := range handles {
		h, err := awscall.Recorded[handle](raw)
		if err != nil {
			return err
		}
		hs[i], at[h.Task], arns[i] = h, i, h.Task
		into[i].Unasked = plugins.Errorf(plugins.Temporary, "cannot look at %s: ECS does not tell of it", h)
	}
	s, err := awscall.Reach(ctx, call, hs[0].Region)
	if err != nil {
		return err
	}
	req := map[string]any{"tasks": arns}
	if hs[0].Cluster != "" {
		req["cluster"] = hs[0].Cluster
	}
	var out struct {
		Tasks    []detail `json:"tasks"`
		Failures []failed `json:"failures"`
	}
	if err := service.Once(ctx, s, "DescribeTasks", req, &out); err != nil {
		what := "look at the tasks of ECS"
		if len(hs) == 1 {
			what = "look at " + hs[0].String()
		}
		return meanings.Work(ctx, what, err)
	}
	for _, d := range out.Tasks {
		if i, ours := at[d.TaskARN]; ours {
			if into[i], err = hs[i].progress(d); err != nil {
				return err
			}
		}
	}
	for _, f := range out.Failures {
		if i, ours := at[f.ARN]; ours && f.Reason == "MISSING" && call.Now().Sub(hs[i].Since) > unseen {
			into[i] = hs[i].forgotten()
		}
	}
	return nil
}

// forgotten is the end of a task that ECS does not know any more. That somebody else's credentials ask is
// no reason for it: the cluster is named by its ARN, and theirs would be denied.
func (h handle) forgotten() plugins.Progress {
	return plugins.Progress{State: "MISSING", Done: true, Failed: &plugins.Error{
		Kind: plugins.Remote, Err: fmt.Errorf("%s has ended, and nobody knows how: ECS does not tell of it any more (MISSING)", h),
		Hint: "ECS tells of a task for an hour after its end; it was not asked for so long",
	}}
}

// A done is the output.
type done struct {
	TaskARN       string  `json:"task_arn"`
	State         string  `json:"state"`
	StoppedReason *string `json:"stopped_reason"`
	CreatedAt     *string `json:"created_at"`
	StartedAt     *string `json:"started_at"`
	StoppedAt     *string `json:"stopped_at"`
	Containers    []ended `json:"containers"`
}

type ended struct {
	Name     string  `json:"name"`
	ExitCode *int    `json:"exit_code"`
	Reason   *string `json:"reason"`
}

// progress reads a task's state. One that is not known here goes on.
func (h handle) progress(d detail) (plugins.Progress, error) {
	p := plugins.Progress{State: d.LastStatus}
	if d.LastStatus != "STOPPED" && d.LastStatus != "DELETED" {
		return p, nil
	}
	p.Done = true
	if p.Failed = h.failure(d); p.Failed != nil {
		return p, nil
	}
	out := done{
		TaskARN: d.TaskARN, State: d.LastStatus, StoppedReason: orNull(d.StoppedReason),
		CreatedAt: d.CreatedAt.Stamp(), StartedAt: d.StartedAt.Stamp(), StoppedAt: d.StoppedAt.Stamp(), Containers: []ended{},
	}
	for _, c := range d.Containers {
		out.Containers = append(out.Containers, ended{c.Name, c.ExitCode, orNull(c.Reason)})
	}
	raw, err := json.Marshal(out)
	p.Result = plugins.Result{Output: raw}
	return p, err
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// codes says what ECS's stop codes mean, where that is more than that its containers exited; and which
// of them are no fault of the task.
var codes = map[string]struct {
	how  string
	kind plugins.Kind
}{
	"TaskFailedToStart":         {"did not start", plugins.Remote},
	"UserInitiated":             {"was stopped", plugins.Remote},
	"ServiceSchedulerInitiated": {"was stopped by its service", plugins.Remote},
	"SpotInterruption":          {"lost its Spot capacity", plugins.Temporary},
	"TerminationNotice":         {"lost its machine", plugins.Temporary},
	"InfrastructureHealth":      {"lost its machine", plugins.Temporary},
}

// failure says why a task that has stopped did not succeed; nil if it did. As Airflow's operator has it
// (EcsRunTaskOperator._check_success_task), each container must have exited with 0, unless one is named.
func (h handle) failure(d detail) *plugins.Error {
	code, told := codes[d.StopCode]
	if d.StopCode == "" && d.StoppedReason == stopReason { // of doubles that have no codes
		code, told = codes["UserInitiated"], true
	}
	how, kind := cmp.Or(code.how, "has failed"), cmp.Or(code.kind, plugins.Remote)
	var why []string
	if d.StoppedReason != "" {
		why = append(why, d.StoppedReason)
	}
	var exit *int
	good, counted := !told, 0
	for _, c := range d.Containers {
		if h.Container != "" && c.Name != h.Container {
			continue
		}
		counted++
		if c.ExitCode != nil && *c.ExitCode == 0 {
			continue
		}
		good = false
		text := fmt.Sprintf("container %s never ran", c.Name)
		if c.ExitCode != nil {
			text = fmt.Sprintf("container %s exited with status %d", c.Name, *c.ExitCode)
			exit = cmp.Or(exit, c.ExitCode)
		}
		if c.Reason != "" && c.Reason != d.StoppedReason {
			text += ": " + c.Reason
		}
		why = append(why, text)
	}
	if h.Container != "" && counted == 0 {
		good = false
		why = append(why, fmt.Sprintf("it has no container %s", h.Container))
	}
	if good {
		return nil
	}
	e := &plugins.Error{Kind: kind, Err: fmt.Errorf("%s %s (%s)", h, how, cmp.Or(d.StopCode, d.LastStatus)), Exit: exit}
	if len(why) > 0 {
		e.Err = fmt.Errorf("%w: %s", e.Err, strings.Join(why, "; "))
	}
	return e
}
