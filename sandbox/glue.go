package sandbox

import (
	"maps"
	"net/http"
	"strconv"
	"time"
)

// glue is Glue: jobs and crawlers that are there once they are named.
type glue struct{ *shop }

var glueJobs = &words{
	goes: []string{"WAITING", "STARTING", running, "STOPPING"}, ends: []string{"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"},
	success: "SUCCEEDED", stopping: "STOPPING", stopped: "STOPPED", usual: []step{{"STARTING", 200 * time.Millisecond}, {running, 800 * time.Millisecond}},
}

func openGlue(_ *Sandbox, o Options) (served, error) {
	crawls := *glueJobs
	crawls.usual = []step{{running, time.Second}}
	s, err := openShop(o, ".glue", kind{"job", glueJobs}, kind{"crawler", &crawls})
	return &glue{s}, err
}

// A glueCall is a request as Glue's operations have it, all in one.
type glueCall struct {
	JobName, RunID, NextToken, Name string
	MaxResults                      int
	JobRunIDs                       []string `json:"JobRunIds"`
	CrawlerNameList                 []string
	Arguments                       map[string]string
}

// ServeHTTP implements http.Handler.
func (g *glue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operations := map[string]operation{
		"StartJobRun": reads(g.startJob), "GetJobRun": reads(g.getJob), "GetJobRuns": reads(g.listJob), "BatchStopJobRun": reads(g.stopJobs),
		"StartCrawler": reads(g.startCrawler), "GetCrawler": reads(g.getCrawler), "GetCrawlerMetrics": reads(g.crawlerMetrics), "StopCrawler": reads(g.stopCrawler),
	}
	g.serve(w, r, "glue", "application/x-amz-json-1.1", operations)
}

func glueInvalid(text string) error { return &fault{400, "InvalidInputException", text} }

// scriptArgument is the argument by which a run says what becomes of it in the sandbox.
const scriptArgument = "--weft_sandbox"

// same tells whether two runs have the same arguments, the token of whoever started them apart.
func same(a, b map[string]string) bool {
	return maps.Equal(without(a), without(b))
}

func without(m map[string]string) map[string]string {
	m = maps.Clone(m)
	delete(m, "--weft_token")
	return m
}

func (g *glue) startJob(c *glueCall) (any, error) {
	if c.JobName == "" {
		return nil, glueInvalid("JobName is missing.")
	}
	run := &work{Name: c.JobName, ID: "jr_" + random(8), Arguments: c.Arguments}
	err := g.start(run, c.Arguments[scriptArgument], func(r *work) bool { return same(r.Arguments, c.Arguments) }, glueInvalid)
	return map[string]string{"JobRunId": run.ID}, err
}

// job finds a run, unless the call is refused.
func (g *glue) job(name, id string) (*work, error) {
	r, err := g.find(id)
	if r == nil || r.Name != name {
		return nil, &fault{400, "EntityNotFoundException", "JobRun not found. RunId: " + id}
	}
	return r, err
}

func (g *glue) describe(r *work) map[string]any {
	at := r.at(g.now())
	m := map[string]any{
		"Id": r.ID, "JobName": r.Name, "Attempt": 0, "Arguments": r.Arguments, "StartedOn": seconds(r.Started),
		"JobRunState": at.state, "ExecutionTime": int(at.worked / time.Second),
	}
	if at.over {
		m["CompletedOn"] = seconds(at.since)
	}
	if at.message != "" {
		m["ErrorMessage"] = at.message
	}
	return m
}

func (g *glue) getJob(c *glueCall) (any, error) {
	r, err := g.job(c.JobName, c.RunID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"JobRun": g.describe(r)}, nil
}

func (g *glue) listJob(c *glueCall) (any, error) {
	runs := newest(g.of("job", c.JobName))
	if len(runs) > 0 {
		if err := g.throttled(runs[0]); err != nil {
			return nil, err
		}
	}
	from := 0
	if c.NextToken != "" {
		n, err := strconv.Atoi(c.NextToken)
		if err != nil || n < 0 || n > len(runs) {
			return nil, glueInvalid("NextToken is none of ours.")
		}
		from = n
	}
	if c.MaxResults <= 0 || c.MaxResults > 200 {
		c.MaxResults = 200
	}
	to := min(from+c.MaxResults, len(runs))
	page := []any{}
	for _, r := range runs[from:to] {
		page = append(page, g.describe(r))
	}
	out := map[string]any{"JobRuns": page}
	if to < len(runs) {
		out["NextToken"] = strconv.Itoa(to)
	}
	return out, nil
}

func (g *glue) stopJobs(c *glueCall) (any, error) {
	good, bad := []any{}, []any{}
	for _, id := range c.JobRunIDs {
		name := map[string]any{"JobName": c.JobName, "JobRunId": id}
		r, err := g.job(c.JobName, id)
		if err == nil {
			var goes bool
			if goes, err = g.stop(r); err == nil && !goes {
				err = glueInvalid("The run has ended.")
			}
		}
		if err == nil {
			good = append(good, name)
			continue
		}
		name["ErrorDetail"] = map[string]string{"ErrorCode": "InvalidInputException", "ErrorMessage": err.Error()}
		bad = append(bad, name)
	}
	return map[string]any{"SuccessfulSubmissions": good, "Errors": bad}, nil
}
