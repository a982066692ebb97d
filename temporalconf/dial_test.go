package temporalconf

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // clients send it
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A frontend is a double of a Temporal server, as far as a connection asks it anything. tests/ has the real one.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	key string // that clients must have; "" = none
}

func (f frontend) allow(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if f.key != "" && strings.Join(md.Get("authorization"), "") != "Bearer "+f.key {
		return status.Error(codes.Unauthenticated, "invalid API key")
	}
	return nil
}

func (f frontend) GetSystemInfo(ctx context.Context, _ *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, f.allow(ctx)
}

func (f frontend) DescribeNamespace(ctx context.Context, in *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	switch in.Namespace {
	case "default", "acme":
		return &workflowservice.DescribeNamespaceResponse{}, f.allow(ctx)
	case "locked":
		return nil, serviceerror.NewPermissionDenied("Request unauthorized.", "").(*serviceerror.PermissionDenied).Status().Err()
	}
	return nil, serviceerror.NewNamespaceNotFound(in.Namespace).(*serviceerror.NamespaceNotFound).Status().Err()
}

// serve answers at an address of its own until the test ends.
func serve(t *testing.T, f frontend, conf *tls.Config) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, f, conf)
	return l.Addr().String()
}

func serveOn(t *testing.T, l net.Listener, f frontend, conf *tls.Config) {
	var opts []grpc.ServerOption
	if conf != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(conf)))
	}
	s := grpc.NewServer(opts...)
	workflowservice.RegisterWorkflowServiceServer(s, f)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
}

// An authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	File string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "acme authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	pair := a.sign(tmpl)
	a.File = filepath.Join(a.dir, "acme authority.crt")
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// sign makes a certificate, by the authority, or of itself where that is not made yet.
func (a *authority) sign(tmpl *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
	for ext, body := range map[string][]byte{".crt": certPEM, ".key": keyPEM} {
		if err := os.WriteFile(filepath.Join(a.dir, tmpl.Subject.CommonName+ext), body, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// pair makes a certificate for a name, that ends so long from now.
func (a *authority) pair(name string, left time.Duration) tls.Certificate {
	return a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(left), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// environ is an environment; nothing of the process's own is seen.
type environ map[string]string

func (e environ) Environ() []string {
	var all []string
	for k, v := range e {
		all = append(all, k+"="+v)
	}
	return all
}

func (e environ) LookupEnv(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

// TestDial: each way in which a connection can go wrong is said in words that name what is to be done.
func TestDial(t *testing.T) {
	us, them := newAuthority(t), newAuthority(t)
	const name = "temporal.acme.example"
	good, old := us.pair(name, time.Hour), us.pair("old.acme.example", -time.Hour)
	us.pair("weft", time.Hour)
	us.pair("late weft", -time.Hour)
	them.pair("strange weft", time.Hour)
	pool := x509.NewCertPool()
	pool.AddCert(us.cert)
	plain := serve(t, frontend{}, nil)
	secure := serve(t, frontend{}, &tls.Config{Certificates: []tls.Certificate{good}})
	late := serve(t, frontend{}, &tls.Config{Certificates: []tls.Certificate{old}})
	mutual := serve(t, frontend{}, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	keyed := serve(t, frontend{key: "s3cret"}, &tls.Config{Certificates: []tls.Certificate{good}})
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	trust := environ{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": us.File, "TEMPORAL_TLS_SERVER_NAME": name}
	with := func(more ...string) environ {
		env := environ{}
		for k, v := range trust {
			env[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	cert := func(a *authority, name string) environ {
		return with("TEMPORAL_TLS_CLIENT_CERT_PATH", filepath.Join(a.dir, name+".crt"), "TEMPORAL_TLS_CLIENT_KEY_PATH", filepath.Join(a.dir, name+".key"))
	}
	profiles := filepath.Join(t.TempDir(), "temporal.toml")
	if err := os.WriteFile(profiles, []byte("[profile.lab]\naddress = \""+plain+"\"\nnamespace = \"acme\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	free := closedPort(t)
	for _, c := range []dialled{
		{"all is well", plain, "", environ{}, 0, ""},
		{"a namespace that is there", plain, "acme", environ{}, 0, ""},
		{"the environment names server and namespace", "", "", environ{"TEMPORAL_ADDRESS": plain, "TEMPORAL_NAMESPACE": "acme"}, 0, ""},
		{"a setting is stronger than the environment", plain, "acme", environ{"TEMPORAL_ADDRESS": free, "TEMPORAL_NAMESPACE": "nope"}, 0, ""},
		{"a profile names them", "", "", environ{"TEMPORAL_CONFIG_FILE": profiles, "TEMPORAL_PROFILE": "lab"}, 0, ""},
		{"no such profile", "", "", environ{"TEMPORAL_CONFIG_FILE": profiles, "TEMPORAL_PROFILE": "lap"}, BadSettings, "TEMPORAL_PROFILE"},
		{"nobody listens", free, "", environ{}, Unreached, "cannot use Temporal at " + free + ": connection refused (is it running"},
		{"no such host", "temporal.invalid:7233", "", environ{}, Unreached, "there is no such host"},
		{"no namespace", plain, "nope", environ{}, NoNamespace, `there is no namespace "nope" (temporal operator namespace create --namespace nope`},
		{"a namespace that is not for us", plain, "locked", environ{}, Denied, "TEMPORAL_API_KEY"},
		{"a web page", strings.TrimPrefix(page.URL, "http://"), "", environ{}, NotTemporal, "no Temporal"},
		{"TLS", secure, "", trust, 0, ""},
		{"no TLS where there is some", secure, "", environ{}, Unreached, "TEMPORAL_TLS=true"},
		{"TLS where there is none", plain, "", trust, Untrusted, "TEMPORAL_TLS=false"},
		{"an API key where there is no TLS", plain, "", environ{"TEMPORAL_API_KEY": "s3cret"}, Untrusted, "TEMPORAL_TLS=false"},
		{"an authority that is not known", secure, "", environ{"TEMPORAL_TLS": "true", "TEMPORAL_TLS_SERVER_NAME": name}, Untrusted, "TEMPORAL_TLS_SERVER_CA_CERT_PATH"},
		{"another name", secure, "", with("TEMPORAL_TLS_SERVER_NAME", "other.example"), Untrusted, "TEMPORAL_TLS_SERVER_NAME"},
		{"the server's certificate has expired", late, "", with("TEMPORAL_TLS_SERVER_NAME", "old.acme.example"), Untrusted, "has expired"},
		{"a client certificate", mutual, "", cert(us, "weft"), 0, ""},
		{"no client certificate", mutual, "", trust, Untrusted, "TEMPORAL_TLS_CLIENT_CERT_PATH"},
		{"a client certificate that has expired", mutual, "", cert(us, "late weft"), Untrusted, "TEMPORAL_TLS_CLIENT_CERT_PATH"},
		{"a client certificate of others", mutual, "", cert(them, "strange weft"), Untrusted, "TEMPORAL_TLS_CLIENT_CERT_PATH"},
		{"a client certificate that is not there", mutual, "", cert(us, "nobody"), BadSettings, "nobody.crt"},
		{"an API key", keyed, "", with("TEMPORAL_API_KEY", "s3cret"), 0, ""},
		{"no API key", keyed, "", trust, Denied, "TEMPORAL_API_KEY"},
		{"a wrong API key", keyed, "", with("TEMPORAL_API_KEY", "secret"), Denied, "TEMPORAL_API_KEY"},
	} {
		t.Run(c.what, c.try)
	}
	t.Run("it takes connections and says nothing", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		_, err := Dial(t.Context(), Options{Address: silent.Addr().String(), Env: environ{}}, nil, nil)
		if FaultOf(err) != Unreached || time.Since(began) > 2*answerTime {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		t.Log(err)
	})
}

// A dialled is one way to connect, and what comes of it.
type dialled struct {
	what      string
	address   string
	namespace string
	env       environ
	fault     Fault
	says      string // "" = it connects
}

func (c dialled) try(t *testing.T) {
	t.Parallel()
	env := environ{"TEMPORAL_CONFIG_FILE": filepath.Join(t.TempDir(), "none")} // not that of whoever runs this
	for k, v := range c.env {
		env[k] = v
	}
	cl, err := Dial(t.Context(), Options{Address: c.address, Namespace: c.namespace, Env: env}, nil, nil)
	if err == nil {
		cl.Close()
	}
	switch {
	case c.says == "" && err != nil:
		t.Error(err)
	case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || FaultOf(err) != c.fault):
		t.Errorf("%v (fault %d), want fault %d and %q", err, FaultOf(err), c.fault, c.says)
	case err != nil && strings.Contains(err.Error(), "s3cret"):
		t.Errorf("the key is told: %v", err)
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestPatience: a server that is not there yet is waited for, and that is said once.
func TestPatience(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	said, log := io.Pipe()
	go func() {
		buf := make([]byte, 4096)
		n, _ := said.Read(buf) // the server comes once it is known to be waited for
		if !strings.Contains(string(buf[:n]), "waits for Temporal") {
			t.Errorf("said: %s", buf[:n])
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		serveOn(t, l, frontend{}, nil)
		n, _ = said.Read(buf)
		if !strings.Contains(string(buf[:n]), "Temporal is there") {
			t.Errorf("then: %s", buf[:n])
		}
	}()
	c, err := Dial(t.Context(), Options{Address: address, Patience: time.Minute, Env: environ{}}, nil, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
