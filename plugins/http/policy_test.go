package http

import (
	nethttp "net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"weft/plugins"
)

var loopback = Places{Nets: words["loopback"]}

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
			if err == nil || !strings.HasSuffix(err.Error(), " is refused: it is link-local, or a cloud's metadata address (http.allow in weft.yaml opens an address)") || plugins.KindOf(err) != plugins.BadInput {
				t.Errorf("%s: error %v", host, err)
			}
		}
	}
	if asked > 0 || len(proxy.requests()) > 0 {
		t.Errorf("%d questions to the name server, %d requests to the proxy", asked, len(proxy.requests()))
	}
}

func TestWhatIsAllowedIsReached(t *testing.T) {
	s := serve(t, nil)
	p := Plugin{Policy: Policy{Refuse: loopback, Allow: places(t, "127.0.0.1")}}
	if _, err := send(t, p, with{"url": s.URL}); err != nil {
		t.Error(err)
	}
	opened := Policy{Allow: places(t, "169.254.170.2")}
	for address, fine := range map[string]bool{"169.254.170.2": true, "::ffff:169.254.170.2": true, "169.254.170.3": false, "169.254.169.254": false} {
		if err := opened.check(netip.MustParseAddr(address), false); (err == nil) != fine {
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

func places(t *testing.T, list ...string) Places {
	t.Helper()
	p, err := ParsePlaces(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
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
