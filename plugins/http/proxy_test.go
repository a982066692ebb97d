package http

import (
	"crypto/x509"
	"io"
	"log"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"weft/plugins"
)

func TestWhichProxy(t *testing.T) {
	const both = "HTTP_PROXY=http://p1:8080 HTTPS_PROXY=p2:8081"
	for _, c := range []struct{ env, url, want string }{
		{"", "http://a.example", ""},
		{both, "http://a.example", "http://p1:8080"},
		{both, "https://a.example", "http://p2:8081"},
		{both + " http_proxy=socks5://p3", "http://a.example", "socks5://p3"},
		{"HTTP_PROXY=http://p0 HTTP_PROXY=http://p1", "http://a.example", "http://p1"},
		{"HTTP_PROXY=", "http://a.example", ""},
		{"http_proxy= HTTP_PROXY=p1", "http://a.example", "http://p1"},
		{"HTTP_PROXY=http://p1", "https://a.example", ""},
		{both, "http://localhost:8000", ""},
		{both, "http://127.9.9.9", ""},
		{both, "http://0x7f.1", ""},
		{both, "http://[::1]", ""},
		{both, "http://10.0.0.1", "http://p1:8080"},
		{both + " NO_PROXY=*", "http://a.example", ""},
		{both + " NO_PROXY=b.example,a.example", "http://a.example", ""},
		{both + " NO_PROXY=a.example", "http://A.EXAMPLE.", ""},
		{both + " NO_PROXY=example", "http://a.example", ""},
		{both + " NO_PROXY=.example", "http://a.example", ""},
		{both + " NO_PROXY=*.example", "http://a.example", ""},
		{both + " NO_PROXY=.a.example", "http://a.example", "http://p1:8080"},
		{both + " NO_PROXY=ample", "http://a.example", "http://p1:8080"},
		{both + " NO_PROXY=a.example:80", "http://a.example", ""},
		{both + " NO_PROXY=a.example:80", "https://a.example", "http://p2:8081"},
		{both + " no_proxy=10.0.0.0/8", "http://10.1.2.3", ""},
		{both + " no_proxy=10.0.0.0/8", "http://11.1.2.3", "http://p1:8080"},
		{both + " no_proxy=10.0.0.1", "http://10.0.0.1:99", ""},
		{both + " no_proxy=10.0.0.1:98", "http://10.0.0.1:99", "http://p1:8080"},
		{both + " no_proxy=fd00::1", "http://[fd00::1]", ""},
		{both + " no_proxy=[fd00::1]:80", "http://[fd00::1]", ""},
		{both + " no_proxy=fd00::/8", "http://[fd00::1]", ""},
		{both + " no_proxy=,.,:80,", "http://a.example", "http://p1:8080"},
	} {
		u, err := parseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := proxiesOf(strings.Fields(c.env)).of(u)
		text := ""
		if got != nil {
			text = got.String()
		}
		if err != nil || text != c.want {
			t.Errorf("%s with %s: %q, error %v; want %q", c.url, c.env, text, err, c.want)
		}
	}
}

func TestProxiesThatAreNone(t *testing.T) {
	for _, c := range []struct{ env, url, want string }{
		{"HTTP_PROXY=http://me:pa/ss@p", "http://a.example", "the proxy that the environment names for http is no URL"},
		{"HTTPS_PROXY=http://", "https://a.example", "the proxy that the environment names for https is no URL"},
		{"HTTP_PROXY=ftp://p", "http://a.example", "the proxy that the environment names for http is of an unknown kind"},
		{"HTTP_PROXY=p", "http://１６９.254.169.254", "the host holds letters that a proxy does not take (write it as DNS has it, xn--…)"},
	} {
		_, err := send(t, Plugin{}, with{"url": c.url}, c.env)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+c.want) || plugins.KindOf(err) != plugins.BadInput || strings.Contains(err.Error(), "ss@") {
			t.Errorf("%s: error %v, want %s", c.env, err, c.want)
		}
	}
}

func TestTheProxyOfTheTaskIsUsed(t *testing.T) {
	proxy := serve(t, says("text/plain", "by proxy"))
	got, err := send(t, Plugin{}, with{"url": "http://inside.test/x?y=1"}, "HTTP_PROXY=http://me:pass@"+strings.TrimPrefix(proxy.URL, "http://"))
	r := proxy.last(t)
	if err != nil || string(got.Body) != `"by proxy"` || r.RequestURI != "http://inside.test/x?y=1" || r.Header.Get("Proxy-Authorization") != "Basic bWU6cGFzcw==" {
		t.Errorf("%s, error %v; asked for %s", got.Body, err, r.RequestURI)
	}
	_, err = send(t, Plugin{Policy: Policy{Refuse: loopback}}, with{"url": "http://inside.test/"}, "HTTP_PROXY="+proxy.URL)
	if err == nil || !strings.HasSuffix(err.Error(), ": 127.0.0.1 is refused by the configuration (http in weft.yaml)") {
		t.Errorf("a proxy where nobody may go: error %v", err)
	}
}

// tunnel is a proxy for TLS, which leads all to one address.
func tunnel(t *testing.T, to string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.Method != "CONNECT" || r.Host == "forbidden.test:443" {
			w.WriteHeader(407)
			return
		}
		there, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(502)
			return
		}
		defer there.Close()
		w.WriteHeader(200)
		here, buf, err := w.(nethttp.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		go func() { _, _ = io.Copy(there, buf) }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTLSThroughAProxy(t *testing.T) {
	s := httptest.NewUnstartedServer(says("text/plain", "safe"))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	p := Plugin{roots: x509.NewCertPool()}
	p.roots.AddCert(s.Certificate())
	proxy := "HTTPS_PROXY=" + tunnel(t, s.Listener.Addr().String()).URL
	if got, err := send(t, p, with{"url": "https://example.com/"}, proxy); err != nil || string(got.Body) != `"safe"` {
		t.Errorf("%s, error %v", got.Body, err)
	}
	_, err := send(t, p, with{"url": "https://forbidden.test/"}, proxy)
	if want := "cannot GET https://forbidden.test/: the proxy answered 407 Proxy Authentication Required"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = send(t, p, with{"url": "https://example.com/"}, "HTTPS_PROXY=http://"+l.Addr().String())
	if want := "cannot GET https://example.com/: its proxy cannot be reached: connection refused, nothing listens there (is it started, and the port right?)"; err == nil || err.Error() != want || plugins.KindOf(err) != plugins.Temporary {
		t.Errorf("error %v, want %s", err, want)
	}
}

func FuzzNoProxy(f *testing.F) {
	for _, s := range []string{"a.example,10.0.0.0/8", "[::1]:80", "*", "*.", ":", "[", "a:b:c", ".example:80"} {
		f.Add(s, "a.example")
	}
	f.Fuzz(func(t *testing.T, list, host string) {
		u, err := parseURL("http://" + host + "/")
		if err != nil {
			return
		}
		p := proxiesOf([]string{"HTTP_PROXY=p", "NO_PROXY=" + list})
		direct := p.spares(u)
		if !direct && strings.Contains(","+strings.ToLower(list)+",", ",*,") {
			t.Errorf("%q goes through a proxy in spite of %q", host, list)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.IsLoopback() && !direct {
			t.Errorf("%q goes through a proxy", host)
		}
	})
}
