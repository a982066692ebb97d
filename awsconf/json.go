package awsconf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// A JSON is a service of AWS that speaks awsJson: one POST a call, an object in, an object out. It
// is for services of which weft needs a call or two: the SDK's own clients of some of them cost every
// start of weft more than all of weft.
type JSON struct {
	ID      string // the SDK's name of it, "Secrets Manager": AWS_ENDPOINT_URL_SECRETS_MANAGER
	Service string // its host's name, which is also that of its signatures and permissions: "secretsmanager"
	Target  string // what its operations' names begin with on the wire: "AmazonSSM"
	Version string // of the protocol: "1.0" or "1.1"
}

// Ask makes a call that may be made twice: a read, or a write under a token. It is tried again, as
// often as the session's settings say, also where it is not known what became of it. in is marshalled
// by encoding/json and the answer unmarshalled into out; nil = nothing to send, or of no interest.
// The error is an *Error or the end of ctx.
func (j JSON) Ask(ctx context.Context, s *Session, operation string, in, out any) error {
	return j.call(ctx, s, operation, in, out, repeatable)
}

// Call is Ask for a call that must not be made twice. It is tried again only where the service has
// surely not carried it out; where nobody knows, its error is Unsure.
func (j JSON) Call(ctx context.Context, s *Session, operation string, in, out any) error {
	return j.call(ctx, s, operation, in, out, onlyUndone)
}

// Once makes a call a single time, for whoever tries again later anyway: where a service asks to slow
// down, or is away, trying at once would only add to it. What was refused for a clock that is now right,
// or for credentials that can be had anew, is made once more. Where nobody knows whether it was carried
// out, its error is Unsure.
func (j JSON) Once(ctx context.Context, s *Session, operation string, in, out any) error {
	return j.call(ctx, s, operation, in, out, once)
}

// How often a call may be tried.
type manner int

const (
	onlyUndone manner = iota // as long as it has surely not been carried out
	repeatable
	once
)

func (j JSON) call(ctx context.Context, s *Session, operation string, in, out any, m manner) error {
	at, err := s.endpoint(j)
	if err != nil {
		return err
	}
	body := []byte("{}")
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return &Error{Fault: BadRequest, Text: "what was asked cannot be written as JSON", cause: err}
		}
	}
	c := &call{JSON: j, session: s, caller: s.caller(j.Service), at: at, operation: operation, body: body, header: j.header(operation)}
	answer, err := c.carryOut(ctx, m)
	if err != nil {
		return c.explain(ctx, err)
	}
	if out == nil || len(answer.Body) == 0 {
		return nil
	}
	// What encoding/json says of a failure quotes the answer, which may be a secret.
	if json.Unmarshal(answer.Body, out) != nil {
		return &Error{Fault: Other, Text: "the service's answer has another form than is known", Hint: "check AWS_ENDPOINT_URL"}
	}
	return nil
}

// header names the protocol and the operation.
func (j JSON) header(operation string) http.Header {
	return http.Header{"Content-Type": {"application/x-amz-json-" + j.Version}, "X-Amz-Target": {j.Target + "." + operation}}
}

// carryOut makes attempts until one succeeds or none is left.
func (c *call) carryOut(ctx context.Context, m manner) (answer Response, err error) {
	retryer, given := c.caller.retryer, func(error) error { return nil }
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return Response{}, ctx.Err()
		}
		spent, err := retryer.GetAttemptToken(ctx)
		if err != nil {
			return Response{}, err
		}
		answer, failed := c.attempt(ctx)
		_, _ = given(failed.asError()), spent(failed.asError()) // they only count
		switch {
		case failed == nil:
			return answer, nil
		case ctx.Err() != nil:
			return Response{}, ctx.Err()
		case failed.unsure && m != repeatable:
			return Response{}, unsure(failed.error)
		case m == once && !failed.skewed && !(n == 1 && c.session.renewable && expired(failed.error)):
			return Response{}, failed.error
		case !failed.skewed && !retryer.IsErrorRetryable(failed.error), n >= retryer.MaxAttempts():
			return Response{}, failed.error
		}
		if given, err = retryer.GetRetryToken(ctx, failed.error); err != nil {
			return Response{}, failed.error // too many fail: what failed says more than the quota
		}
		wait, err := retryer.RetryDelay(n, failed.error)
		if err != nil {
			return Response{}, failed.error
		}
		if err := pause(ctx, wait); err != nil {
			return Response{}, err
		}
	}
}

func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// explain puts a failure into words. A denial names the permission that is lacking.
func (c *call) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var api smithy.APIError
	var e *Error
	if err = Explain(err); !errors.As(err, &e) || !errors.As(err, &api) {
		return err
	}
	said := api.ErrorMessage()
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"):
		e.Hint = fmt.Sprintf("grant %s:%s", c.Service, c.operation)
	case code == "InvalidSignatureException" && (strings.HasPrefix(said, "Signature expired") || strings.HasPrefix(said, "Signature not yet current")):
		known := codes["RequestTimeTooSkewed"]
		e.Fault, e.Text, e.Hint = known.Fault, known.Text, known.Hint
	}
	return err
}

// unsure marks an error of a call of which nobody knows whether it was carried out.
func unsure(err error) error {
	err = Explain(err)
	var e *Error
	if errors.As(err, &e) {
		e.Unsure = true
	}
	return err
}
