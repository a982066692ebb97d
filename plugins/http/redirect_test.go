package http

import (
	"fmt"
	nethttp "net/http"
	"strconv"
	"strings"
	"testing"

	"weft/plugins"
)

// redirect answers with a status and a location, and with "there" at /there.
func redirect(status int, location string) nethttp.HandlerFunc {
	return func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/there" {
			_, _ = fmt.Fprint(w, "there")
			return
		}
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	}
}

func TestRedirectsChangeTheMethodAsBrowsersDo(t *testing.T) {
	for _, c := range []struct {
		status     int
		sent, came string
		body       bool
	}{
		{301, "GET", "GET", false},
		{302, "HEAD", "HEAD", false},
		{303, "HEAD", "HEAD", false},
		{301, "POST", "GET", false},
		{302, "POST", "GET", false},
		{303, "PUT", "GET", false},
		{301, "PUT", "PUT", true},
		{302, "DELETE", "DELETE", true},
		{307, "POST", "POST", true},
		{308, "PATCH", "PATCH", true},
	} {
		s := serve(t, redirect(c.status, "there"))
		in := with{"url": s.URL + "/here?a=b", "method": c.sent}
		if c.sent != "GET" && c.sent != "HEAD" {
			in["json"] = "body"
		}
		if _, err := send(t, Plugin{}, in); err != nil {
			t.Errorf("%d of %s: error %v", c.status, c.sent, err)
			continue
		}
		got := s.last(t)
		if got.Method != c.came || got.RequestURI != "/there" || (got.body != "") != c.body || (got.Header["Content-Type"] != nil) != c.body {
			t.Errorf("%d of %s: %s %s, body %q, %v", c.status, c.sent, got.Method, got.RequestURI, got.body, got.Header)
		}
	}
}

func TestRedirectsKeepNoCredentialsAcrossHosts(t *testing.T) {
	secrets := nethttp.Header{
		"Authorization": {"Bearer canary"}, "Cookie": {"id=canary"}, "X-Api-Key": {"canary"}, "Private-Token": {"canary"},
	}
	var other *server
	back := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch r.URL.Path {
		case "/out":
			w.Header().Set("Location", other.URL+"/back")
			w.WriteHeader(302)
		case "/in":
			w.Header().Set("Location", "/there")
			w.WriteHeader(302)
		}
	})
	other = serve(t, redirect(302, back.URL+"/there"))
	call := func(path string) []seen {
		in := with{"url": back.URL + path + "?key=canary", "headers": with{"User-Agent": "me"}}
		for name, v := range secrets {
			in["headers"].(with)[name] = v
		}
		before := len(back.requests())
		if _, err := send(t, Plugin{}, in); err != nil {
			t.Fatal(err)
		}
		return back.requests()[before:]
	}
	for _, r := range call("/in") {
		for name := range secrets {
			if r.Header.Get(name) == "" {
				t.Errorf("%s is lost on the way to the same host", name)
			}
		}
	}
	last := call("/out")
	for _, r := range []seen{other.last(t), last[len(last)-1]} { // and once dropped it stays so
		for name, v := range r.Header {
			if strings.Contains(strings.Join(v, " "), "canary") {
				t.Errorf("%s went to %s: %s %q", r.RequestURI, r.Host, name, v)
			}
		}
		if strings.Contains(r.RequestURI, "canary") || r.UserAgent() != "me" {
			t.Errorf("%s with user agent %q", r.RequestURI, r.UserAgent())
		}
	}
}

func TestABodyGoesToNoOtherHost(t *testing.T) {
	other := serve(t, nil)
	s := serve(t, redirect(307, other.URL+"/x?token=1"))
	_, err := send(t, Plugin{}, with{"url": s.URL, "form": with{"password": "canary"}})
	want := "cannot POST " + s.URL + ": it redirects the body to another host, " + other.URL + "/x?… (send it there yourself if that is right)"
	if err == nil || err.Error() != want || plugins.KindOf(err) != plugins.Remote || len(other.requests()) > 0 {
		t.Errorf("error %v, want %s; %d requests", err, want, len(other.requests()))
	}
	if _, err := send(t, Plugin{}, with{"url": s.URL, "method": "POST"}); err != nil || other.last(t).Method != "POST" {
		t.Errorf("without a body: error %v", err)
	}
}

func TestWhichHostsAreTheSame(t *testing.T) {
	for _, c := range []struct {
		from, to string
		same     bool
	}{
		{"http://a.example/x", "http://A.example:80/y", true},
		{"https://a.example", "https://a.example:443", true},
		{"http://a.example", "https://a.example", true},
		{"https://a.example", "http://a.example", false},
		{"http://a.example:8080", "https://a.example", false},
		{"http://a.example", "http://a.example:8080", false},
		{"http://a.example", "http://b.a.example", false},
		{"http://b.a.example", "http://a.example", false},
		{"http://a.example", "http://a.example.", false},
		{"http://127.0.0.1", "http://localhost", false},
	} {
		from, err := parseURL(c.from)
		to, err2 := parseURL(c.to)
		if err != nil || err2 != nil || trusted(from, to) != c.same {
			t.Errorf("from %s to %s: want %v; errors %v, %v", c.from, c.to, c.same, err, err2)
		}
	}
}

func TestRedirectsEnd(t *testing.T) {
	s := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		n, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if n > 0 {
			w.Header().Set("Location", "/"+strconv.Itoa(n-1))
			w.WriteHeader(302)
		}
	})
	if _, err := send(t, Plugin{}, with{"url": s.URL + "/10"}); err != nil {
		t.Errorf("ten redirects: error %v", err)
	}
	want := "cannot GET " + s.URL + "/11, which redirects to " + s.URL + "/1: it redirects more than 10 times (expect: {status: 3xx} takes the redirect itself for the answer)"
	if _, err := send(t, Plugin{}, with{"url": s.URL + "/11"}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRedirectsThatLeadNowhere(t *testing.T) {
	for location, want := range map[string]string{
		"file:///etc/passwd": "it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)",
		"ftp://h/":           "it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)",
		"http://":            "it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)",
		"http://h:99999/":    "it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)",
		"http://h/%zz":       "it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)",
		"":                   "it answered 302 Found",
	} {
		s := serve(t, redirect(302, location))
		_, err := send(t, Plugin{}, with{"url": s.URL})
		if err == nil || err.Error() != "cannot GET "+s.URL+": "+want || plugins.KindOf(err) != plugins.Remote {
			t.Errorf("%q: error %v, want %s", location, err, want)
		}
	}
}

func TestARedirectThatIsExpectedIsTheAnswer(t *testing.T) {
	s := serve(t, redirect(302, "/there"))
	got, err := send(t, Plugin{}, with{"url": s.URL, "expect": with{"status": []any{200, "3xx"}}})
	if err != nil || got.Status != 302 || got.Headers["location"] != "/there" || len(s.requests()) != 1 {
		t.Errorf("%+v, error %v, %d requests", got, err, len(s.requests()))
	}
}

func TestWhatIsCreatedElsewhereIsNoRedirect(t *testing.T) {
	s := serve(t, redirect(201, "/there"))
	if got, err := send(t, Plugin{}, with{"url": s.URL, "json": 1}); err != nil || got.Status != 201 || len(s.requests()) != 1 {
		t.Errorf("%+v, error %v, %d requests", got, err, len(s.requests()))
	}
}

func TestARedirectMayNotBringAUser(t *testing.T) {
	s := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path != "/there" {
			w.Header().Set("Location", "http://me:pass@"+r.Host+"/there")
			w.WriteHeader(302)
		}
	})
	if _, err := send(t, Plugin{}, with{"url": s.URL}); err != nil || s.last(t).Header["Authorization"] != nil {
		t.Errorf("%v, error %v", s.last(t).Header, err)
	}
}
