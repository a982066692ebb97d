// Package ecs is the plugin ecs.task: a standalone task of Amazon ECS, on EC2 or Fargate, which weft
// watches. What a task may say of credentials, region and endpoint are the AWS_* variables of its
// environment (awsconf). The shapes are those of the ECS API Reference, of 2014-11-13.
package ecs

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Task is the plugin ecs.task.
//
// The token of a submission is RunTask's client token, under which ECS runs one task however often it is
// asked, and the task's startedBy, by which one whose answer was lost is found.
type Task struct{}

var (
	_ plugins.Plugin       = Task{}
	_ plugins.RemoteWork   = Task{}
	_ plugins.Finder       = Task{}
	_ plugins.BatchChecker = Task{}
	_ plugins.InProcess    = Task{}
)

//go:embed input.json
var inputSchema []byte

//go:embed output.json
var outputSchema []byte

var service = awsconf.JSON{ID: "ECS", Service: "ecs", Target: "AmazonEC2ContainerServiceV20141113", Version: "1.1"}

// Name implements plugins.Plugin.
func (Task) Name() string { return "ecs.task" }

// InProcess implements plugins.InProcess.
func (Task) InProcess() {}

// Schema implements plugins.Plugin.
func (Task) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a task of Amazon ECS to its end", Input: inputSchema, Output: outputSchema}
}

// Run implements plugins.Plugin.
func (Task) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "ecs.task")
}

type with struct {
	TaskDefinition string          `json:"task_definition"`
	Cluster        string          `json:"cluster"`
	LaunchType     string          `json:"launch_type"`
	Providers      json.RawMessage `json:"capacity_provider_strategy"`
	Network        json.RawMessage `json:"network_configuration"`
	Overrides      *overrides      `json:"overrides"`
	ContainerName  string          `json:"container_name"`
	Group          string          `json:"group"`
	Constraints    json.RawMessage `json:"placement_constraints"`
	Strategy       json.RawMessage `json:"placement_strategy"`
	Platform       string          `json:"platform_version"`
	Volumes        json.RawMessage `json:"volume_configurations"`
	Execute        *bool           `json:"enable_execute_command"`
	ManagedTags    *bool           `json:"enable_ecs_managed_tags"`
	PropagateTags  string          `json:"propagate_tags"`
	Tags           map[string]any  `json:"tags"`
}

type overrides struct {
	Containers       []map[string]any `json:"containerOverrides,omitempty"`
	CPU              string           `json:"cpu,omitempty"`
	Memory           string           `json:"memory,omitempty"`
	TaskRoleArn      string           `json:"taskRoleArn,omitempty"`
	ExecutionRoleArn string           `json:"executionRoleArn,omitempty"`
	EphemeralStorage json.RawMessage  `json:"ephemeralStorage,omitempty"`
}

// A runTask is the request of RunTask; what is absent the task definition says.
type runTask struct {
	TaskDefinition string          `json:"taskDefinition"`
	Cluster        string          `json:"cluster,omitempty"`
	ClientToken    string          `json:"clientToken"`
	StartedBy      string          `json:"startedBy"`
	LaunchType     string          `json:"launchType,omitempty"`
	Providers      json.RawMessage `json:"capacityProviderStrategy,omitempty"`
	Network        json.RawMessage `json:"networkConfiguration,omitempty"`
	Overrides      *overrides      `json:"overrides,omitempty"`
	Group          string          `json:"group,omitempty"`
	Constraints    json.RawMessage `json:"placementConstraints,omitempty"`
	Strategy       json.RawMessage `json:"placementStrategy,omitempty"`
	Platform       string          `json:"platformVersion,omitempty"`
	Volumes        json.RawMessage `json:"volumeConfigurations,omitempty"`
	Execute        *bool           `json:"enableExecuteCommand,omitempty"`
	ManagedTags    *bool           `json:"enableECSManagedTags,omitempty"`
	PropagateTags  string          `json:"propagateTags,omitempty"`
	Tags           []tag           `json:"tags,omitempty"`
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// A target is what a task is found by.
type target struct {
	Cluster   string `json:"cluster,omitempty"`
	Container string `json:"container,omitempty"`
}

// A handle is what is recorded of a task.
type handle struct {
	Task      string    `json:"task"`                // its ARN
	Cluster   string    `json:"cluster,omitempty"`   // its ARN, or as the task had it
	Container string    `json:"container,omitempty"` // whose exit status counts; "" = each
	Since     time.Time `json:"since"`               // of the intent
	Region    string    `json:"region"`
}

func (h handle) String() string { return "ecs task " + h.Task[strings.LastIndex(h.Task, "/")+1:] }

// request makes the request out of the input.
func request(input json.RawMessage, token string) (with, runTask, error) {
	var in with
	if err := awscall.Input(input, &in); err != nil {
		return in, runTask{}, err
	}
	req := runTask{
		TaskDefinition: in.TaskDefinition, Cluster: in.Cluster, ClientToken: token, StartedBy: token, LaunchType: in.LaunchType,
		Providers: in.Providers, Network: in.Network, Overrides: in.Overrides, Group: in.Group, Constraints: in.Constraints, Strategy: in.Strategy,
		Platform: in.Platform, Volumes: in.Volumes, Execute: in.Execute, ManagedTags: in.ManagedTags, PropagateTags: in.PropagateTags,
	}
	switch {
	case strings.TrimSpace(in.TaskDefinition) == "":
		return in, req, plugins.Errorf(plugins.BadInput, "cannot run a task of ECS without a task_definition")
	case in.LaunchType != "" && in.Providers != nil:
		return in, req, plugins.Errorf(plugins.BadInput, "cannot run %s with both launch_type and capacity_provider_strategy: ECS takes one or the other", in.TaskDefinition)
	}
	tags, err := awscall.Texts("the tag", in.Tags)
	if err != nil {
		return in, req, err
	}
	for key, value := range tags {
		req.Tags = append(req.Tags, tag{key, value})
	}
	slices.SortFunc(req.Tags, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) }) // the same request each time
	if in.Overrides != nil {
		for _, c := range in.Overrides.Containers {
			if err := awscall.Values(c); err != nil {
				return in, req, err
			}
		}
	}
	return in, req, nil
}

// Target implements plugins.RemoteWork.
func (Task) Target(input json.RawMessage) (json.RawMessage, error) {
	in, _, err := request(input, "")
	if err != nil {
		return nil, err
	}
	return json.Marshal(target{in.Cluster, in.ContainerName})
}

var meanings = awscall.Meanings{
	"ClusterNotFoundException":                       {Kind: plugins.BadInput, Text: "there is no such cluster", Hint: "check its name, AWS_REGION and AWS_PROFILE"},
	"InvalidParameterException":                      {Kind: plugins.BadInput},
	"ClientException":                                {Kind: plugins.BadInput},
	"PlatformUnknownException":                       {Kind: plugins.BadInput, Text: "there is no such platform_version"},
	"PlatformTaskDefinitionIncompatibilityException": {Kind: plugins.BadInput, Text: "the platform_version cannot run this task definition"},
	"UnsupportedFeatureException":                    {Kind: plugins.BadInput},
	"BlockedException":                               {Kind: plugins.Remote, Text: "AWS has blocked the account", Hint: "ask AWS's support"},
	conflict:                                         {Kind: plugins.Temporary},
	"LimitExceededException":                         {Kind: plugins.Temporary},
}

// conflict is the code of a client token that was used with another request: an earlier one of ours, of
// which there is a task to be found.
const conflict = "ConflictException"

// Submit implements plugins.RemoteWork.
func (Task) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	in, req, err := request(call.Input, sub.Token)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	var out struct {
		Tasks    []detail `json:"tasks"`
		Failures []failed `json:"failures"`
	}
	err = awscall.Patiently(ctx, call, func() error { return service.Once(ctx, s, "RunTask", req, &out) })
	switch {
	case err != nil:
		return plugins.Handle{}, meanings.Work(ctx, "run a task of "+in.TaskDefinition, err, conflict)
	case len(out.Tasks) > 0:
		return awscall.Handle(out.Tasks[0].handle(s, target{in.Cluster, in.ContainerName}, sub))
	case len(out.Failures) > 0:
		return plugins.Handle{}, notPlaced(in.TaskDefinition, out.Failures[0])
	}
	return plugins.Handle{}, &plugins.Error{Kind: plugins.Remote, Unsure: true, Err: fmt.Errorf("cannot tell which task of %s was run: the answer does not say", in.TaskDefinition)}
}

// A failed is something that ECS could not do, in an answer that says yes.
type failed struct {
	ARN    string `json:"arn"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// notPlaced is the failure of a task that found no place. The words are those of the ECS Developer Guide,
// "API failure reasons".
func notPlaced(definition string, f failed) error {
	e := plugins.Errorf(plugins.Remote, "cannot run a task of %s: ECS finds no place for it: %s", definition, strings.TrimSuffix(f.Reason+": "+f.Detail, ": "))
	switch kind, _, _ := strings.Cut(f.Reason, ":"); kind {
	case "RESOURCE", "AGENT", "Capacity is unavailable at this time. Please try again later or in a different availability zone":
		e.Kind, e.Hint = plugins.Temporary, "give the task retries, or the cluster more room"
	case "ATTRIBUTE", "MemberOf placement constraint unsatisfied.":
		e.Hint = "no instance of the cluster has what the task definition or placement_constraints ask for"
	case "EMPTY CAPACITY PROVIDER":
		e.Hint = "the cluster's capacity provider has no instance"
	}
	return e
}

// Find implements plugins.Finder. ListTasks tells of tasks that are to run, unless it is asked for those
// that have stopped. One that stopped more than an hour ago is found nowhere: RunTask, asked again under
// the token, names it.
func (Task) Find(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, bool, error) {
	t, err := awscall.Recorded[target](sub.Target)
	if err != nil {
		return plugins.Handle{}, false, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, false, err
	}
	for _, state := range []string{"RUNNING", "STOPPED"} {
		req := map[string]string{"startedBy": sub.Token, "desiredStatus": state}
		if t.Cluster != "" {
			req["cluster"] = t.Cluster
		}
		var out struct {
			ARNs []string `json:"taskArns"`
		}
		err := service.Ask(ctx, s, "ListTasks", req, &out)
		if state == "STOPPED" && awsconf.CodeOf(err) == "InvalidParameterException" {
			break // the reference has startedBy be the only filter; then it is RunTask that finds it
		}
		if err != nil {
			return plugins.Handle{}, false, meanings.Work(ctx, "look for the task that was started by "+sub.Token, err)
		}
		if len(out.ARNs) > 0 {
			h, err := awscall.Handle(detail{TaskARN: out.ARNs[0]}.handle(s, t, sub))
			return h, err == nil, err
		}
	}
	return plugins.Handle{}, false, nil
}

// stopReason is what ECS is told of a stop.
const stopReason = "stopped by weft"

// Stop implements plugins.RemoteWork. ECS takes it of a task that has stopped, too.
func (Task) Stop(ctx context.Context, call *plugins.Call, raw json.RawMessage) error {
	h, err := awscall.Recorded[handle](raw)
	if err != nil {
		return err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return err
	}
	req := map[string]string{"task": h.Task, "reason": stopReason}
	if h.Cluster != "" {
		req["cluster"] = h.Cluster
	}
	return meanings.Work(ctx, "stop "+h.String(), service.Ask(ctx, s, "StopTask", req, nil))
}
