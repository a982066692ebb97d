package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// machines is Step Functions: state machines that are there once they are named, all of type STANDARD.
// What an execution gives is what its script says, else what it was given.
type machines struct{ *shop }

var executions = &words{
	goes: []string{running, "PENDING_REDRIVE"}, ends: []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"},
	success: "SUCCEEDED", stopping: running, stopped: "ABORTED", usual: []step{{running, time.Second}},
}

func openMachines(_ *Sandbox, o Options) (served, error) {
	s, err := openShop(o, ".stepfunctions", kind{"machine", executions})
	return &machines{s}, err
}

type machineCall struct {
	Machine   string `json:"stateMachineArn"`
	Execution string `json:"executionArn"`
	Name      string `json:"name"`
	Input     string `json:"input"`
}

// ServeHTTP implements http.Handler.
func (m *machines) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.serve(w, r, "states", "application/x-amz-json-1.0", map[string]operation{
		"StartExecution": reads(m.begin), "DescribeExecution": reads(m.describe), "StopExecution": reads(m.abort),
		"ListExecutions": reads(m.list), "DescribeStateMachine": reads(m.machine),
	})
}

// machineName takes the name out of an ARN, arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[:QUALIFIER].
func machineName(arn string) (string, error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[5] != "stateMachine" {
		return "", &fault{400, "InvalidArn", "Invalid Arn: '" + arn + "'"}
	}
	return parts[6], nil
}

func (m *machines) machine(c *machineCall) (any, error) {
	name, err := machineName(c.Machine)
	return map[string]string{"stateMachineArn": c.Machine, "name": name, "type": "STANDARD", "definition": "{}"}, err
}

func (m *machines) begin(c *machineCall) (any, error) {
	name, err := machineName(c.Machine)
	if err != nil {
		return nil, err
	}
	if c.Name == "" {
		c.Name = random(16)
	}
	if r := m.under("machine", name, c.Name); r != nil {
		if r.at(m.now()).over || r.Arguments["input"] != c.Input {
			return nil, &fault{400, "ExecutionAlreadyExists", "Execution Already Exists: '" + r.ID + "'"}
		}
		return map[string]any{"executionArn": r.ID, "startDate": seconds(r.Started)}, m.throttled(r)
	}
	if !json.Valid([]byte(c.Input)) {
		return nil, &fault{400, "InvalidExecutionInput", "Invalid State Machine Execution Input"}
	}
	var in struct {
		Script string `json:"weft_sandbox"`
	}
	_ = json.Unmarshal([]byte(c.Input), &in) // one of another form says nothing
	arn := strings.Join(append(strings.Split(c.Machine, ":")[:5:5], "execution", name, c.Name), ":")
	r := &work{Name: name, ID: arn, Token: c.Name, Arguments: map[string]string{"input": c.Input}}
	err = m.start(r, in.Script, func(o *work) bool { return o.Arguments["input"] == c.Input }, func(text string) error {
		return &fault{400, "InvalidExecutionInput", text}
	})
	return map[string]any{"executionArn": r.ID, "startDate": seconds(r.Started)}, err
}

func (m *machines) execution(arn string) (*work, error) {
	r, err := m.find(arn)
	if r == nil {
		return nil, &fault{400, "ExecutionDoesNotExist", "Execution Does Not Exist: '" + arn + "'"}
	}
	return r, err
}

func (m *machines) describe(c *machineCall) (any, error) {
	r, err := m.execution(c.Execution)
	if err != nil {
		return nil, err
	}
	at := r.at(m.now())
	out := map[string]any{"executionArn": r.ID, "name": r.Token, "status": at.state, "startDate": seconds(r.Started), "input": r.Arguments["input"]}
	if !at.over {
		return out, nil
	}
	out["stopDate"] = seconds(at.since)
	switch {
	case at.state == executions.success && at.message == "":
		out["output"] = r.Arguments["input"]
	case at.state == executions.success:
		out["output"] = at.message
	default:
		out["error"], out["cause"], _ = strings.Cut(at.message, ": ")
	}
	return out, nil
}

func (m *machines) abort(c *machineCall) (any, error) {
	r, err := m.execution(c.Execution)
	if err == nil {
		_, err = m.stop(r) // of one that has ended, too
	}
	return map[string]any{"stopDate": seconds(m.now())}, err
}

func (m *machines) list(c *machineCall) (any, error) {
	name, err := machineName(c.Machine)
	list := []any{}
	for _, r := range newest(m.of("machine", name)) {
		list = append(list, map[string]any{"executionArn": r.ID, "name": r.Token, "status": r.at(m.now()).state, "startDate": seconds(r.Started)})
	}
	return map[string]any{"executions": list}, err
}
