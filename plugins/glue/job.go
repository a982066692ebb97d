package glue

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Job is the plugin glue.job: a run of a Glue job, from StartJobRun to its end.
//
// StartJobRun has no client token. The token of a submission therefore travels among the run's
// arguments, and a run is found by it in the list of the job's runs.
type Job struct{}

var (
	_ plugins.Plugin       = Job{}
	_ plugins.RemoteWork   = Job{}
	_ plugins.Finder       = Job{}
	_ plugins.BatchChecker = Job{}
	_ plugins.InProcess    = Job{}
)

//go:embed job_input.json
var jobInput []byte

//go:embed job_output.json
var jobOutput []byte

// TokenArgument is the argument that carries the token. Scripts pass over it: awsglue's
// getResolvedOptions reads the arguments that it is asked for.
const TokenArgument = "--weft_token"

// Name implements plugins.Plugin.
func (Job) Name() string { return "glue.job" }

// InProcess implements plugins.InProcess.
func (Job) InProcess() {}

// Schema implements plugins.Plugin.
func (Job) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a Glue job to its end", Input: jobInput, Output: jobOutput}
}

// Run implements plugins.Plugin.
func (Job) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "glue.job")
}

type jobWith struct {
	Name                       string
	Arguments                  map[string]any
	WorkerType                 string   `json:"worker_type"`
	NumberOfWorkers            *int     `json:"number_of_workers"`
	MaxCapacity                *float64 `json:"max_capacity"`
	TimeoutMinutes             *int     `json:"timeout_minutes"`
	NotifyDelayAfter           *int     `json:"notify_delay_after"`
	SecurityConfiguration      string   `json:"security_configuration"`
	ExecutionClass             string   `json:"execution_class"`
	ExecutionRoleSessionPolicy string   `json:"execution_role_session_policy"`
	Queuing                    *bool    `json:"job_run_queuing_enabled"`
}

// A startJobRun is the request of StartJobRun; what is absent the job's definition says.
type startJobRun struct {
	JobName                    string
	Arguments                  map[string]string
	WorkerType                 string         `json:",omitempty"`
	NumberOfWorkers            *int           `json:",omitempty"`
	MaxCapacity                *float64       `json:",omitempty"`
	Timeout                    *int           `json:",omitempty"`
	NotificationProperty       map[string]int `json:",omitempty"`
	SecurityConfiguration      string         `json:",omitempty"`
	ExecutionClass             string         `json:",omitempty"`
	ExecutionRoleSessionPolicy string         `json:",omitempty"`
	JobRunQueuingEnabled       *bool          `json:",omitempty"`
}

// A jobRun is what of a JobRun is looked at.
type jobRun struct {
	ID            string `json:"Id"`
	StartedOn     awscall.Moment
	JobRunState   string
	Arguments     map[string]string
	ErrorMessage  string
	ExecutionTime int // seconds
}

// A jobHandle is what is recorded of a run.
type jobHandle struct {
	Name   string `json:"name"`
	Run    string `json:"run"`
	Region string `json:"region"`
}

func (h jobHandle) String() string { return fmt.Sprintf("glue job %s run %s", h.Name, h.Run) }

// Target implements plugins.RemoteWork.
func (Job) Target(input json.RawMessage) (json.RawMessage, error) {
	in, err := jobRequest(input, "")
	if err != nil {
		return nil, err
	}
	return aim(in.JobName, "glue job")
}

// jobRequest makes the request out of the input.
func jobRequest(input json.RawMessage, token string) (startJobRun, error) {
	var in jobWith
	if err := awscall.Input(input, &in); err != nil {
		return startJobRun{}, err
	}
	req := startJobRun{
		JobName: in.Name, Arguments: map[string]string{TokenArgument: token}, WorkerType: in.WorkerType,
		NumberOfWorkers: in.NumberOfWorkers, MaxCapacity: in.MaxCapacity, Timeout: in.TimeoutMinutes,
		SecurityConfiguration: in.SecurityConfiguration, ExecutionClass: in.ExecutionClass,
		ExecutionRoleSessionPolicy: in.ExecutionRoleSessionPolicy, JobRunQueuingEnabled: in.Queuing,
	}
	if in.NotifyDelayAfter != nil {
		req.NotificationProperty = map[string]int{"NotifyDelayAfter": *in.NotifyDelayAfter}
	}
	if in.MaxCapacity != nil && (in.WorkerType != "" || in.NumberOfWorkers != nil) {
		return req, plugins.Errorf(plugins.BadInput, "cannot start glue job %s with both max_capacity and workers: Glue takes one or the other", in.Name)
	}
	for name, v := range in.Arguments {
		if name == TokenArgument {
			return req, plugins.Errorf(plugins.BadInput, "cannot pass the argument %s: weft finds its runs by it", name)
		}
		text, err := awscall.Text(v)
		if err != nil {
			return req, plugins.Errorf(plugins.BadInput, "cannot pass the argument %s: %w", name, err)
		}
		req.Arguments[name] = text
	}
	return req, nil
}

// Submit implements plugins.RemoteWork.
func (Job) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	req, err := jobRequest(call.Input, sub.Token)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	var out struct{ JobRunID string }
	err = awscall.Patiently(ctx, call, func() error { return service.Once(ctx, s, "StartJobRun", req, &out) })
	if err != nil {
		return plugins.Handle{}, failed(ctx, "start glue job "+req.JobName, err)
	}
	if out.JobRunID == "" {
		return plugins.Handle{}, &plugins.Error{Kind: plugins.Remote, Unsure: true, Err: fmt.Errorf("cannot tell which run of glue job %s was started: the answer does not say", req.JobName)}
	}
	return awscall.Handle(jobHandle{req.JobName, out.JobRunID, s.Config.Region})
}

// pageSize is the most runs that a page may have.
const pageSize = 200

// stale is how much older than its intent a run may seem by another clock.
const stale = time.Hour

// Find implements plugins.Finder. Glue lists the newest runs first: a whole page of runs that began long
// before the intent is the end of it.
func (Job) Find(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, bool, error) {
	target, err := awscall.Recorded[jobHandle](sub.Target)
	if err != nil {
		return plugins.Handle{}, false, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, false, err
	}
	var first *jobRun
	err = runsOf(ctx, s, target.Name, service.Ask, func(page []jobRun) bool {
		old := len(page) > 0
		for i, r := range page {
			if r.Arguments[TokenArgument] == sub.Token && (first == nil || r.StartedOn < first.StartedOn) {
				first = &page[i]
			}
			old = old && r.StartedOn != 0 && r.StartedOn.Time().Before(sub.Intended.Add(-stale))
		}
		return first == nil && !old
	})
	if err != nil || first == nil {
		return plugins.Handle{}, false, failed(ctx, "look for the run of glue job "+target.Name, err)
	}
	h, err := awscall.Handle(jobHandle{target.Name, first.ID, s.Config.Region})
	return h, err == nil, err
}

// ask is one of the manners of calling.
type ask func(ctx context.Context, s *awsconf.Session, operation string, in, out any) error

// runsOf gives the runs of a job page by page, until each says that it is enough.
func runsOf(ctx context.Context, s *awsconf.Session, job string, how ask, each func([]jobRun) bool) error {
	req := struct {
		JobName    string
		MaxResults int
		NextToken  string `json:",omitempty"`
	}{JobName: job, MaxResults: pageSize}
	for {
		var page struct {
			JobRuns   []jobRun
			NextToken string
		}
		if err := how(ctx, s, "GetJobRuns", req, &page); err != nil {
			return err
		}
		if !each(page.JobRuns) || page.NextToken == "" {
			return nil
		}
		req.NextToken = page.NextToken
	}
}

// Stop implements plugins.RemoteWork. A run that has ended is refused by Glue, which Check will tell.
func (Job) Stop(ctx context.Context, call *plugins.Call, handle json.RawMessage) error {
	h, err := awscall.Recorded[jobHandle](handle)
	if err != nil {
		return err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return err
	}
	var out struct {
		Errors []struct {
			ErrorDetail struct{ ErrorCode, ErrorMessage string }
		}
	}
	req := map[string]any{"JobName": h.Name, "JobRunIds": []string{h.Run}}
	if err := service.Ask(ctx, s, "BatchStopJobRun", req, &out); err != nil {
		return failed(ctx, "stop "+h.String(), err)
	}
	if len(out.Errors) == 0 {
		return nil
	}
	if p, err := (Job{}).Check(ctx, call, handle); err == nil && (p.Done || p.State == "STOPPING") {
		return nil
	}
	why := out.Errors[0].ErrorDetail
	return plugins.Errorf(plugins.Temporary, "cannot stop %s: %s", h, strings.TrimSuffix(why.ErrorCode+": "+why.ErrorMessage, ": "))
}
