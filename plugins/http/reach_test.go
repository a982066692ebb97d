package http

import (
	"errors"
	"fmt"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weft/plugins"
)

// S09 counts connections, not errors: connects is told after all checks and before the first packet.

// A wire notes the addresses that were about to be connected to. It leads to 127.0.0.1, where the tests'
// own servers are, and nowhere else, even where the policy is at fault.
type wire struct {
	mu   sync.Mutex
	seen []string
}

func (w *wire) connects(address string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, address)
	if !isHere(address) {
		return errCut
	}
	return nil
}

func isHere(address string) bool { return strings.HasPrefix(address, "127.0.0.1:") }

var errCut = errors.New("the wire is cut")

// beyond are those that are not 127.0.0.1.
func (w *wire) beyond() (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.seen {
		if !isHere(a) {
			list = append(list, a)
		}
	}
	return list
}

// leading are names that lead to link-local, in every form that DNS can give.
var leading = map[string]string{
	"v4.test": "169.254.169.254", "v6.test": "fe80::1", "mapped.test": "::ffff:169.254.169.254", "compatible.test": "::169.254.169.254",
	"siit.test": "::ffff:0:169.254.169.254", "nat64.test": "64:ff9b::a9fe:a9fe", "nat64local.test": "64:ff9b:1::a9fe:a9fe", "6to4.test": "2002:a9fe:a9fe::1",
	"aws.test": "fd00:ec2::254", "google.test": "fd20:ce::254", "metadata.google.internal": "169.254.169.254",
}

// TestNothingReachesLinkLocal: the URL says it, a name leads there, a redirect, a proxy, in every spelling
// of each. 0 connections, and each failure says why.
func TestNothingReachesLinkLocal(t *testing.T) {
	targets := append([]string{}, spellings...)
	for name := range leading {
		targets = append(targets, name, strings.ToUpper(name), name+".")
	}
	w := new(wire)
	p := Plugin{resolver: hosts(t, leading), connects: w.connects}
	to := ""
	led := serve(t, func(rw nethttp.ResponseWriter, _ *nethttp.Request) {
		rw.Header().Set("Location", to)
		rw.WriteHeader(307)
	})
	for _, host := range targets {
		at := "http://" + host + "/latest/"
		to = at
		for _, c := range []struct{ way, url, env string }{
			{"by the URL", at, ""},
			{"by the URL, https", "https" + strings.TrimPrefix(at, "http"), ""},
			{"by a redirect", led.URL, ""},
			{"by a proxy", "http://inside.test/", "HTTP_PROXY=http://" + host + ":80"},
			{"by a proxy for TLS", "https://inside.test/", "https_proxy=" + host + ":80"},
			{"by a proxy that speaks SOCKS", "http://inside.test/", "http_proxy=socks5://" + host},
		} {
			kind := plugins.BadInput
			if c.url == led.URL {
				kind = plugins.Remote // it is not the task that asked for this
			}
			_, err := send(t, p, with{"url": c.url, "method": "POST"}, c.env)
			if err == nil || !strings.Contains(err.Error(), "is refused: it is link-local") || plugins.KindOf(err) != kind {
				t.Errorf("%s, %s: error %v (%s)", host, c.way, err, plugins.KindOf(err))
			}
		}
	}
	if got := w.beyond(); len(got) > 0 {
		t.Errorf("connections to %v", got)
	}
	if n := len(w.seen); n != len(targets) {
		t.Errorf("%d connections to the server that redirects, want %d: the wire is not read", n, len(targets))
	}
}

// TestANameWithTwoMindsIsHeldToEachOfThem: what is refused among its addresses is left out, whatever it
// said a moment ago. There is one look-up a connection, and it is the addresses of that one that are
// checked: between check and connection nobody is asked again.
func TestANameWithTwoMindsIsHeldToEachOfThem(t *testing.T) {
	s := serve(t, nil)
	w := new(wire)
	var asked atomic.Int32
	p := Plugin{connects: w.connects, resolver: names(t, func(string) []string {
		if asked.Add(1) > 2 { // A and AAAA of the first call
			return []string{"169.254.169.254"}
		}
		return []string{"169.254.169.254", "127.0.0.1", "fe80::1"}
	})}
	at := with{"url": "http://rebind.test:" + portOf(t, s)}
	if _, err := send(t, p, at); err != nil {
		t.Errorf("the good one of three: error %v", err)
	}
	if _, err := send(t, p, at); err == nil || !strings.Contains(err.Error(), "169.254.169.254 is refused") {
		t.Errorf("when it has changed its mind: error %v", err)
	}
	if len(w.seen) != 1 || len(w.beyond()) > 0 || asked.Load() > 4 {
		t.Errorf("connections to %v, %d questions", w.seen, asked.Load())
	}
}

// here are spellings of loopback: as texts, and as names.
var here = []string{
	"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "017700000001", "0x7f.0.0.0x1",
	"0", "0.0.0.0", "0x0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
	"localhost", "LOCALHOST", "localhost.", "here.test", "any.test", "mapped.test",
}

// elsewhere are spellings that loopback has, and that a host without IPv6, or without a translator for
// it, cannot connect to. They are refused with the others.
var elsewhere = []string{"[::1]", "[::]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "127.255.255.254", "six.test"}

// TestAllOfLoopbackIsOneToThePolicy: by default all spellings lead to the server, under refuse: [loopback]
// none does, not even by a redirect or as a proxy.
func TestAllOfLoopbackIsOneToThePolicy(t *testing.T) {
	s := serve(t, nil)
	known := map[string]string{"localhost": "127.0.0.1", "here.test": "127.0.0.1", "any.test": "0.0.0.0", "mapped.test": "::ffff:127.0.0.1", "six.test": "::1"}
	open := Plugin{resolver: hosts(t, known)}
	for _, host := range here {
		before := len(s.requests())
		if _, err := send(t, open, with{"url": "http://" + host + ":" + portOf(t, s)}); err != nil || len(s.requests()) != before+1 {
			t.Errorf("%s: error %v, %d requests", host, err, len(s.requests())-before)
		}
	}
	w := new(wire)
	before := len(s.requests())
	closed := Plugin{resolver: hosts(t, known), connects: w.connects, Policy: Policy{Refuse: places(t, "loopback")}}
	for _, host := range append(elsewhere, here...) {
		for _, c := range []struct{ url, env string }{
			{"http://" + host + ":" + portOf(t, s), ""},
			{"http://inside.test", "HTTP_PROXY=http://" + host + ":" + portOf(t, s)},
		} {
			_, err := send(t, closed, with{"url": c.url}, c.env)
			if err == nil || !strings.HasSuffix(err.Error(), " is refused by the configuration (http in weft.yaml)") || plugins.KindOf(err) != plugins.BadInput {
				t.Errorf("%s, %s: error %v", c.url, c.env, err)
			}
		}
	}
	if n := len(s.requests()) - before; n > 0 || len(w.seen) > 0 {
		t.Errorf("%d requests came all the same, by connections to %v", n, w.seen)
	}
}

// Each row is a policy, a URL and what becomes of it: "" = it is reached.
func TestWhatThePolicySays(t *testing.T) {
	s := serve(t, nil)
	port := portOf(t, s)
	known := map[string]string{
		"api.example.com": "127.0.0.1", "example.com": "127.0.0.1", "evil.test": "127.0.0.1", "metadata.test": "169.254.169.254", "xn--bcher-kva.test": "127.0.0.1",
	}
	const config, linkLocal = "is refused by the configuration", "is refused: it is link-local"
	none := []string{"0.0.0.0/0", "::/0"}
	for _, c := range []struct {
		allow, refuse []string
		host, want    string
	}{
		{nil, nil, "api.example.com", ""},
		{nil, []string{"api.example.com"}, "api.example.com", "api.example.com " + config},
		{nil, []string{"API.example.com."}, "Api.Example.Com.", config},
		{nil, []string{"xn--bcher-kva.test"}, "bücher.test", config},
		{nil, []string{"example.com"}, "api.example.com", ""},
		{nil, []string{"*.example.com"}, "api.example.com", config},
		{nil, []string{"*.example.com"}, "example.com", ""},
		{[]string{"api.example.com"}, []string{"*.example.com"}, "api.example.com", ""},
		{nil, []string{"loopback"}, "api.example.com", "127.0.0.1 " + config},
		{[]string{"api.example.com"}, []string{"loopback"}, "api.example.com", ""},
		{[]string{"api.example.com"}, []string{"loopback"}, "evil.test", config},
		{[]string{"api.example.com"}, none, "api.example.com", ""},
		{[]string{"api.example.com"}, none, "evil.test", config},
		{[]string{"api.example.com"}, none, "127.0.0.1", config},
		{[]string{"127.0.0.1"}, none, "evil.test", ""},
		{[]string{"127.0.0.1"}, []string{"evil.test"}, "evil.test", "evil.test " + config},
		{[]string{"metadata.test"}, nil, "metadata.test", linkLocal},
		{[]string{"metadata.test"}, none, "metadata.test", linkLocal},
		{nil, []string{"private"}, "10.0.0.1", "10.0.0.1 " + config},
		{nil, []string{"private"}, "0xa.1", "10.0.0.1 " + config},
		{nil, []string{"private"}, "172.31.9.9", config},
		{nil, []string{"private"}, "192.168.0.1", config},
		{nil, []string{"private"}, "100.64.0.1", config},
		{nil, []string{"private"}, "[fd12::1]", config},
		{nil, []string{"private"}, "[64:ff9b::10.0.0.1]", config},
		{nil, []string{"private"}, "[::ffff:10.0.0.1]", config},
		{nil, []string{"private"}, "127.0.0.1", ""},
		{[]string{"10.0.0.1"}, []string{"private"}, "10.0.0.2", config},
		{nil, []string{"link-local"}, "169.254.0.1", linkLocal},
	} {
		p := Plugin{resolver: hosts(t, known), Policy: Policy{Allow: places(t, c.allow...), Refuse: places(t, c.refuse...)}}
		_, err := send(t, p, with{"url": fmt.Sprintf("http://%s:%s/", c.host, port)})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("allow %q, refuse %q, %s: error %v, want %q", c.allow, c.refuse, c.host, err, c.want)
		}
	}
}

// TestLinkLocalCanBeOpened: by its addresses, and by the word for all of them.
func TestLinkLocalCanBeOpened(t *testing.T) {
	for _, c := range []struct {
		allow, host string
		open        bool
	}{
		{"169.254.169.254", "169.254.169.254", true},
		{"169.254.169.254", "0xA9FEA9FE", true},
		{"169.254.169.254", "metadata.test", true},
		{"169.254.169.254", "169.254.170.2", false},
		{"169.254.0.0/16", "169.254.170.2", true},
		{"link-local", "169.254.170.2", true},
		{"link-local", "metadata.test", true},
	} {
		w := new(wire)
		p := Plugin{resolver: hosts(t, map[string]string{"metadata.test": "169.254.169.254"}), connects: w.connects, Policy: Policy{Allow: places(t, c.allow)}}
		if _, err := send(t, p, with{"url": "http://" + c.host}); err == nil {
			t.Errorf("allow %s, %s: no error, and the wire is cut", c.allow, c.host)
		}
		if got := len(w.seen) > 0; got != c.open {
			t.Errorf("allow %s, %s: open %v, want %v", c.allow, c.host, got, c.open)
		}
	}
}
