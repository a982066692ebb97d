package awsconf

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds the body of an answer. The longest that AWS gives by this protocol is a page of a
// list, about a megabyte.
const maxAnswer = 8 << 20

// A call is one call of an operation: what is the same in each of its attempts.
type call struct {
	JSON
	session   *Session
	caller    *caller
	at        *url.URL
	operation string
	body      []byte
	method    string // "" = POST
	header    http.Header
	within    time.Duration // bounds an attempt; 0 = the session's
	anyJSON   bool          // an answer may be more than an object
}

// A failure is how an attempt failed.
type failure struct {
	error
	unsure bool // the service may have done what was asked
	skewed bool // the clock alone was wrong, and is corrected
}

func (f *failure) asError() error {
	if f == nil {
		return nil
	}
	return f.error
}

// attempt sends the call once. From then on the whole of it, head and body, must be over within the
// time that a body of S3 may stand still: answers are small, and hardly an operation holds its answer
// back. Those that do (Lambda's) have a time of their own.
func (c *call) attempt(ctx context.Context) (Response, *failure) {
	used := time.Duration(c.caller.skew.Load())
	r, err := c.request(ctx, time.Now().Add(used))
	if err != nil {
		return Response{}, &failure{error: err}
	}
	var late, sent atomic.Bool
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer time.AfterFunc(c.limit(), func() { late.Store(true); stop() }).Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	resp, err := c.client().Do(r.WithContext(ctx))
	if err != nil {
		return Response{}, &failure{error: c.broken(err, late.Load()), unsure: sent.Load()}
	}
	defer resp.Body.Close()
	seen, known := c.skewOf(resp)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Response{}, &failure{error: c.broken(err, late.Load()), unsure: true}
	}
	if len(body) > maxAnswer {
		return Response{}, &failure{error: &Error{Fault: Other, Text: fmt.Sprintf("the service's answer is longer than %d MiB", maxAnswer>>20)}, unsure: true}
	}
	failed := judge(resp, body, c.anyJSON)
	if failed != nil && known && tellsOfClocks(failed.error) && (used-seen).Abs() > mostSkewed {
		failed.skewed = true
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, failed
}

// broken is the error of a connection, in the form in which Explain and retryers know it.
func (c *call) broken(err error, late bool) error {
	if late { // what the connection says is that it was cancelled: that was us, not the caller
		err = errLate{}
	}
	var known *url.Error
	if !errors.As(err, &known) {
		err = &url.Error{Op: "Post", URL: c.at.String(), Err: err}
	}
	return &smithyhttp.RequestSendError{Err: err}
}

// request makes the request of an attempt, and signs it.
func (c *call) request(ctx context.Context, at time.Time) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, cmp.Or(c.method, http.MethodPost), c.at.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, &Error{Fault: BadSettings, Text: "the endpoint is no URL", Hint: "check AWS_ENDPOINT_URL", cause: err}
	}
	// A body that cannot be had again: so the client follows no redirect, and takes neither token nor body
	// to another host. One that is empty must be a body too.
	r.Body, r.GetBody = io.NopCloser(bytes.NewReader(c.body)), nil
	for name, values := range c.header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "weft")
	who, err := c.session.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(c.body)
	err = c.caller.signer.SignHTTP(ctx, who, r, hex.EncodeToString(sum[:]), c.Service, c.session.Config.Region, at)
	return r, err
}

// mostSkewed is how wrong a clock may be before a refusal is put down to it (AWS allows five minutes
// and more).
const mostSkewed = 4 * time.Minute

// skewOf reads the service's clock from an answer, for the attempts that follow.
func (c *call) skewOf(resp *http.Response) (skew time.Duration, known bool) {
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || resp.Header.Get("Age") != "" || c.session.Config.DisableClockSkewCorrection { // Age: from a cache
		return 0, false
	}
	skew = time.Until(at)
	c.caller.skew.Store(int64(skew))
	return skew, true
}

// errLate is the end of an attempt that took too long. It is no end of the caller's context.
type errLate struct{}

func (errLate) Error() string   { return "it does not answer" }
func (errLate) Timeout() bool   { return true }
func (errLate) Temporary() bool { return true }
