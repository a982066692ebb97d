package http

import (
	nethttp "net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"weft/plugins"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// spellings of the addresses that clouds answer at, or near them. Each is refused without a
// connection, a question to a name server, or a word to a proxy.
var spellings = []string{
	"169.254.169.254", "169.254.0.1", "169.254.255.255", "169.254.169.254.", "169.254.170.2",
	"2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "025177524776", "169.254.43518", "169.16689662", "0xa9.254.0251.0xfe",
	"[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::169.254.169.254]", "[::ffff:0:169.254.169.254]",
	"[64:ff9b::169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]",
	"[fe80::1]", "[fe80::1%25lo]", "[febf::1]", "[ff02::1]", "[fd00:ec2::254]", "[fd20:ce::254]",
	"224.0.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192",
}

func TestLinkLocalIsRefusedInEverySpelling(t *testing.T) {
	asked := 0
	p := Plugin{resolver: names(t, func(string) []string { asked++; return nil })}
	proxy := serve(t, nil)
	for _, env := range [][]string{nil, {"HTTP_PROXY=" + proxy.URL}} {
		for _, host := range spellings {
			_, err := send(t, p, with{"url": "http://" + host + "/latest/meta-data/"}, env...)
			if err == nil || !strings.HasSuffix(err.Error(), " is refused: it is link-local, or a cloud's metadata address") || plugins.KindOf(err) != plugins.BadInput {
				t.Errorf("%s: error %v", host, err)
			}
		}
	}
	if asked > 0 || len(proxy.requests()) > 0 {
		t.Errorf("%d questions to the name server, %d requests to the proxy", asked, len(proxy.requests()))
	}
}

// TestNamesThatLeadThereAreRefused: what counts is the address that the name gives when it is
// dialled. A name that was looked at before and found harmless changes nothing.
func TestNamesThatLeadThereAreRefused(t *testing.T) {
	for _, address := range []string{"169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"} {
		p := Plugin{resolver: hosts(t, map[string]string{"metadata.test": address})}
		_, err := send(t, p, with{"url": "http://metadata.test/"})
		if err == nil || !strings.Contains(err.Error(), "is refused: it is link-local") || plugins.KindOf(err) != plugins.BadInput {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

func TestANameThatChangesItsMindIsRefused(t *testing.T) {
	s := serve(t, says("text/plain", "hello"))
	var calls atomic.Int32
	p := Plugin{resolver: names(t, func(string) []string {
		if calls.Add(1) <= 2 { // A and AAAA
			return []string{"127.0.0.1"}
		}
		return []string{"169.254.169.254"}
	})}
	at := with{"url": "http://rebind.test:" + portOf(t, s)}
	if got, err := send(t, p, at); err != nil || string(got.Body) != `"hello"` {
		t.Fatalf("the first time: %s, error %v", got.Body, err)
	}
	if _, err := send(t, p, at); err == nil || !strings.Contains(err.Error(), "169.254.169.254 is refused") {
		t.Errorf("the second time: error %v", err)
	}
}

func TestLoopbackIsAllowedUnlessAPolicyForbidsIt(t *testing.T) {
	s := serve(t, nil)
	p := Plugin{resolver: hosts(t, map[string]string{"here.test": "127.0.0.1", "any.test": "0.0.0.0"})}
	for _, host := range []string{"127.0.0.1", "localhost", "here.test", "any.test", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		if _, err := send(t, p, with{"url": "http://" + host + ":" + portOf(t, s)}); err != nil {
			t.Errorf("%s: error %v", host, err)
		}
	}
	p.Policy.Refuse = loopback
	before := len(s.requests())
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.255.255.254", "2130706433", "0x7f.1", "017700000001", "0", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
		"localhost", "LOCALHOST", "here.test", "any.test",
	} {
		_, err := send(t, p, with{"url": "http://" + host + ":" + portOf(t, s)})
		if err == nil || !strings.HasSuffix(err.Error(), " is refused by the configuration") {
			t.Errorf("%s: error %v", host, err)
		}
	}
	if got := len(s.requests()) - before; got != 0 {
		t.Errorf("%d requests came all the same", got)
	}
}

func TestWhatIsAllowedIsReached(t *testing.T) {
	s := serve(t, nil)
	p := Plugin{Policy: Policy{Refuse: loopback, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	if _, err := send(t, p, with{"url": s.URL}); err != nil {
		t.Error(err)
	}
	linkLocal := Policy{Allow: []netip.Prefix{netip.MustParsePrefix("169.254.170.2/32")}}
	for address, fine := range map[string]bool{"169.254.170.2": true, "::ffff:169.254.170.2": true, "169.254.170.3": false, "169.254.169.254": false} {
		if err := linkLocal.check(netip.MustParseAddr(address)); (err == nil) != fine {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

func TestARedirectToLinkLocalIsRefused(t *testing.T) {
	p := Plugin{resolver: hosts(t, map[string]string{"metadata.test": "169.254.169.254"})}
	for _, host := range append(spellings, "metadata.test") {
		s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Location", "http://"+host+"/latest/?x=secret")
			w.WriteHeader(302)
		})
		_, err := send(t, p, with{"url": s.URL})
		if err == nil || !strings.Contains(err.Error(), "is refused: it is link-local") || plugins.KindOf(err) != plugins.Remote {
			t.Errorf("%s: error %v", host, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the query is shown: %v", err)
		}
	}
}

func portOf(t *testing.T, s *server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// FuzzLiteral holds the spellings to what everyone agrees on: what netip reads is read alike, and
// what is read is an address that the policy can judge.
func FuzzLiteral(f *testing.F) {
	for _, s := range append(spellings, "1.2.3.4", "08.1", "0x", "1..2", "256.1", "4294967296", "1.2.3.4.5", "") {
		f.Add(strings.Trim(s, "[]"))
	}
	f.Fuzz(func(t *testing.T, host string) {
		got, ok := literal(host)
		want, err := netip.ParseAddr(host)
		if err == nil && (!ok || got != want) {
			t.Errorf("%q is %v, want %v", host, got, want)
		}
		if old, ok := classic(host); ok && err == nil && old != want {
			t.Errorf("%q is %v as inet_aton reads it, want %v", host, old, want)
		}
		if ok && len(forms(got)) == 0 {
			t.Errorf("%q has no form to be judged by", host)
		}
	})
}
