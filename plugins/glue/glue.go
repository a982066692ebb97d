// Package glue is the plugins glue.job and glue.crawler: work that AWS Glue does, and weft watches. A file
// each; what a task may say of credentials, region and endpoint are the AWS_* variables of its
// environment (awsconf). The shapes are those of the Glue Web API Reference, of 2017-03-31.
package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Plugins returns one of each.
func Plugins() []plugins.Plugin { return []plugins.Plugin{Crawler{}, Job{}} }

// service is Glue's own client's worth of weft: the SDK's would cost every start milliseconds.
var service = awsconf.JSON{ID: "Glue", Service: "glue", Target: "AWSGlue", Version: "1.1"}

// A moment is how awsJson writes a time: seconds since 1970, with a fraction.
type moment float64

func (m moment) time() time.Time {
	return time.UnixMicro(int64(float64(m) * 1e6)).UTC()
}

// stamp writes a moment for outputs; nil where there is none.
func (m moment) stamp() *string {
	if m == 0 {
		return nil
	}
	s := m.time().Format(time.RFC3339Nano)
	return &s
}

// session finds the way to AWS for a submission that was made in a region; "" = wherever this leads.
func session(ctx context.Context, call *plugins.Call, region string) (*awsconf.Session, error) {
	s, err := awsconf.For(ctx, call.Env)
	if err != nil {
		return nil, failed(ctx, "reach AWS", err)
	}
	if region != "" && s.Config.Region != region {
		return nil, &plugins.Error{
			Kind: plugins.BadInput, Err: fmt.Errorf("cannot ask about it: it was started in %s, and this leads to %s", region, s.Config.Region),
			Hint: "set AWS_REGION to " + region,
		}
	}
	return s, nil
}

// missing is the code of a job, a run or a crawler that is not there.
const missing = "EntityNotFoundException"

var meanings = awscall.Meanings{
	missing:                                {Kind: plugins.BadInput, Text: "there is none of that name", Hint: "check the name, AWS_REGION and AWS_PROFILE"},
	"InvalidInputException":                {Kind: plugins.BadInput},
	"ConcurrentRunsExceededException":      {Kind: plugins.Temporary, Text: "as many of its runs as the job allows go on already", Hint: "raise the job's maximum concurrency, or give the task retries"},
	"CrawlerRunningException":              {Kind: plugins.Temporary, Text: "it is running already", Hint: "that crawl may miss what came since it began; give the task retries"},
	"ResourceNumberLimitExceededException": {Kind: plugins.Temporary},
	timedOut:                               {Kind: plugins.Temporary},
}

// timedOut is Glue's word for a call that took too long within: it may have been carried out.
const timedOut = "OperationTimeoutException"

// failed says what could not be done, and whether nobody knows if it was.
func failed(ctx context.Context, what string, err error) error {
	told := meanings.Failed(ctx, what, err)
	var e *plugins.Error
	var aws *awsconf.Error
	if errors.As(told, &e) && errors.As(err, &aws) && (aws.Unsure || awsconf.CodeOf(err) == timedOut) {
		return &plugins.Error{Kind: plugins.Temporary, Unsure: true, Err: fmt.Errorf("cannot %s: %s", what, aws.Text)}
	}
	return told
}

// patience is how long a start is tried that the service surely has not taken: it asks to slow down, it
// is away, or the credentials are being renewed.
const patience = 5 * time.Minute

// patiently tries a call until it is taken, or fails so that no waiting helps, or nobody knows.
func patiently(ctx context.Context, call *plugins.Call, do func() error) error {
	began := time.Now()
	for n := 0; ; n++ {
		err := do()
		var aws *awsconf.Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &aws) || aws.Unsure || time.Since(began) > patience {
			return err
		}
		switch aws.Fault {
		case awsconf.Throttled, awsconf.Unreached, awsconf.Broken, awsconf.Expired, awsconf.Skewed:
		default:
			return err
		}
		if n == 0 {
			call.Logf("not started yet: %s", aws.Text)
		}
		timer := time.NewTimer(rand.N(time.Second << min(n, 4))) // full jitter, up to 16 s
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// aim is a target: what a submission is found by.
func aim(name, what string) (json.RawMessage, error) {
	if strings.TrimSpace(name) == "" {
		return nil, plugins.Errorf(plugins.BadInput, "cannot start a %s without a name", what)
	}
	return json.Marshal(struct {
		Name string `json:"name"`
	}{name})
}

// read reads a target or a handle that this package has written.
func read[T any](raw json.RawMessage) (T, error) {
	var v T
	if json.Unmarshal(raw, &v) != nil {
		return v, plugins.Errorf(plugins.Internal, "cannot read what was recorded of it: %.100s", raw)
	}
	return v, nil
}

// watched is the answer of Run, which only a sensor comes to.
func watched(ctx context.Context, name string) (plugins.Result, error) {
	if ctx.Err() != nil {
		return plugins.Result{}, ctx.Err()
	}
	return plugins.Result{}, &plugins.Error{
		Kind: plugins.BadInput, Err: fmt.Errorf("cannot use %s as a sensor: each poke would start it anew", name),
		Hint: "leave out sensor; it is watched anyway, for nothing",
	}
}
