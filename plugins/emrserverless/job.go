// Package emrserverless is the plugin emr_serverless.job: a job run of an application of Amazon EMR
// Serverless, which weft watches. What a task may say of credentials, region and endpoint are the AWS_*
// variables of its environment (awsconf). The shapes are those of the EMR Serverless API Reference, of
// 2021-07-13.
package emrserverless

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Job is the plugin emr_serverless.job.
//
// StartJobRun is idempotent under its clientToken: a start that may have been lost is made again, and
// gives the run that was begun. So there is nothing to find.
type Job struct{}

var (
	_ plugins.Plugin     = Job{}
	_ plugins.RemoteWork = Job{}
	_ plugins.InProcess  = Job{}
)

//go:embed input.json
var inputSchema []byte

//go:embed output.json
var outputSchema []byte

var service = awsconf.REST{ID: "EMR Serverless", Service: "emr-serverless"}

// Name implements plugins.Plugin.
func (Job) Name() string { return "emr_serverless.job" }

// InProcess implements plugins.InProcess.
func (Job) InProcess() {}

// Schema implements plugins.Plugin.
func (Job) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a job of EMR Serverless to its end", Input: inputSchema, Output: outputSchema}
}

// Run implements plugins.Plugin.
func (Job) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "emr_serverless.job")
}

type with struct {
	Application    string          `json:"application_id"`
	Role           string          `json:"execution_role_arn"`
	Driver         *driver         `json:"job_driver"`
	Overrides      json.RawMessage `json:"configuration_overrides"`
	Name           string          `json:"name"`
	TimeoutMinutes int             `json:"execution_timeout_minutes"`
	Policy         json.RawMessage `json:"execution_iam_policy"`
	Retry          json.RawMessage `json:"retry_policy"`
	Flex           json.RawMessage `json:"flex_execution"`
	Tags           map[string]any  `json:"tags"`
}

type driver struct {
	Spark map[string]any  `json:"sparkSubmit,omitempty"`
	Hive  json.RawMessage `json:"hive,omitempty"`
}

// A start is the request of StartJobRun.
type start struct {
	Token          string            `json:"clientToken"`
	Role           string            `json:"executionRoleArn"`
	Driver         *driver           `json:"jobDriver,omitempty"`
	Overrides      json.RawMessage   `json:"configurationOverrides,omitempty"`
	Name           string            `json:"name,omitempty"`
	TimeoutMinutes int               `json:"executionTimeoutMinutes,omitempty"`
	Policy         json.RawMessage   `json:"executionIamPolicy,omitempty"`
	Retry          json.RawMessage   `json:"retryPolicy,omitempty"`
	Flex           json.RawMessage   `json:"flexExecution,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
}

// A handle is what is recorded of a run.
type handle struct {
	Application string `json:"application"`
	Run         string `json:"run"`
	Region      string `json:"region"`
}

func (h handle) String() string {
	return fmt.Sprintf("job run %s of emr serverless application %s", h.Run, h.Application)
}

// request makes the request out of the input.
func request(input json.RawMessage, token string) (application string, req start, err error) {
	var in with
	if err := awscall.Input(input, &in); err != nil {
		return "", start{}, err
	}
	req = start{
		Token: token, Role: in.Role, Driver: in.Driver, Overrides: in.Overrides, Name: in.Name, TimeoutMinutes: in.TimeoutMinutes,
		Policy: in.Policy, Retry: in.Retry, Flex: in.Flex,
	}
	if in.Application == "" {
		return "", req, plugins.Errorf(plugins.BadInput, "cannot start a job of EMR Serverless without an application_id")
	}
	if in.Driver != nil {
		args, _ := in.Driver.Spark["entryPointArguments"].([]any)
		for i, v := range args {
			text, err := awscall.Text(v)
			if err != nil {
				return "", req, plugins.Errorf(plugins.BadInput, "cannot pass argument %d: %w", i+1, err)
			}
			args[i] = text
		}
	}
	req.Tags, err = awscall.Texts("the tag", in.Tags)
	return in.Application, req, err
}

// Target implements plugins.RemoteWork. The token is all that it takes.
func (Job) Target(input json.RawMessage) (json.RawMessage, error) {
	_, _, err := request(input, "")
	return json.RawMessage("{}"), err
}

// ConflictException is of a token that was used with another request: a run goes on that only its
// console can name.
var meanings = awscall.Meanings{
	"ValidationException":           {Kind: plugins.BadInput},
	"ResourceNotFoundException":     {Kind: plugins.BadInput, Text: "there is no such application or run", Hint: "check application_id, AWS_REGION and AWS_PROFILE"},
	"ConflictException":             {Kind: plugins.Remote, Hint: "a run may have begun; look at the application's runs"},
	"ServiceQuotaExceededException": {Kind: plugins.Temporary},
}

// Submit implements plugins.RemoteWork.
func (Job) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	application, req, err := request(call.Input, sub.Token)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	body, err := json.Marshal(req)
	if err != nil {
		return plugins.Handle{}, err
	}
	var out struct {
		Run string `json:"jobRunId"`
	}
	err = ask(ctx, s, awsconf.Request{
		Permission: "StartJobRun", Method: http.MethodPost, Path: []string{"applications", application, "jobruns"}, Body: body, Once: true,
		Header: http.Header{"Content-Type": {"application/json"}},
	}, &out)
	if err != nil {
		return plugins.Handle{}, awscall.Again(meanings.Work(ctx, "start a job of application "+application, err))
	}
	if out.Run == "" {
		return plugins.Handle{}, &plugins.Error{Kind: plugins.Temporary, Unsure: true, Err: fmt.Errorf("cannot tell which run of application %s was started: the answer does not say", application)}
	}
	return awscall.Handle(handle{application, out.Run, s.Config.Region})
}

// ask makes a call.
func ask(ctx context.Context, s *awsconf.Session, q awsconf.Request, out any) error {
	answer, err := service.Do(ctx, s, q)
	if err != nil || out == nil {
		return err
	}
	return awscall.Answer(answer.Body, out)
}

// reach reads a handle and finds the way to it.
func reach(ctx context.Context, call *plugins.Call, raw json.RawMessage) (h handle, path []string, s *awsconf.Session, err error) {
	if h, err = awscall.Recorded[handle](raw); err == nil {
		s, err = awscall.Reach(ctx, call, h.Region)
	}
	return h, []string{"applications", h.Application, "jobruns", h.Run}, s, err
}

// A jobRun is what of a JobRun is looked at.
type jobRun struct {
	State        string         `json:"state"`
	StateDetails string         `json:"stateDetails"`
	CreatedAt    awscall.Moment `json:"createdAt"`
	StartedAt    awscall.Moment `json:"startedAt"`
	EndedAt      awscall.Moment `json:"endedAt"`
	Seconds      int            `json:"totalExecutionDurationSeconds"`
}

// Check implements plugins.RemoteWork.
func (Job) Check(ctx context.Context, call *plugins.Call, raw json.RawMessage) (plugins.Progress, error) {
	h, path, s, err := reach(ctx, call, raw)
	if err != nil {
		return plugins.Progress{}, err
	}
	var out struct {
		Run jobRun `json:"jobRun"`
	}
	if err := ask(ctx, s, awsconf.Request{Permission: "GetJobRun", Method: http.MethodGet, Path: path, Once: true}, &out); err != nil {
		return plugins.Progress{}, meanings.Work(ctx, "look at "+h.String(), err)
	}
	return h.progress(out.Run)
}

// A done is the output.
type done struct {
	Application string  `json:"application_id"`
	Run         string  `json:"job_run_id"`
	State       string  `json:"state"`
	Details     *string `json:"state_details"`
	CreatedAt   *string `json:"created_at"`
	StartedAt   *string `json:"started_at"`
	EndedAt     *string `json:"ended_at"`
	Seconds     int     `json:"total_execution_duration_seconds"`
}

// progress reads a run's state. One that is not known here goes on.
func (h handle) progress(r jobRun) (plugins.Progress, error) {
	p := plugins.Progress{State: r.State}
	switch r.State {
	case "SUCCESS":
		out := done{h.Application, h.Run, r.State, nil, r.CreatedAt.Stamp(), r.StartedAt.Stamp(), r.EndedAt.Stamp(), r.Seconds}
		if r.StateDetails != "" {
			out.Details = &r.StateDetails
		}
		raw, err := json.Marshal(out)
		p.Done, p.Result = true, plugins.Result{Output: raw}
		return p, err
	case "FAILED", "CANCELLED":
		how := map[string]string{"FAILED": "has failed", "CANCELLED": "was stopped"}[r.State]
		p.Done, p.Failed = true, plugins.Errorf(plugins.Remote, "%s %s (%s)", h, how, r.State)
		if r.StateDetails != "" {
			p.Failed.Err = fmt.Errorf("%w: %s", p.Failed.Err, r.StateDetails)
		}
	}
	return p, nil
}

// Stop implements plugins.RemoteWork. A run that has ended is refused, which Check tells.
func (j Job) Stop(ctx context.Context, call *plugins.Call, raw json.RawMessage) error {
	h, path, s, err := reach(ctx, call, raw)
	if err != nil {
		return err
	}
	err = ask(ctx, s, awsconf.Request{Permission: "CancelJobRun", Method: http.MethodDelete, Path: path, Again: true}, nil)
	if awsconf.CodeOf(err) == "ValidationException" {
		if p, asked := j.Check(ctx, call, raw); asked == nil && (p.Done || p.State == "CANCELLING") {
			return nil
		}
	}
	return meanings.Work(ctx, "stop "+h.String(), err)
}
