// Package athena is the plugin athena.query: a query that AWS Athena runs, and weft watches. What a task
// may say of credentials, region and endpoint are the AWS_* variables of its environment (awsconf). The
// shapes are those of the Athena API Reference, of 2017-05-18.
package athena

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Query is the plugin athena.query.
//
// StartQueryExecution is idempotent under its ClientRequestToken: a start that may have been lost is made
// again, and gives the query that was begun. So there is nothing to find.
type Query struct{}

var (
	_ plugins.Plugin       = Query{}
	_ plugins.RemoteWork   = Query{}
	_ plugins.BatchChecker = Query{}
	_ plugins.InProcess    = Query{}
)

//go:embed query_input.json
var queryInput []byte

//go:embed query_output.json
var queryOutput []byte

var service = awsconf.JSON{ID: "Athena", Service: "athena", Target: "AmazonAthena", Version: "1.1"}

// Name implements plugins.Plugin.
func (Query) Name() string { return "athena.query" }

// InProcess implements plugins.InProcess.
func (Query) InProcess() {}

// Schema implements plugins.Plugin.
func (Query) Schema() plugins.Schema {
	return plugins.Schema{Title: "Runs a query of Athena to its end", Input: queryInput, Output: queryOutput}
}

// Run implements plugins.Plugin; only a sensor comes to it, which the validator refuses.
func (Query) Run(ctx context.Context, _ *plugins.Call) (plugins.Result, error) {
	return awscall.Watched(ctx, "athena.query")
}

type queryWith struct {
	Query, Database, Catalog, Workgroup, Output string
	Parameters                                  []string
}

// A start is the request of StartQueryExecution.
type start struct {
	QueryString           string
	ClientRequestToken    string
	QueryExecutionContext map[string]string `json:",omitempty"`
	ResultConfiguration   map[string]string `json:",omitempty"`
	WorkGroup             string            `json:",omitempty"`
	ExecutionParameters   []string          `json:",omitempty"`
}

// An execution is what of a QueryExecution is looked at.
type execution struct {
	QueryExecutionID    string `json:"QueryExecutionId"`
	ResultConfiguration struct{ OutputLocation string }
	Status              struct {
		State, StateChangeReason string
		AthenaError              *struct{ Retryable bool }
	}
	Statistics struct{ DataScannedInBytes, EngineExecutionTimeInMillis int64 }
}

// A queryHandle is what is recorded of a query.
type queryHandle struct {
	ID     string `json:"id"`
	Region string `json:"region"`
}

func (h queryHandle) String() string { return "athena query " + h.ID }

// Target implements plugins.RemoteWork. The token is all that it takes.
func (Query) Target(json.RawMessage) (json.RawMessage, error) { return json.RawMessage("{}"), nil }

// request makes the request out of the input.
func request(call *plugins.Call, token string) (start, error) {
	var in queryWith
	if err := awscall.Input(call.Input, &in); err != nil {
		return start{}, err
	}
	req := start{
		QueryString: in.Query, WorkGroup: in.Workgroup, ExecutionParameters: in.Parameters,
		ClientRequestToken: token + "-" + token, // it has 32 characters at least
	}
	for name, v := range map[string]string{"Database": in.Database, "Catalog": in.Catalog} {
		if v != "" {
			if req.QueryExecutionContext == nil {
				req.QueryExecutionContext = map[string]string{}
			}
			req.QueryExecutionContext[name] = v
		}
	}
	if in.Output != "" {
		req.ResultConfiguration = map[string]string{"OutputLocation": in.Output}
	}
	return req, nil
}

// Submit implements plugins.RemoteWork.
func (Query) Submit(ctx context.Context, call *plugins.Call, sub plugins.Submission) (plugins.Handle, error) {
	req, err := request(call, sub.Token)
	if err != nil {
		return plugins.Handle{}, err
	}
	s, err := awscall.Reach(ctx, call, "")
	if err != nil {
		return plugins.Handle{}, err
	}
	var out struct {
		QueryExecutionID string `json:"QueryExecutionId"`
	}
	if err := service.Ask(ctx, s, "StartQueryExecution", req, &out); err != nil {
		return plugins.Handle{}, awscall.Again(failed(ctx, "start the query", err))
	}
	return awscall.Handle(queryHandle{out.QueryExecutionID, s.Config.Region})
}

var meanings = awscall.Meanings{"InvalidRequestException": {Kind: plugins.BadInput}}

func failed(ctx context.Context, what string, err error) error {
	return meanings.Work(ctx, what, err)
}

// reach reads a handle and finds the way to it.
func reach(ctx context.Context, call *plugins.Call, raw json.RawMessage) (h queryHandle, s *awsconf.Session, err error) {
	if h, err = awscall.Recorded[queryHandle](raw); err == nil {
		s, err = awscall.Reach(ctx, call, h.Region)
	}
	return h, s, err
}

// Check implements plugins.RemoteWork.
func (Query) Check(ctx context.Context, call *plugins.Call, handle json.RawMessage) (plugins.Progress, error) {
	h, s, err := reach(ctx, call, handle)
	if err != nil {
		return plugins.Progress{}, err
	}
	var out struct{ QueryExecution execution }
	if err := service.Once(ctx, s, "GetQueryExecution", map[string]string{"QueryExecutionId": h.ID}, &out); err != nil {
		return plugins.Progress{}, failed(ctx, "look at "+h.String(), err)
	}
	return h.progress(out.QueryExecution)
}

// Batch implements plugins.BatchChecker: all queries of a region.
func (Query) Batch(handle json.RawMessage) string {
	var h queryHandle
	_ = json.Unmarshal(handle, &h) // what cannot be read is its own batch
	return h.Region
}

// batchSize is the most queries that BatchGetQueryExecution takes.
const batchSize = 50

// CheckAll implements plugins.BatchChecker.
func (Query) CheckAll(ctx context.Context, call *plugins.Call, handles []json.RawMessage) ([]plugins.Progress, error) {
	return awscall.Parts(handles, batchSize, func(handles []json.RawMessage, into []plugins.Progress) error {
		return checkBatch(ctx, call, handles, into)
	}), nil
}

func checkBatch(ctx context.Context, call *plugins.Call, handles []json.RawMessage, into []plugins.Progress) error {
	var s *awsconf.Session
	at, ids := map[string]int{}, make([]string, len(handles))
	for i, raw := range handles {
		h, found, err := reach(ctx, call, raw)
		if err != nil {
			return err
		}
		s, at[h.ID], ids[i] = found, i, h.ID
		into[i].Unasked = plugins.Errorf(plugins.Temporary, "cannot look at %s: Athena does not tell of it", h)
	}
	var out struct{ QueryExecutions []execution }
	if err := service.Once(ctx, s, "BatchGetQueryExecution", map[string][]string{"QueryExecutionIds": ids}, &out); err != nil {
		return failed(ctx, "look at the queries of Athena", err)
	}
	for _, e := range out.QueryExecutions {
		if i, ours := at[e.QueryExecutionID]; ours {
			p, err := queryHandle{ID: e.QueryExecutionID}.progress(e)
			if err != nil {
				return err
			}
			into[i] = p
		}
	}
	return nil
}

// A queryDone is the output.
type queryDone struct {
	ID       string `json:"query_execution_id"`
	State    string `json:"state"`
	Location string `json:"output_location"`
	Scanned  int64  `json:"data_scanned_bytes"`
	Millis   int64  `json:"engine_ms"`
}

func (h queryHandle) progress(e execution) (plugins.Progress, error) {
	p := plugins.Progress{State: e.Status.State}
	switch e.Status.State {
	case "SUCCEEDED":
		raw, err := json.Marshal(queryDone{h.ID, e.Status.State, e.ResultConfiguration.OutputLocation, e.Statistics.DataScannedInBytes, e.Statistics.EngineExecutionTimeInMillis})
		p.Done, p.Result = true, plugins.Result{Output: raw}
		return p, err
	case "FAILED", "CANCELLED":
		how := map[string]string{"FAILED": "has failed", "CANCELLED": "was stopped"}[e.Status.State]
		p.Done, p.Failed = true, plugins.Errorf(plugins.Remote, "%s %s (%s)", h, how, e.Status.State)
		if e.Status.StateChangeReason != "" {
			p.Failed.Err = fmt.Errorf("%w: %s", p.Failed.Err, e.Status.StateChangeReason)
		}
		if e.Status.AthenaError != nil && e.Status.AthenaError.Retryable {
			p.Failed.Kind = plugins.Temporary
		}
	}
	return p, nil
}

// Stop implements plugins.RemoteWork.
func (Query) Stop(ctx context.Context, call *plugins.Call, handle json.RawMessage) error {
	h, s, err := reach(ctx, call, handle)
	if err != nil {
		return err
	}
	return failed(ctx, "stop "+h.String(), service.Ask(ctx, s, "StopQueryExecution", map[string]string{"QueryExecutionId": h.ID}, nil))
}
