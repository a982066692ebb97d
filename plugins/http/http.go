// Package http is the plugin that makes one HTTP request: method, URL and body in; status, headers
// and body out.
//
// A call makes one connection and sends its request once, whatever happens to it: to try again is
// up to the task's `retries`. The attempt's context alone bounds how long an answer may take.
// Addresses that lead to the machine's own metadata are refused; see Policy. A proxy is taken from
// the environment of the task (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), not from that of weft.
//
// Absent on purpose: cookies kept between calls, HTTP/2 (every server speaks 1.1, and connections
// are not shared), files as bodies, obeying Retry-After.
package http

import (
	"context"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"net"
	"strings"

	"weft/plugins"
)

// MaxBody is how many bytes of an answer's body are taken unless a Plugin says otherwise.
const MaxBody = 32 << 20

// Plugin makes one request. The zero value is ready for use.
type Plugin struct {
	Policy  Policy // which addresses may be reached
	MaxBody int64  // bytes of a decoded body, above which the task fails; 0 = MaxBody

	resolver *net.Resolver              // nil = the machine's
	roots    *x509.CertPool             // nil = the machine's
	connects func(address string) error // asked last before each connection; nil = nobody
}

var (
	_ plugins.Plugin    = Plugin{}
	_ plugins.Hoster    = Plugin{}
	_ plugins.InProcess = Plugin{}
)

//go:embed input.json
var inputSchema []byte

//go:embed output.json
var outputSchema []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "http" }

// InProcess implements plugins.InProcess.
func (Plugin) InProcess() {}

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Makes an HTTP request and gives the answer", Input: inputSchema, Output: outputSchema}
}

// Host implements plugins.Hoster: the host of the URL. Where a redirect leads nobody knows before.
func (Plugin) Host(raw json.RawMessage) string {
	in, err := readInput(raw)
	if err != nil {
		return ""
	}
	u, err := parseURL(in.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// Run implements plugins.Plugin.
func (p Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	if err := ctx.Err(); err != nil {
		return plugins.Result{}, err
	}
	in, err := readInput(call.Input)
	if err != nil {
		return plugins.Result{}, err
	}
	first, err := in.request()
	if err != nil {
		return plugins.Result{}, err
	}
	x := exchange{plugin: p, call: call, expect: in.Expect.Status, first: first, now: first.url}
	got, err := x.run(ctx)
	if err == nil {
		return plugins.Result{Output: got}, nil
	}
	if ctx.Err() != nil { // whatever broke, broke because of that
		x.say("%s %s: stopped: %s", first.method, show(x.now), x.stage())
		err = ctx.Err()
	} else {
		err = x.failure(err)
	}
	return plugins.Result{}, err
}

// maxBody is the limit in force.
func (p Plugin) maxBody() int64 {
	if p.MaxBody > 0 {
		return p.MaxBody
	}
	return MaxBody
}
