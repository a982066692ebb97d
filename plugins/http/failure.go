package http

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"syscall"
	"time"

	"weft/plugins"
)

// failure puts what went wrong into words: "cannot GET https://host/path: it answered 404 Not Found".
func (x *exchange) failure(err error) error {
	what := "cannot " + x.first.method + " " + show(x.first.url)
	if x.now != x.first.url {
		what += ", which redirects to " + show(x.now)
	}
	e := cause(err)
	kind := e.Kind
	if kind == plugins.BadInput && x.now != x.first.url {
		kind = plugins.Remote // it is not the task that asked for this
	}
	return &plugins.Error{Kind: kind, Err: fmt.Errorf("%s: %w", what, e.Err), Hint: e.Hint}
}

// cause finds the kind of an error, and words for people. What may pass (names, connections) is
// temporary; what the other side says or is, is remote. The order matters: an error of ours may lie
// within one of net's, and a time-out of the look-up is the look-up's.
//
// No text of net/http's that quotes the URL gets through: its query may hold a secret.
func cause(err error) *plugins.Error {
	var ours *plugins.Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var slow net.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &dns):
		return dnsCause(dns)
	case errors.As(err, &cert):
		return untrusted(cert)
	case errors.As(err, &record):
		e := plugins.Errorf(plugins.Remote, "it does not speak TLS there")
		e.Hint = "perhaps the URL begins with http://"
		return e
	case errors.As(err, &slow) && slow.Timeout():
		return plugins.Errorf(plugins.Timeout, "%sit does not answer in time", viaProxy(err))
	case errors.Is(err, syscall.ECONNREFUSED):
		e := plugins.Errorf(plugins.Temporary, "%sconnection refused, nothing listens there", viaProxy(err))
		e.Hint = "is it started, and the port right?"
		return e
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return mayPass("it reset the connection")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), closedEarly):
		return mayPass("it closed the connection without an answer")
	}
	var op *net.OpError
	var none *net.AddrError
	switch {
	case errors.As(err, &none):
		return noHost(none.Addr)
	case errors.As(err, &op) && op.Op == "remote error": // as crypto/tls marks an alert
		return plugins.Errorf(plugins.Remote, "it refuses the TLS handshake: %s", plain(op.Err))
	case op != nil:
		return plugins.Errorf(plugins.Temporary, "%s%s", viaProxy(err), plain(op.Err))
	}
	return noHTTP(plain(err))
}

// mayPass is a temporary failure of which nobody knows more.
func mayPass(format string, args ...any) *plugins.Error {
	e := plugins.Errorf(plugins.Temporary, format, args...)
	e.Hint = "it may pass: see retries"
	return e
}

// noHTTP is the failure of an answer that net/http cannot read, in its words. Those for headers without
// end are its own affair.
func noHTTP(text string) *plugins.Error {
	if strings.Contains(text, "response headers exceeded") {
		return plugins.Errorf(plugins.Remote, "its headers are longer than %d bytes", maxHeader)
	}
	for _, begins := range []string{"malformed ", "bad Content-Length", "message cannot contain", "unsupported transfer encoding", "too many transfer encodings"} {
		if strings.HasPrefix(text, begins) {
			e := plugins.Errorf(plugins.Remote, "what it answers is no HTTP: %s", text)
			e.Hint = "is the port right?"
			return e
		}
	}
	return plugins.Errorf(plugins.Remote, "%s", text)
}

// closedEarly is what net/http says, by no exported name, where the connection was closed before
// the request had left.
const closedEarly = "server closed idle connection"

// dnsCause is temporary even where there is no such host: a name may be on its way into DNS, and a
// resolver behind a broken line says the same.
func dnsCause(dns *net.DNSError) *plugins.Error {
	switch {
	case dns.IsNotFound:
		return noHost(dns.Name)
	case dns.IsTimeout:
		return plugins.Errorf(plugins.Temporary, "the name of the host %s cannot be looked up in time", shorten(dns.Name))
	}
	return plugins.Errorf(plugins.Temporary, "the name of the host %s cannot be looked up: %s", shorten(dns.Name), dns.Err)
}

func noHost(name string) *plugins.Error {
	e := plugins.Errorf(plugins.Temporary, "there is no host %s", shorten(name))
	e.Hint = "is the name right, and known where weft runs?"
	return e
}

// viaProxy tells, where it is so, that it is the proxy which cannot be reached.
func viaProxy(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return "its proxy cannot be reached: "
	}
	return ""
}

// plain takes the names of Go's packages off an error.
func plain(err error) string {
	text := err.Error()
	for _, name := range []string{"net/http: ", "http: ", "tls: ", "x509: ", "HTTP/1.x transport connection broken: "} {
		text = strings.ReplaceAll(text, name, "")
	}
	return shorten(text)
}

// maxRead is how much of a body is read for a message.
const maxRead = 16 << 10

// patience is how long the words of a failure are waited for: the status is known by then.
const patience = time.Second

// unexpected is the failure of an answer whose status is not what was expected; stop ends its body.
func unexpected(resp *nethttp.Response, stop func()) error {
	late := time.AfterFunc(patience, stop)
	defer late.Stop()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxRead)) // as much as comes
	text := "it answered " + statusText(resp)
	if words := shorten(string(said)); words != "" {
		text += ": " + words
	}
	e := plugins.Errorf(kindOf(resp.StatusCode), "%s", text)
	if after := resp.Header.Get("Retry-After"); after != "" && e.Kind == plugins.Temporary {
		e.Hint = "it asks to be tried again after " + afterText(after) + ": see retry_delay"
	}
	return e
}

// afterText is what Retry-After says: seconds or a date.
func afterText(after string) string {
	if strings.Trim(after, "0123456789") == "" {
		return shorten(after) + "s"
	}
	return shorten(after)
}

// kindOf is the kind of failure that a status is: temporary if it says that the same request may do
// later.
func kindOf(status int) plugins.Kind {
	if status >= 500 || status == nethttp.StatusTooManyRequests || status == nethttp.StatusRequestTimeout {
		return plugins.Temporary
	}
	return plugins.Remote
}

// statusText is a status with the name that the standard gives it, not the server's.
func statusText(resp *nethttp.Response) string {
	return shorten(fmt.Sprintf("%d %s", resp.StatusCode, nethttp.StatusText(resp.StatusCode)))
}
