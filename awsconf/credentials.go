package awsconf

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
)

const (
	// early is how long before their end credentials are renewed. A service that gives them and is
	// down for less than that is not missed.
	early = 5 * time.Minute
	// patience is how long a renewal is waited for while there are credentials that may still hold.
	patience = 10 * time.Second
	// renewEvery spaces renewals that failed while there are such.
	renewEvery = 15 * time.Second
	// atLeast is how long credentials are used that this machine's clock takes for too old from their
	// beginning. The service that they are for knows better, and says so.
	atLeast = time.Minute
	// roleLasts is how long a role is asked for, the longest that one taken by a role may last.
	roleLasts = time.Hour
)

// A keeper gives the credentials of a session. They are renewed before they end; where that fails they
// are used on, until the service that they are for refuses them (mending). It says of a failure that it is one of credentials, which else looks
// like any other.
type keeper struct {
	load func(ctx context.Context) (aws.CredentialsProvider, error) // the chain, anew

	mu    sync.Mutex
	from  aws.CredentialsProvider // a cache, which counts what has less than `early` to go as expired; nil = to be loaded
	last  aws.Credentials
	after time.Time // of the next renewal, where that is later than the cache would have it
}

type noCredentials struct{ error }

func (n noCredentials) Unwrap() error { return n.error }

// Retrieve implements aws.CredentialsProvider.
func (k *keeper) Retrieve(ctx context.Context) (aws.Credentials, error) {
	k.mu.Lock()
	from, last, after := k.from, k.last, k.after
	k.mu.Unlock()
	had := last.HasKeys() && last.CanExpire
	if had && time.Now().Before(after) {
		return last, nil
	}
	asked, end := ctx, context.CancelFunc(func() {})
	if had {
		asked, end = context.WithTimeout(ctx, patience)
	}
	defer end()
	c, err := k.ask(asked, from)
	switch {
	case err == nil:
		return c, nil
	case had && ctx.Err() == nil:
		k.mu.Lock()
		k.after = time.Now().Add(renewEvery)
		k.mu.Unlock()
		return last, nil
	}
	return c, noCredentials{err}
}

func (k *keeper) ask(ctx context.Context, from aws.CredentialsProvider) (aws.Credentials, error) {
	var err error
	if from == nil {
		if from, err = k.load(ctx); err != nil {
			return aws.Credentials{}, err
		}
	}
	c, err := from.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); c.CanExpire && !c.Expires.After(now) {
		k.after = now.Add(atLeast)
	}
	k.from, k.last = from, c
	return c, nil
}

// renew forgets what there is: the chain begins anew, files are read again.
func (k *keeper) renew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.from, k.last, k.after = nil, aws.Credentials{}, time.Time{}
}

// keep makes a session's credentials lasting ones. Those that cannot be had again, keys in variables,
// are as they are.
func (s Settings) keep(cfg aws.Config) (k *keeper, renewable bool) {
	k = &keeper{from: s.identity(cfg), load: func(ctx context.Context) (aws.CredentialsProvider, error) {
		again, err := s.config(ctx)
		if err != nil {
			return nil, err
		}
		return s.identity(again), nil
	}}
	return k, s.role() != "" || s.vars["AWS_ACCESS_KEY_ID"] == ""
}

// identity is whose credentials count: what the SDK's chain finds, a web identity that the call itself
// names, and over these a role to be taken.
func (s Settings) identity(cfg aws.Config) aws.CredentialsProvider {
	from := cfg.Credentials
	if token, role := s.vars["AWS_WEB_IDENTITY_TOKEN_FILE"], s.vars["AWS_ROLE_ARN"]; token != "" && role != "" && s.vars["AWS_ACCESS_KEY_ID"] == "" {
		from = cached(stscreds.NewWebIdentityRoleProvider(s.sts(cfg), role, stscreds.IdentityTokenFile(token), func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleSessionName = cmp.Or(s.vars["AWS_ROLE_SESSION_NAME"], "weft")
		}))
	}
	role := s.role()
	if role == "" {
		return from
	}
	cfg.Credentials = from
	return cached(stscreds.NewAssumeRoleProvider(s.sts(cfg), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = cmp.Or(s.vars[RoleSession], s.vars["AWS_ROLE_SESSION_NAME"], "weft")
		o.Duration = roleLasts
		if id := s.vars[RoleExternalID]; id != "" {
			o.ExternalID = &id
		}
	}))
}

func cached(p aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.NewCredentialsCache(p, cacheEarly)
}

func cacheEarly(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = early }
