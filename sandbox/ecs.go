package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ecs is ECS: clusters and task definitions that are there once they are named. A task has the
// containers that its overrides name, else one. They exit with the number that the script says after
// STOPPED; a stop code there is the task's.
type ecs struct{ *shop }

var ecsTasks = &words{
	goes: []string{"PROVISIONING", "PENDING", "ACTIVATING", running, "DEACTIVATING", "STOPPING", "DEPROVISIONING"}, ends: []string{"STOPPED"},
	success: "STOPPED", stopping: "STOPPING", stopped: "STOPPED", usual: []step{{"PROVISIONING", 200 * time.Millisecond}, {running, 800 * time.Millisecond}},
}

var stopCodes = []string{"TaskFailedToStart", "EssentialContainerExited", "UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"}

func openECS(_ *Sandbox, o Options) (served, error) {
	s, err := openShop(o, ".ecs", kind{"task", ecsTasks})
	return &ecs{s}, err
}

type ecsCall struct {
	TaskDefinition, Cluster string
	ClientToken, StartedBy  string
	DesiredStatus, Family   string
	Task, Reason            string
	Tasks                   []string
	Overrides               struct {
		ContainerOverrides []struct {
			Name        string
			Environment []pair
		}
	}
}

func (c *ecsCall) cluster() string {
	if c.Cluster == "" {
		return "default"
	}
	return plainName(c.Cluster)
}

const ecsARN = "arn:aws:ecs:" + region + ":000000000000:"

// ServeHTTP implements http.Handler.
func (e *ecs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.serve(w, r, "ecs", "application/x-amz-json-1.1", map[string]operation{
		"RunTask": reads(e.run), "DescribeTasks": reads(e.describe), "ListTasks": reads(e.list), "StopTask": reads(e.halt),
	})
}

func ecsInvalid(text string) error { return &fault{400, "InvalidParameterException", text} }

// run runs a task. The client token is all that is known of who started it: startedBy must be the same.
func (e *ecs) run(c *ecsCall) (any, error) {
	switch {
	case c.TaskDefinition == "":
		return nil, ecsInvalid("TaskDefinition can not be blank.")
	case c.StartedBy != c.ClientToken:
		return nil, ecsInvalid("The sandbox wants startedBy to be the clientToken.")
	}
	family := plainName(c.TaskDefinition)
	r := e.under("task", family, c.ClientToken)
	if r != nil {
		return map[string]any{"tasks": []any{e.detail(r)}, "failures": []any{}}, e.throttled(r)
	}
	args, names := map[string]string{}, []string{}
	for _, o := range c.Overrides.ContainerOverrides {
		maps.Copy(args, variables(o.Environment))
		names = append(names, o.Name)
	}
	if len(names) == 0 {
		names = []string{"main"}
	}
	script := args[scriptVariable]
	args["cluster"], args["containers"] = c.cluster(), strings.Join(names, " ")
	r = &work{Name: family, ID: ecsARN + "task/" + c.cluster() + "/" + random(16), Token: c.ClientToken, Arguments: args}
	if err := e.start(r, script, func(o *work) bool { return maps.Equal(o.Arguments, args) }, ecsInvalid); err != nil {
		return nil, err
	}
	return map[string]any{"tasks": []any{e.detail(r)}, "failures": []any{}}, nil
}

func (e *ecs) detail(r *work) map[string]any {
	at := r.at(e.now())
	out := map[string]any{
		"taskArn": r.ID, "clusterArn": ecsARN + "cluster/" + r.Arguments["cluster"], "taskDefinitionArn": ecsARN + "task-definition/" + r.Name + ":1",
		"lastStatus": at.state, "desiredStatus": desired(r, at), "startedBy": r.Token, "createdAt": seconds(r.Started), "startedAt": seconds(at.began),
	}
	ended := map[string]any{} // what each container says of its end
	if at.over {
		out["stoppedAt"] = seconds(at.since)
		stop, rest, _ := strings.Cut(at.message, " ")
		switch n, text := exited(at); {
		case r.halted(at):
			out["stopCode"], out["stoppedReason"], ended["exitCode"] = "UserInitiated", r.Reason, 137
		case slices.Contains(stopCodes, stop):
			out["stopCode"], out["stoppedReason"] = stop, rest
		default:
			out["stopCode"], out["stoppedReason"], ended["exitCode"] = "EssentialContainerExited", "Essential container in task exited", n
			if text != "" {
				ended["reason"] = text
			}
		}
	}
	environment := []any{}
	for _, name := range slices.Sorted(maps.Keys(r.Arguments)) {
		if name != "cluster" && name != "containers" {
			environment = append(environment, map[string]string{"name": name, "value": r.Arguments[name]})
		}
	}
	containers, overrides := []any{}, []any{}
	for name := range strings.SplitSeq(r.Arguments["containers"], " ") {
		one := map[string]any{"name": name, "lastStatus": at.state}
		maps.Copy(one, ended)
		containers = append(containers, one)
		overrides = append(overrides, map[string]any{"name": name, "environment": environment})
	}
	out["containers"], out["overrides"] = containers, map[string]any{"containerOverrides": overrides}
	return out
}

// desired is what ECS wants a task to be.
func desired(r *work, at instant) string {
	if at.over || !r.Stopped.IsZero() {
		return "STOPPED"
	}
	return "RUNNING"
}

func (e *ecs) describe(c *ecsCall) (any, error) {
	found, failures := []any{}, []any{}
	for _, arn := range c.Tasks {
		r, err := e.find(arn)
		if err != nil {
			return nil, err
		}
		if r == nil {
			failures = append(failures, map[string]string{"arn": arn, "reason": "MISSING"})
			continue
		}
		found = append(found, e.detail(r))
	}
	return map[string]any{"tasks": found, "failures": failures}, nil
}

func (e *ecs) list(c *ecsCall) (any, error) {
	if c.DesiredStatus == "" {
		c.DesiredStatus = "RUNNING"
	}
	arns := []string{}
	for _, arn := range slices.Sorted(maps.Keys(e.byID)) {
		r := e.byID[arn]
		if r.Arguments["cluster"] != c.cluster() || c.StartedBy != "" && r.Token != c.StartedBy || c.Family != "" && r.Name != c.Family {
			continue
		}
		if desired(r, r.at(e.now())) == c.DesiredStatus {
			arns = append(arns, arn)
		}
	}
	return map[string]any{"taskArns": arns}, nil
}

func (e *ecs) halt(c *ecsCall) (any, error) {
	r, err := e.find(c.Task)
	if r == nil {
		return nil, ecsInvalid("The referenced task was not found.")
	}
	if err == nil {
		_, err = e.stopFor(r, c.Reason)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"task": e.detail(r)}, nil
}
