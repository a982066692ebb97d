// Package awsconf is how weft comes to AWS: whose credentials, which region, which endpoint, how
// often a call is tried again, and what a failure means to a person. Nobody else imports the SDK's
// config. On top of that it reads and writes objects of S3, for plugins, handoff and sync alike,
// and calls what speaks awsJson.
//
// Everything is configured as for any AWS program: by AWS_* variables, of the call or of weft, and
// by the files they name. A custom endpoint (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3) is addressed
// by path, and needs no region.
package awsconf

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A Session is one identity in one region: a configuration for clients of any service, with its
// credentials, connections and quota of retries. It is safe to share.
type Session struct {
	Config   aws.Config
	settings Settings
	s3       func() *s3.Client
	callers  callers
	keeper   *keeper
	patient  sync.Once
	lean     *lean
	owner    string        // the account that buckets must belong to; "" = any
	stall    time.Duration // how long a body may give nothing, or an attempt of a JSON call last in all

	renewable bool // the credentials may be other ones when they are asked for again

	patientClient aws.HTTPClient // see call.client
}

// Sessions keeps the sessions in use, so that thousands of calls share connections, credentials
// and what is known of throttling. The zero value is ready.
type Sessions struct {
	mu    sync.Mutex
	known map[fingerprint]*Session
}

// maxSessions bounds what is kept: credentials that are new for each call must not pile up.
const maxSessions = 64

var shared Sessions

// For returns the session of a call's environment, from the program's own Sessions.
func For(ctx context.Context, env []string) (*Session, error) { return shared.Get(ctx, From(env)) }

// Get returns the session of these settings. Nothing is asked of AWS yet.
func (c *Sessions) Get(ctx context.Context, s Settings) (*Session, error) {
	key := s.fingerprint()
	c.mu.Lock()
	known := c.known[key]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	cfg, err := s.config(ctx)
	if err != nil {
		return nil, err
	}
	fresh := &Session{Config: cfg, settings: s, stall: time.Minute, lean: newLean()}
	fresh.keeper, fresh.renewable = s.keep(cfg)
	fresh.Config.Credentials = fresh.keeper
	fresh.s3 = onceS3(fresh)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[key]; known != nil { // another call was faster
		return known, nil
	}
	if len(c.known) >= maxSessions {
		clear(c.known) // who holds one keeps it; the next call makes its own anew
	}
	if c.known == nil {
		c.known = map[fingerprint]*Session{}
	}
	c.known[key] = fresh
	return fresh, nil
}
