package http

import (
	"context"
	"crypto/tls"
	"encoding/json"
	nethttp "net/http"
	"net/url"
	"time"

	"weft/plugins"
)

// These bound what is no work of the other side's yet. An answer takes as long as the context lets it.
const (
	dialTimeout      = 30 * time.Second
	handshakeTimeout = 30 * time.Second
	maxHeader        = 1 << 20
)

// An exchange is one call: a request, the redirects it leads through, and the answer.
type exchange struct {
	plugin Plugin
	call   *plugins.Call
	expect statuses
	first  *request
	now    *url.URL // of the hop that is under way
	heard  bool     // its answer has begun
}

// run carries the exchange out. Its errors are causes, for failure to put into words.
func (x *exchange) run(ctx context.Context) (json.RawMessage, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	transport := x.transport()
	defer transport.CloseIdleConnections()
	resp, err := x.ask(ctx, transport)
	if err != nil {
		return nil, err
	}
	x.heard = true
	defer resp.Body.Close()
	if !x.expect.admits(resp.StatusCode) {
		return nil, unexpected(resp, stop)
	}
	body, err := read(resp, x.plugin.maxBody())
	if err != nil {
		return nil, err
	}
	x.say("%s %s: %s, %d bytes", resp.Request.Method, show(x.now), statusText(resp), len(body))
	return x.output(resp, body)
}

// stage is how far a call came that was stopped: its error is the runner's, and says nothing of that.
func (x *exchange) stage() string {
	if x.heard {
		return "its answer had begun, and not ended"
	}
	return "there was no answer yet"
}

// transport makes connections for this call alone. None is kept: the call must leave nothing
// behind, and on a connection that is not reused net/http never sends a request twice.
func (x *exchange) transport() *nethttp.Transport {
	env := proxiesOf(x.call.Env)
	return &nethttp.Transport{
		DialContext:            x.plugin.dial,
		Proxy:                  func(r *nethttp.Request) (*url.URL, error) { return env.of(r.URL) },
		OnProxyConnectResponse: proxyAnswer,
		TLSClientConfig:        &tls.Config{RootCAs: x.plugin.roots},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableKeepAlives:      true,
	}
}

// proxyAnswer explains a proxy that makes no tunnel.
func proxyAnswer(_ context.Context, _ *url.URL, _ *nethttp.Request, resp *nethttp.Response) error {
	if resp.StatusCode == nethttp.StatusOK {
		return nil
	}
	return plugins.Errorf(kindOf(resp.StatusCode), "the proxy answered %s", statusText(resp))
}

// ask sends the request and follows where it is led. Each hop is held to the policy twice: here for
// what the URL spells out, in the dialer for what a name turns out to be.
func (x *exchange) ask(ctx context.Context, transport *nethttp.Transport) (*nethttp.Response, error) {
	r := x.first
	for hops := 0; ; hops++ {
		if err := x.plugin.Policy.checkHost(r.url); err != nil {
			return nil, err
		}
		req, err := r.build(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		next, err := x.follow(r, resp, hops)
		if err == nil && next == nil {
			return resp, nil
		}
		_ = resp.Body.Close() // of a redirect nobody reads it
		if err != nil {
			return nil, err
		}
		r, x.now = next, next.url
	}
}

// say logs a line of an attempt. Pokes are silent: there may be thousands.
func (x *exchange) say(format string, args ...any) {
	if x.call.Poke == 0 {
		x.call.Logf(format, args...)
	}
}
