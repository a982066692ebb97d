package temporalserver

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// environment is one that a program finds, KEY=VALUE each.
type environment []string

// Environ implements envconfig.EnvLookup.
func (e environment) Environ() []string { return e }

// LookupEnv implements envconfig.EnvLookup.
func (e environment) LookupEnv(name string) (string, bool) {
	for _, pair := range e {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// enter dials as Temporal's own tools do, by the environment.
func enter(t *testing.T, env []string) (client.Client, error) {
	t.Helper()
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: environment(env), ConfigFileData: []byte{}})
	if err != nil {
		t.Fatal(err)
	}
	options.Logger = silent{}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, options)
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, err
}

func TestTheGateLetsInWhoeverBringsWhatItAsks(t *testing.T) {
	t.Parallel()
	s := Start(t)
	ours, others := NewAuthority(t), NewAuthority(t)
	good := ours.Issue("worker", Valid())
	mutual := NewGate(t, s.Address, Rules{Certificates: ours})
	keyed := NewGate(t, s.Address, Rules{Key: "open"})
	old := NewGate(t, s.Address, Rules{Expired: true})
	// In TLS 1.3 a client has done its part before the gate looks at its certificate: what it writes next may
	// meet the connection's end before it reads why.
	const broken = "|broken pipe|connection reset"
	for _, c := range []struct {
		name string
		env  []string
		says string // an expression; empty: comes in
	}{
		{"with its certificate", mutual.Env("default", good, ""), ""},
		{"without one", mutual.Env("default", Certificate{}, ""), "certificate required" + broken},
		{"with one that has expired", mutual.Env("default", ours.Issue("worker", Expired()), ""), "expired certificate" + broken},
		{"with one from somebody else", mutual.Env("default", others.Issue("worker", Valid()), ""), "unknown certificate authority" + broken},
		{"without TLS", Env(mutual.Address, "default"), "failed reaching server"},
		{"with its key", keyed.Env("default", Certificate{}, "open"), ""},
		{"with another key", keyed.Env("default", Certificate{}, "wrong"), "Request unauthorized."},
		{"without a key", keyed.Env("default", Certificate{}, ""), "Request unauthorized."},
		{"where the gate's own certificate has expired", old.Env("default", Certificate{}, ""), "certificate has expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch _, err := enter(t, c.env); {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && err == nil:
				t.Error("it comes in")
			case c.says != "" && !regexp.MustCompile(c.says).MatchString(err.Error()):
				t.Errorf("it hears %q, and nothing of %q", err, c.says)
			}
		})
	}
}

// A workflow is worked on through the gate; then the certificate expires in the middle, and is renewed.
func TestACertificateExpiresInTheMiddle(t *testing.T) {
	t.Parallel()
	s := Start(t)
	ours := NewAuthority(t)
	gate := NewGate(t, s.Address, Rules{Certificates: ours})
	c, err := enter(t, gate.Env("default", ours.Issue("worker", Valid()), ""))
	if err != nil {
		t.Fatal(err)
	}
	works(t, c)
	run := begin(t, c, "through the gate")
	gate.SetTime(time.Now().Add(48 * time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := c.SignalWorkflow(ctx, run.GetID(), "", "none", nil); err == nil {
		t.Error("a signal passes with a certificate that has expired")
	}
	gate.SetTime(time.Time{})
	end(t, c, run)
}
