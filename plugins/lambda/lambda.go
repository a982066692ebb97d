// Package lambda is the plugin lambda.invoke: calls a function of AWS Lambda.
package lambda

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Plugin is lambda.invoke.
type Plugin struct{}

var (
	_ plugins.Plugin    = Plugin{}
	_ plugins.Hoster    = Plugin{}
	_ plugins.InProcess = Plugin{}
)

//go:embed input.json
var inputSchema []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "lambda.invoke" }

// InProcess implements plugins.InProcess.
func (Plugin) InProcess() {}

// Host implements plugins.Hoster.
func (Plugin) Host(json.RawMessage) string { return awsconf.Host(nil, "LAMBDA", "lambda") }

// Schema implements plugins.Plugin. The output may be anything: it is what the function returns.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Calls a Lambda function", Input: inputSchema}
}

// Limits of Lambda's: bytes of a payload that is answered, bytes of one that is only taken, and how long
// a function may run.
const (
	mostPayload = 6 << 20
	mostEvent   = 1 << 20
	longest     = 15 * time.Minute
	around      = time.Minute // what a call may take besides: a cold start, the way there and back
)

// A mode is how a function is called.
type mode struct {
	invocation string // Lambda's own word
	most       int    // bytes of the payload
	again      bool   // the call may be made twice
}

var modes = map[string]mode{
	"request": {"RequestResponse", mostPayload, false},
	"event":   {"Event", mostEvent, false},
	"dry":     {"DryRun", mostPayload, true},
}

// Run implements plugins.Plugin. A call whose answer is lost is not made again: only the function knows
// whether that would do harm. It is told the task's idempotency key, by which it may find out.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct {
		Function string
		Payload  json.RawMessage
		Mode     string
	}
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	if in.Mode == "" {
		in.Mode = "request"
	}
	m, ok := modes[in.Mode]
	name, qualifier := split(in.Function)
	switch {
	case name == "":
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot call a function without a name")
	case !ok:
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot call %s: mode may be request, event or dry, not %q", in.Function, in.Mode)
	case len(in.Payload) > m.most:
		return plugins.Result{}, &plugins.Error{
			Kind: plugins.BadInput, Err: fmt.Errorf("cannot call %s: the payload has %d bytes, at most %d are allowed with mode %s", in.Function, len(in.Payload), m.most, in.Mode),
			Hint: "put it into S3, and hand over its URI",
		}
	}
	q := awsconf.Request{
		Permission: "InvokeFunction", Method: http.MethodPost, Path: []string{"2015-03-31", "functions", name, "invocations"},
		Header: http.Header{"Content-Type": {"application/json"}, "X-Amz-Invocation-Type": {m.invocation}},
		Body:   in.Payload, Again: m.again, Within: longest + around,
	}
	if qualifier != "" {
		q.Query = url.Values{"Qualifier": {qualifier}}
	}
	if in.Mode == "request" {
		q.Header["X-Amz-Log-Type"] = []string{"Tail"}
		q.Header["X-Amz-Client-Context"] = []string{clientContext(call.Env)}
	}
	answer, err := awsconf.Lambda.Do(ctx, s, q)
	if err != nil {
		return plugins.Result{}, failures.Failed(ctx, "call "+in.Function, err)
	}
	tellLog(call, answer.Header.Get("X-Amz-Log-Result"))
	if kind := answer.Header.Get("X-Amz-Function-Error"); kind != "" {
		return plugins.Result{}, functionError(call, in.Function, kind, answer.Body)
	}
	if len(answer.Body) == 0 {
		return plugins.Result{}, nil
	}
	return plugins.Result{Output: answer.Body}, nil
}

// split takes a version or an alias off a function's name: it is no part of the path. In an ARN it is
// the eighth part.
func split(function string) (name, qualifier string) {
	parts := strings.Split(function, ":")
	whole := 1 // NAME
	switch {
	case parts[0] == "arn":
		whole = 7 // arn:aws:lambda:REGION:ACCOUNT:function:NAME
	case len(parts) >= 3 && parts[1] == "function":
		whole = 3 // ACCOUNT:function:NAME
	}
	if len(parts) != whole+1 {
		return function, ""
	}
	return strings.Join(parts[:whole], ":"), parts[whole]
}

// clientContext tells the function who calls: in Python it is context.client_context.custom.
func clientContext(env []string) string {
	custom := map[string]string{}
	for _, kv := range env {
		for _, name := range []string{"WEFT_IDEMPOTENCY_KEY", "WEFT_DAG_ID", "WEFT_RUN_ID", "WEFT_TASK_ID"} {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				custom[strings.ToLower(name)] = v
			}
		}
	}
	raw, err := json.Marshal(map[string]any{"custom": custom})
	if err != nil {
		return "" // texts always marshal
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// tellLog writes the end of the function's own log, of which Lambda gives 4 KB, into the task's.
func tellLog(call *plugins.Call, encoded string) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) == 0 || call.Logf == nil {
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(string(raw), "\n"), "\n") {
		call.Logf("%s", line)
	}
}

// functionError is the failure of a function that ran: an error that it raised, or its end.
func functionError(call *plugins.Call, function, kind string, body []byte) error {
	var said struct {
		Message string   `json:"errorMessage"`
		Type    string   `json:"errorType"`
		Trace   []string `json:"stackTrace"`
		Trace2  []string `json:"trace"` // of Node
	}
	// A function that gives something else has at least failed: its words are the message.
	if json.Unmarshal(body, &said) != nil || said.Message == "" && said.Type == "" {
		said.Message, said.Type = strings.TrimSpace(string(body)), kind
	}
	for _, line := range append(said.Trace, said.Trace2...) {
		call.Logf("%s", strings.TrimRight(line, "\n"))
	}
	what := said.Type
	if what == "" {
		what = kind
	}
	return plugins.Errorf(plugins.Remote, "the function %s failed with %s: %s", function, what, said.Message)
}

// failures is what Lambda's own words mean.
var failures = awscall.Meanings{
	"ResourceNotFoundException":            {Kind: plugins.Remote, Text: "there is no such function", Hint: "check its name, AWS_REGION and the account"},
	"InvalidParameterValueException":       {Kind: plugins.BadInput},
	"InvalidRequestContentException":       {Kind: plugins.BadInput},
	"ValidationException":                  {Kind: plugins.BadInput},
	"RequestTooLargeException":             {Kind: plugins.BadInput, Text: "the payload is too large", Hint: "put it into S3, and hand over its URI"},
	"RequestEntityTooLargeException":       {Kind: plugins.BadInput, Text: "the payload is too large", Hint: "put it into S3, and hand over its URI"},
	"ResourceNotReadyException":            {Kind: plugins.Temporary, Text: "the function is not ready"},
	"ResourceConflictException":            {Kind: plugins.Temporary, Text: "the function is being changed"},
	"CodeArtifactUserPendingException":     {Kind: plugins.Temporary, Text: "the function is not ready"},
	"KMSAccessDeniedException":             {Kind: plugins.Remote},
	"InvalidRuntimeException":              {Kind: plugins.Remote},
	"InvalidZipFileException":              {Kind: plugins.Remote},
	"EC2AccessDeniedException":             {Kind: plugins.Remote},
	"SubnetIPAddressLimitReachedException": {Kind: plugins.Temporary},
	"ENILimitReachedException":             {Kind: plugins.Temporary},
}
