package batch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"weft/plugins"
	"weft/plugins/awscall"
)

// mostJobs is how many jobs DescribeJobs takes.
const mostJobs = 100

// A detail is what of a JobDetail is looked at. Times are milliseconds since 1970.
type detail struct {
	ID           string    `json:"jobId"`
	Status       string    `json:"status"`
	StatusReason string    `json:"statusReason"`
	CreatedAt    int64     `json:"createdAt"`
	StartedAt    int64     `json:"startedAt"`
	StoppedAt    int64     `json:"stoppedAt"`
	Container    container `json:"container"`
	Attempts     []struct {
		StatusReason string    `json:"statusReason"`
		Container    container `json:"container"`
	} `json:"attempts"`
	IsTerminated bool `json:"isTerminated"`
	IsCancelled  bool `json:"isCancelled"`
	Array        *struct {
		Size    int            `json:"size"`
		Summary map[string]int `json:"statusSummary"`
	} `json:"arrayProperties"`
}

type container struct {
	ExitCode  *int   `json:"exitCode"`
	Reason    string `json:"reason"`
	LogStream string `json:"logStreamName"`
}

// Check implements plugins.RemoteWork. That the job is not known is no end of it: credentials of another
// account say so too.
func (j Job) Check(ctx context.Context, call *plugins.Call, raw json.RawMessage) (plugins.Progress, error) {
	return awscall.One(j.CheckAll(ctx, call, []json.RawMessage{raw}))
}

// Batch implements plugins.BatchChecker: all jobs of a region.
func (Job) Batch(raw json.RawMessage) string {
	h, err := awscall.Recorded[handle](raw)
	if err != nil {
		return string(raw)
	}
	return h.Region
}

// CheckAll implements plugins.BatchChecker.
func (Job) CheckAll(ctx context.Context, call *plugins.Call, handles []json.RawMessage) ([]plugins.Progress, error) {
	return awscall.Parts(handles, mostJobs, func(part []json.RawMessage, into []plugins.Progress) error {
		return describe(ctx, call, part, into)
	}), nil
}

func describe(ctx context.Context, call *plugins.Call, handles []json.RawMessage, into []plugins.Progress) error {
	at, ids, hs := map[string]int{}, make([]string, len(handles)), make([]handle, len(handles))
	for i, raw := range handles {
		h, err := awscall.Recorded[handle](raw)
		if err != nil {
			return err
		}
		hs[i], at[h.ID], ids[i] = h, i, h.ID
		into[i].Unasked = plugins.Errorf(plugins.Temporary, "cannot look at %s: Batch does not know it, or has forgotten it, as it does a week after its end", h)
	}
	s, err := awscall.Reach(ctx, call, hs[0].Region)
	if err != nil {
		return err
	}
	var out struct {
		Jobs []detail `json:"jobs"`
	}
	if err := ask(ctx, s, "DescribeJobs", map[string][]string{"jobs": ids}, &out, once); err != nil {
		what := "look at the jobs of Batch"
		if len(hs) == 1 {
			what = "look at " + hs[0].String()
		}
		return meanings.Work(ctx, what, err)
	}
	for _, d := range out.Jobs {
		if i, ours := at[d.ID]; ours {
			if into[i], err = hs[i].progress(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// A done is the output.
type done struct {
	ID        string  `json:"job_id"`
	Name      string  `json:"job_name"`
	State     string  `json:"state"`
	CreatedAt *string `json:"created_at"`
	StartedAt *string `json:"started_at"`
	StoppedAt *string `json:"stopped_at"`
	ExitCode  *int    `json:"exit_code"`
	Attempts  int     `json:"attempts"`
	LogStream *string `json:"log_stream_name"`
}

func stamp(ms int64) *string { return awscall.Moment(float64(ms) / 1000).Stamp() }

// progress reads a job's state. One that is not known here goes on.
func (h handle) progress(d detail) (plugins.Progress, error) {
	p := plugins.Progress{State: d.Status}
	switch d.Status {
	case "SUCCEEDED":
		c := d.last()
		out := done{h.ID, h.Name, d.Status, stamp(d.CreatedAt), stamp(d.StartedAt), stamp(d.StoppedAt), c.ExitCode, len(d.Attempts), nil}
		if c.LogStream != "" {
			out.LogStream = &c.LogStream
		}
		raw, err := json.Marshal(out)
		p.Done, p.Result = true, plugins.Result{Output: raw}
		return p, err
	case "FAILED":
		p.Done, p.Failed = true, h.failure(d)
	}
	return p, nil
}

// last is the container of the last try: the job's own, as far as Batch tells of it there.
func (d detail) last() container {
	c := d.Container
	if n := len(d.Attempts); n > 0 {
		last := d.Attempts[n-1].Container
		c.Reason, c.LogStream = cmp.Or(c.Reason, last.Reason), cmp.Or(c.LogStream, last.LogStream)
		if c.ExitCode == nil {
			c.ExitCode = last.ExitCode
		}
	}
	return c
}

// failure says why a job failed: Batch's word for the job, how the container ended, and where its log is.
func (h handle) failure(d detail) *plugins.Error {
	c, how := d.last(), "has failed"
	if d.IsTerminated || d.IsCancelled {
		how = "was stopped"
	}
	e := &plugins.Error{Kind: plugins.Remote, Err: fmt.Errorf("%s %s (%s)", h, how, d.Status), Exit: c.ExitCode}
	var why []string
	if d.StatusReason != "" {
		why = append(why, d.StatusReason)
	}
	if c.ExitCode != nil {
		why = append(why, fmt.Sprintf("the container exited with status %d", *c.ExitCode))
	}
	if c.Reason != "" && c.Reason != d.StatusReason {
		why = append(why, c.Reason)
	}
	if n := len(d.Attempts); n > 1 {
		why = append(why, fmt.Sprintf("%d tries", n))
	}
	if a := d.Array; a != nil && a.Size > 0 {
		why = append(why, fmt.Sprintf("%d of its %d children failed", a.Summary["FAILED"], a.Size))
		e.Hint = "aws batch list-jobs --job-status FAILED --array-job-id " + h.ID
	}
	if c.LogStream != "" {
		e.Hint = "its log is the stream " + c.LogStream + ", most often of the group /aws/batch/job"
	}
	if len(why) > 0 {
		e.Err = fmt.Errorf("%w: %s", e.Err, strings.Join(why, "; "))
	}
	switch { // Batch says it in words alone
	case strings.HasPrefix(d.StatusReason, "Host EC2"): // the machine went: a Spot instance, most often
		e.Kind = plugins.Temporary
	case strings.HasPrefix(d.StatusReason, "Job attempt duration exceeded timeout"):
		e.Kind = plugins.Timeout
	}
	return e
}
