package http

import (
	nethttp "net/http"
	"net/url"
	"strings"

	"weft/plugins"
)

// maxRedirects is how many redirects are followed.
const maxRedirects = 10

// follow makes the request that an answer redirects to; nil if it is none, or one that `expect`
// names. This is no http.Client's work: that one hands headers of the user's own and the Referer on
// to any host, and takes ports and a fall from https to http for the same host.
func (x *exchange) follow(r *request, resp *nethttp.Response, hops int) (*request, error) {
	location := resp.Header.Get("Location")
	if location == "" || !redirects(resp.StatusCode) || x.expect.names(resp.StatusCode) {
		return nil, nil
	}
	if hops == maxRedirects {
		return nil, astray("it redirects more than %d times", maxRedirects)
	}
	to, err := r.url.Parse(location)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" || !goodPort(to) {
		return nil, astray("it redirects to what is no http or https URL")
	}
	to.User = nil
	settle(to)
	if err := x.plugin.Policy.checkHost(to); err != nil {
		return nil, plugins.Errorf(plugins.Remote, "it redirects to %s: %w", show(to), err)
	}
	next := &request{method: r.method, url: to, host: r.host, header: r.header.Clone(), body: r.body}
	if resp.StatusCode == nethttp.StatusSeeOther && r.method != "HEAD" || resp.StatusCode < nethttp.StatusSeeOther && r.method == "POST" {
		next.withoutBody()
	}
	if trusted(r.url, to) {
		return next, nil
	}
	if len(next.body) > 0 { // it may hold a password as well as a header may
		e := plugins.Errorf(plugins.Remote, "it redirects the body to another host, %s", show(to))
		e.Hint = "send it there yourself if that is right"
		return nil, e
	}
	next.withoutCredentials()
	return next, nil
}

// astray is a redirect that leads nowhere.
func astray(format string, args ...any) *plugins.Error {
	e := plugins.Errorf(plugins.Remote, format, args...)
	e.Hint = "expect: {status: 3xx} takes the redirect itself for the answer"
	return e
}

func redirects(status int) bool {
	switch status {
	case nethttp.StatusMovedPermanently, nethttp.StatusFound, nethttp.StatusSeeOther,
		nethttp.StatusTemporaryRedirect, nethttp.StatusPermanentRedirect:
		return true
	}
	return false
}

// trusted tells whether what was meant for one URL may go to another: the same scheme, host and
// port, or the same host's https in place of its http, each at its own port.
func trusted(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	if from.Scheme == to.Scheme {
		return port(from) == port(to)
	}
	return to.Scheme == "https" && port(from) == "80" && port(to) == "443"
}

// withoutBody turns a request into the GET that asks for the outcome of it.
func (r *request) withoutBody() {
	r.method, r.body = "GET", nil
	for name := range r.header {
		if strings.HasPrefix(name, "Content-") {
			delete(r.header, name)
		}
	}
}

// harmless are the headers that go along to another host. Any other may be a key: services call
// them X-Api-Key, Private-Token and a hundred names more.
var harmless = []string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent"}

// withoutCredentials is for good: what a later hop leads back to is not told them again.
func (r *request) withoutCredentials() {
	kept := nethttp.Header{}
	for _, name := range harmless {
		if v := r.header[name]; v != nil {
			kept[name] = v
		}
	}
	r.header, r.host = kept, ""
}
