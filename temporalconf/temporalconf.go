// Package temporalconf connects to a Temporal server as Temporal's own tools do: by TEMPORAL_* and the profiles of
// temporal.toml (go.temporal.io/sdk/contrib/envconfig), which weft's settings override. What goes wrong it says in
// weft's words, with what the user can do. Payloads that are large do not go to the server: a claim check keeps them
// in the handoff (Claims).
package temporalconf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/interceptor"
	"google.golang.org/grpc"

	"weft/handoff"
)

// Options say which server, as who, and how patiently.
type Options struct {
	Address   string // host:port; "" = as TEMPORAL_ADDRESS and the profile say, else localhost:7233
	Namespace string // "" = as TEMPORAL_NAMESPACE and the profile say, else default
	Profile   string // of temporal.toml; "" = TEMPORAL_PROFILE, else default

	// Patience is how long a server that cannot be reached is waited for; 0: not at all, for someone waits.
	Patience  time.Duration
	Identity  string  // of this process, as Temporal's UI shows it; "" = pid@host
	Claims    *Claims // of the values, for who puts payloads there before; nil = some
	Metrics   client.MetricsHandler
	Intercept []interceptor.ClientInterceptor

	// Env is the environment; nil = the process's.
	Env envconfig.EnvLookup
}

// A Client is a connection, for those who pass it on.
type Client = client.Client

// How long things may take.
const (
	answerTime   = 5 * time.Second // of one question while connecting
	leastPause   = 250 * time.Millisecond
	mostPause    = 5 * time.Second
	keepAlive    = 15 * time.Second // a connection that says nothing is asked whether it lives
	keepAliveFor = 10 * time.Second // and has so long to say so
)

// Dial connects, and finds out that the server takes this client and has the namespace. Payloads of Threshold bytes
// and more go to values; nil: all go to the server. The error is one of explained (see Explain).
func Dial(ctx context.Context, o Options, values handoff.Backend, log *slog.Logger) (client.Client, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	opts, err := o.client(values, log)
	if err != nil {
		return nil, err
	}
	began, pause := time.Now(), leastPause
	for waiting := false; ; pause = min(2*pause, mostPause) {
		c, err := connect(ctx, opts)
		switch {
		case err == nil && waiting:
			log.Info("Temporal is there", "address", opts.HostPort, "after", time.Since(began).Round(time.Millisecond))
			fallthrough
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case FaultOf(err) != Unreached || time.Since(began)+pause > o.Patience:
			return nil, err
		case !waiting:
			log.Warn("waits for Temporal", "error", err)
			waiting = true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// connect tries once.
func connect(ctx context.Context, opts client.Options) (client.Client, error) {
	c, err := client.DialContext(ctx, opts)
	if err != nil {
		return nil, at(opts, Explain(err))
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: opts.Namespace})
	if err != nil {
		c.Close()
		return nil, at(opts, Explain(err))
	}
	return c, nil
}

// at says which server it was that failed.
func at(opts client.Options, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	in := *e
	if in.Fault == NoNamespace {
		in.Hint = fmt.Sprintf("temporal operator namespace create --namespace %s makes it; TEMPORAL_NAMESPACE or --namespace names another", opts.Namespace)
		in.Text = fmt.Sprintf("there is no namespace %q", opts.Namespace)
	}
	if in.Fault == Denied && opts.Credentials == nil && in.Hint == "" {
		in.Hint = "it may want an API key (TEMPORAL_API_KEY) or a client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)"
	}
	in.Text = fmt.Sprintf("cannot use Temporal at %s: %s", opts.HostPort, in.Text)
	return &in
}

// Identity names this process, where Options do not.
func Identity() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%d@%s", os.Getpid(), host)
}

// client makes the SDK's options.
func (o Options) client(values handoff.Backend, log *slog.Logger) (client.Options, error) {
	prof, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{ConfigFileProfile: o.Profile, EnvLookup: o.Env})
	if err != nil {
		return client.Options{}, badSettings(err)
	}
	opts, err := prof.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		return client.Options{}, badSettings(err)
	}
	for _, s := range []struct {
		to         *string
		set, else_ string
	}{{&opts.HostPort, o.Address, client.DefaultHostPort}, {&opts.Namespace, o.Namespace, client.DefaultNamespace}} {
		if s.set != "" {
			*s.to = s.set
		} else if *s.to == "" {
			*s.to = s.else_
		}
	}
	if opts.Identity = o.Identity; opts.Identity == "" {
		opts.Identity = Identity()
	}
	opts.Logger, opts.MetricsHandler, opts.Interceptors = logger{log}, o.Metrics, o.Intercept
	opts.ConnectionOptions.GetSystemInfoTimeout = answerTime
	opts.ConnectionOptions.KeepAliveTime, opts.ConnectionOptions.KeepAliveTimeout = keepAlive, keepAliveFor
	if conf := opts.ConnectionOptions.TLS; conf != nil {
		opts.ConnectionOptions.DialOptions = append(opts.ConnectionOptions.DialOptions, grpc.WithTransportCredentials(newOutspoken(conf)))
	}
	if values != nil {
		claims := o.Claims
		if claims == nil {
			claims = NewClaims(values)
		}
		opts.ExternalStorage = claims.Storage()
	}
	return opts, nil
}
