package awsconf

import (
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A caller is what the calls of one service share within a session, as in a client of the SDK's: the
// quota of retries, keys derived for signatures, and how far the service's clock is from ours.
type caller struct {
	retryer aws.RetryerV2
	signer  *v4.Signer
	skew    atomic.Int64 // the service's time less ours
}

// callers are made when they are needed. The zero value is ready.
type callers struct {
	mu sync.Mutex
	by map[string]*caller
}

func (s *Session) caller(service string) *caller {
	s.callers.mu.Lock()
	defer s.callers.mu.Unlock()
	c := s.callers.by[service]
	if c == nil {
		c = &caller{retryer: s.retryer(), signer: v4.NewSigner()}
		if s.callers.by == nil {
			s.callers.by = map[string]*caller{}
		}
		s.callers.by[service] = c
	}
	return c
}

// newRetryer is the retryer that the SDK's clients would make of a configuration.
func newRetryer(cfg aws.Config) aws.RetryerV2 {
	var r aws.Retryer
	switch {
	case cfg.Retryer != nil:
		r = cfg.Retryer()
	case cfg.RetryMode == aws.RetryModeAdaptive:
		r = retry.NewAdaptiveMode()
	default:
		r = retry.NewStandard()
	}
	return retry.AddWithMaxAttempts(r, cfg.RetryMaxAttempts).(aws.RetryerV2)
}
