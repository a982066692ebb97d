package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"weft/plugins"
)

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		status int
		expect any // nil = nothing said
		want   string
		kind   plugins.Kind // "" = no failure
	}{
		{200, nil, "", ""},
		{299, nil, "", ""},
		{304, nil, "304 Not Modified", plugins.Remote},
		{400, nil, "400 Bad Request", plugins.Remote},
		{401, nil, "401 Unauthorized", plugins.Remote},
		{404, nil, "404 Not Found", plugins.Remote},
		{408, nil, "408 Request Timeout", plugins.Temporary},
		{429, nil, "429 Too Many Requests", plugins.Temporary},
		{500, nil, "500 Internal Server Error", plugins.Temporary},
		{503, nil, "503 Service Unavailable", plugins.Temporary},
		{599, nil, "599", plugins.Temporary},
		{200, 201, "200 OK", plugins.Remote},
		{201, 201, "", ""},
		{201, "201", "", ""},
		{404, "4xx", "", ""},
		{500, "4xx", "500 Internal Server Error", plugins.Temporary},
		{204, []any{200, "404"}, "204 No Content", plugins.Remote},
		{404, []any{"2xx", 404}, "", ""},
		{503, []any{"5xx"}, "", ""},
	} {
		s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(c.status) })
		in := with{"url": s.URL}
		if c.expect != nil {
			in["expect"] = with{"status": c.expect}
		}
		got, err := send(t, Plugin{}, in)
		switch {
		case c.kind == "" && (err != nil || got.Status != c.status):
			t.Errorf("%d where %v is expected: %d, error %v", c.status, c.expect, got.Status, err)
		case c.kind != "" && (err == nil || err.Error() != "cannot GET "+s.URL+": it answered "+c.want || plugins.KindOf(err) != c.kind):
			t.Errorf("%d where %v is expected: error %v (%s), want %s", c.status, c.expect, err, plugins.KindOf(err), c.want)
		}
	}
}

func TestAFailureTellsWhatTheServerSaid(t *testing.T) {
	for _, c := range []struct{ name, body, after, want string }{
		{"in one line", "{\n  \"error\":\t\"no\"\n}\n", "", `: { "error": "no" }`},
		{"what steers a terminal is left out", "\x1b[31mred\x00\u202eevil\x7f", "", ": [31mred evil"},
		{"not UTF-8", "caf\xe9", "", ": caf�"},
		{"the first 200 characters", strings.Repeat("é", 300), "", ": " + strings.Repeat("é", 200) + "…"},
		{"when to come back, in seconds", "busy", "120", ": busy (it asks to be tried again after 120s: see retry_delay)"},
		{"when to come back, as a date", "", "Wed, 21 Oct 2026 07:28:00 GMT", " (it asks to be tried again after Wed, 21 Oct 2026 07:28:00 GMT: see retry_delay)"},
	} {
		s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.WriteHeader(503)
			_, _ = io.WriteString(w, c.body)
		})
		_, err := send(t, Plugin{}, with{"url": s.URL})
		if want := "cannot GET " + s.URL + ": it answered 503 Service Unavailable" + c.want; err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, want)
		}
	}
}

func TestNoFailureShowsAQuery(t *testing.T) {
	s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(404) })
	_, err := send(t, Plugin{}, with{
		"url": s.URL + "/a?key=canary#canary", "query": with{"token": "canary"}, "auth": with{"bearer": "canary"},
	})
	if want := "cannot GET " + s.URL + "/a?…: it answered 404 Not Found"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAFailureWithoutEndIsNotWaitedFor(t *testing.T) {
	s := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.WriteHeader(500)
		_, _ = io.WriteString(w, "out of")
		w.(nethttp.Flusher).Flush()
		<-r.Context().Done()
	})
	_, err := send(t, Plugin{}, with{"url": s.URL})
	if want := "cannot GET " + s.URL + ": it answered 500 Internal Server Error: out of"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// raw serves one connection by hand and returns its address.
func raw(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			talk(conn)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// hears reads the request, so that closing the connection does not reset it.
func hears(conn net.Conn) {
	buf := make([]byte, 64<<10)
	for text := ""; !strings.Contains(text, "\r\n\r\n"); {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		text += string(buf[:n])
	}
}

func replies(text string) func(net.Conn) {
	return func(conn net.Conn) {
		hears(conn)
		_, _ = io.WriteString(conn, text)
	}
}

func TestWhatCanGoWrongOnTheWay(t *testing.T) {
	closed := raw(t, func(net.Conn) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := l.Addr().String()
	_ = l.Close()
	safe := httptest.NewUnstartedServer(says("text/plain", "x"))
	safe.Config.ErrorLog = log.New(io.Discard, "", 0)
	safe.StartTLS()
	defer safe.Close()
	p := Plugin{MaxBody: 1 << 20, resolver: hosts(t, map[string]string{"other.test": "127.0.0.1"})}
	for _, c := range []struct{ name, url, want, kind string }{
		{"no such host", "http://nowhere.test/", "there is no host nowhere.test", "temporary"},
		{"nothing listens", "http://" + refused, "connection refused, nothing listens there", "temporary"},
		{"reset", "http://" + raw(t, func(c net.Conn) { hears(c); _ = c.(*net.TCPConn).SetLinger(0) }), "it reset the connection", "temporary"},
		{"closed at once", "http://" + closed, "it ", "temporary"},
		{"closed without an answer", "http://" + raw(t, hears), "it closed the connection without an answer", "temporary"},
		{"broken off", "http://" + raw(t, replies("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour")), "its body breaks off after 4 bytes", "temporary"},
		{"broken off in chunks", "http://" + raw(t, replies("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfour")), "its body breaks off after 4 bytes", "temporary"},
		{"damaged", "http://" + raw(t, replies("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nthis is not gzip")), "its body is damaged: it says it is gzip, and is not", "remote"},
		{"another protocol", "http://" + raw(t, replies("SSH-2.0-OpenSSH_9.9\r\n\r\n")), `what it answers is no HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9.9" (is the port right?)`, "remote"},
		{"headers without end", "http://" + raw(t, replies("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", maxHeader+1)+"\r\n\r\n")), "its headers are longer than 1048576 bytes", "remote"},
		{"http where TLS is asked for", strings.Replace(serve(t, nil).URL, "http:", "https:", 1), "it does not speak TLS there (perhaps the URL begins with http://)", "remote"},
		{"a certificate of nobody's", safe.URL, "its certificate is not trusted: it is signed by an unknown authority (name the file of that authority's certificate in SSL_CERT_FILE", "remote"},
		{"TLS where http is asked for", strings.Replace(safe.URL, "https:", "http:", 1), "it answered 400 Bad Request: Client sent an HTTP request to an HTTPS server.", "remote"},
	} {
		_, err := send(t, p, with{"url": c.url})
		if err == nil || !strings.HasPrefix(err.Error(), "cannot GET "+c.url+": "+c.want) || string(plugins.KindOf(err)) != c.kind {
			t.Errorf("%s:\n got %v (%s)\nwant %s (%s)", c.name, err, plugins.KindOf(err), c.want, c.kind)
		}
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(says("application/json", `"safe"`))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	p := Plugin{roots: x509.NewCertPool(), resolver: hosts(t, map[string]string{"other.test": "127.0.0.1"})}
	p.roots.AddCert(s.Certificate())
	if got, err := send(t, p, with{"url": s.URL}); err != nil || string(got.Body) != `"safe"` {
		t.Errorf("%s, error %v", got.Body, err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	_, err := send(t, p, with{"url": "https://other.test:" + port})
	if err == nil || !strings.Contains(err.Error(), "its certificate is not trusted: it is for example.com, *.example.com, 127.0.0.1, ::1, not for other.test") {
		t.Errorf("another name: error %v", err)
	}
}

func TestAServerThatWantsACertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(says("text/plain", "x"))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	defer s.Close()
	p := Plugin{roots: x509.NewCertPool()}
	p.roots.AddCert(s.Certificate())
	_, err := send(t, p, with{"url": s.URL})
	if want := "cannot GET " + s.URL + ": it refuses the TLS handshake: certificate required"; err == nil || err.Error() != want || plugins.KindOf(err) != plugins.Remote {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAConnectionResetWithinTheBody(t *testing.T) {
	at := raw(t, func(conn net.Conn) {
		hears(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	_, err := send(t, Plugin{}, with{"url": "http://" + at})
	if err == nil || plugins.KindOf(err) != plugins.Temporary || !strings.Contains(err.Error(), ": it reset the connection") {
		t.Errorf("error %v", err)
	}
}

func TestANameServerThatIsIll(t *testing.T) {
	p := Plugin{resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("out of order")
	}}}
	_, err := send(t, p, with{"url": "http://a.test/?key=canary"})
	want := "cannot GET http://a.test/?…: the name of the host a.test cannot be looked up: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || plugins.KindOf(err) != plugins.Temporary {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestARequestIsSentOnceWhateverHappensToIt(t *testing.T) {
	var sent atomic.Int32
	at := raw(t, func(conn net.Conn) {
		hears(conn)
		sent.Add(1)
	})
	for _, method := range []string{"GET", "POST"} {
		sent.Store(0)
		_, err := send(t, Plugin{}, with{"url": "http://" + at, "method": method, "headers": with{"Idempotency-Key": "k"}})
		if err == nil || sent.Load() != 1 {
			t.Errorf("%s: sent %d times, error %v", method, sent.Load(), err)
		}
	}
}

func TestATimeoutOfTheConnectionIsOne(t *testing.T) {
	err := cause(timeout{})
	if err.Kind != plugins.Timeout || err.Error() != "it does not answer in time" {
		t.Errorf("%v (%s)", err, err.Kind)
	}
}

type timeout struct{}

func (timeout) Error() string   { return "net/http: TLS handshake timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// TestACallThatIsStoppedSaysHowFarItCame: in its log; the error is the runner's, which knows why.
func TestACallThatIsStoppedSaysHowFarItCame(t *testing.T) {
	for begun, want := range map[bool]string{false: "there was no answer yet", true: "its answer had begun, and not ended"} {
		ctx, stop := context.WithCancel(t.Context())
		s := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if begun { // more than any buffer on the way holds: it is being read
				_, _ = io.WriteString(w, strings.Repeat(".", MaxBody/2))
			}
			stop()
			<-r.Context().Done()
		})
		input, log := newCall([]byte(`{"url":"` + s.URL + `/?key=canary"}`))
		_, err := Plugin{}.Run(ctx, input)
		if line := "GET " + s.URL + "/?…: stopped: " + want + "\n"; !errors.Is(err, context.Canceled) || log.String() != line {
			t.Errorf("error %v, log %q, want %q", err, log, line)
		}
		stop()
	}
}
