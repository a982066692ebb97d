package sandbox

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// glue is Glue: jobs and crawlers that are there once they are named. What a run does it does by the
// clock alone, as a script says (see script): so it goes on, and is over, whether the sandbox lives or
// not. Nothing is computed.
type glue struct {
	now func() time.Time
	log glueLog

	mu       sync.Mutex
	runs     map[string][]*glueRun // by job, as they began
	crawls   map[string]*glueRun   // the last of each crawler
	scripts  map[string]script     // by "job NAME" and "crawler NAME"
	refusals map[string]int        // calls about a job that might have been refused
}

// A glueRun is a run of a job, or a crawl.
type glueRun struct {
	Name      string            `json:"name"`
	ID        string            `json:"id,omitempty"` // of a job's
	Arguments map[string]string `json:"arguments,omitempty"`
	Started   time.Time         `json:"started"`
	Stopped   time.Time         `json:"stopped,omitzero"` // when it was asked to stop
	Script    string            `json:"script,omitempty"`
	steps     steps
}

func openGlue(_ *Sandbox, o Options) (served, error) {
	g := &glue{now: time.Now, runs: map[string][]*glueRun{}, crawls: map[string]*glueRun{}, scripts: map[string]script{}, refusals: map[string]int{}, log: noGlueLog{}}
	if o.Dir != "" {
		log, err := openGlueLog(o.Dir, g)
		if err != nil {
			return nil, err
		}
		g.log = log
	}
	return g, nil
}

func (g *glue) close() { g.log.close() }

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
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	out, err := g.carryOut(r)
	if err != nil {
		refuseJSON(w, err)
		return
	}
	answerJSON(w, http.StatusOK, out)
}

func (g *glue) carryOut(r *http.Request) (any, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, errIncomplete
	}
	var c glueCall
	if json.Unmarshal(body, &c) != nil {
		return nil, &fault{400, "SerializationException", "The body is not what " + operation + " takes."}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch operation {
	case "StartJobRun":
		return g.startJob(&c)
	case "GetJobRun":
		return g.getJob(&c)
	case "GetJobRuns":
		return g.listJob(&c)
	case "BatchStopJobRun":
		return g.stopJobs(&c)
	case "StartCrawler":
		return g.startCrawler(&c)
	case "GetCrawler":
		return g.getCrawler(&c)
	case "GetCrawlerMetrics":
		return g.crawlerMetrics(&c)
	case "StopCrawler":
		return g.stopCrawler(&c)
	}
	return nil, &fault{400, "UnknownOperationException", "The sandbox does not have " + operation + "."}
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
	src, given := c.Arguments[scriptArgument]
	plan, err := readScript(src)
	if err != nil {
		return nil, glueInvalid(scriptArgument + ": " + err.Error())
	}
	if !given {
		if plan, given = g.scripts["job "+c.JobName]; !given {
			plan = script{usualJob}
		}
	}
	nth := 0
	for _, r := range g.runs[c.JobName] {
		if same(r.Arguments, c.Arguments) {
			nth++
		}
	}
	s := plan[nth%len(plan)]
	if err := g.throttled(c.JobName, s); err != nil {
		return nil, err
	}
	run := &glueRun{Name: c.JobName, ID: "jr_" + random(8), Arguments: c.Arguments, Started: g.now().UTC(), Script: s.src, steps: s}
	if err := g.log.write(run); err != nil {
		return nil, err
	}
	g.runs[c.JobName] = append(g.runs[c.JobName], run)
	if s.lost {
		panic(http.ErrAbortHandler) // the connection breaks, and the run goes on
	}
	return map[string]string{"JobRunId": run.ID}, nil
}

// throttled refuses a share of the calls about a job, in a pattern that is the same each time.
func (g *glue) throttled(job string, s steps) error {
	n := g.refusals[job]
	g.refusals[job]++
	if (n+1)*s.refused/100 > n*s.refused/100 {
		return &fault{400, "ThrottlingException", "Rate exceeded"}
	}
	return nil
}

// job finds a run, unless the call is refused.
func (g *glue) job(name, id string) (*glueRun, error) {
	for _, r := range g.runs[name] {
		if r.ID == id {
			return r, g.throttled(name, r.steps)
		}
	}
	return nil, &fault{400, "EntityNotFoundException", "JobRun not found. RunId: " + id}
}

func (g *glue) describe(r *glueRun) map[string]any {
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

// seconds is how awsJson writes a time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (g *glue) getJob(c *glueCall) (any, error) {
	r, err := g.job(c.JobName, c.RunID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"JobRun": g.describe(r)}, nil
}

func (g *glue) listJob(c *glueCall) (any, error) {
	runs := slices.Clone(g.runs[c.JobName])
	slices.Reverse(runs)
	if len(runs) > 0 {
		if err := g.throttled(c.JobName, runs[0].steps); err != nil {
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
			err = g.stop(r)
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

// stop has a run end soon.
func (g *glue) stop(r *glueRun) error {
	if !r.Stopped.IsZero() {
		return nil
	}
	if r.at(g.now()).over {
		return glueInvalid("The run has ended.")
	}
	r.Stopped = g.now().UTC()
	return g.log.write(r)
}
