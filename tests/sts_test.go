package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A cloud is STS and Glue whose clocks are apart from this machine's, and whose role credentials last for
// seconds. For a while its STS fails in each way that it may.
type cloud struct {
	ahead time.Duration // of this machine's clock
	lasts time.Duration
	down  [2]time.Duration // since the first credentials were given
	runs  time.Duration    // how long a job runs

	mu                           sync.Mutex
	first                        time.Time
	given, failed, skewed, stale int
	started                      map[string]time.Time // by job
	starts                       map[string]int
}

func (c *cloud) now() time.Time { return time.Now().Add(c.ahead) }

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	wrong := err != nil || c.now().Sub(signed).Abs() > 5*time.Minute
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.") {
		c.glue(w, r, wrong)
		return
	}
	c.sts(w, r, wrong)
}

// sts gives credentials, unless it is down.
func (c *cloud) sts(w http.ResponseWriter, r *http.Request, wrong bool) {
	since := time.Since(c.first)
	switch {
	case !c.first.IsZero() && since > c.down[0] && since < c.down[1]:
		c.failed++
		switch c.failed % 4 {
		case 0:
			panic(http.ErrAbortHandler) // the connection breaks
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>`)
		default:
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>bad gateway</html>")
		}
		return
	case wrong:
		c.skewed++
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error></ErrorResponse>`)
		return
	}
	if c.first.IsZero() {
		c.first = time.Now()
	}
	c.given++
	until := time.Now().Add(c.lasts).UnixMilli() // the token says it to glue; Expiration, to whoever asked
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>AKIA%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>%d</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		c.given, until, c.now().Add(c.lasts).UTC().Format(time.RFC3339))
}

// glue starts jobs and tells of them.
func (c *cloud) glue(w http.ResponseWriter, r *http.Request, wrong bool) {
	refuse := func(code, text string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, text)
	}
	until, _ := strconv.ParseInt(r.Header.Get("X-Amz-Security-Token"), 10, 64) // none is long over
	switch {
	case wrong:
		c.skewed++
		refuse("InvalidSignatureException", "Signature expired: it is too far from the server's clock")
		return
	case time.Now().UnixMilli() > until:
		c.stale++
		refuse("ExpiredTokenException", "The security token included in the request is expired")
		return
	}
	var in struct{ JobName string }
	_ = json.NewDecoder(r.Body).Decode(&in) // a body that is none names no job
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation == "StartJobRun" {
		c.starts[in.JobName]++
		c.started[in.JobName] = time.Now()
		_, _ = fmt.Fprintf(w, `{"JobRunId":"jr_%s"}`, in.JobName)
		return
	}
	state := "RUNNING"
	if time.Since(c.started[in.JobName]) > c.runs {
		state = "SUCCEEDED"
	}
	run := fmt.Sprintf(`{"Id":"jr_%s","JobRunState":%q}`, in.JobName, state)
	if operation == "GetJobRuns" {
		_, _ = fmt.Fprintf(w, `{"JobRuns":[%s]}`, run)
		return
	}
	_, _ = fmt.Fprintf(w, `{"JobRun":%s}`, run)
}

// TestWaitsOutliveTheirCredentials is R19 with the real program, roles and calls: while jobs are watched
// their credentials, of a role, end every three seconds, STS fails for six, and the clocks are twenty
// minutes apart, in either direction. TestCredentialsThatComeAndGoEndNoWait has the hours, in virtual time.
func TestWaitsOutliveTheirCredentials(t *testing.T) {
	const jobs = 10
	for name, ahead := range map[string]time.Duration{"clocks agree": 0, "this one is late": 20 * time.Minute, "this one is early": -20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{
				ahead: ahead, lasts: 3 * time.Second, down: [2]time.Duration{1500 * time.Millisecond, 8 * time.Second}, runs: 10 * time.Second,
				started: map[string]time.Time{}, starts: map[string]int{},
			}
			server := httptest.NewServer(c)
			t.Cleanup(server.Close)
			w := newWorld(t)
			w.env = []string{
				"AWS_ENDPOINT_URL=" + server.URL, "AWS_ENDPOINT_URL_STS=", "AWS_ENDPOINT_URL_GLUE=", "AWS_PROFILE=", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
				"AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=", "AWS_REGION=eu-west-1", "AWS_MAX_ATTEMPTS=2",
			}
			file := w.write("role.yaml", `
id: role
aws: {role_arn: "arn:aws:iam::111122223333:role/etl"}
tasks:
  job: {for_each: '`+zeroes(jobs)+`', uses: glue.job, with: {name: "job${{ index }}"}, timeout: 3m}
`)
			sum, res := w.runJSON(file, "--run-id", "r")
			if sum.State != "success" {
				t.Errorf("the run is %s: %s\n%s", sum.State, sum.Reason, res.stderr)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for i := range jobs {
				if n := c.starts[fmt.Sprintf("job%d", i)]; n != 1 {
					t.Errorf("job%d was started %d times", i, n)
				}
				if got := sum.Tasks["job"].Instances[i]; got.State != "success" {
					t.Errorf("instance %d is %s", i, got.State)
				}
			}
			if c.given < 3 || c.failed == 0 || (ahead != 0 && c.skewed == 0) {
				t.Errorf("nothing was tried: %d credentials, %d failures of STS, %d wrong clocks", c.given, c.failed, c.skewed)
			}
			log := w.run("logs", "r", "job").out
			if !strings.Contains(log, "it goes on unwatched for now: ") || !strings.Contains(log, "it is watched again") {
				t.Errorf("the log does not say it:\n%s", log)
			}
			t.Logf("R19: %d of %d waits succeeded; %d credentials were given, STS failed %d times, Glue refused old ones %d times, a clock %d times", jobs, jobs, c.given, c.failed, c.stale, c.skewed)
		})
	}
}
