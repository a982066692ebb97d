package awsconf

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// talks gives a session with a server of one handler, and makes one attempt a call.
func talks(t *testing.T, h http.HandlerFunc) *Session {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s, err := new(Sessions).Get(t.Context(), Settings{vars: map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "akid", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_SESSION_TOKEN": "very-token",
		"AWS_MAX_ATTEMPTS": "1", "AWS_REGION": "eu-west-1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatAServiceRefuses(t *testing.T) {
	const slow = "the service asks to slow down"
	for _, c := range []struct {
		status       int
		header, body string // the header X-Amzn-ErrorType
		code, want   string
		fault        Fault
		temporary    bool
	}{
		{400, "", `{"__type": "AccessDeniedException", "Message": "no"}`, "AccessDeniedException", "access denied (grant thing:Get)", Denied, false},
		{400, "", `{"__type": "a.b.c#ThrottlingException"}`, "ThrottlingException", slow, Throttled, true},
		{400, "", `{"__type": "ProvisionedThroughputExceededException"}`, "ProvisionedThroughputExceededException", slow, Throttled, true},
		{429, "", ``, "TooManyRequestsException", slow, Throttled, true},
		{400, "", `{"__type": "ExpiredTokenException"}`, "ExpiredTokenException", "the credentials have expired (renew them; a session token does not last)", Expired, true},
		{400, "", `{"__type": "UnrecognizedClientException"}`, "UnrecognizedClientException", "the access key or the session token is not valid (check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_PROFILE and AWS_REGION)", Denied, false},
		{400, "", `{"__type": "InvalidSignatureException", "message": "does not match"}`, "InvalidSignatureException", "the signature is wrong (check AWS_SECRET_ACCESS_KEY)", Denied, false},
		{400, "", `{"__type": "InvalidSignatureException", "message": "Signature not yet current: 2 is still later than 1"}`, "InvalidSignatureException", "the clock of this machine is wrong (set it, by NTP)", Skewed, true},
		{403, "", `{"__type": "RequestTimeTooSkewed"}`, "RequestTimeTooSkewed", "the clock of this machine is wrong (set it, by NTP)", Skewed, true},
		{500, "", `{"__type": "InternalServerError"}`, "InternalServerError", "the service failed: 500 InternalServerError", Broken, true},
		{502, "", `<html>`, "BadGateway", "the service failed: 502 BadGateway", Broken, true},
		{400, "ByHeader:http://x/", `{"__type": "ByBody"}`, "ByHeader", "the service answered ByHeader", Other, false},
		{400, "", `{"code": "ByCode", "message": "So it is."}`, "ByCode", "the service answered ByCode: So it is", Other, false},
		{400, "", `{"code": 7, "__type": 8, "message": 9}`, "", "what answers there is no service of AWS: 400 Bad Request (check AWS_ENDPOINT_URL and what lies between, such as a proxy)", Other, false},
		{403, "", `<html>`, "", "what answers there is no service of AWS: 403 Forbidden (check AWS_ENDPOINT_URL and what lies between, such as a proxy)", Other, false},
		{404, "", ``, "", "what answers there is no service of AWS: 404 Not Found (check AWS_ENDPOINT_URL and what lies between, such as a proxy)", Other, false},
	} {
		s := talks(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Requestid", "r-1")
			if c.header != "" {
				w.Header().Set("X-Amzn-Errortype", c.header)
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		err := thing.Ask(t.Context(), s, "Get", nil, nil)
		var e *Error
		if !errors.As(err, &e) || e.Error() != c.want || e.Fault != c.fault || e.Temporary() != c.temporary || CodeOf(err) != c.code {
			t.Errorf("%d %s:\n got %v (%d, %s)\nwant %s (%d, %s)", c.status, c.body, err, FaultOf(err), CodeOf(err), c.want, c.fault, c.code)
		}
		if id := RequestID(err); c.code != "" && id != "r-1" {
			t.Errorf("%s: the request's number is %q", c.body, id)
		}
		var resp *awshttp.ResponseError
		if errors.As(err, &resp) && resp.Response.Request != nil {
			t.Error("the error holds the request, with its token")
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for _, c := range []struct {
		what, want string
		fault      Fault
		says       http.HandlerFunc
	}{
		{"a page of a portal", "what answers there is no service of AWS (check AWS_ENDPOINT_URL and what lies between, such as a proxy)", Other, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<!doctype html><title>Sign in</title>")
		}},
		{"a way elsewhere", "what answers there is no service of AWS: 307 Temporary Redirect (check AWS_ENDPOINT_URL and what lies between, such as a proxy)", Other, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}},
		{"another form", "the service's answer has another form than is known (check AWS_ENDPOINT_URL)", Other, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"Value": 271828}`)
		}},
		{"half of it", "the connection to HOST broke: unexpected EOF", Unreached, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"Value": "2718`)
		}},
		{"half an object", "the service's answer is cut off", Broken, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"Value": "271828`)
		}},
		{"too much of it", "the service's answer is longer than 8 MiB", Other, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"Value": "%s"}`, strings.Repeat("x", maxAnswer))
		}},
		{"no head", "cannot reach HOST: it does not answer (check the network and AWS_ENDPOINT_URL)", Unreached, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}},
		{"no end", "cannot reach HOST: it does not answer (check the network and AWS_ENDPOINT_URL)", Unreached, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, `{"Value": "`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := talks(t, c.says)
			s.stall = 5 * time.Second
			if strings.HasPrefix(c.what, "no ") {
				s.stall = 50 * time.Millisecond
			}
			var out struct{ Value string }
			err := thing.Ask(t.Context(), s, "Get", map[string]string{"Name": "asked-for"}, &out)
			at := strings.TrimPrefix(s.customEndpoint(""), "http://")
			if err == nil || err.Error() != strings.ReplaceAll(c.want, "HOST", at) || FaultOf(err) != c.fault {
				t.Fatalf("got  %v (%d)\nwant %s", err, FaultOf(err), c.want)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				for _, secret := range []string{"2718", "very-", "Signature=", "asked-for"} {
					if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
						t.Errorf("%T says %s", err, secret)
					}
				}
			}
		})
	}
	if elsewhere > 0 {
		t.Error("a redirect was followed")
	}
}

// What has not left this machine has surely not been done; what has, may have been.
func TestWhatIsUnsureOnARealConnection(t *testing.T) {
	for what, c := range map[string]struct {
		says   http.HandlerFunc // nil = nobody listens
		unsure bool
	}{
		"nobody listens": {nil, false},
		"hangs up":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		"refuses":        {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"__type": "Busy"}`, 400) }, false},
	} {
		s := talks(t, c.says)
		if c.says == nil {
			gone := httptest.NewServer(nil)
			gone.Close()
			s.settings.vars["AWS_ENDPOINT_URL"] = gone.URL
		}
		var e *Error
		if err := thing.Call(t.Context(), s, "Start", nil, nil); !errors.As(err, &e) || e.Unsure != c.unsure {
			t.Errorf("%s: %+v, want unsure %t", what, err, c.unsure)
		}
	}
}
