// Package glue is the plugins glue.job and glue.crawler: work that AWS Glue does, and weft watches. A file
// each; what a task may say of credentials, region and endpoint are the AWS_* variables of its
// environment (awsconf). The shapes are those of the Glue Web API Reference, of 2017-03-31.
package glue

import (
	"context"
	"encoding/json"
	"strings"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Plugins returns one of each.
func Plugins() []plugins.Plugin { return []plugins.Plugin{Crawler{}, Job{}} }

// service is Glue's own client's worth of weft: the SDK's would cost every start milliseconds.
var service = awsconf.JSON{ID: "Glue", Service: "glue", Target: "AWSGlue", Version: "1.1"}

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
	return meanings.Work(ctx, what, err, timedOut)
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
