package s3server

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A Proxy stands between programs and a server. It counts requests, and spoils what it is told to.
type Proxy struct {
	*Server // as programs see it: URL is the proxy's

	mu   sync.Mutex
	seen []string
}

// Spoil decides about a request: it calls forward, or does something else.
type Spoil func(w http.ResponseWriter, r *http.Request, forward http.Handler)

// Proxy starts a proxy in front of the server; spoil may be nil.
func (s *Server) Proxy(t testing.TB, spoil Spoil) *Proxy {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorLog:  log.New(io.Discard, "", 0), // clients that are killed
	}
	p := &Proxy{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.seen = append(p.seen, r.Method+" "+r.URL.RequestURI())
		p.mu.Unlock()
		if spoil == nil {
			forward.ServeHTTP(w, r)
			return
		}
		spoil(w, r, forward)
	}))
	web.Config.ErrorLog = forward.ErrorLog
	t.Cleanup(web.Close)
	p.Server = &Server{URL: web.URL, Dir: s.Dir}
	return p
}

// Seen returns the requests since it was last called, as "PUT /bucket/key?query".
func (p *Proxy) Seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return seen
}

// Writes tells whether a request may change what the server keeps.
func Writes(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

// Lists tells whether a request asks for a listing.
func Lists(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.RawQuery, "list-type=2")
}

// CutOff forwards a request, and breaks the connection after so many bytes of the answer's body.
func CutOff(w http.ResponseWriter, r *http.Request, forward http.Handler, after int) {
	forward.ServeHTTP(&cutOff{w, after}, r)
}

type cutOff struct {
	http.ResponseWriter
	left int
}

// Write implements http.ResponseWriter.
func (c *cutOff) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left]) // the connection breaks anyway
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
