package awsconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// What follows a real server cannot be made to do: to throttle, break off, stall, lie, live in
// another region or another time. The double holds one object, "0123456789" at s3://acme/k.

const content = "0123456789"

// A double answers by a script: one handler a request, the last one for all that follow.
type double struct {
	mu     sync.Mutex
	script []http.HandlerFunc
	seen   []*http.Request
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.seen = append(d.seen, r)
	now := d.script[min(len(d.seen), len(d.script))-1]
	d.mu.Unlock()
	now(w, r)
}

func (d *double) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.seen)
}

// against gives a session with a double; between tries it does not wait.
func against(t *testing.T, script ...http.HandlerFunc) (*Session, *double) {
	t.Helper()
	d := &double{script: script}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	s, err := new(Sessions).Get(t.Context(), Settings{vars: map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	return s, d
}

// says answers with an error as S3 does.
func says(status int, code string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>So it is.</Message></Error>", code)
		}
	}
}

// gives sends the object from where it is asked for, at most so many bytes of what it promises; then
// it breaks the connection.
func gives(most int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && r.Header.Get("If-Match") != `"tag"` {
			says(http.StatusPreconditionFailed, "PreconditionFailed")(w, r)
			return
		}
		w.Header().Set("ETag", `"tag"`)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		rest := content[from:]
		w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		if most < len(rest) {
			_, _ = io.WriteString(w, rest[:most])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, rest)
	}
}

// hangs sends the head and a few bytes, and then nothing until the other side has had enough.
func hangs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"tag"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = io.WriteString(w, content[:2])
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func crcOf(text string) []string {
	return []string{"X-Amz-Checksum-Crc32", *encodeCRC(crc32.ChecksumIEEE([]byte(text)))}
}

func read(s *Session) (string, error) {
	d, err := s.Open(context.Background(), Object{"acme", "k"})
	if err != nil {
		return "", err
	}
	defer d.Close()
	got, err := io.ReadAll(d)
	return string(got), err
}

func TestWhatBreaksIsTakenUpAgain(t *testing.T) {
	slow := says(http.StatusServiceUnavailable, "SlowDown")
	right, wrong := crcOf(content), crcOf("another")
	for _, c := range []struct {
		what   string
		script []http.HandlerFunc
		want   string
		fault  Fault
	}{
		{"nothing breaks", []http.HandlerFunc{gives(10, right...)}, "", 0},
		{"throttled five times", []http.HandlerFunc{slow, slow, slow, slow, slow, gives(10)}, "", 0},
		{"throttled for ever", []http.HandlerFunc{slow}, "the service asks to slow down", Throttled},
		{"500 at first", []http.HandlerFunc{says(500, "InternalError"), gives(10)}, "", 0},
		{"500 for ever", []http.HandlerFunc{says(500, "InternalError")}, "the service failed: 500 InternalError", Broken},
		{"cut three times", []http.HandlerFunc{gives(3, right...), gives(3), gives(0), gives(10)}, "", 0},
		{"cut and throttled", []http.HandlerFunc{gives(3), slow, gives(10)}, "", 0},
		{"cut after the last byte it promised", []http.HandlerFunc{gives(9, right...), gives(1)}, "", 0},
		{"cut for ever", []http.HandlerFunc{gives(3), gives(0)}, "the connection broke after 3 of 10 bytes", Unreached},
		{"cut, then another version", []http.HandlerFunc{gives(3), says(412, "PreconditionFailed")}, "it changed while it was read", Changed},
		{"cut, then gone", []http.HandlerFunc{gives(3), says(404, "NoSuchKey")}, "it changed while it was read", Changed},
		{"stalled", []http.HandlerFunc{hangs, gives(10)}, "", 0},
		{"a sum that lies", []http.HandlerFunc{gives(10, wrong...)}, "the bytes that came do not fit their checksum", Damaged},
		{"a sum that lies, cut", []http.HandlerFunc{gives(3, wrong...), gives(10)}, "the bytes that came do not fit their checksum", Damaged},
		{"a sum of parts' sums", []http.HandlerFunc{gives(10, "X-Amz-Checksum-Crc32", wrong[1]+"-2", "X-Amz-Checksum-Type", "COMPOSITE")}, "", 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, _ := against(t, c.script...)
			s.stall = 100 * time.Millisecond
			got, err := read(s)
			if c.want == "" && (err != nil || got != content) {
				t.Errorf("got %q, %v", got, err)
			}
			if c.want != "" && (err == nil || err.Error() != c.want || FaultOf(err) != c.fault || !err.(*Error).Temporary()) {
				t.Errorf("got %v (%d), want %s (%d)", err, FaultOf(err), c.want, c.fault)
			}
		})
	}
}

func TestARequestGoesByPathAndIsSigned(t *testing.T) {
	s, d := against(t, gives(10))
	if _, err := read(s); err != nil {
		t.Fatal(err)
	}
	r := d.seen[0]
	if r.URL.Path != "/acme/k" || !strings.Contains(r.Header.Get("Authorization"), "Credential=a/") || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/s3/") {
		t.Errorf("%s %s", r.URL, r.Header.Get("Authorization"))
	}
}

func TestTheEndOfAContextEndsEverything(t *testing.T) {
	s, _ := against(t, hangs)
	ctx, cancel := context.WithCancel(t.Context())
	d, err := s.Open(ctx, Object{"acme", "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := io.ReadFull(d, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(d); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := s.Open(ctx, Object{"acme", "k"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhatTheServiceSays(t *testing.T) {
	region := []string{"X-Amz-Bucket-Region", "eu-central-1"}
	for _, c := range []struct {
		says      http.HandlerFunc
		want      string
		fault     Fault
		temporary bool
	}{
		{says(403, "AccessDenied"), "access denied (the credentials lack a permission for it)", Denied, false},
		{says(403, "InvalidAccessKeyId"), "the access key is not known (check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint)", Denied, false},
		{says(403, "SignatureDoesNotMatch"), "the signature is wrong (check AWS_SECRET_ACCESS_KEY)", Denied, false},
		{says(400, "ExpiredToken"), "the credentials have expired (renew them; a session token does not last)", Expired, true},
		{says(403, "RequestTimeTooSkewed"), "the clock of this machine is wrong (set it, by NTP)", Skewed, true},
		{says(301, "PermanentRedirect", region...), "the bucket is in another region (set AWS_REGION to eu-central-1)", WrongRegion, false},
		{says(400, "AuthorizationHeaderMalformed", region...), "the bucket is in another region (set AWS_REGION to eu-central-1)", WrongRegion, false},
		{says(404, "NoSuchBucket"), "there is no such bucket (check its name, the account and the endpoint)", NoBucket, false},
		{says(403, "InvalidObjectState"), "the object is archived (restore it first)", Other, false},
		{says(400, "Strange"), "the service answered Strange: So it is", Other, false},
		{says(403, "Strange"), "access denied: Strange (So it is)", Denied, false},
	} {
		s, _ := against(t, c.says)
		_, err := read(s)
		var e *Error
		if !errors.As(err, &e) || e.Error() != c.want || e.Fault != c.fault || e.Temporary() != c.temporary {
			t.Errorf("got %v (%d)\nwant %s (%d)", err, FaultOf(err), c.want, c.fault)
		}
	}
}

func TestAHeadHasNoBodyAndIsStillExplained(t *testing.T) {
	region := []string{"X-Amz-Bucket-Region", "eu-central-1"}
	for _, c := range []struct {
		script []http.HandlerFunc
		want   string
	}{
		{[]http.HandlerFunc{says(403, "")}, "access denied (the credentials lack a permission for it; without s3:ListBucket that is also the answer for what is not there)"},
		{[]http.HandlerFunc{says(301, "", region...)}, "the bucket is in another region (set AWS_REGION to eu-central-1)"},
		{[]http.HandlerFunc{says(404, ""), says(404, "")}, "there is no such bucket (check its name, the account and the endpoint)"},
		{[]http.HandlerFunc{says(404, ""), says(403, "")}, "<nil>"},
		{[]http.HandlerFunc{says(503, "")}, "the service failed: 503 ServiceUnavailable"},
	} {
		s, _ := against(t, c.script...)
		_, found, err := s.Head(t.Context(), Object{"acme", "k"}, true)
		if found || fmt.Sprint(err) != c.want {
			t.Errorf("got  %v, %v\nwant %s", found, err, c.want)
		}
	}
}

// A part that is refused ends the upload at once, and what was sent is removed.
func TestAPartThatFailsEndsTheUpload(t *testing.T) {
	var aborted sync.Once
	removed := make(chan struct{})
	s, d := against(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
			fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
		case r.Method == http.MethodDelete:
			aborted.Do(func() { close(removed) })
			w.WriteHeader(http.StatusNoContent)
		default:
			says(403, "AccessDenied")(w, r)
		}
	})
	_, err := s.Upload(t.Context(), Upload{To: Object{"acme", "k"}, Body: io.LimitReader(zeros{}, 1<<40), Size: -1})
	if FaultOf(err) != Denied {
		t.Error(err)
	}
	<-removed
	if n := d.count(); n > 12 {
		t.Errorf("%d requests", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAServerWithoutChecksums(t *testing.T) {
	d := &double{script: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "checksum") {
				w.WriteHeader(http.StatusNotImplemented)
			}
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"tag"`)
	}}}
	server := httptest.NewServer(d)
	defer server.Close()
	s, err := new(Sessions).Get(t.Context(), From([]string{
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REQUEST_CHECKSUM_CALCULATION=when_required",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upload(t.Context(), Upload{To: Object{"acme", "k"}, Body: bytes.NewReader([]byte("x")), Size: 1, SHA256: make([]byte, 32)}); err != nil {
		t.Error(err)
	}
}

func TestWhoseCredentials(t *testing.T) {
	home := t.TempDir()
	configFile, keys := filepath.Join(home, "config"), filepath.Join(home, "credentials")
	for name, text := range map[string]string{
		configFile: "[profile dev]\nregion = eu-west-1\n[profile bare]\nregion = eu-west-2\n",
		keys:       "[dev]\naws_access_key_id = devkey\naws_secret_access_key = s\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": configFile, "AWS_SHARED_CREDENTIALS_FILE": keys, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "owntoken", "AWS_REGION": "us-west-2",
		"AWS_PROFILE": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_CA_BUNDLE": "",
	} {
		t.Setenv(name, value)
	}
	for _, c := range []struct {
		env  []string
		want string // key token region, or an error
	}{
		{nil, "own owntoken us-west-2"},
		{[]string{"PATH=/bin", "AWS_REGION=eu-north-1"}, "own owntoken eu-north-1"},
		{[]string{"AWS_ACCESS_KEY_ID=task", "AWS_SECRET_ACCESS_KEY=t"}, "task  us-west-2"},
		{[]string{"AWS_PROFILE=dev"}, "devkey  us-west-2"},
		{[]string{"AWS_PROFILE=bare"}, "no AWS credentials were found (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; without an account, run it with --sandbox)"},
		{[]string{"AWS_PROFILE=absent"}, `there is no AWS profile "absent" (write it into ~/.aws/config, or set AWS_PROFILE to one that is there)`},
		{[]string{"AWS_ACCESS_KEY_ID=task"}, "half a pair of AWS credentials is set (set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"},
		{[]string{"AWS_CA_BUNDLE=/no/such"}, "the AWS_CA_BUNDLE cannot be read (check the path /no/such)"},
		{[]string{"AWS_MAX_ATTEMPTS=many"}, "AWS_MAX_ATTEMPTS is no whole number above 0"},
	} {
		var got string
		s, err := new(Sessions).Get(t.Context(), From(c.env))
		if err == nil {
			var creds aws.Credentials
			creds, err = s.Config.Credentials.Retrieve(t.Context())
			got = creds.AccessKeyID + " " + creds.SessionToken + " " + s.Config.Region
		}
		if err != nil {
			got = Explain(err).Error()
		}
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.env, got, c.want)
		}
	}
}

// A connection that gives up is no end of the caller's context, although it says that it is one.
func TestAConnectionThatTimesOutIsNoCancellation(t *testing.T) {
	slow := &url.Error{Op: "Get", URL: "http://h:9/x", Err: selfStyled{}}
	if err := Explain(slow); fmt.Sprint(err) != "cannot reach h:9: it does not answer (check the network and AWS_ENDPOINT_URL)" || FaultOf(err) != Unreached {
		t.Error(err)
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if err := Explain(fmt.Errorf("operation error: %w", errors.Join(io.EOF, &url.Error{Err: end}))); err != end {
			t.Errorf("%v became %v", end, err)
		}
	}
}

// selfStyled is as net and net/http make their timeouts.
type selfStyled struct{}

func (selfStyled) Error() string     { return "timeout awaiting response headers" }
func (selfStyled) Timeout() bool     { return true }
func (selfStyled) Temporary() bool   { return true }
func (selfStyled) Is(err error) bool { return err == context.DeadlineExceeded }

func TestARegionIsNeeded(t *testing.T) {
	for name, value := range map[string]string{"AWS_CONFIG_FILE": os.DevNull, "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_PROFILE": ""} {
		t.Setenv(name, value)
	}
	keys := []string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}
	if _, err := new(Sessions).Get(t.Context(), From(keys)); fmt.Sprint(err) != "no AWS region is set (set AWS_REGION; without an account, run it with --sandbox)" {
		t.Error(err)
	}
	s, err := new(Sessions).Get(t.Context(), From(append(keys, "AWS_REGION=over there")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(s); fmt.Sprint(err) != "the AWS region is not valid (check AWS_REGION)" || FaultOf(err) != BadSettings {
		t.Error(err)
	}
}

func TestSessionsAreSharedAndBounded(t *testing.T) {
	var all Sessions
	get := func(key string) *Session {
		s, err := all.Get(t.Context(), Settings{vars: map[string]string{"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "r"}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first, again, other := get("a"), get("a"), get("b")
	if first != again || first == other || first.S3() != again.S3() {
		t.Error("sessions are not shared by their settings")
	}
	for i := range 3 * maxSessions {
		get(fmt.Sprint(i))
	}
	if len(all.known) > maxSessions {
		t.Errorf("%d sessions are kept", len(all.known))
	}
}

func TestRolesAreTakenOn(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("jwt"), 0o600); err != nil {
		t.Fatal(err)
	}
	const good = `<%sResponse><%sResult><Credentials><AccessKeyId>temporary</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
		`<SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></%sResult></%sResponse>`
	var refuse bool
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
			return
		}
		a := r.FormValue("Action")
		fmt.Fprintf(w, good, a, a, a, a)
	}))
	defer sts.Close()
	role := Settings{vars: map[string]string{
		RoleARN: "arn:aws:iam::123456789012:role/r", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL_STS": sts.URL,
	}}
	web := Settings{vars: map[string]string{
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ENDPOINT_URL_STS": sts.URL,
	}}
	for _, refuse = range []bool{false, true} {
		for _, settings := range []Settings{role, web} {
			s, err := new(Sessions).Get(t.Context(), settings)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Config.Credentials.Retrieve(t.Context())
			switch {
			case !refuse && (err != nil || got.AccessKeyID != "temporary"):
				t.Errorf("%+v, %v", got, err)
			case refuse && Explain(err).Error() != "no credentials were given: access denied (the role must trust who takes it, and who takes it needs sts:AssumeRole)":
				t.Errorf("refused: %v", Explain(err))
			}
		}
	}
}
