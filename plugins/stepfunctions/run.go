// Package stepfunctions is the plugin stepfunctions.run: an execution of a state machine of AWS Step
// Functions, which weft watches. What a task may say of credentials, region and endpoint are the AWS_*
// variables of its environment (awsconf). The shapes are those of the Step Functions API Reference, of
// 2016-11-23.
package stepfunctions

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Run is the plugin stepfunctions.run.
//
// The token is in the execution's name, and so in its ARN: an execution is found by asking for that.
// StartExecution under a name that is taken gives the execution that runs, or says that one has ended.
// That holds for workflows of type STANDARD. EXPRESS ones take a name twice, and are told of nowhere but
// in their logs: they are refused.
type Run struct{}

var (
	_ plugins.Plugin     = Run{}
	_ plugins.RemoteWork = Run{}
	_ plugins.Finder     = Run{}
	_ plugins.InProcess  = Run{}
)

//go:embed input.json
var inputSchema []byte

//go:embed output.json
var outputSchema []byte

var service = awsconf.JSON{ID: "SFN", Service: "states", Target: "AWSStepFunctions", Version: "1.0"}

// Name implements plugins.Plugin.
func (Run) Name() string { return "stepfunctions.run" }

// InProcess implements plugins.InProcess.
func (Run) InProcess() {}

// Schema implements plugins.Plugin.
func (Run) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a state machine of Step Functions to its end", Input: inputSchema, Output: outputSchema}
}

// Run implements plugins.Plugin.
func (Run) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "stepfunctions.run")
}

type with struct {
	Machine string `json:"state_machine_arn"`
	Input   json.RawMessage
	Name    string
	Trace   string `json:"trace_header"`
}

// A start is the request of StartExecution.
type start struct {
	StateMachineArn string `json:"stateMachineArn"`
	Name            string `json:"name"`
	Input           string `json:"input"`
	TraceHeader     string `json:"traceHeader,omitempty"`
}

// A target is what an execution is found by.
type target struct {
	Machine string `json:"machine"`
	Name    string `json:"name,omitempty"`
}

// A handle is what is recorded of an execution.
type handle struct {
	Execution string `json:"execution"` // its ARN
	Region    string `json:"region"`
}

func (h handle) String() string {
	parts := strings.Split(h.Execution, ":")
	return fmt.Sprintf("execution %s of state machine %s", parts[len(parts)-1], parts[max(0, len(parts)-2)])
}

const (
	mostInput = 256 << 10 // bytes
	mostName  = 80
)

// Target implements plugins.RemoteWork.
func (Run) Target(input json.RawMessage) (json.RawMessage, error) {
	var in with
	if err := awscall.Input(input, &in); err != nil {
		return nil, err
	}
	if parts := strings.Split(in.Machine, ":"); len(parts) < 7 || parts[2] != "states" || parts[5] != "stateMachine" || parts[6] == "" {
		return nil, &plugins.Error{
			Kind: plugins.BadInput, Err: fmt.Errorf("cannot start a state machine without its ARN: state_machine_arn is %q", in.Machine),
			Hint: "it looks like arn:aws:states:eu-west-1:111122223333:stateMachine:NAME",
		}
	}
	if n := len(in.Input); n > mostInput {
		return nil, &plugins.Error{
			Kind: plugins.BadInput, Err: fmt.Errorf("cannot start the state machine: the input has %d bytes, at most %d are allowed", n, mostInput),
			Hint: "put it into S3, and hand over its URI",
		}
	}
	return json.Marshal(target{in.Machine, in.Name})
}

// execution is the ARN that an execution of this target has under a token: the machine's, without
// version and alias.
func (t target) execution(token string) string {
	parts := strings.Split(t.Machine, ":")[:7]
	parts[5] = "execution"
	return strings.Join(parts, ":") + ":" + awscall.Named(t.Name, token, mostName)
}

// Submit implements plugins.RemoteWork.
func (Run) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	var in with
	if err := awscall.Input(call.Input, &in); err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	if express(ctx, s, in.Machine) {
		return plugins.Handle{}, errExpress(in.Machine, "cannot start")
	}
	req := start{in.Machine, awscall.Named(in.Name, sub.Token, mostName), string(cmp.Or(string(in.Input), "{}")), in.Trace}
	var out struct {
		ExecutionArn string `json:"executionArn"`
	}
	err = awscall.Patiently(ctx, call, func() error { return service.Once(ctx, s, "StartExecution", req, &out) })
	switch {
	case awsconf.CodeOf(err) == "ExecutionAlreadyExists": // nobody else has the token: it is ours, and has ended
		out.ExecutionArn = target{in.Machine, in.Name}.execution(sub.Token)
	case err != nil:
		return plugins.Handle{}, meanings.Work(ctx, "start state machine "+in.Machine, err)
	case out.ExecutionArn == "":
		return plugins.Handle{}, &plugins.Error{Kind: plugins.Remote, Unsure: true, Err: fmt.Errorf("cannot tell which execution of %s was started: the answer does not say", in.Machine)}
	case strings.Contains(out.ExecutionArn, ":express:"):
		return plugins.Handle{}, errExpress(in.Machine, "cannot watch what was started of")
	}
	return awscall.Handle(handle{out.ExecutionArn, s.Config.Region})
}

// express tells whether a state machine is known to be of type EXPRESS. What cannot be asked is left to
// StartExecution to say.
func express(ctx context.Context, s *awsconf.Session, arn string) bool {
	var out struct {
		Type string `json:"type"`
	}
	whole := strings.Join(strings.Split(arn, ":")[:7], ":") // versions and aliases have the type of their machine
	req := map[string]string{"stateMachineArn": whole, "includedData": "METADATA_ONLY"}
	return service.Once(ctx, s, "DescribeStateMachine", req, &out) == nil && out.Type == "EXPRESS"
}

func errExpress(arn, what string) error {
	return &plugins.Error{
		Kind: plugins.BadInput, Err: fmt.Errorf("%s %s: it is of type EXPRESS, whose executions can be neither asked about nor stopped", what, arn),
		Hint: "make it STANDARD, or start it by a STANDARD one",
	}
}

// missing is the code of an execution that is not there.
const missing = "ExecutionDoesNotExist"

var meanings = awscall.Meanings{
	"StateMachineDoesNotExist": {Kind: plugins.BadInput, Text: "there is no such state machine", Hint: "check the ARN, and that the credentials are of its account"},
	"StateMachineDeleting":     {Kind: plugins.BadInput, Text: "the state machine is being deleted"},
	"InvalidArn":               {Kind: plugins.BadInput},
	"InvalidName":              {Kind: plugins.BadInput},
	"InvalidExecutionInput":    {Kind: plugins.BadInput},
	"ValidationException":      {Kind: plugins.BadInput},
	"ExecutionLimitExceeded":   {Kind: plugins.Temporary, Text: "as many executions as the account may have go on already", Hint: "give the task retries, or ask AWS for a higher quota"},
	"KmsAccessDeniedException": {Kind: plugins.Remote},
	"KmsInvalidStateException": {Kind: plugins.Remote},
	"KmsThrottlingException":   {Kind: plugins.Temporary},
	missing:                    {Kind: plugins.BadInput, Text: "there is no such execution", Hint: "Step Functions forgets executions 90 days after their end"},
}

// Find implements plugins.Finder.
func (Run) Find(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, bool, error) {
	t, err := awscall.Recorded[target](sub.Target)
	if err != nil {
		return plugins.Handle{}, false, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, false, err
	}
	h := handle{t.execution(sub.Token), s.Config.Region}
	switch _, err = describe(ctx, s, h, service.Ask); {
	case awsconf.CodeOf(err) == missing:
		return plugins.Handle{}, false, nil
	case err != nil:
		return plugins.Handle{}, false, meanings.Work(ctx, "look for "+h.String(), err)
	}
	found, err := awscall.Handle(h)
	return found, err == nil, err
}

// An execution is what of DescribeExecution's answer is looked at.
type execution struct {
	Name      string         `json:"name"`
	Status    string         `json:"status"`
	StartDate awscall.Moment `json:"startDate"`
	StopDate  awscall.Moment `json:"stopDate"`
	Output    *string        `json:"output"`
	Error     string         `json:"error"`
	Cause     string         `json:"cause"`
}

type ask func(ctx context.Context, s *awsconf.Session, operation string, in, out any) error

func describe(ctx context.Context, s *awsconf.Session, h handle, how ask) (e execution, err error) {
	err = how(ctx, s, "DescribeExecution", map[string]string{"executionArn": h.Execution}, &e)
	return e, err
}

// Check implements plugins.RemoteWork.
func (Run) Check(ctx context.Context, call *plugins.Call, raw json.RawMessage) (plugins.Progress, error) {
	h, err := awscall.Recorded[handle](raw)
	if err != nil {
		return plugins.Progress{}, err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return plugins.Progress{}, err
	}
	e, err := describe(ctx, s, h, service.Once)
	if err != nil {
		return plugins.Progress{}, meanings.Work(ctx, "look at "+h.String(), err)
	}
	return h.progress(e)
}

// A done is the output.
type done struct {
	Execution string          `json:"execution_arn"`
	Name      string          `json:"name"`
	State     string          `json:"state"`
	Start     *string         `json:"start_date"`
	Stop      *string         `json:"stop_date"`
	Output    json.RawMessage `json:"output"`
}

// progress reads the state of an execution. One that is not known here goes on, as does one that waits to
// be redriven.
func (h handle) progress(e execution) (plugins.Progress, error) {
	p := plugins.Progress{State: e.Status}
	switch e.Status {
	case "SUCCEEDED":
		out := done{h.Execution, e.Name, e.Status, e.StartDate.Stamp(), e.StopDate.Stamp(), decoded(e.Output)}
		raw, err := json.Marshal(out)
		p.Done, p.Result = true, plugins.Result{Output: raw}
		return p, err
	case "FAILED", "TIMED_OUT", "ABORTED":
		p.Done, p.Failed = true, h.failure(e)
	}
	return p, nil
}

// decoded is an output as a value; what is no JSON is text.
func decoded(output *string) json.RawMessage {
	if output == nil || *output == "" {
		return json.RawMessage("null")
	}
	if raw := []byte(*output); json.Valid(raw) {
		return bytes.TrimSpace(raw)
	}
	raw, err := json.Marshal(*output)
	if err != nil {
		return json.RawMessage("null") // texts always marshal
	}
	return raw
}

func (h handle) failure(e execution) *plugins.Error {
	text := map[string]string{"FAILED": "has failed", "TIMED_OUT": "took longer than the state machine's own timeout", "ABORTED": "was stopped"}[e.Status]
	f := &plugins.Error{Kind: plugins.Remote, Err: fmt.Errorf("%s %s (%s)", h, text, e.Status)}
	if e.Status == "TIMED_OUT" {
		f.Kind = plugins.Timeout
	}
	if said := strings.Trim(e.Error+": "+e.Cause, ": "); said != "" {
		f.Err = fmt.Errorf("%w: %s", f.Err, said)
	}
	return f
}

// Stop implements plugins.RemoteWork. It says no cause: of a machine with a key of KMS that would need
// permissions of its own.
func (Run) Stop(ctx context.Context, call *plugins.Call, raw json.RawMessage) error {
	h, err := awscall.Recorded[handle](raw)
	if err != nil {
		return err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return err
	}
	// One that has ended is taken too.
	return meanings.Work(ctx, "stop "+h.String(), service.Ask(ctx, s, "StopExecution", map[string]string{"executionArn": h.Execution}, nil))
}
