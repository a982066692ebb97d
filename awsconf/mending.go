package awsconf

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// mending is a retryer that knows what to do about refusals of what this machine believes to be right:
// credentials that the service takes for expired are got anew, and a clock that is wrong has been set
// right by the answer itself. S3 gives neither a name where a HEAD meets it.
type mending struct {
	aws.RetryerV2
	session *Session
}

// retryer is the session's retryer of one service.
func (s *Session) retryer() aws.RetryerV2 { return mending{newRetryer(s.Config), s} }

// mended is how long a mended call waits, times the attempts before it: there is nothing to wait for
// but a file that is being written.
const mended = 200 * time.Millisecond

// IsErrorRetryable implements aws.Retryer.
func (m mending) IsErrorRetryable(err error) bool {
	switch {
	case m.session.renewable && expired(err):
		m.session.keeper.renew()
		return true
	case skewedHead(err) && !m.session.Config.DisableClockSkewCorrection:
		return true
	}
	return m.RetryerV2.IsErrorRetryable(err)
}

// RetryDelay implements aws.Retryer.
func (m mending) RetryDelay(attempt int, err error) (time.Duration, error) {
	if expired(err) || skewedHead(err) {
		return time.Duration(attempt) * mended, nil
	}
	return m.RetryerV2.RetryDelay(attempt, err)
}

// expired tells whether a service refused a call for the age of its credentials, or may have.
func expired(err error) bool {
	var n noCredentials
	if errors.As(err, &n) {
		return false // of those that were to be had with them
	}
	code := CodeOf(err)
	return codes[code].Fault == Expired || code == headRefused
}

// The codes that the SDK makes of an answer to a HEAD, which has no body: 400 and 403.
const (
	headRefused = "BadRequest"
	headDenied  = "Forbidden"
)

// skewedHead tells whether a HEAD was denied by a service whose clock is far from this machine's.
func skewedHead(err error) bool {
	var resp *awshttp.ResponseError
	if CodeOf(err) != headDenied || !errors.As(err, &resp) || resp.Response == nil {
		return false
	}
	at, err := http.ParseTime(resp.Response.Header.Get("Date"))
	return err == nil && time.Until(at).Abs() > mostSkewed
}
