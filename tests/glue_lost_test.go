package tests

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/awsconf"
	"weft/sandbox"
	"weft/tests/s3server"
)

// A strait is the way to Glue, on which answers get lost. Everything passes as it was signed.
type strait struct {
	t       *testing.T
	back    string // where Glue is
	session *awsconf.Session

	mu           sync.Mutex
	starts, asks int
	// after is called when Glue has carried out the n-th start and before weft hears of it; true loses the
	// answer.
	after func(n int) bool
}

var glueAPI = awsconf.JSON{ID: "Glue", Service: "glue", Target: "AWSGlue", Version: "1.1"}

// newStrait puts weft's way to Glue through a strait, by the environment.
func newStrait(t *testing.T, faults ...sandbox.Fault) *strait {
	t.Helper()
	s := &strait{t: t, back: glueServer(t, faults...)}
	to, err := url.Parse(s.back)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // of weft that is killed
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			switch _, operation, _ := strings.Cut(r.Request.Header.Get("X-Amz-Target"), "."); operation {
			case "StartJobRun":
				if r.StatusCode == 200 && s.started() {
					panic(http.ErrAbortHandler)
				}
			case "GetJobRun", "GetJobRuns":
				s.mu.Lock()
				s.asks++
				s.mu.Unlock()
			}
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	env := map[string]string{
		"AWS_ENDPOINT_URL_GLUE": front.URL, "AWS_ENDPOINT_URL": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ACCESS_KEY_ID": s3server.Access, "AWS_SECRET_ACCESS_KEY": s3server.Secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": s3server.Region,
	}
	var list []string
	for name, value := range env {
		t.Setenv(name, value)
		if name != "AWS_ENDPOINT_URL_GLUE" {
			list = append(list, name+"="+value)
		}
	}
	if s.session, err = awsconf.For(t.Context(), append(list, "AWS_ENDPOINT_URL_GLUE="+s.back)); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *strait) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starts++
	return s.after != nil && s.after(s.starts)
}

// A glueRun is one that Glue knows.
type glueRun struct {
	JobRunState string
	Arguments   map[string]string
}

// runs are all the runs of a job.
func (s *strait) runs(job string) []glueRun {
	s.t.Helper()
	var out struct{ JobRuns []glueRun }
	if err := glueAPI.Ask(context.Background(), s.session, "GetJobRuns", map[string]any{"JobName": job, "MaxResults": 200}, &out); err != nil {
		s.t.Fatal(err)
	}
	return out.JobRuns
}

// kills has weft killed at some starts, and loses the answers to others.
func (s *strait) kills(killed, lost func(n int) bool) *victim {
	v := &victim{}
	s.after = func(n int) bool {
		if killed(n) {
			v.kill()
			return true
		}
		return lost(n)
	}
	return v
}

// A victim is the weft of the moment.
type victim struct {
	mu  sync.Mutex
	cmd *exec.Cmd
}

func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cmd != nil {
		_ = v.cmd.Process.Kill()
	}
}

// live runs weft to its end, by itself or by force; true if it ended by itself.
func (v *victim) live(t *testing.T, w *world, args ...string) bool {
	t.Helper()
	cmd := w.command(args...)
	v.mu.Lock()
	err := cmd.Start()
	v.cmd = cmd
	v.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return cmd.ProcessState.Exited()
}

// TestEachAttemptHasOneRunOfItsJob is R21: weft dies, or loses the answer, between the start of a job and
// its record. A tenth of the attempts here, in the long run 500.
func TestEachAttemptHasOneRunOfItsJob(t *testing.T) {
	s, w := newStrait(t), newWorld(t)
	n, every := 24, 10
	if soak() {
		n, every = 500, 40
	}
	file := w.write("jobs.yaml", fmt.Sprintf(`
id: jobs
max_active_tasks: 600
tasks:
  job:
    for_each: ${{ fromJSON("[%s0]") }}
    max_parallel: 16
    uses: glue.job
    with:
      name: job_${{ index }}
      arguments: {--weft_sandbox: RUNNING 300ms}
`, strings.Repeat("0,", n-1)))
	kills := 0
	v := s.kills(func(n int) bool {
		if n%every == 5 {
			kills++
			return true
		}
		return false
	}, func(int) bool { return true })
	done := v.live(t, w, "run", file, "--run-id", "r", "--json")
	for !done {
		done = v.live(t, w, "runs", "resume")
	}
	sum := w.last(w.run("runs", "show", "r", "--json").out)
	if sum.State != "success" {
		t.Errorf("the run is %s: %s", sum.State, sum.Reason)
	}
	good := 0
	for i := range n {
		switch runs := s.runs(fmt.Sprintf("job_%d", i)); {
		case len(runs) != 1:
			t.Errorf("job_%d was started %d times", i, len(runs))
		case sum.Tasks["job"].Instances[i].State != "success":
			t.Errorf("instance %d is %s", i, sum.Tasks["job"].Instances[i].State)
		default:
			good++
		}
	}
	t.Logf("R21: %d/%d: one run each; weft was killed %d times, %d answers were lost", good, n, kills, s.starts-kills)
}

// TestAJobIsStoppedOverACrash: cancel and timeout stop what runs in Glue, also where weft died before it
// knew the run.
func TestAJobIsStoppedOverACrash(t *testing.T) {
	for how, says := range map[string]string{"cancel": "cancelled", "timeout": "timed out after 2s"} {
		t.Run(how, func(t *testing.T) {
			s, w := newStrait(t), newWorld(t)
			limit := map[string]string{"cancel": "1h", "timeout": "2s"}[how]
			file := w.write("long.yaml", `
id: long
tasks:
  known: {uses: glue.job, with: {name: known, arguments: {--weft_sandbox: RUNNING 1h}}, timeout: `+limit+`}
  then: {needs: known, trigger: always, uses: wait, with: {for: 800ms}}
  unknown: {needs: then, uses: glue.job, with: {name: unknown, arguments: {--weft_sandbox: RUNNING 1h}}, timeout: `+limit+`}
`)
			v := s.kills(func(n int) bool { return n == 2 }, func(int) bool { return false })
			if v.live(t, w, "run", file, "--run-id", "r", "--json") {
				t.Fatal("weft was not killed")
			}
			if show := w.run("runs", "show", "r").out; !strings.Contains(show, "known    deferred") || !strings.Contains(show, "glue job known run jr_") {
				t.Errorf("cut off, it is shown as\n%s", show)
			}
			began := time.Now()
			if how == "cancel" {
				if res := w.run("cancel", "r"); res.code != 0 {
					t.Fatalf("cancel: exit %d\n%s%s", res.code, res.out, res.stderr)
				}
			} else if res := w.run("runs", "resume", "r"); res.code != 1 {
				t.Fatalf("resume: exit %d\n%s%s", res.code, res.out, res.stderr)
			}
			sum := w.last(w.run("runs", "show", "r", "--json").out)
			for _, job := range []string{"known", "unknown"} {
				if runs := s.runs(job); len(runs) != 1 || runs[0].JobRunState != "STOPPED" {
					t.Errorf("%s in Glue: %+v", job, runs)
				}
				if got := sum.Tasks[job]; got.State != "failed" || !strings.Contains(got.Reason, says) {
					t.Errorf("%s is %s: %s", job, got.State, got.Reason)
				}
			}
			t.Logf("both stopped %s after weft was back", time.Since(began).Round(100*time.Millisecond))
		})
	}
}

// TestASecretAmongAJobsArguments is S08 for what Glue is told: it arrives, and is in no log and no journal.
func TestASecretAmongAJobsArguments(t *testing.T) {
	s, w := newStrait(t), newWorld(t)
	t.Setenv("WEFT_SECRET_DB", canaries["PLAIN"])
	file := w.write("secret.yaml", `
id: secret
tasks:
  said: {uses: glue.job, with: {name: said, arguments: {--password: "${{ secrets.DB }}", --weft_sandbox: "RUNNING 100ms, FAILED wrong password ${{ secrets.DB }}"}}}
  kept: {uses: glue.job, with: {name: kept, arguments: {--password: "${{ secrets.DB }}", --weft_sandbox: RUNNING 100ms}}}
  named: {uses: glue.job, with: {name: "${{ secrets.DB }}"}}
`)
	sum, res := w.runJSON(file, "--run-id", "r")
	if got := sum.states("said", "kept", "named"); got != "said=failed kept=success named=failed" {
		t.Errorf("%s\n%s", got, res.stderr)
	}
	if runs := s.runs("kept"); len(runs) != 1 || runs[0].Arguments["--password"] != canaries["PLAIN"] {
		t.Errorf("what arrived: %+v", runs)
	}
	if reason := sum.Tasks["said"].Reason; !strings.Contains(reason, "wrong password ***") {
		t.Errorf("said failed: %s", reason)
	}
	if reason := sum.Tasks["named"].Reason; !strings.Contains(reason, "holds secret DB") {
		t.Errorf("named failed: %s", reason)
	}
	for what, text := range map[string]string{"stdout": res.out, "stderr": res.stderr, "logs": w.run("logs", "r").out} {
		if found := shown([]byte(text)); len(found) > 0 {
			t.Errorf("%s holds %v", what, found)
		}
	}
	if found, files := leaks(t, w.dir+"/state"); len(found) > 0 || files == 0 {
		t.Errorf("%d files of the state hold %v", files, found)
	}
}

// TestNothingThatPassesEndsAWait: credentials that have expired, and a denial, while a job is watched.
// TestCredentialsThatComeAndGoEndNoWait has R19 at full length, in virtual time.
func TestNothingThatPassesEndsAWait(t *testing.T) {
	var faults []sandbox.Fault
	for _, code := range []string{"ExpiredTokenException", "AccessDeniedException"} {
		faults = append(faults, sandbox.Fault{Service: "glue", Operation: "GetJobRun", Times: 1, Code: code})
	}
	s, w := newStrait(t, faults...), newWorld(t)
	file := w.write("wait.yaml", `
id: wait
tasks:
  job: {uses: glue.job, with: {name: j, arguments: {--weft_sandbox: RUNNING 100ms}}, timeout: 2m}
`)
	sum, res := w.runJSON(file, "--run-id", "r")
	if sum.State != "success" || sum.Tasks["job"].Attempts != 1 || len(s.runs("j")) != 1 {
		t.Errorf("the run is %s, %d runs of the job\n%s%s", sum.State, len(s.runs("j")), res.out, res.stderr)
	}
	log := w.run("logs", "r", "job").out
	for _, want := range []string{"it goes on unwatched for now: cannot look at glue job j run jr_", "the credentials have expired", "it is watched again; checks that failed: 2"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
}

// TestHalfOfAllCallsAreRefused is R20 with real calls: starts, checks and all. It takes minutes, and
// belongs to the long run.
func TestHalfOfAllCallsAreRefused(t *testing.T) {
	if !soak() {
		t.Skip("some minutes: WEFT_SOAK=1")
	}
	s, w := newStrait(t), newWorld(t)
	file := w.write("many.yaml", fmt.Sprintf(`
id: many
max_active_tasks: 600
tasks:
  job:
    for_each: ${{ fromJSON("[%s0]") }}
    uses: glue.job
    with: {name: "job_${{ index }}", arguments: {--weft_sandbox: "throttle 50%%, RUNNING 20s"}}
`, strings.Repeat("0,", 199)))
	c := w.start("run", file, "--run-id", "r", "--json")
	_ = c.Wait()
	sum := w.last(mustRead(t, c.out))
	if sum.State != "success" {
		t.Errorf("the run is %s: %s", sum.State, sum.Reason)
	}
	for i := range 200 {
		if runs := s.runs(fmt.Sprintf("job_%d", i)); len(runs) != 1 {
			t.Errorf("job_%d was started %d times", i, len(runs))
		}
	}
	t.Logf("R20: 200 of 200 succeeded, %d checks", s.asks)
}
