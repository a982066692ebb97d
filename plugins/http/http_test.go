package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/plugins"
	"weft/schema"
)

type with = map[string]any

type answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// send makes a call as the runner does: the input has passed its schema, and so must the output.
func send(t *testing.T, p Plugin, in with, env ...string) (answer, error) {
	t.Helper()
	got, _, err := sendLogged(t, p, in, env...)
	return got, err
}

func sendLogged(t *testing.T, p Plugin, in with, env ...string) (answer, string, error) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if wrong := fault(t, inputSchema, raw); wrong != "" {
		t.Fatalf("the input %s is wrong: %s", raw, wrong)
	}
	call, log := newCall(raw, env...)
	res, err := p.Run(t.Context(), call)
	var got answer
	if err == nil {
		if wrong := fault(t, outputSchema, res.Output); wrong != "" {
			t.Fatalf("the output %.200s is wrong: %s", res.Output, wrong)
		}
		if err := json.Unmarshal(res.Output, &got); err != nil {
			t.Fatal(err)
		}
	}
	return got, log.String(), err
}

func newCall(raw []byte, env ...string) (*plugins.Call, *strings.Builder) {
	log := new(strings.Builder)
	return &plugins.Call{Input: raw, Env: env, Now: time.Now, Logf: func(format string, args ...any) {
		fmt.Fprintf(log, format+"\n", args...)
	}}, log
}

// fault is what a schema says against a value, "" = nothing.
func fault(t *testing.T, against, raw []byte) string {
	t.Helper()
	check, err := schema.Compile(against)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, bad := range check.Check(v) {
		said = append(said, strings.TrimSpace(strings.Join(bad.Path, ".")+" "+bad.Message))
	}
	return strings.Join(said, "; ")
}

// A seen is a request as a server got it.
type seen struct {
	*nethttp.Request
	body string
}

// A server remembers what it was asked.
type server struct {
	*httptest.Server
	mu  sync.Mutex
	got []seen
}

func serve(t *testing.T, handle nethttp.HandlerFunc) *server {
	t.Helper()
	s := new(server)
	s.Server = httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, seen{r, string(body)})
		s.mu.Unlock()
		if handle != nil {
			handle(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// last is the newest request.
func (s *server) last(t *testing.T) seen {
	t.Helper()
	got := s.requests()
	if len(got) == 0 {
		t.Fatal("no request came")
	}
	return got[len(got)-1]
}

// says answers with a content type and a body.
func says(kind, body string) nethttp.HandlerFunc {
	return func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header()["Content-Type"] = []string{kind}
		_, _ = io.WriteString(w, body)
	}
}

func zipped(t *testing.T, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBodiesOfAnswers(t *testing.T) {
	const json1 = "application/json"
	for _, c := range []struct{ name, kind, body, want, log string }{
		{"JSON is decoded", json1, `{"a": [1, "b"]}`, `{"a":[1,"b"]}`, ""},
		{"JSON keeps each digit", json1, `[12345678901234567890, 1.10]`, `[12345678901234567890,1.10]`, ""},
		{"JSON null", json1, `null`, `null`, ""},
		{"JSON with a charset", "application/json; charset=utf-8", `7`, `7`, ""},
		{"JSON with a bad parameter", "application/json; charset", `7`, `7`, ""},
		{"JSON of a kind", "application/problem+json", `{}`, `{}`, ""},
		{"JSON after a byte order mark", json1, "\ufeff true\n", `true`, ""},
		{"JSON without any", json1, "", `null`, ""},
		{"what only says it is JSON", json1, `ok`, `"ok"`, "the body says it is JSON, and is not"},
		{"NaN is no JSON", json1, `{"a": NaN}`, `"{\"a\": NaN}"`, "the body says it is JSON, and is not"},
		{"text", "text/plain", "<a> & b\n", `"<a> & b\n"`, ""},
		{"text that looks like JSON", "text/plain", `{"a": 1}`, `"{\"a\": 1}"`, ""},
		{"a body of no kind", "", "x", `"x"`, ""},
		{"no body", "text/plain", "", `null`, ""},
		{"NUL and line ends", "text/plain", "a\x00b\r\n", `"a\u0000b\r\n"`, ""},
		{"what is not UTF-8", "text/plain", "caf\xe9!", `"caf�!"`, "the body is not all UTF-8"},
		{"JSON that is not UTF-8", json1, "\"caf\xe9\"", `"caf�"`, "the body is not all UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, says(c.kind, c.body))
			got, log, err := sendLogged(t, Plugin{}, with{"url": s.URL})
			if err != nil || string(got.Body) != c.want || got.Status != 200 {
				t.Errorf("%d, body %s, error %v; want %s", got.Status, got.Body, err, c.want)
			}
			first, line, _ := strings.Cut(log, "\n")
			if c.log != "" && !strings.HasPrefix(line, c.log) || c.log == "" && line != "" {
				t.Errorf("log %q, want %q", log, c.log)
			}
			if want := "GET " + s.URL + ": 200 OK, "; !strings.HasPrefix(first, want) {
				t.Errorf("log %q, want %q", first, want)
			}
		})
	}
}

func TestHeadersOfAnswers(t *testing.T) {
	s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		h := w.Header()
		h["ETag"] = []string{`"x"`}
		h["Vary"] = []string{"a", "b, c"}
		h["Set-Cookie"] = []string{"a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"}
		h["X-Odd"] = []string{"caf\xe9"}
		h["Date"] = nil
		w.WriteHeader(204)
	})
	got, err := send(t, Plugin{}, with{"url": s.URL, "method": "DELETE"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"etag": `"x"`, "vary": "a, b, c", "x-odd": "caf�",
		"set-cookie": "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT\nb=2",
	} {
		if got.Headers[name] != want {
			t.Errorf("%s is %q, want %q", name, got.Headers[name], want)
		}
	}
	if got.Status != 204 || string(got.Body) != "null" || s.last(t).Method != "DELETE" {
		t.Errorf("%+v to %s", got, s.last(t).Method)
	}
}

func TestHeadHasNoBodyHoweverLongItSaysItIs(t *testing.T) {
	s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.Header().Set("Content-Length", "99999999999") })
	got, err := send(t, Plugin{}, with{"url": s.URL, "method": "HEAD"})
	if err != nil || string(got.Body) != "null" || got.Headers["content-length"] != "99999999999" {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestABodyIsBounded(t *testing.T) {
	const limit = 1000
	full, over := bytes.Repeat([]byte("x"), limit), bytes.Repeat([]byte("x"), limit+1)
	long := func(b []byte, how string) nethttp.HandlerFunc {
		return func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			switch how {
			case "gzip":
				w.Header().Set("Content-Encoding", "gzip")
				b = zipped(t, b)
			case "chunks":
				w.(nethttp.Flusher).Flush()
			}
			_, _ = w.Write(b)
		}
	}
	for _, how := range []string{"whole", "chunks", "gzip"} {
		s := serve(t, long(full, how))
		if got, err := send(t, Plugin{MaxBody: limit}, with{"url": s.URL}); err != nil || len(got.Body) != limit+2 {
			t.Errorf("%s: %d bytes, error %v", how, len(got.Body), err)
		}
		s = serve(t, long(over, how))
		_, err := send(t, Plugin{MaxBody: limit}, with{"url": s.URL})
		want := "cannot GET " + s.URL + ": its body is longer than 1000 bytes (fetch it with a script that writes a file, and keep that as an artifact)"
		if err == nil || err.Error() != want || plugins.KindOf(err) != plugins.Remote {
			t.Errorf("%s: error %v, want %s", how, err, want)
		}
	}
}

func TestAGzipBombIsBounded(t *testing.T) {
	bomb := bytes.Repeat(zipped(t, make([]byte, 1<<20)), 300) // 300 kB, which unfold to 300 MB
	s := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := send(t, Plugin{MaxBody: 2 << 20}, with{"url": s.URL})
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "its body is longer than 2097152 bytes") {
		t.Errorf("error %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("%d bytes were allocated for it", got)
	}
}

func TestASlowServerIsLeftWhenTheContextEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		stay func(w nethttp.ResponseWriter)
	}{
		{"before its answer", func(nethttp.ResponseWriter) {}},
		{"within its body", func(w nethttp.ResponseWriter) {
			_, _ = io.WriteString(w, "some")
			w.(nethttp.Flusher).Flush()
		}},
		{"within the words of a failure", func(w nethttp.ResponseWriter) {
			w.WriteHeader(500)
			w.(nethttp.Flusher).Flush()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan struct{})
			s := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
				c.stay(w)
				cancel()
				<-r.Context().Done() // the plugin has closed the connection
				close(gone)
			})
			call, _ := newCall([]byte(`{"url": "` + s.URL + `"}`))
			_, err := Plugin{}.Run(ctx, call)
			if !errors.Is(err, context.Canceled) || plugins.KindOf(err) != plugins.Cancelled {
				t.Errorf("error %v", err)
			}
			<-gone
		})
	}
}

func TestADeadlineIsATimeout(t *testing.T) {
	s := serve(t, func(_ nethttp.ResponseWriter, r *nethttp.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	call, _ := newCall([]byte(`{"url": "` + s.URL + `"}`))
	if _, err := (Plugin{}).Run(ctx, call); plugins.KindOf(err) != plugins.Timeout {
		t.Errorf("error %v", err)
	}
}

func TestNothingIsLeftOfACall(t *testing.T) {
	s := serve(t, says("text/plain", "x"))
	s.Config.SetKeepAlivesEnabled(true)
	before := runtime.NumGoroutine()
	for range 20 {
		if _, err := send(t, Plugin{}, with{"url": s.URL}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before+2; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestPokesAreSilent(t *testing.T) {
	s := serve(t, says("text/plain", "caf\xe9"))
	for poke, want := range []string{
		"GET " + s.URL + ": 200 OK, 4 bytes\nthe body is not all UTF-8: what is not stands as U+FFFD\n",
		"the body is not all UTF-8: what is not stands as U+FFFD\n",
		"",
	} {
		call, log := newCall([]byte(`{"url": "` + s.URL + `"}`))
		call.Poke = poke
		if _, err := (Plugin{}).Run(t.Context(), call); err != nil || log.String() != want {
			t.Errorf("poke %d: log %q, error %v", poke, log, err)
		}
	}
}

func TestHost(t *testing.T) {
	for in, want := range map[string]string{
		`{"url": "https://API.example:8443/x?y"}`: "api.example",
		`{"url": "http://[::1]:80/"}`:             "::1",
		`{"url": "ftp://api.example/"}`:           "",
		`{"url": 7}`:                              "",
		`{}`:                                      "",
	} {
		if got := (Plugin{}).Host(json.RawMessage(in)); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
