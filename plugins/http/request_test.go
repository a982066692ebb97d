package http

import (
	"encoding/json"
	nethttp "net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"weft/plugins"
)

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     with   // url is the server's, and what stands here
		line   string // method and target
		header nethttp.Header
		body   string
	}{
		{"the least", with{}, "GET /", nethttp.Header{"User-Agent": {"weft"}, "Content-Type": nil, "Content-Length": nil}, ""},
		{"a method", with{"method": "OPTIONS"}, "OPTIONS /", nil, ""},
		{"JSON", with{"json": with{"a": []any{1, nil, "<é>"}}}, "POST /", nethttp.Header{"Content-Type": {"application/json"}}, `{"a":[1,null,"\u003cé\u003e"]}`},
		{"JSON null", with{"json": nil}, "POST /", nethttp.Header{"Content-Length": {"4"}}, `null`},
		{"text", with{"body": "a\r\n\x00é"}, "POST /", nethttp.Header{"Content-Type": {"text/plain; charset=utf-8"}}, "a\r\n\x00é"},
		{"empty text", with{"body": ""}, "POST /", nethttp.Header{"Content-Length": {"0"}}, ""},
		{"a form", with{"form": with{"b": "x y&z", "a": []string{"1", "2"}}}, "POST /", nethttp.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "a=1&a=2&b=x+y%26z"},
		{"a body by another method", with{"json": 1, "method": "PUT"}, "PUT /", nil, "1"},
		{"a body of GET", with{"json": 1, "method": "GET"}, "GET /", nil, "1"},
		{"one's own content type", with{"body": "<a/>", "headers": with{"content-type": "text/xml"}}, "POST /", nethttp.Header{"Content-Type": {"text/xml"}}, "<a/>"},
		{"headers", with{"headers": with{"x-one": "1", "X-Many": []string{"b", "a, c"}, "User-Agent": "me", "X-Empty": ""}}, "GET /", nethttp.Header{"X-One": {"1"}, "X-Many": {"b", "a, c"}, "User-Agent": {"me"}, "X-Empty": {""}}, ""},
		{"a query", with{"query": with{"b": "x y", "a": []string{"1", "&=é"}}}, "GET /?a=1&a=%26%3D%C3%A9&b=x+y", nil, ""},
		{"a query beside that of the URL", with{"url": "/p?z=1&a=%20b;c", "query": with{"a": "2"}}, "GET /p?z=1&a=%20b;c&a=2", nil, ""},
		{"an empty query", with{"url": "/p?", "query": with{}}, "GET /p?", nil, ""},
		{"a path with what cannot stand there", with{"url": "/a b/é%2Fc?q=x y&r=é%26#there"}, "GET /a%20b/%C3%A9%2Fc?q=x%20y&r=%C3%A9%26", nil, ""},
		{"a user", with{"auth": with{"basic": with{"username": "me", "password": "pä:ß"}}}, "GET /", nethttp.Header{"Authorization": {"Basic bWU6cMOkOsOf"}}, ""},
		{"a user without a password", with{"auth": with{"basic": with{"username": "me"}}}, "GET /", nethttp.Header{"Authorization": {"Basic bWU6"}}, ""},
		{"a token", with{"auth": with{"bearer": "t0k.en"}}, "GET /", nethttp.Header{"Authorization": {"Bearer t0k.en"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, nil)
			path, _ := c.in["url"].(string)
			c.in["url"] = s.URL + path
			if _, err := send(t, Plugin{}, c.in); err != nil {
				t.Fatal(err)
			}
			got := s.last(t)
			if line := got.Method + " " + got.RequestURI; line != c.line || got.body != c.body {
				t.Errorf("sent %s, body %q; want %s, %q", line, got.body, c.line, c.body)
			}
			for name, want := range c.header {
				if !reflect.DeepEqual(got.Header[name], []string(want)) {
					t.Errorf("%s is %q, want %q", name, got.Header[name], want)
				}
			}
		})
	}
}

func TestTheHostHeader(t *testing.T) {
	s := serve(t, nil)
	if _, err := send(t, Plugin{}, with{"url": s.URL, "headers": with{"host": "virtual.example"}}); err != nil || s.last(t).Host != "virtual.example" {
		t.Errorf("error %v", err)
	}
}

func TestBadInputIsRefusedWithItsReason(t *testing.T) {
	const u = `"url": "http://127.0.0.1:9/"`
	for in, want := range map[string]string{
		`{}`:                                                       `cannot use url: it begins with neither http:// nor https://`,
		`{"url": "api.example/x"}`:                                 `cannot use url: it begins with neither http:// nor https://`,
		`{"url": "file:///etc/passwd"}`:                            `cannot use url: it begins with neither http:// nor https://`,
		`{"url": "http:///x"}`:                                     `cannot use url: it names no host`,
		`{"url": "http:x"}`:                                        `cannot use url: it names no host`,
		`{"url": "http://h:0/"}`:                                   `cannot use url: its port is none`,
		`{"url": "http://h:65536/"}`:                               `cannot use url: its port is none`,
		`{"url": "http://me:pass@h/"}`:                             `cannot use url: it holds a user or a password (use auth: {basic: {username, password}})`,
		`{"url": "http://me:pa/ss@h/"}`:                            `cannot use url: it is no URL (write it as https://host/path, with %XX for what cannot stand in one)`,
		`{"url": "http://h/%zz"}`:                                  `cannot use url: it is no URL (write it as https://host/path, with %XX for what cannot stand in one)`,
		`{"url": "http://h/\n"}`:                                   `cannot use url: it is no URL (write it as https://host/path, with %XX for what cannot stand in one)`,
		`{` + u + `, "method": "get"}`:                             `cannot send the request: the method "get" is not known`,
		`{` + u + `, "json": 1, "form": {}}`:                       `cannot send the request: give only one of json, body and form`,
		`{` + u + `, "headers": {"a b": "x"}}`:                     `cannot send the header "a b": that is no name of a header`,
		`{` + u + `, "headers": {"": "x"}}`:                        `cannot send the header "": that is no name of a header`,
		`{` + u + `, "headers": {"é": "x"}}`:                       `cannot send the header "é": that is no name of a header`,
		`{` + u + `, "headers": {"x": "a\r\nb"}}`:                  `cannot send the header X: its value holds a line end or another control character`,
		`{` + u + `, "headers": {"transfer-encoding": "chunked"}}`: `cannot send the header Transfer-Encoding: it is set as the request needs it`,
		`{` + u + `, "headers": {"Host": ["a", "b"]}}`:             `cannot send the header Host: it has one value`,
		`{` + u + `, "headers": {"authorization": "x"}, "auth": {"bearer": "y"}}`: `cannot send the request: auth and the header Authorization exclude each other`,
		`{` + u + `, "auth": {}}`:                             `cannot use auth: give one of basic and bearer`,
		`{` + u + `, "auth": {"bearer": "a\nb"}}`:             `cannot use auth: the token is empty, or holds a line end or another control character`,
		`{` + u + `, "auth": {"basic": {"username": "a:b"}}}`: `cannot use auth: a colon cannot stand in the username`,
		`{` + u + `, "auth": {"basic": {"username": 7}}}`:     `cannot read the input of http: auth.basic.username is of the wrong type`,
		`{` + u + `, "expect": {"status": "ok"}}`:             `cannot read the input of http: it is no mapping, or a part of it is of the wrong type`,
		`[]`: `cannot read the input of http: it is no mapping, or a part of it is of the wrong type`,
	} {
		call, _ := newCall([]byte(in))
		_, err := Plugin{}.Run(t.Context(), call)
		if err == nil || err.Error() != want || plugins.KindOf(err) != plugins.BadInput {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
	}
}

func TestTheSchemaSaysWhatIsWrong(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                   `needs "url"`,
		`{"url": ""}`:                          `url must begin with http:// or https://`,
		`{"url": "http://u", "methd": "GET"}`:  `methd has no "methd"`,
		`{"url": "http://u", "method": "get"}`: `method must be "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" or "OPTIONS"`,
		`{"url": "http://u", "json": 1, "body": "x"}`:                                                           `may have only one of "json", "body"`,
		`{"url": "http://u", "query": {"a": 1}}`:                                                                `query.a must be text or a list, not 1`,
		`{"url": "http://u", "auth": {}}`:                                                                       `auth needs one of "basic", "bearer"`,
		`{"url": "http://u", "expect": {"status": 99}}`:                                                         `expect.status must be at least 100`,
		`{"url": "http://u", "expect": {"status": [2]}}`:                                                        `expect.status.0 must be at least 100`,
		`{"url": "http://u", "json": null, "headers": {"a": ["b"]}, "expect": {"status": [200, "4xx", "404"]}}`: ``,
	} {
		if got := fault(t, inputSchema, []byte(in)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

// naughty returns the strings that programs stumble over.
func naughty(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../../../shared/data/naughty-strings/blns.json")
	if err != nil {
		t.Skip("the data is not there: ../shared/data of the project's root")
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil || len(list) < 500 {
		t.Fatalf("%d strings, error %v", len(list), err)
	}
	return list
}

func TestNaughtyStringsArriveUnchanged(t *testing.T) {
	s := serve(t, nil)
	list := naughty(t)
	for _, where := range []string{"json", "form", "query"} {
		var in with
		if where == "json" {
			in = with{"url": s.URL, "json": list}
		} else {
			in = with{"url": s.URL, "method": "POST", where: with{"v": list}}
		}
		if _, err := send(t, Plugin{}, in); err != nil {
			t.Fatal(where, err)
		}
		got := s.last(t)
		var came []string
		switch where {
		case "json":
			if err := json.Unmarshal([]byte(got.body), &came); err != nil {
				t.Fatal(err)
			}
		case "form":
			values, err := url.ParseQuery(got.body)
			if err != nil {
				t.Fatal(err)
			}
			came = values["v"]
		case "query":
			came = got.URL.Query()["v"]
		}
		if !reflect.DeepEqual(came, list) {
			t.Errorf("%s: %d came of %d, or not as they were", where, len(came), len(list))
		}
	}
}

func TestNaughtyStringsAsNamesArriveUnchanged(t *testing.T) {
	s := serve(t, nil)
	names := with{}
	for _, text := range naughty(t) {
		names[text] = text
	}
	if _, err := send(t, Plugin{}, with{"url": s.URL, "form": names, "query": names}); err != nil {
		t.Fatal(err)
	}
	got := s.last(t)
	form, err := url.ParseQuery(got.body)
	if err != nil {
		t.Fatal(err)
	}
	query := got.URL.Query()
	for name := range names {
		if form.Get(name) != name || query.Get(name) != name {
			t.Errorf("%q did not arrive as it was", name)
		}
	}
}

// TestNaughtyHeadersArriveUnchangedOrNotAtAll: a value that a header cannot have is refused, and
// white space around one is no part of it (RFC 9110, section 5.5).
func TestNaughtyHeadersArriveUnchangedOrNotAtAll(t *testing.T) {
	s := serve(t, nil)
	var legal, want []string
	for _, text := range naughty(t) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			call, _ := newCall(nil)
			call.Input, _ = json.Marshal(with{"url": s.URL, "headers": with{"x": text}})
			if _, err := (Plugin{}).Run(t.Context(), call); plugins.KindOf(err) != plugins.BadInput {
				t.Errorf("%q: error %v", text, err)
			}
			continue
		}
		legal, want = append(legal, text), append(want, strings.Trim(text, " \t"))
	}
	if _, err := send(t, Plugin{}, with{"url": s.URL, "headers": with{"X-V": legal}}); err != nil {
		t.Fatal(err)
	}
	if got := s.requests(); len(got) != 1 || !reflect.DeepEqual(got[0].Header["X-V"], want) {
		t.Errorf("%d requests, or other values than were sent", len(got))
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://h", "https://[fe80::1%25eth0]:443/a?b#c", "http://me:pa/ss@h/", "HTTP://h:080/%2e", "http:x", "//h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseURL(s)
		if err != nil {
			return
		}
		if u.Hostname() == "" || u.User != nil || port(u) == "" {
			t.Errorf("%q is let through as %q", s, u)
		}
		if text := show(u); len([]rune(text)) > maxShown+1 || strings.ContainsAny(text, "\r\n\x1b") {
			t.Errorf("%q is shown as %q", s, text)
		}
	})
}
