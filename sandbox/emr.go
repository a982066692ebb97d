package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// emr is EMR Serverless: applications that are there once they are named.
type emr struct{ *shop }

var emrRuns = &words{
	goes: []string{"SUBMITTED", "PENDING", "SCHEDULED", "QUEUED", running, "CANCELLING"}, ends: []string{"SUCCESS", "FAILED", "CANCELLED"},
	success: "SUCCESS", stopping: "CANCELLING", stopped: "CANCELLED", usual: []step{{"SCHEDULED", 200 * time.Millisecond}, {running, 800 * time.Millisecond}},
}

func openEMR(_ *Sandbox, o Options) (served, error) {
	s, err := openShop(o, ".emr-serverless", kind{"application", emrRuns})
	return &emr{s}, err
}

type emrCall struct {
	ClientToken string
	JobDriver   struct {
		SparkSubmit struct{ EntryPointArguments []string }
	}
}

// ServeHTTP implements http.Handler.
func (e *emr) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// /applications/ID/jobruns[/RUN]
	path := append(strings.Split(strings.Trim(r.URL.Path, "/"), "/"), "", "", "", "")
	application, run := path[1], path[3]
	none := func(do func() (any, error)) operation { return func([]byte) (any, error) { return do() } }
	e.serve(w, r, "emr-serverless", "application/json", map[string]operation{
		"StartJobRun":  reads(func(c *emrCall) (any, error) { return e.begin(application, c) }),
		"ListJobRuns":  none(func() (any, error) { return e.list(application) }),
		"GetJobRun":    none(func() (any, error) { return e.get(application, run) }),
		"CancelJobRun": none(func() (any, error) { return e.cancel(application, run) }),
	})
}

func emrInvalid(text string) error { return &fault{400, "ValidationException", text} }

// begin starts a run. Its script is the argument of the program that follows --weft_sandbox.
func (e *emr) begin(application string, c *emrCall) (any, error) {
	r := e.under("application", application, c.ClientToken)
	if r != nil {
		return runName(r), e.throttled(r)
	}
	args, script := c.JobDriver.SparkSubmit.EntryPointArguments, ""
	if i := slices.Index(args, scriptArgument); i >= 0 && i+1 < len(args) {
		script = args[i+1]
	}
	said := strings.Join(args, "\x00")
	r = &work{Name: application, ID: "00" + random(7), Token: c.ClientToken, Arguments: map[string]string{"arguments": said}}
	err := e.start(r, script, func(o *work) bool { return o.Arguments["arguments"] == said }, emrInvalid)
	return runName(r), err
}

func runName(r *work) any {
	return map[string]string{
		"applicationId": r.Name, "jobRunId": r.ID, "arn": "arn:aws:emr-serverless:" + region + ":000000000000:/applications/" + r.Name + "/jobruns/" + r.ID,
	}
}

func (e *emr) run(application, id string) (*work, error) {
	r, err := e.find(id)
	if r == nil || r.Name != application {
		return nil, &fault{404, "ResourceNotFoundException", "Job run " + id + " does not exist"}
	}
	return r, err
}

func (e *emr) detail(r *work) map[string]any {
	at := r.at(e.now())
	out := map[string]any{
		"applicationId": r.Name, "jobRunId": r.ID, "id": r.ID, "state": at.state, "stateDetails": at.message,
		"createdAt": seconds(r.Started), "startedAt": seconds(at.began),
		"jobDriver": map[string]any{"sparkSubmit": map[string]any{"entryPointArguments": strings.Split(r.Arguments["arguments"], "\x00")}},
	}
	if at.over {
		out["endedAt"], out["totalExecutionDurationSeconds"] = seconds(at.since), int(at.worked/time.Second)
	}
	return out
}

func (e *emr) get(application, id string) (any, error) {
	r, err := e.run(application, id)
	if err != nil {
		return nil, err
	}
	return map[string]any{"jobRun": e.detail(r)}, nil
}

func (e *emr) list(application string) (any, error) {
	list := []any{}
	for _, r := range newest(e.of("application", application)) {
		list = append(list, e.detail(r))
	}
	return map[string]any{"jobRuns": list}, nil
}

func (e *emr) cancel(application, id string) (any, error) {
	r, err := e.run(application, id)
	if err != nil {
		return nil, err
	}
	goes, err := e.stop(r)
	if err == nil && !goes {
		err = emrInvalid("Job run " + id + " is in a terminal state")
	}
	return runName(r), err
}
