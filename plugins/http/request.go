package http

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"maps"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"

	"weft/plugins"
)

// A request is one hop: what a call sends first, or where a redirect leads. Its body is in memory,
// so that it can be sent again.
type request struct {
	method string
	url    *url.URL
	host   string // the Host header, if it is not the URL's
	header nethttp.Header
	body   []byte // nil = none
}

// request makes the first request of an input.
func (in *input) request() (*request, error) {
	u, err := parseURL(in.URL)
	if err != nil {
		return nil, err
	}
	if len(in.Query) > 0 { // what the URL has stays as it was written
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += encode(in.Query)
	}
	r := &request{method: in.Method, url: u, header: nethttp.Header{}}
	if err := r.setHeaders(in.Headers); err != nil {
		return nil, err
	}
	if err := r.setAuth(in.Auth); err != nil {
		return nil, err
	}
	switch {
	case in.JSON != nil:
		r.setBody(in.JSON, "application/json")
	case in.Body != nil:
		r.setBody([]byte(*in.Body), "text/plain; charset=utf-8")
	case in.Form != nil:
		r.setBody([]byte(encode(in.Form)), "application/x-www-form-urlencoded")
	}
	if r.header["User-Agent"] == nil {
		r.header.Set("User-Agent", "weft")
	}
	return r, nil
}

// encode writes names and values as a query or a form has them, in the order of the names.
func encode(m map[string]texts) string {
	values := make(url.Values, len(m))
	for name, list := range m {
		values[name] = list
	}
	return values.Encode()
}

// setBody gives the request a body, of a kind unless the user has named one.
func (r *request) setBody(body []byte, kind string) {
	r.body = body
	if r.header["Content-Type"] == nil {
		r.header.Set("Content-Type", kind)
	}
}

// ours are the headers that frame a message: two opinions on them are how requests are smuggled.
var ours = []string{
	"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// setHeaders takes the headers over, in the order of their names. What could end a line, and so
// begin a header or a request of its own, is refused.
func (r *request) setHeaders(headers map[string]texts) error {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		key := nethttp.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			return plugins.Errorf(plugins.BadInput, "cannot send the header %.40q: that is no name of a header", name)
		case slices.Contains(ours, key):
			return plugins.Errorf(plugins.BadInput, "cannot send the header %s: it is set as the request needs it", key)
		case key == "Host" && len(headers[name]) != 1:
			return plugins.Errorf(plugins.BadInput, "cannot send the header Host: it has one value")
		}
		for _, value := range headers[name] {
			if !isFieldValue(value) {
				return plugins.Errorf(plugins.BadInput, "cannot send the header %s: its value holds a line end or another control character", key)
			}
			if key == "Host" {
				r.host = value
				continue
			}
			r.header.Add(key, value)
		}
	}
	return nil
}

// setAuth makes the header Authorization. It is a header like any other from then on: a redirect to
// another host drops it.
func (r *request) setAuth(a *auth) error {
	if a == nil {
		return nil
	}
	if r.header["Authorization"] != nil {
		return plugins.Errorf(plugins.BadInput, "cannot send the request: auth and the header Authorization exclude each other")
	}
	switch {
	case (a.Basic == nil) == (a.Bearer == nil):
		return plugins.Errorf(plugins.BadInput, "cannot use auth: give one of basic and bearer")
	case a.Bearer != nil && (*a.Bearer == "" || !isFieldValue(*a.Bearer)):
		return plugins.Errorf(plugins.BadInput, "cannot use auth: the token is empty, or holds a line end or another control character")
	case a.Bearer != nil:
		r.header.Set("Authorization", "Bearer "+*a.Bearer)
	case strings.Contains(a.Basic.Username, ":"):
		return plugins.Errorf(plugins.BadInput, "cannot use auth: a colon cannot stand in the username")
	default:
		both := a.Basic.Username + ":" + a.Basic.Password
		r.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(both)))
	}
	return nil
}

// build makes what net/http sends. It is handed the parsed URL, which a second parse could read
// otherwise than the one that the policy was asked about.
func (r *request) build(ctx context.Context) (*nethttp.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := nethttp.NewRequestWithContext(ctx, r.method, "http://host/", body)
	if err != nil {
		return nil, err
	}
	req.URL, req.Host, req.Header = r.url, r.host, r.header
	if r.host == "" {
		req.Host = r.url.Host
	}
	return req, nil
}

// isToken tells whether a text can be a header's name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}

// isFieldValue tells whether a text can be a header's value: it must not end the line.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f {
			return false
		}
	}
	return true
}
