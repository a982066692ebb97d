// Package batch is the plugin batch.job: a job of AWS Batch, which weft watches. What a task may say of
// credentials, region and endpoint are the AWS_* variables of its environment (awsconf). The shapes are
// those of the Batch API Reference, of 2016-08-10.
package batch

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Job is the plugin batch.job.
//
// SubmitJob has no client token. The token of a submission therefore ends the job's name, and a job is
// found by that name in its queue, where ListJobs has it from its beginning to a week after its end.
type Job struct{}

var (
	_ plugins.Plugin       = Job{}
	_ plugins.RemoteWork   = Job{}
	_ plugins.Finder       = Job{}
	_ plugins.BatchChecker = Job{}
	_ plugins.InProcess    = Job{}
)

//go:embed input.json
var inputSchema []byte

//go:embed output.json
var outputSchema []byte

var service = awsconf.REST{ID: "Batch", Service: "batch"}

// Name implements plugins.Plugin.
func (Job) Name() string { return "batch.job" }

// InProcess implements plugins.InProcess.
func (Job) InProcess() {}

// Schema implements plugins.Plugin.
func (Job) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a job of AWS Batch to its end", Input: inputSchema, Output: outputSchema}
}

// Run implements plugins.Plugin.
func (Job) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "batch.job")
}

type with struct {
	JobQueue           string          `json:"job_queue"`
	JobDefinition      string          `json:"job_definition"`
	JobName            string          `json:"job_name"`
	Parameters         map[string]any  `json:"parameters"`
	ContainerOverrides map[string]any  `json:"container_overrides"`
	ArrayProperties    json.RawMessage `json:"array_properties"`
	RetryStrategy      json.RawMessage `json:"retry_strategy"`
	TimeoutSeconds     int             `json:"timeout_seconds"`
	ShareIdentifier    string          `json:"share_identifier"`
	Priority           *int            `json:"scheduling_priority_override"`
	NodeOverrides      json.RawMessage `json:"node_overrides"`
	ECSOverride        json.RawMessage `json:"ecs_properties_override"`
	EKSOverride        json.RawMessage `json:"eks_properties_override"`
	PropagateTags      *bool           `json:"propagate_tags"`
	Tags               map[string]any  `json:"tags"`
}

// A submit is the request of SubmitJob; what is absent the job definition says.
type submit struct {
	JobName            string            `json:"jobName"`
	JobQueue           string            `json:"jobQueue"`
	JobDefinition      string            `json:"jobDefinition"`
	Parameters         map[string]string `json:"parameters,omitempty"`
	ContainerOverrides map[string]any    `json:"containerOverrides,omitempty"`
	ArrayProperties    json.RawMessage   `json:"arrayProperties,omitempty"`
	RetryStrategy      json.RawMessage   `json:"retryStrategy,omitempty"`
	Timeout            map[string]int    `json:"timeout,omitempty"`
	ShareIdentifier    string            `json:"shareIdentifier,omitempty"`
	Priority           *int              `json:"schedulingPriorityOverride,omitempty"`
	NodeOverrides      json.RawMessage   `json:"nodeOverrides,omitempty"`
	ECSOverride        json.RawMessage   `json:"ecsPropertiesOverride,omitempty"`
	EKSOverride        json.RawMessage   `json:"eksPropertiesOverride,omitempty"`
	PropagateTags      *bool             `json:"propagateTags,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
}

// A target is what a job is found by.
type target struct {
	Queue string `json:"queue"`
	Name  string `json:"name,omitempty"`
}

// A handle is what is recorded of a job.
type handle struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Region string `json:"region"`
}

func (h handle) String() string { return fmt.Sprintf("batch job %s %s", h.Name, h.ID) }

const mostName = 128

// request makes the request out of the input.
func request(input json.RawMessage, token string) (submit, error) {
	var in with
	if err := awscall.Input(input, &in); err != nil {
		return submit{}, err
	}
	req := submit{
		JobName: awscall.Named(in.JobName, token, mostName), JobQueue: in.JobQueue, JobDefinition: in.JobDefinition,
		ContainerOverrides: in.ContainerOverrides, ArrayProperties: in.ArrayProperties, RetryStrategy: in.RetryStrategy,
		ShareIdentifier: in.ShareIdentifier, Priority: in.Priority, NodeOverrides: in.NodeOverrides,
		ECSOverride: in.ECSOverride, EKSOverride: in.EKSOverride, PropagateTags: in.PropagateTags,
	}
	for what, name := range map[string]string{"job_queue": in.JobQueue, "job_definition": in.JobDefinition} {
		if strings.TrimSpace(name) == "" {
			return req, plugins.Errorf(plugins.BadInput, "cannot submit a batch job without a %s", what)
		}
	}
	if in.TimeoutSeconds > 0 {
		req.Timeout = map[string]int{"attemptDurationSeconds": in.TimeoutSeconds}
	}
	var err error
	if req.Parameters, err = awscall.Texts("the parameter", in.Parameters); err != nil {
		return req, err
	}
	if req.Tags, err = awscall.Texts("the tag", in.Tags); err != nil {
		return req, err
	}
	return req, awscall.Values(in.ContainerOverrides)
}

// Target implements plugins.RemoteWork.
func (Job) Target(input json.RawMessage) (json.RawMessage, error) {
	var in with
	if _, err := request(input, ""); err != nil {
		return nil, err
	}
	if err := awscall.Input(input, &in); err != nil {
		return nil, err
	}
	return json.Marshal(target{in.JobQueue, in.JobName})
}

// ask makes a call. Batch's operations are all POST, and their paths are their names.
func ask(ctx context.Context, s *awsconf.Session, operation string, in, out any, how awsconf.Request) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	how.Permission, how.Method, how.Path, how.Body = operation, http.MethodPost, []string{"v1", strings.ToLower(operation)}, body
	how.Header = http.Header{"Content-Type": {"application/json"}}
	answer, err := service.Do(ctx, s, how)
	if err != nil || out == nil {
		return err
	}
	return awscall.Answer(answer.Body, out)
}

// How a call may be tried.
var (
	once  = awsconf.Request{Once: true}
	again = awsconf.Request{Again: true}
)

// meanings: ClientException is all that Batch says of what is asked wrongly.
var meanings = awscall.Meanings{"ClientException": {Kind: plugins.BadInput}}

// Submit implements plugins.RemoteWork.
func (Job) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	req, err := request(call.Input, sub.Token)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	var out struct {
		ID string `json:"jobId"`
	}
	err = awscall.Patiently(ctx, call, func() error { return ask(ctx, s, "SubmitJob", req, &out, once) })
	if err != nil {
		return plugins.Handle{}, meanings.Work(ctx, "submit batch job "+req.JobName, err)
	}
	if out.ID == "" {
		return plugins.Handle{}, &plugins.Error{Kind: plugins.Remote, Unsure: true, Err: fmt.Errorf("cannot tell which batch job was submitted: the answer does not say")}
	}
	return awscall.Handle(handle{out.ID, req.JobName, s.Config.Region})
}

// Find implements plugins.Finder.
func (Job) Find(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, bool, error) {
	t, err := awscall.Recorded[target](sub.Target)
	if err != nil {
		return plugins.Handle{}, false, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, false, err
	}
	name := awscall.Named(t.Name, sub.Token, mostName)
	req := map[string]any{"jobQueue": t.Queue, "filters": []map[string]any{{"name": "JOB_NAME", "values": []string{name}}}}
	type summary struct {
		ID      string `json:"jobId"`
		Created int64  `json:"createdAt"`
	}
	var first summary
	for { // a page may be empty, and not the last
		var page struct {
			List []summary `json:"jobSummaryList"`
			Next string    `json:"nextToken"`
		}
		if err := ask(ctx, s, "ListJobs", req, &page, again); err != nil {
			return plugins.Handle{}, false, meanings.Work(ctx, "look for batch job "+name, err)
		}
		for _, j := range page.List {
			if first.ID == "" || j.Created < first.Created {
				first = j
			}
		}
		if req["nextToken"] = page.Next; page.Next == "" {
			break
		}
	}
	if first.ID == "" {
		return plugins.Handle{}, false, nil
	}
	h, err := awscall.Handle(handle{first.ID, name, s.Config.Region})
	return h, err == nil, err
}

// Stop implements plugins.RemoteWork. Batch takes it of a job that has ended, too, and of one that has
// not begun.
func (Job) Stop(ctx context.Context, call *plugins.Call, raw json.RawMessage) error {
	h, err := awscall.Recorded[handle](raw)
	if err != nil {
		return err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return err
	}
	req := map[string]string{"jobId": h.ID, "reason": "stopped by weft"}
	return meanings.Work(ctx, "stop "+h.String(), ask(ctx, s, "TerminateJob", req, nil, again))
}
