package lambda

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"weft/plugins"
)

// A call as the double saw it.
type seen struct {
	path, query, kind, body, custom string
}

// double answers each call by a handler, and remembers the last.
func double(t *testing.T, answer http.HandlerFunc) (env []string, last *seen, calls *atomic.Int64) {
	t.Helper()
	last, calls = &seen{}, &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		context, _ := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
		*last = seen{r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("X-Amz-Invocation-Type"), string(body), string(context)}
		calls.Add(1)
		w.Header().Set("X-Amzn-Requestid", "1")
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return []string{
		"AWS_ENDPOINT_URL_LAMBDA=" + server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=eu-west-1",
		"WEFT_IDEMPOTENCY_KEY=run/task/-/0", "WEFT_DAG_ID=d",
	}, last, calls
}

func run(t *testing.T, env []string, input string) (out string, log []string, err error) {
	t.Helper()
	res, err := Plugin{}.Run(t.Context(), &plugins.Call{Input: json.RawMessage(input), Env: env, Logf: func(format string, args ...any) {
		log = append(log, fmt.Sprintf(format, args...))
	}})
	return string(res.Output), log, err
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAFunctionIsCalled(t *testing.T) {
	const custom = `{"custom":{"weft_dag_id":"d","weft_idempotency_key":"run/task/-/0"}}`
	for _, c := range []struct {
		what, input string
		answer      http.HandlerFunc
		want        string
		seen        seen
	}{
		{
			"an object", `{"function": "f", "payload": {"n": 1.50}}`, says(200, `{"rows": [1, 2.50]}`), `{"rows": [1, 2.50]}`,
			seen{"/2015-03-31/functions/f/invocations", "", "RequestResponse", `{"n": 1.50}`, custom},
		},
		{
			"a text, of an alias", `{"function": "f:live", "payload": null}`, says(200, `"done"`), `"done"`,
			seen{"/2015-03-31/functions/f/invocations", "Qualifier=live", "RequestResponse", `null`, custom},
		},
		{
			"nothing, by ARN", `{"function": "arn:aws:lambda:eu-west-1:123456789012:function:f:7"}`, says(200, `null`), `null`,
			seen{"/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations", "Qualifier=7", "RequestResponse", ``, custom},
		},
		{
			"an event", `{"function": "123456789012:function:f", "mode": "event", "payload": [1]}`, says(202, ``), ``,
			seen{"/2015-03-31/functions/123456789012%3Afunction%3Af/invocations", "", "Event", `[1]`, ""},
		},
		{
			"dry", `{"function": "f", "mode": "dry"}`, says(204, ``), ``,
			seen{"/2015-03-31/functions/f/invocations", "", "DryRun", ``, ""},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			env, last, _ := double(t, c.answer)
			out, _, err := run(t, env, c.input)
			if err != nil || out != c.want || *last != c.seen {
				t.Errorf("%s, %v\nwant %s\nseen %+v\nwant %+v", out, err, c.want, *last, c.seen)
			}
		})
	}
}

// TestTheEndOfItsLogIsKept: whether it went well or not.
func TestTheEndOfItsLogIsKept(t *testing.T) {
	tail := base64.StdEncoding.EncodeToString([]byte("START\nloaded 3 rows\nEND\n"))
	env, _, _ := double(t, says(200, `{"errorMessage": "no rows", "errorType": "ValueError", "stackTrace": ["  File \"f.py\", line 3\n"]}`,
		"X-Amz-Log-Result", tail, "X-Amz-Function-Error", "Unhandled"))
	_, log, err := run(t, env, `{"function": "f"}`)
	if fmt.Sprint(err) != "the function f failed with ValueError: no rows" || plugins.KindOf(err) != plugins.Remote {
		t.Errorf("%v (%s)", err, plugins.KindOf(err))
	}
	if want := []string{"START", "loaded 3 rows", "END", `  File "f.py", line 3`}; !slices.Equal(log, want) {
		t.Errorf("log %q, want %q", log, want)
	}
	env, _, _ = double(t, says(200, `7`, "X-Amz-Function-Error", "Handled"))
	if _, _, err := run(t, env, `{"function": "f"}`); fmt.Sprint(err) != "the function f failed with Handled: 7" {
		t.Error(err)
	}
}

// TestWhatIsCalledAgain: a call that may have been carried out is not made again, and says so.
func TestWhatIsCalledAgain(t *testing.T) {
	breaks := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	refuse := func(status int, code string) http.HandlerFunc {
		return says(status, `{"message": "So it is."}`, "X-Amzn-Errortype", code)
	}
	const lost = "(it may have been done; it is not asked again unless `retries` says so)"
	for _, c := range []struct {
		what  string
		first http.HandlerFunc
		mode  string
		calls int64
		kind  plugins.Kind // "" = it succeeds
		says  string
	}{
		{"throttled", refuse(429, "TooManyRequestsException"), "request", 2, "", ""},
		{"its answer is lost", breaks, "request", 1, plugins.Remote, lost},
		{"an event's answer is lost", breaks, "event", 1, plugins.Remote, lost},
		{"dry, its answer is lost", breaks, "dry", 2, "", ""},
		{"Lambda failed", refuse(500, "ServiceException"), "request", 1, plugins.Remote, lost},
		{"a gateway lost it", says(504, "<html>"), "request", 1, plugins.Remote, lost},
		{"the page of a portal", says(200, "<html>"), "request", 1, plugins.Remote, lost},
	} {
		t.Run(c.what, func(t *testing.T) {
			n := 0
			env, _, calls := double(t, func(w http.ResponseWriter, r *http.Request) {
				if n++; n == 1 {
					c.first(w, r)
					return
				}
				_, _ = io.WriteString(w, "1")
			})
			_, _, err := run(t, env, `{"function": "f", "mode": "`+c.mode+`"}`)
			switch {
			case calls.Load() != c.calls:
				t.Errorf("called %d times, want %d: %v", calls.Load(), c.calls, err)
			case c.kind == "" && err != nil:
				t.Error(err)
			case c.kind != "" && (err == nil || plugins.KindOf(err) != c.kind || !strings.HasSuffix(err.Error(), c.says)):
				t.Errorf("%v (%s)", err, plugins.KindOf(err))
			}
		})
	}
}

func TestWhatCannotBeCalled(t *testing.T) {
	env, _, calls := double(t, says(404, `{"Message": "Function not found: arn:…"}`, "X-Amzn-Errortype", "ResourceNotFoundException"))
	large := strings.Repeat("x", 6<<20)
	for _, c := range []struct {
		input string
		kind  plugins.Kind
		want  string
		calls int64
	}{
		{`{"function": "absent"}`, plugins.Remote, "cannot call absent: there is no such function (check its name, AWS_REGION and the account)", 1},
		{`{"function": "f", "payload": "` + large + `"}`, plugins.BadInput, "cannot call f: the payload has 6291458 bytes, at most 6291456 are allowed with mode request (put it into S3, and hand over its URI)", 0},
		{`{"function": "f", "mode": "event", "payload": "` + large[:1<<20] + `"}`, plugins.BadInput, "cannot call f: the payload has 1048578 bytes, at most 1048576 are allowed with mode event (put it into S3, and hand over its URI)", 0},
		{`{"function": "f", "mode": "async"}`, plugins.BadInput, `cannot call f: mode may be request, event or dry, not "async"`, 0},
	} {
		calls.Store(0)
		_, _, err := run(t, env, c.input)
		if fmt.Sprint(err) != c.want || plugins.KindOf(err) != c.kind || calls.Load() != c.calls {
			t.Errorf("%.80s, %d calls: %v (%s)\nwant %s", c.input, calls.Load(), err, plugins.KindOf(err), c.want)
		}
	}
}
