package awsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A Fault is what went wrong, as far as anyone acts on it.
type Fault int

// The faults. Other is an answer that has no name here; its text is the service's.
const (
	Other Fault = iota
	NoCredentials
	BadSettings
	Denied
	WrongRegion
	NoBucket
	NoObject
	Exists     // a write that was not to replace anything found something
	Changed    // what was read is not what it was any more
	Unchanged  // what was asked for if it is another than before is the same
	Throttled  // asked too often
	Unreached  // no connection, or it broke
	Broken     // the service failed
	Expired    // the credentials are too old
	Skewed     // the clocks differ
	Damaged    // the bytes do not fit their checksum
	BadRequest // what was asked cannot be done, however often
)

// An Error is a failure in words for people: a clause without subject, "access denied", that
// follows a caller's "cannot put s3://…".
type Error struct {
	Fault Fault
	Text  string
	Hint  string // what the user can do; "" = nothing to add
	// Unsure is set where nobody knows whether the service has done what was asked (JSON.Call).
	Unsure bool
	cause  error
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + " (" + e.Hint + ")"
}

func (e *Error) Unwrap() error { return e.cause }

// Temporary tells whether the same call may succeed later with nothing changed.
func (e *Error) Temporary() bool {
	switch e.Fault {
	case Changed, Throttled, Unreached, Broken, Expired, Skewed, Damaged:
		return true
	}
	return false
}

// FaultOf returns what went wrong; Other if err is no Error.
func FaultOf(err error) Fault {
	var e *Error
	if errors.As(err, &e) {
		return e.Fault
	}
	return Other
}

// Explain turns a failure of the SDK into an Error. nil, the end of a context and what is explained
// already are left as they are.
func Explain(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if holds(err, end) {
			return end
		}
	}
	e := explain(err)
	e.cause = err
	return e
}

// holds tells whether a very error is in a tree of errors. errors.Is would also believe the timeouts
// of a connection, which say of themselves that they are the end of a context.
func holds(err, wanted error) bool {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return holds(e.Unwrap(), wanted)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(in error) bool { return holds(in, wanted) })
	}
	return err == wanted
}

func explain(err error) *Error {
	var n noCredentials
	if errors.As(err, &n) {
		return explainCredentials(n)
	}
	if e := explainAnswer(err); e != nil {
		return e
	}
	if strings.Contains(err.Error(), "checksum did not match") { // the SDK has no type for it
		return &Error{Fault: Damaged, Text: "the bytes that came do not fit their checksum"}
	}
	if e := explainConnection(err); e != nil {
		return e
	}
	var garbled *smithy.DeserializationError
	if errors.As(err, &garbled) { // cut off, or of another kind of server
		return &Error{Fault: Broken, Text: "the service's answer cannot be read: " + bare(err)}
	}
	return &Error{Fault: Other, Text: bare(err)}
}

// explainCredentials: a service of credentials that failed for a while is no lack of credentials.
func explainCredentials(n noCredentials) *Error {
	var api smithy.APIError
	if errors.As(n.error, &api) {
		e := explainAnswer(n.error)
		if e.Fault == Other {
			e.Fault = NoCredentials
		}
		e.Text = "no credentials were given: " + e.Text
		if e.Fault == Denied {
			e.Hint = "the role must trust who takes it, and who takes it needs sts:AssumeRole"
		}
		return e
	}
	text := n.Error()
	var sent *smithyhttp.RequestSendError
	if errors.As(n.error, &sent) && !strings.Contains(text, "IMDS") {
		e := explainConnection(n.error)
		if e == nil {
			e = &Error{Fault: Unreached, Text: "the connection failed"}
		}
		e.Text = "no credentials were given: " + e.Text
		return e
	}
	if strings.Contains(text, "TokenProvider") { // of a second factor: the SDK's own words are for programmers
		return &Error{Fault: NoCredentials, Text: "the AWS profile asks for a second factor (mfa_serial), and nobody is there to give it", Hint: "name a profile without one, or run weft with credentials that are had already"}
	}
	if strings.Contains(text, "SSO") || strings.Contains(text, "sso") {
		return &Error{Fault: NoCredentials, Text: "the AWS sign-in is over", Hint: "run: aws sso login"}
	}
	return &Error{Fault: NoCredentials, Text: "no AWS credentials were found", Hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; without an account, run it with --sandbox"}
}

// codes says what the services' own words mean.
var codes = map[string]Error{
	"AccessDenied":          {Fault: Denied, Text: "access denied", Hint: "the credentials lack a permission for it"},
	"AccessDeniedException": {Fault: Denied, Text: "access denied", Hint: "the credentials lack a permission for it"},
	"Forbidden":             {Fault: Denied, Text: "access denied", Hint: "the credentials lack a permission for it; without s3:ListBucket that is also the answer for what is not there"},
	"BadRequest":            {Fault: Other, Text: "the request is refused, and S3 does not say why", Hint: "credentials that have expired look so, and a region that is wrong"},
	"AllAccessDisabled":     {Fault: Denied, Text: "access denied", Hint: "access to the bucket is switched off"},
	"XAdminUserNotFound":    {Fault: Denied, Text: "the access key is not known", Hint: "check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint"},
	"InvalidAccessKeyId":    {Fault: Denied, Text: "the access key is not known", Hint: "check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint"},
	"SignatureDoesNotMatch": {Fault: Denied, Text: "the signature is wrong", Hint: "check AWS_SECRET_ACCESS_KEY"},
	"InvalidClientTokenId":  {Fault: Denied, Text: "the access key is not known", Hint: "check AWS_ACCESS_KEY_ID and AWS_PROFILE"},

	"InvalidSignatureException":   {Fault: Denied, Text: "the signature is wrong", Hint: "check AWS_SECRET_ACCESS_KEY"},
	"UnrecognizedClientException": {Fault: Denied, Text: "the access key or the session token is not valid", Hint: "check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_PROFILE and AWS_REGION"},

	"ProvisionedThroughputExceededException": {Fault: Throttled, Text: "the service asks to slow down"},
	"RequestLimitExceeded":                   {Fault: Throttled, Text: "the service asks to slow down"},

	"ExpiredToken":          {Fault: Expired, Text: "the credentials have expired", Hint: "renew them; a session token does not last"},
	"ExpiredTokenException": {Fault: Expired, Text: "the credentials have expired", Hint: "renew them; a session token does not last"},
	"TokenRefreshRequired":  {Fault: Expired, Text: "the credentials have expired", Hint: "renew them; a session token does not last"},
	"InvalidToken":          {Fault: Denied, Text: "the session token is not valid", Hint: "check AWS_SESSION_TOKEN"},

	"RequestTimeTooSkewed": {Fault: Skewed, Text: "the clock of this machine is wrong", Hint: "set it, by NTP"},
	"RequestExpired":       {Fault: Skewed, Text: "the clock of this machine is wrong", Hint: "set it, by NTP"},

	"NoSuchBucket":       {Fault: NoBucket, Text: "there is no such bucket", Hint: "check its name, the account and the endpoint"},
	"NoSuchKey":          {Fault: NoObject, Text: "there is no such object"},
	"NotFound":           {Fault: NoObject, Text: "there is no such object"},
	"PreconditionFailed": {Fault: Exists, Text: "something is there already"},

	"ConditionalRequestConflict": {Fault: Changed, Text: "another writer was at it in the same moment"},
	"OperationAborted":           {Fault: Changed, Text: "another writer was at it in the same moment"},

	"PermanentRedirect":            {Fault: WrongRegion, Text: "the bucket is in another region", Hint: "set AWS_REGION"},
	"AuthorizationHeaderMalformed": {Fault: WrongRegion, Text: "the bucket is in another region", Hint: "set AWS_REGION"},
	"MovedPermanently":             {Fault: WrongRegion, Text: "the bucket is in another region", Hint: "set AWS_REGION"},

	"BadDigest":                 {Fault: Damaged, Text: "the bytes that arrived do not fit their checksum"},
	"XAmzContentSHA256Mismatch": {Fault: Damaged, Text: "the bytes that arrived do not fit their checksum"},
	"EntityTooLarge":            {Fault: BadRequest, Text: "it is too large for one object"},
	"KeyTooLongError":           {Fault: BadRequest, Text: "the key is too long", Hint: "at most 1024 bytes"},
	"InvalidBucketName":         {Fault: BadRequest, Text: "the bucket's name is not valid"},
	"InvalidObjectState":        {Fault: Other, Text: "the object is archived", Hint: "restore it first"},
	"RequestTimeout":            {Fault: Unreached, Text: "the connection was too slow"},
}

// explainAnswer explains what the service said; nil if it said nothing.
func explainAnswer(err error) *Error {
	var api smithy.APIError
	answered := errors.As(err, &api)
	var resp *awshttp.ResponseError
	var status int
	if errors.As(err, &resp) {
		status = resp.HTTPStatusCode()
	}
	if !answered {
		return nil
	}
	if known, ok := codes[api.ErrorCode()]; ok {
		if known.Fault == WrongRegion {
			known.Hint = regionHint(resp)
		}
		return &known
	}
	said := Said(err)
	switch {
	case status == 304:
		return &Error{Fault: Unchanged, Text: "it has not changed"}
	case status == 429 || api.ErrorCode() == "SlowDown" || strings.Contains(api.ErrorCode(), "Throttl") || strings.Contains(api.ErrorCode(), "TooManyRequests"):
		return &Error{Fault: Throttled, Text: "the service asks to slow down"}
	case status >= 500:
		return &Error{Fault: Broken, Text: fmt.Sprintf("the service failed: %d %s", status, api.ErrorCode())}
	case status == 301 || status == 307:
		return &Error{Fault: WrongRegion, Text: "the bucket is in another region", Hint: regionHint(resp)}
	case status == 403:
		return &Error{Fault: Denied, Text: "access denied: " + api.ErrorCode(), Hint: said}
	case status == 412:
		return &Error{Fault: Exists, Text: "something is there already"}
	}
	return &Error{Fault: Other, Text: strings.TrimSuffix(fmt.Sprintf("the service answered %s: %s", api.ErrorCode(), said), ": ")}
}

// regionHint names the region if the answer does.
func regionHint(resp *awshttp.ResponseError) string {
	if resp != nil && resp.Response != nil {
		if region := resp.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return "set AWS_REGION to " + region
		}
	}
	return "set AWS_REGION to the bucket's"
}

func explainConnection(err error) *Error {
	const hint = "check the network and AWS_ENDPOINT_URL"
	where := "the endpoint"
	var u *url.Error
	if errors.As(err, &u) {
		if at, bad := url.Parse(u.URL); bad == nil && at.Host != "" {
			where = at.Host
		}
	}
	var dns *net.DNSError
	var timeout net.Error
	var sent *smithyhttp.RequestSendError
	switch {
	case errors.As(err, &dns):
		return &Error{Fault: Unreached, Text: "cannot reach " + where + ": there is no such host", Hint: hint}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Fault: Unreached, Text: "cannot reach " + where + ": connection refused", Hint: hint}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Fault: Unreached, Text: "cannot reach " + where + ": it does not answer", Hint: hint}
	case strings.Contains(err.Error(), "certificate"):
		return &Error{Fault: BadSettings, Text: "cannot trust " + where + ": " + bare(err), Hint: "name its authority's file in AWS_CA_BUNDLE"}
	case strings.Contains(err.Error(), "Invalid region"), strings.Contains(err.Error(), "invalid input region"):
		return &Error{Fault: BadSettings, Text: "the AWS region is not valid", Hint: "check AWS_REGION"}
	case errors.As(err, &sent), errors.As(err, &u), brokeOff(err):
		return &Error{Fault: Unreached, Text: "the connection to " + where + " broke: " + bare(err)}
	}
	return nil
}

// notS3 is the error of an answer that says yes, and lacks what every answer of S3 has: the page of
// a portal to sign in, or of another server.
func notS3() *Error {
	return &Error{Fault: Other, Text: "what answers there is no S3", Hint: "check AWS_ENDPOINT_URL and what lies between, such as a proxy"}
}

// bare is the innermost text of an error: the SDK wraps it in its own operations' names.
func bare(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || inner.Error() == "" {
			return err.Error()
		}
		err = inner
	}
}

// brokeOff tells whether a connection ended in the middle.
func brokeOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
