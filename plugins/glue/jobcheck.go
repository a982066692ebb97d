package glue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Check implements plugins.RemoteWork. That the run is not known is no end of it: credentials of another
// account say so too.
func (Job) Check(ctx context.Context, call *plugins.Call, handle json.RawMessage) (plugins.Progress, error) {
	h, err := awscall.Recorded[jobHandle](handle)
	if err != nil {
		return plugins.Progress{}, err
	}
	s, err := awscall.Reach(ctx, call, h.Region)
	if err != nil {
		return plugins.Progress{}, err
	}
	return checkJob(ctx, s, h)
}

func checkJob(ctx context.Context, s *awsconf.Session, h jobHandle) (plugins.Progress, error) {
	var out struct{ JobRun jobRun }
	if err := service.Once(ctx, s, "GetJobRun", map[string]string{"JobName": h.Name, "RunId": h.Run}, &out); err != nil {
		return plugins.Progress{}, failed(ctx, "look at "+h.String(), err)
	}
	return h.progress(out.JobRun)
}

// Batch implements plugins.BatchChecker: the runs of one job stand in one list.
func (Job) Batch(handle json.RawMessage) string {
	h, err := awscall.Recorded[jobHandle](handle)
	if err != nil {
		return string(handle)
	}
	return h.Region + "/" + h.Name
}

// CheckAll implements plugins.BatchChecker: by pages of the job's runs, newest first, as long as that is
// likely to be cheaper than asking for each that was not on one.
func (Job) CheckAll(ctx context.Context, call *plugins.Call, handles []json.RawMessage) ([]plugins.Progress, error) {
	all := make([]plugins.Progress, len(handles))
	hs, at := make([]jobHandle, len(handles)), make(map[string]int, len(handles))
	for i, raw := range handles {
		var err error
		if hs[i], err = awscall.Recorded[jobHandle](raw); err != nil {
			return nil, err
		}
		at[hs[i].Run] = i
	}
	s, err := awscall.Reach(ctx, call, hs[0].Region)
	if err != nil {
		return nil, err
	}
	pages := 0
	err = runsOf(ctx, s, hs[0].Name, service.Once, func(page []jobRun) bool {
		for _, r := range page {
			i, ours := at[r.ID]
			if !ours {
				continue
			}
			delete(at, r.ID)
			if all[i], err = hs[i].progress(r); err != nil {
				return false
			}
		}
		pages++
		return len(at) > 0 && pages < 2+len(handles)/50
	})
	if err != nil {
		err = failed(ctx, "look at the runs of glue job "+hs[0].Name, err)
	}
	for i, h := range hs {
		if _, left := at[h.Run]; !left {
			continue
		}
		if err == nil { // behind the pages: asked for alone
			all[i], err = checkJob(ctx, s, h)
		}
		if err != nil { // one refusal is enough for one round
			all[i].Unasked = err
		}
	}
	return all, nil
}

// A jobDone is the output.
type jobDone struct {
	JobRunID      string  `json:"job_run_id"`
	State         string  `json:"state"`
	StartedOn     *string `json:"started_on"`
	ExecutionTime int     `json:"execution_time"`
	ErrorMessage  *string `json:"error_message"`
}

// progress reads a run's state. What is not known here goes on: a state that Glue will have some day
// ends no task.
func (h jobHandle) progress(r jobRun) (plugins.Progress, error) {
	p := plugins.Progress{State: r.JobRunState}
	switch r.JobRunState {
	case "SUCCEEDED":
		out := jobDone{JobRunID: h.Run, State: r.JobRunState, StartedOn: r.StartedOn.Stamp(), ExecutionTime: r.ExecutionTime}
		if r.ErrorMessage != "" {
			out.ErrorMessage = &r.ErrorMessage
		}
		raw, err := json.Marshal(out)
		p.Done, p.Result = true, plugins.Result{Output: raw}
		return p, err
	case "FAILED", "ERROR", "STOPPED", "EXPIRED", "TIMEOUT":
		p.Done, p.Failed = true, h.failure(r)
	}
	return p, nil
}

func (h jobHandle) failure(r jobRun) *plugins.Error {
	text := map[string]string{
		"FAILED": "has failed", "ERROR": "ended with an error", "STOPPED": "was stopped",
		"EXPIRED": "expired before it began", "TIMEOUT": "took longer than the job's own timeout",
	}[r.JobRunState]
	e := &plugins.Error{Kind: plugins.Remote, Err: fmt.Errorf("%s %s (%s)", h, text, r.JobRunState)}
	if r.JobRunState == "TIMEOUT" {
		e.Kind = plugins.Timeout
	}
	if r.ErrorMessage != "" {
		e.Err = fmt.Errorf("%w: %s", e.Err, r.ErrorMessage)
	}
	if r.ExecutionTime > 0 {
		e.Err = fmt.Errorf("%w, after %s", e.Err, time.Duration(r.ExecutionTime)*time.Second)
	}
	return e
}
