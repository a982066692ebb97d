package temporalserver

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Rules are what a Gate asks of those who come.
type Rules struct {
	Certificates *Authority // clients need a certificate that it has issued; nil: none
	Key          string     // an API key that each request needs; empty: none
	Expired      bool       // the gate's own certificate is no longer valid
}

// A Gate stands before a server as Temporal Cloud's does: TLS, client certificates, API keys. It speaks
// gRPC to both sides. Who is refused for a certificate may hear why, or only that the connection broke: in
// TLS 1.3 a client has done its part, and writes, before its certificate is looked at.
type Gate struct {
	Address string // 127.0.0.1:PORT
	CA      string // the file with the certificate of who issued the gate's own, for clients to check it by

	t    testing.TB
	web  *httptest.Server
	mu   sync.Mutex
	key  string
	when time.Time // zero: now
}

// NewGate puts a gate before a server (or a Link to it), until the test ends.
func NewGate(t testing.TB, to string, rules Rules) *Gate {
	t.Helper()
	own := NewAuthority(t)
	valid := Valid()
	if rules.Expired {
		valid = Expired()
	}
	certificate := own.Issue("127.0.0.1", valid)
	pair, err := tls.LoadX509KeyPair(certificate.Cert, certificate.Key)
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{CA: own.CA, t: t, key: rules.Key}
	ask := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, Time: g.now}
	if rules.Certificates != nil {
		ask.ClientAuth, ask.ClientCAs = tls.RequireAndVerifyClientCert, rules.Certificates.pool()
	}
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	quiet := log.New(io.Discard, "", 0) // who is turned away says so itself
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: to}) },
		Transport:     &http.Transport{Protocols: &h2c},
		FlushInterval: -1,
		ErrorLog:      quiet,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			refuse(w, 14, "the server behind the gate cannot be reached: "+err.Error()) // UNAVAILABLE
		},
	}
	g.web = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.lets(r) {
			refuse(w, 16, "Request unauthorized.") // UNAUTHENTICATED
			return
		}
		forward.ServeHTTP(w, r)
	}))
	g.web.TLS, g.web.EnableHTTP2, g.web.Config.ErrorLog = ask, true, quiet
	g.web.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 10_000} // a worker has many polls open
	g.web.StartTLS()
	t.Cleanup(func() {
		g.web.CloseClientConnections()
		g.web.Close()
	})
	g.Address = g.web.Listener.Addr().String()
	return g
}

// SetKey takes another API key from now on, and the one before no more.
func (g *Gate) SetKey(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.key = key
}

// SetTime makes the gate believe that it is then, and drops all connections: certificates that were valid
// expire in the middle. The zero time is now again.
func (g *Gate) SetTime(then time.Time) {
	g.mu.Lock()
	g.when = then
	g.mu.Unlock()
	g.web.CloseClientConnections()
}

// Env is the environment of a program that comes through the gate with a certificate (the zero one: none)
// and an API key (empty: none).
func (g *Gate) Env(namespace string, with Certificate, key string) []string {
	env := append(Env(g.Address, namespace), "TEMPORAL_TLS=true", "TEMPORAL_TLS_SERVER_CA_CERT_PATH="+g.CA)
	if with != (Certificate{}) {
		env = append(env, "TEMPORAL_TLS_CLIENT_CERT_PATH="+with.Cert, "TEMPORAL_TLS_CLIENT_KEY_PATH="+with.Key)
	}
	if key != "" {
		env = append(env, "TEMPORAL_API_KEY="+key)
	}
	return env
}

func (g *Gate) now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.when.IsZero() {
		return time.Now()
	}
	return g.when
}

// lets tells whether a request brings the key that is asked for.
func (g *Gate) lets(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.key == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+g.key)) == 1
}

// refuse answers a call of gRPC with a status and nothing else ("Trailers-Only" in its protocol).
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", strconv.Itoa(status))
	w.Header().Set("Grpc-Message", url.PathEscape(message))
	w.WriteHeader(http.StatusOK)
}

func (a *Authority) pool() *x509.CertPool {
	a.t.Helper()
	raw, err := os.ReadFile(a.CA)
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	return pool
}
