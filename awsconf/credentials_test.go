package awsconf

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A cloud is S3 and STS on a wire, with a clock of its own. The credentials that it gives end after an
// hour by that clock, and it takes no others.
type cloud struct {
	ahead time.Duration            // of this machine's clock
	down  func(now time.Time) bool // STS is, at a time of this machine
	mu    sync.Mutex
	given []time.Time // when the n-th credentials end, by the cloud's clock
	asked int         // of S3
}

func (c *cloud) now() time.Time { return time.Now().Add(c.ahead) }

// Do implements aws.HTTPClient.
func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
	resp.Header.Set("Date", c.now().UTC().Format(http.TimeFormat))
	c.mu.Lock()
	defer c.mu.Unlock()
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	skewed := c.now().Sub(signed).Abs() > 15*time.Minute
	if strings.HasPrefix(r.URL.Host, "sts.") {
		switch {
		case c.down(time.Now()):
			return nil, errLate{}
		case skewed:
			resp.StatusCode = 403
			resp.Body = io.NopCloser(strings.NewReader("<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error></ErrorResponse>"))
			return resp, nil
		}
		ends := c.now().Add(time.Hour).UTC().Truncate(time.Second)
		c.given = append(c.given, ends)
		resp.Body = io.NopCloser(strings.NewReader(fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKID%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
			`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, len(c.given)-1, ends.Format(time.RFC3339))))
		return resp, nil
	}
	c.asked++
	var n int
	_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID%d/", &n)
	switch {
	case skewed:
		resp.StatusCode = 403
	case c.now().After(c.given[n]):
		resp.StatusCode = 400
	default:
		resp.StatusCode = 404
	}
	return resp, nil // to a HEAD: no body tells why
}

// TestCredentialsThatEndDuringAWaitDoItNoHarm is R19: a role's credentials end at least three times
// while a hundred sensors poke, STS is down for two minutes whenever they are to be renewed, and the
// machine's clock is right, or wrong, or far off. No poke may fail.
func TestCredentialsThatEndDuringAWaitDoItNoHarm(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // which a wire cannot take
	const waits, lasts, every = 100, 4 * time.Hour, 5 * time.Minute
	for _, ahead := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 3 * time.Hour, -3 * time.Hour} {
		t.Run(fmt.Sprintf("the clock of AWS is %v ahead", ahead), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				c := &cloud{ahead: ahead, down: func(now time.Time) bool {
					into := now.Sub(begin) % time.Hour // 55 minutes into each hour the cache begins to renew
					return now.Sub(begin) > 10*time.Minute && into >= 54*time.Minute && into < 56*time.Minute
				}}
				s, err := new(Sessions).Get(t.Context(), Settings{wire: c, vars: map[string]string{
					RoleARN: "arn:aws:iam::123456789012:role/r", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1",
				}})
				if err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				var mu sync.Mutex
				failed := map[int]error{}
				for i := range waits {
					all.Go(func() {
						for pause(t.Context(), time.Duration(i)*every/waits); time.Since(begin) < lasts; pause(t.Context(), every) {
							if _, _, err := s.Head(t.Context(), Object{"acme", "k"}, false); err != nil {
								mu.Lock()
								failed[i] = fmt.Errorf("after %v: %w", time.Since(begin), err)
								mu.Unlock()
								return
							}
						}
					})
				}
				all.Wait()
				for _, err := range failed {
					t.Fatalf("%d of %d waits failed, one of them %v", len(failed), waits, err)
				}
				if ideal := waits * int(lasts/every); len(c.given) < 4 || c.asked > ideal*105/100 {
					t.Errorf("credentials were given %d times, S3 was asked %d times of %d", len(c.given), c.asked, ideal)
				}
				t.Logf("0 of %d waits failed; %d credentials, %d pokes", waits, len(c.given), c.asked)
			})
		})
	}
}

// TestAFileOfCredentialsIsReadAgain: whoever signs in anew while weft waits need not start it again.
func TestAFileOfCredentialsIsReadAgain(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // which a wire cannot take
	file := filepath.Join(t.TempDir(), "credentials")
	write := func(key string) {
		text := "[default]\naws_access_key_id = " + key + "\naws_secret_access_key = s\naws_session_token = t\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	good := "old"
	w := &wire{script: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.Header.Get("Authorization"), "Credential="+good+"/") {
			return answer(200, "{}")(r)
		}
		return refuse(400, "ExpiredTokenException")(r)
	}}}
	s, err := new(Sessions).Get(t.Context(), Settings{wire: w, vars: map[string]string{
		"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": os.DevNull, "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := thing.Call(t.Context(), s, "Start", nil, nil); err != nil {
		t.Fatal(err)
	}
	good = "new"
	write("new")
	if err := thing.Call(t.Context(), s, "Start", nil, nil); err != nil {
		t.Error(err)
	}
	good = "none"
	err = thing.Call(t.Context(), s, "Start", nil, nil)
	if want := "the credentials have expired (renew them; a session token does not last)"; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestWhoseRoleIsTaken: a role takes the place of weft's own, and is taken with weft's credentials, if
// the call brings none.
func TestWhoseRoleIsTaken(t *testing.T) {
	program := []string{"AWS_ACCESS_KEY_ID=ours", "AWS_SECRET_ACCESS_KEY=s", RoleARN + "=arn:weft", RoleExternalID + "=42"}
	for _, kv := range append(program, "AWS_PROFILE=", "AWS_SESSION_TOKEN=") {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, c := range []struct {
		what string
		own  []string
		want string // key profile role external id
	}{
		{"nothing said: weft's", nil, "ours  arn:weft 42"},
		{"a role: with weft's key, and no id of another role", []string{RoleARN + "=arn:task"}, "ours  arn:task "},
		{"a role with an id", []string{RoleARN + "=arn:task", RoleExternalID + "=7"}, "ours  arn:task 7"},
		{"a profile: no key and no role of weft's", []string{"AWS_PROFILE=dev"}, " dev  "},
		{"a profile and a role", []string{"AWS_PROFILE=dev", RoleARN + "=arn:task"}, " dev arn:task "},
		{"keys: no role of weft's", []string{"AWS_ACCESS_KEY_ID=mine", "AWS_SECRET_ACCESS_KEY=m"}, "mine   "},
	} {
		v := From(changed(program[:2], c.own)).vars
		got := strings.Join([]string{v["AWS_ACCESS_KEY_ID"], v["AWS_PROFILE"], v[RoleARN], v[RoleExternalID]}, " ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestTheMachineIsNotAskedForWhatIsKnown: the metadata service, which answers slowly or not at all
// where there is none, is asked for credentials alone, when they are needed and nobody else has any.
func TestTheMachineIsNotAskedForWhatIsKnown(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "") // which a wire cannot take
	credentials := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(credentials, []byte("[default]\naws_access_key_id = a\naws_secret_access_key = s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		vars  map[string]string
		calls int
	}{
		{"keys", map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, 0},
		{"a file", map[string]string{"AWS_SHARED_CREDENTIALS_FILE": credentials}, 0},
		{"nothing", nil, 1},
		{"nothing, and it is switched off", map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			asked := 0
			w := &wire{script: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "169.254.169.254" {
					mu.Lock()
					asked++
					mu.Unlock()
					return unreachable(r)
				}
				return answer(200, "{}")(r)
			}}}
			vars := map[string]string{"AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull}
			for name, value := range c.vars {
				vars[name] = value
			}
			s, err := new(Sessions).Get(t.Context(), Settings{wire: w, vars: vars})
			if err != nil || asked != 0 {
				t.Fatalf("%s: asked %d times before any call, %v", c.what, asked, err)
			}
			_ = thing.Call(t.Context(), s, "Start", nil, nil)
			if (asked > 0) != (c.calls > 0) {
				t.Errorf("%s: asked %d times", c.what, asked)
			}
		})
	}
}
