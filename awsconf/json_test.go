package awsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// thing is a service that no one runs.
var thing = JSON{ID: "Thing", Service: "thing", Target: "AWSThing", Version: "1.1"}

// A wire stands for the network, so that time can be the test's. It answers by a script, the last
// for all that follow, and remembers when it was asked.
type wire struct {
	script []func(*http.Request) (*http.Response, error)
	mu     sync.Mutex
	at     []time.Time
}

// Do implements aws.HTTPClient.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.at = append(w.at, time.Now())
	now := w.script[min(len(w.at), len(w.script))-1]
	w.mu.Unlock()
	return now(r)
}

// wired gives a session on a wire, whose n-th wait is n seconds.
func wired(t *testing.T, script ...func(*http.Request) (*http.Response, error)) (*Session, *wire) {
	t.Helper()
	s, err := new(Sessions).Get(t.Context(), Settings{vars: map[string]string{
		"AWS_ENDPOINT_URL": "http://thing.test", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{script: script}
	s.Config.HTTPClient = w
	s.Config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(n int, _ error) (time.Duration, error) { return time.Duration(n) * time.Second, nil })
		})
	}
	return s, w
}

// wrote tells the caller, as net/http does, that the request is on its way.
func wrote(r *http.Request) { httptrace.ContextClientTrace(r.Context()).WroteHeaders() }

func answer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		wrote(r)
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func refuse(status int, code string) func(*http.Request) (*http.Response, error) {
	return answer(status, fmt.Sprintf(`{"__type": "com.amazon.thing#%s", "message": "So it is."}`, code))
}

func unreachable(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

func resets(r *http.Request) (*http.Response, error) {
	wrote(r)
	return nil, syscall.ECONNRESET
}

func cuts(r *http.Request) (*http.Response, error) {
	resp, _ := answer(200, "")(r)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"Val`), broken{}))
	return resp, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func silent(r *http.Request) (*http.Response, error) {
	wrote(r)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// What may be made twice is tried again whatever happened; what must not, only where the service has
// surely done nothing.
func TestWhatIsTriedAgain(t *testing.T) {
	good := answer(200, `{"Value": "v"}`)
	for _, c := range []struct {
		what   string
		first  func(*http.Request) (*http.Response, error)
		ask    string // "" = the second attempt succeeds
		call   string
		unsure bool
	}{
		{"all well", good, "", "", false},
		{"throttled", refuse(400, "ThrottlingException"), "", "", false},
		{"throttled by status", answer(429, ""), "", "", false},
		{"busy, says the service", refuse(503, "ServiceUnavailableException"), "", "", false},
		{"no connection", unreachable, "", "", false},
		{"busy, says something", answer(503, "<html>"), "", "the service failed: 503 ServiceUnavailable", true},
		{"a gateway lost it", answer(504, "<html>"), "", "the service failed: 504 GatewayTimeout", true},
		{"it failed inside", refuse(500, "InternalServerError"), "", "the service failed: 500 InternalServerError", true},
		{"reset after it was sent", resets, "", "the connection to thing.test broke: connection reset by peer", true},
		{"its answer broke off", cuts, "", "the connection to thing.test broke: unexpected EOF", true},
		{"its answer is half an object", answer(200, `{"Value": "`), "", "the service's answer is cut off", true},
		{"no answer", silent, "", "cannot reach thing.test: it does not answer (check the network and AWS_ENDPOINT_URL)", true},
		{"refused", refuse(400, "ValidationException"), "the service answered ValidationException: So it is", "the service answered ValidationException: So it is", false},
	} {
		for name, run := range map[string]func(context.Context, *Session, string, any, any) error{"Ask": thing.Ask, "Call": thing.Call} {
			t.Run(c.what+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, w := wired(t, c.first, good)
					want, unsure := c.ask, false
					if name == "Call" {
						want, unsure = c.call, c.unsure
					}
					var out struct{ Value string }
					err := run(t.Context(), s, "Get", nil, &out)
					if want == "" && (err != nil || out.Value != "v") {
						t.Errorf("%q, %v", out.Value, err)
					}
					var e *Error
					if want != "" && (!errors.As(err, &e) || e.Error() != want || e.Unsure != unsure || len(w.at) != 1) {
						t.Errorf("%d attempts, %+v\nwant %s, unsure %t", len(w.at), err, want, unsure)
					}
				})
			})
		}
	}
}

func TestWaitsGrowAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := wired(t, refuse(400, "ThrottlingException"))
		err := thing.Ask(t.Context(), s, "Get", nil, nil)
		if FaultOf(err) != Throttled || err.Error() != "the service asks to slow down" {
			t.Error(err)
		}
		var waits []time.Duration
		for i := range len(w.at) - 1 {
			waits = append(waits, w.at[i+1].Sub(w.at[i]))
		}
		if fmt.Sprint(waits) != "[1s 2s 3s 4s 5s]" {
			t.Errorf("waited %v", waits)
		}
		s.Config.RetryMaxAttempts = 2 // of another service: this one's caller is made
		other := thing
		other.Service = "other"
		if _ = other.Ask(t.Context(), s, "Get", nil, nil); len(w.at) != attempts+2 {
			t.Errorf("%d attempts more, want 2", len(w.at)-attempts)
		}
	})
}

// The SDK's own waits are random, and bounded.
func TestTheWaitsOfTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := wired(t, refuse(503, "ServiceUnavailable"))
		s.Config.Retryer = nil
		start := time.Now()
		if err := thing.Ask(t.Context(), s, "Get", nil, nil); FaultOf(err) != Broken {
			t.Error(err)
		}
		if took := time.Since(start); len(w.at) != attempts || took == 0 || took > attempts*retry.DefaultMaxBackoff {
			t.Errorf("%d attempts in %v", len(w.at), took)
		}
	})
}

// A service that fails for all its callers is asked less: they share a quota of retries.
func TestTheQuotaOfRetriesIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := wired(t, refuse(400, "ThrottlingException"))
		const calls = 100
		for range calls {
			if err := thing.Ask(t.Context(), s, "Get", nil, nil); FaultOf(err) != Throttled {
				t.Fatal(err)
			}
		}
		want := calls + int(retry.DefaultRetryRateTokens/retry.DefaultRetryCost)
		if len(w.at) != want {
			t.Errorf("%d attempts, want %d", len(w.at), want)
		}
	})
}

func TestTheCallersEndEndsTheWait(t *testing.T) {
	for what, first := range map[string]func(*http.Request) (*http.Response, error){
		"between attempts": refuse(400, "ThrottlingException"), "in an attempt": silent,
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := wired(t, first)
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				start := time.Now()
				err := thing.Ask(ctx, s, "Get", nil, nil)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 500*time.Millisecond || len(w.at) != 1 {
					t.Errorf("%v after %v and %d attempts", err, time.Since(start), len(w.at))
				}
			})
		})
	}
}

// A machine whose clock is wrong is told the time by the service, once for all calls.
func TestAWrongClockIsCorrected(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, w := wired(t, func(r *http.Request) (*http.Response, error) {
				real := time.Now().Add(ahead)
				signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
				if err != nil {
					return nil, err
				}
				resp, _ := answer(200, "{}")(r)
				if real.Sub(signed).Abs() > 5*time.Minute {
					resp, _ = answer(400, `{"__type": "InvalidSignatureException", "message": "Signature expired: 1 is now earlier than 2"}`)(r)
				}
				resp.Header.Set("Date", real.UTC().Format(http.TimeFormat))
				return resp, nil
			})
			for i := range 3 {
				if err := thing.Call(t.Context(), s, "Start", nil, nil); err != nil || len(w.at) != 2+i {
					t.Errorf("call %d: %v after %d attempts", i, err, len(w.at))
				}
			}
			uncorrected := thing
			uncorrected.Service = "uncorrected"
			s.Config.DisableClockSkewCorrection = true
			err := uncorrected.Call(t.Context(), s, "Start", nil, nil)
			if FaultOf(err) != Skewed || err.Error() != "the clock of this machine is wrong (set it, by NTP)" {
				t.Error(err)
			}
		})
	}
}
