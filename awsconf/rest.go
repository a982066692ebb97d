package awsconf

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// A REST is a service of AWS whose operations are methods and paths, and whose errors are JSON. It is
// here for the reason that JSON is.
type REST struct {
	ID      string // the SDK's name of it, "Lambda": AWS_ENDPOINT_URL_LAMBDA
	Service string // its host's name, which is also that of its signatures and permissions
}

// A Request is one call of an operation of a REST.
type Request struct {
	Permission string   // that a caller must have: "InvokeFunction"
	Method     string   // "POST"
	Path       []string // its parts; what stands in them is escaped
	Query      url.Values
	Header     http.Header
	Body       []byte
	// Again tells that the call may be made twice, as JSON.Ask has it; else it is as JSON.Call.
	Again bool
	// Once tells that it is made a single time, as JSON.Once.
	Once bool
	// Within bounds one attempt, head and body; 0 = as long as any other call's.
	Within time.Duration
}

// A Response is a whole answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // JSON, or empty
}

// Do makes a call. The error is an *Error or the end of ctx.
func (r REST) Do(ctx context.Context, s *Session, q Request) (Response, error) {
	service := JSON{ID: r.ID, Service: r.Service}
	at, err := s.endpoint(service)
	if err != nil {
		return Response{}, err
	}
	// JoinPath would clean "..": a part is one, whatever is in it.
	path, raw := "", ""
	for _, part := range q.Path {
		path, raw = path+"/"+part, raw+"/"+escapePart(part)
	}
	if base := at.Path; base != "/" {
		path, raw = base+path, base+raw
	}
	to := *at
	to.Path, to.RawPath, to.RawQuery = path, raw, q.Query.Encode()
	c := &call{
		JSON: service, session: s, caller: s.caller(r.Service), at: &to, operation: q.Permission,
		method: q.Method, header: q.Header, body: q.Body, within: q.Within, anyJSON: true,
	}
	m := onlyUndone
	switch {
	case q.Once:
		m = once
	case q.Again:
		m = repeatable
	}
	answer, err := c.carryOut(ctx, m)
	if err != nil {
		return Response{}, c.explain(ctx, err)
	}
	if len(answer.Body) > 0 && !json.Valid(answer.Body) {
		return Response{}, unsure(notAWS())
	}
	return answer, nil
}

// escapePart escapes all of a path's part but what every signer leaves alone.
func escapePart(s string) string {
	const digits = "0123456789ABCDEF"
	var out []byte
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			out = append(out, c)
		default:
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(out)
}

// client is what sends a call. The usual one waits a minute for the head of an answer; one that may
// take longer has another, whose connections are not shared.
func (c *call) client() aws.HTTPClient {
	usual, ok := c.session.Config.HTTPClient.(*awshttp.BuildableClient)
	if c.within <= answerWithin || !ok {
		return c.session.Config.HTTPClient
	}
	c.session.patient.Do(func() {
		c.session.patientClient = usual.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = 0 })
	})
	return c.session.patientClient
}

// limit is how long one attempt may take, head and body.
func (c *call) limit() time.Duration { return cmp.Or(c.within, c.session.stall) }
