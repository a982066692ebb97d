package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// batch is Batch: queues and job definitions that are there once they are named. A container exits with
// what the script says after FAILED, else with 1.
type batch struct{ *shop }

var batchJobs = &words{
	goes: []string{"SUBMITTED", "PENDING", "RUNNABLE", "STARTING", running}, ends: []string{"SUCCEEDED", "FAILED"},
	success: "SUCCEEDED", stopping: running, stopped: "FAILED", usual: []step{{"RUNNABLE", 200 * time.Millisecond}, {running, 800 * time.Millisecond}},
}

func openBatch(_ *Sandbox, o Options) (served, error) {
	s, err := openShop(o, ".batch", kind{"job", batchJobs})
	return &batch{s}, err
}

type batchCall struct {
	JobName, JobQueue, JobDefinition string
	JobID                            string
	Jobs                             []string
	Reason                           string
	Parameters                       map[string]string
	ContainerOverrides               struct{ Environment []pair }
	Filters                          []struct {
		Name   string
		Values []string
	}
}

// A pair is a variable of a container.
type pair struct{ Name, Value string }

// scriptVariable is the variable of a container by which its task says what becomes of it.
const scriptVariable = "WEFT_SANDBOX"

func variables(list []pair) map[string]string {
	m := map[string]string{}
	for _, p := range list {
		m[p.Name] = p.Value
	}
	return m
}

// ServeHTTP implements http.Handler.
func (b *batch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.serve(w, r, "batch", "application/json", map[string]operation{
		"submitjob": reads(b.submit), "describejobs": reads(b.describe), "listjobs": reads(b.list), "terminatejob": reads(b.terminate),
	})
}

func batchInvalid(text string) error { return &fault{400, "ClientException", text} }

// plainName is a name without what an ARN has before it, and without its revision.
func plainName(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, _, _ = strings.Cut(name, ":")
	return name
}

func (b *batch) submit(c *batchCall) (any, error) {
	if c.JobName == "" || c.JobQueue == "" || c.JobDefinition == "" {
		return nil, batchInvalid("jobName, jobQueue and jobDefinition are required.")
	}
	args := variables(c.ContainerOverrides.Environment)
	script := args[scriptVariable]
	for name, value := range c.Parameters {
		args["Ref::"+name] = value
	}
	args["queue"] = plainName(c.JobQueue)
	id := random(16)
	id = strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
	r := &work{Name: plainName(c.JobDefinition), ID: id, Token: c.JobName, Arguments: args}
	err := b.start(r, script, func(o *work) bool { return maps.Equal(o.Arguments, args) }, batchInvalid)
	return map[string]string{"jobId": id, "jobName": c.JobName}, err
}

func (b *batch) detail(r *work) map[string]any {
	at := r.at(b.now())
	out := map[string]any{
		"jobId": r.ID, "jobName": r.Token, "jobDefinition": r.Name, "jobQueue": r.Arguments["queue"], "status": at.state,
		"createdAt": r.Started.UnixMilli(), "attempts": []any{},
	}
	parameters := map[string]string{}
	for name, value := range r.Arguments {
		if name, ok := strings.CutPrefix(name, "Ref::"); ok {
			parameters[name] = value
		}
	}
	out["parameters"] = parameters
	if r.halted(at) {
		out["statusReason"], out["isTerminated"] = r.Reason, true
	}
	if at.over {
		out["stoppedAt"] = at.since.UnixMilli()
	}
	if at.began.IsZero() {
		return out
	}
	container := map[string]any{"logStreamName": r.Name + "/default/" + r.ID}
	out["startedAt"], out["container"] = at.began.UnixMilli(), container
	if !at.over {
		return out
	}
	code, reason := exited(at)
	if r.halted(at) {
		code = 137
	} else {
		out["statusReason"] = "Essential container in task exited"
	}
	if container["exitCode"] = code; reason != "" {
		container["reason"] = reason
	}
	out["attempts"] = []any{map[string]any{"container": container, "startedAt": at.began.UnixMilli(), "stoppedAt": at.since.UnixMilli()}}
	return out
}

// exited is how a container ended: the number that the message begins with, and the rest of it.
func exited(at instant) (code int, reason string) {
	word, rest, _ := strings.Cut(at.message, " ")
	if n, err := strconv.Atoi(word); err == nil {
		return n, rest
	}
	if at.state == "FAILED" {
		code = 1
	}
	return code, at.message
}

func (b *batch) describe(c *batchCall) (any, error) {
	list := []any{}
	for _, id := range c.Jobs {
		r, err := b.find(id)
		if err != nil {
			return nil, err
		}
		if r != nil {
			list = append(list, b.detail(r))
		}
	}
	return map[string]any{"jobs": list}, nil
}

// list has the jobs of a queue by their name, or by a name's beginning and an asterisk.
func (b *batch) list(c *batchCall) (any, error) {
	if len(c.Filters) != 1 || c.Filters[0].Name != "JOB_NAME" {
		return nil, batchInvalid("The sandbox lists jobs by JOB_NAME alone.")
	}
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(b.works)) {
		for _, r := range newest(b.works[key]) {
			if r.Arguments["queue"] != plainName(c.JobQueue) || !named(r.Token, c.Filters[0].Values) {
				continue
			}
			if err := b.throttled(r); err != nil {
				return nil, err
			}
			list = append(list, b.detail(r))
		}
	}
	return map[string]any{"jobSummaryList": list}, nil
}

func named(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		begin, open := strings.CutSuffix(p, "*")
		return strings.EqualFold(name, p) || open && strings.HasPrefix(strings.ToLower(name), strings.ToLower(begin))
	})
}

func (b *batch) terminate(c *batchCall) (any, error) {
	if c.Reason == "" {
		return nil, batchInvalid("reason is required.")
	}
	r, err := b.find(c.JobID)
	if r == nil || err != nil {
		return struct{}{}, err
	}
	_, err = b.stopFor(r, c.Reason)
	return struct{}{}, err
}
