package all_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weft/plugins"
	"weft/plugins/batch"
	"weft/plugins/ecs"
	"weft/plugins/emrserverless"
	"weft/plugins/glue"
	"weft/plugins/stepfunctions"
	"weft/sandbox"
)

// A remote is a plugin of remote work, as these tests hold all of them to the contract, against the
// sandbox.
type remote struct {
	plugins.RemoteWork
	service string // as signatures name it
	start   string // the operations
	stop    string
	check   string
	input   string // %s is the script, in a JSON text
	running string // a script of one that runs for long
	stopped string // the state of one that was stopped
	batched bool   // a hundred of them are asked for by one call
}

const role = `"execution_role_arn":"arn:aws:iam::111122223333:role/emr"`

var remotes = []remote{
	{
		glue.Job{},
		"glue", "StartJobRun", "BatchStopJobRun", "GetJobRun",
		`{"name":"j","arguments":{"--weft_sandbox":"%s","--n":3,"--yes":true}}`, "RUNNING 1h", "STOPPED", true,
	},
	{
		stepfunctions.Run{},
		"states", "StartExecution", "StopExecution", "DescribeExecution",
		`{"state_machine_arn":"arn:aws:states:us-east-1:111122223333:stateMachine:m:PROD","name":"nightly","input":{"weft_sandbox":"%s","n":3}}`, "RUNNING 1h", "ABORTED", false,
	},
	{
		batch.Job{},
		"batch", "SubmitJob", "TerminateJob", "DescribeJobs",
		`{"job_queue":"q","job_definition":"d:3","job_name":"nightly","parameters":{"n":3},"container_overrides":{"environment":[{"name":"WEFT_SANDBOX","value":"%s"},{"name":"N","value":3}]}}`, "RUNNING 1h", "FAILED", true,
	},
	{
		ecs.Task{},
		"ecs", "RunTask", "StopTask", "DescribeTasks",
		`{"task_definition":"t:3","cluster":"etl","overrides":{"containerOverrides":[{"name":"main","environment":[{"name":"WEFT_SANDBOX","value":"%s"},{"name":"YES","value":true}]}]}}`, "RUNNING 1h", "STOPPED", true,
	},
	{
		emrserverless.Job{},
		"emr-serverless", "StartJobRun", "CancelJobRun", "GetJobRun",
		`{"application_id":"00app",` + role + `,"job_driver":{"sparkSubmit":{"entryPoint":"s3://acme/x.py","entryPointArguments":["--n",3,"--weft_sandbox","%s"]}}}`, "RUNNING 1h", "CANCELLED", false,
	},
}

func (r remote) name() string { return r.RemoteWork.(plugins.Plugin).Name() }

// call leads to a sandbox of its own.
func (r remote) call(t *testing.T, script string, faults ...sandbox.Fault) *plugins.Call {
	t.Helper()
	for i := range faults {
		faults[i].Service = r.service
	}
	box, err := sandbox.Start(t.Context(), sandbox.Options{Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	quoted, _ := json.Marshal(script)
	input := fmt.Sprintf(r.input, quoted[1:len(quoted)-1])
	return &plugins.Call{Env: append(box.Env(), "AWS_MAX_ATTEMPTS=1"), Input: json.RawMessage(input), Now: time.Now, Logf: t.Logf}
}

func (r remote) submission(t *testing.T, call *plugins.Call, token string) plugins.Submission {
	t.Helper()
	target, err := r.Target(call.Input)
	if err != nil {
		t.Fatal(err)
	}
	return plugins.Submission{Token: token, Intended: time.Now(), Target: target}
}

func (r remote) begin(t *testing.T, call *plugins.Call) plugins.Handle {
	t.Helper()
	h, err := r.Submit(t.Context(), call, r.submission(t, call, "weft-0123456789abcdef01234567"))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ends watches a submission to its end.
func (r remote) ends(t *testing.T, call *plugins.Call, h plugins.Handle) plugins.Progress {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got, err := r.Check(t.Context(), call, h.Data); err == nil && got.Done {
			return got
		}
	}
	t.Fatal("it does not end")
	return plugins.Progress{}
}

func remoteNamed(t *testing.T, name string) remote {
	t.Helper()
	for _, r := range remotes {
		if r.name() == name {
			return r
		}
	}
	t.Fatalf("there is no %s", name)
	return remote{}
}

// ids are the parts of texts that are new each time.
var ids = regexp.MustCompile(`jr_[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|task/etl/[0-9a-f]{32}|task [0-9a-f]{32}|run 00[0-9a-f]{14}|"00[0-9a-f]{14}"|"20[0-9]{2}-[0-9T:.-]+Z"`)

func told(p plugins.Progress) string {
	text := "output " + string(p.Result.Output)
	if p.Failed != nil {
		text = fmt.Sprintf("%s: %s", p.Failed.Kind, p.Failed)
		if p.Failed.Exit != nil {
			text = fmt.Sprintf("%s, exit %d", text, *p.Failed.Exit)
		}
	}
	return ids.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, `"20`) {
			return "TIME"
		}
		return strings.TrimRight(s, "0123456789abcdef-\"") + "…"
	})
}

func TestEachEndOfRemoteWork(t *testing.T) {
	const token = "nightly-weft-0123456789abcdef01234567"
	for _, c := range []struct{ plugin, script, want string }{
		{"glue.job", "RUNNING 50ms", `output {"job_run_id":"jr_…","state":"SUCCEEDED","started_on":TIME,"execution_time":0,"error_message":null}`},
		{"glue.job", "RUNNING 50ms, FAILED out of memory", "remote: glue job j run jr_… has failed (FAILED): out of memory"},
		{"glue.job", "RUNNING 0s, STOPPED", "remote: glue job j run jr_… was stopped (STOPPED)"},
		{"glue.job", "RUNNING 0s, ERROR", "remote: glue job j run jr_… ended with an error (ERROR)"},
		{"glue.job", "WAITING 0s, EXPIRED", "remote: glue job j run jr_… expired before it began (EXPIRED)"},
		{"glue.job", "RUNNING 1s, TIMEOUT", "timeout: glue job j run jr_… took longer than the job's own timeout (TIMEOUT), after 1s"},
		{"glue.job", `RUNNING 0s, FAILED a, b: "c" and more`, `remote: glue job j run jr_… has failed (FAILED): a, b: "c" and more`},

		{"stepfunctions.run", "RUNNING 50ms", `output {"execution_arn":"arn:aws:states:us-east-1:111122223333:execution:m:` + token + `","name":"` + token + `","state":"SUCCEEDED","start_date":TIME,"stop_date":TIME,"output":{"weft_sandbox":"RUNNING 50ms","n":3}}`},
		{"stepfunctions.run", `PENDING_REDRIVE 0s, SUCCEEDED {"rows": 3}`, `output {"execution_arn":"arn:aws:states:us-east-1:111122223333:execution:m:` + token + `","name":"` + token + `","state":"SUCCEEDED","start_date":TIME,"stop_date":TIME,"output":{"rows":3}}`},
		{"stepfunctions.run", "RUNNING 0s, FAILED States.TaskFailed: no such table: orders", "remote: execution " + token + " of state machine m has failed (FAILED): States.TaskFailed: no such table: orders"},
		{"stepfunctions.run", "RUNNING 0s, FAILED", "remote: execution " + token + " of state machine m has failed (FAILED)"},
		{"stepfunctions.run", "RUNNING 0s, TIMED_OUT States.Timeout", "timeout: execution " + token + " of state machine m took longer than the state machine's own timeout (TIMED_OUT): States.Timeout"},
		{"stepfunctions.run", "RUNNING 0s, ABORTED", "remote: execution " + token + " of state machine m was stopped (ABORTED)"},

		{"batch.job", "RUNNABLE 0s, RUNNING 50ms", `output {"job_id":"…","job_name":"` + token + `","state":"SUCCEEDED","created_at":TIME,"started_at":TIME,"stopped_at":TIME,"exit_code":0,"attempts":1,"log_stream_name":"d/default/…"}`},
		{"batch.job", "RUNNING 0s, FAILED 137 OutOfMemoryError: Container killed due to memory usage", "remote: batch job " + token + " … has failed (FAILED): Essential container in task exited; the container exited with status 137; OutOfMemoryError: Container killed due to memory usage (its log is the stream d/default/…, most often of the group /aws/batch/job), exit 137"},
		{"batch.job", "RUNNING 0s, FAILED", "remote: batch job " + token + " … has failed (FAILED): Essential container in task exited; the container exited with status 1 (its log is the stream d/default/…, most often of the group /aws/batch/job), exit 1"},

		{"ecs.task", "PROVISIONING 0s, RUNNING 50ms", `output {"task_arn":"arn:aws:ecs:us-east-1:000000000000:task/etl/…","state":"STOPPED","stopped_reason":"Essential container in task exited","created_at":TIME,"started_at":TIME,"stopped_at":TIME,"containers":[{"name":"main","exit_code":0,"reason":null}]}`},
		{"ecs.task", "RUNNING 0s, STOPPED 137 OutOfMemoryError: Container killed due to memory usage", "remote: ecs task … has failed (EssentialContainerExited): Essential container in task exited; container main exited with status 137: OutOfMemoryError: Container killed due to memory usage, exit 137"},
		{"ecs.task", "PENDING 0s, STOPPED TaskFailedToStart CannotPullContainerError: access denied", "remote: ecs task … did not start (TaskFailedToStart): CannotPullContainerError: access denied; container main never ran"},
		{"ecs.task", "RUNNING 0s, STOPPED SpotInterruption Your Spot Task was interrupted.", "temporary: ecs task … lost its Spot capacity (SpotInterruption): Your Spot Task was interrupted.; container main never ran"},

		{"emr_serverless.job", "SCHEDULED 0s, RUNNING 50ms", `output {"application_id":"00app","job_run_id":…,"state":"SUCCESS","state_details":null,"created_at":TIME,"started_at":TIME,"ended_at":TIME,"total_execution_duration_seconds":0}`},
		{"emr_serverless.job", "RUNNING 0s, FAILED Job failed, please check complete logs", "remote: job run … of emr serverless application 00app has failed (FAILED): Job failed, please check complete logs"},
		{"emr_serverless.job", "RUNNING 0s, CANCELLED by somebody", "remote: job run … of emr serverless application 00app was stopped (CANCELLED): by somebody"},
	} {
		t.Run(c.plugin+" "+c.script, func(t *testing.T) {
			t.Parallel()
			r := remoteNamed(t, c.plugin)
			call := r.call(t, c.script)
			if got := told(r.ends(t, call, r.begin(t, call))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestOneTokenOneRun: a start whose answer was lost is Unsure; then it is found, or made again, and is the
// same one; also when it has ended meanwhile.
func TestOneTokenOneRun(t *testing.T) {
	for _, r := range remotes {
		for _, script := range []string{r.running, "RUNNING 0s"} {
			t.Run(r.name()+" "+script, func(t *testing.T) {
				t.Parallel()
				call := r.call(t, script, sandbox.Fault{Operation: r.start, Times: 1, Lost: true})
				sub := r.submission(t, call, "weft-0123456789abcdef01234567")
				f, finds := r.RemoteWork.(plugins.Finder)
				if finds {
					if _, found, err := f.Find(t.Context(), call, sub); err != nil || found {
						t.Fatalf("what was never started is found: %v (%v)", found, err)
					}
				}
				_, err := r.Submit(t.Context(), call, sub)
				var e *plugins.Error
				if !errors.As(err, &e) || !e.Unsure {
					t.Fatalf("the answer is lost: %v", err)
				}
				var first plugins.Handle
				if finds {
					var found bool
					if first, found, err = f.Find(t.Context(), call, sub); err != nil || !found {
						t.Fatalf("it is not found: %v", err)
					}
					if r.name() == "glue.job" || r.name() == "batch.job" { // which take a second start for another
						return
					}
				} else if first, err = r.Submit(t.Context(), call, sub); err != nil {
					t.Fatal(err)
				}
				again, err := r.Submit(t.Context(), call, sub)
				if err != nil || string(again.Data) != string(first.Data) || again.Text != first.Text {
					t.Errorf("started again under its token it is %s (%v), not %s", again.Data, err, first.Data)
				}
				other, err := r.Submit(t.Context(), call, r.submission(t, call, "weft-76543210fedcba9876543210"))
				if err != nil || string(other.Data) == string(first.Data) {
					t.Errorf("another token gives %s (%v)", other.Data, err)
				}
			})
		}
	}
}

func TestAStartThatIsRefusedForAWhileIsTriedOn(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			call := r.call(t, r.running, sandbox.Fault{Operation: r.start, Times: 2})
			sub := r.submission(t, call, "weft-1")
			for n := range 3 { // of one that is idempotent by the runner, of others by themselves
				_, err := r.Submit(t.Context(), call, sub)
				var e *plugins.Error
				if err == nil {
					break
				}
				if _, finds := r.RemoteWork.(plugins.Finder); finds || n == 2 || !errors.As(err, &e) || !e.Unsure || e.Kind != plugins.Temporary {
					t.Fatalf("throttled twice: %v", err)
				}
			}
		})
	}
}

func TestWhatAStartIsRefusedFor(t *testing.T) {
	for _, c := range []struct {
		plugin, code string
		kind         plugins.Kind
		unsure       bool
		says         string
	}{
		{"glue.job", "EntityNotFoundException", plugins.BadInput, false, "there is none of that name (check the name"},
		{"glue.job", "InvalidInputException", plugins.BadInput, false, "It was ordered so"},
		{"glue.job", "ConcurrentRunsExceededException", plugins.Temporary, false, "as many of its runs as the job allows"},
		{"glue.job", "ResourceNumberLimitExceededException", plugins.Temporary, false, "It was ordered so"},
		{"glue.job", "OperationTimeoutException", plugins.Temporary, true, "start glue job j"},
		{"glue.job", "AccessDeniedException", plugins.Remote, false, "grant glue:StartJobRun"},
		{"stepfunctions.run", "StateMachineDoesNotExist", plugins.BadInput, false, "there is no such state machine (check the ARN"},
		{"stepfunctions.run", "ExecutionLimitExceeded", plugins.Temporary, false, "go on already"},
		{"stepfunctions.run", "InvalidExecutionInput", plugins.BadInput, false, "It was ordered so"},
		{"stepfunctions.run", "AccessDeniedException", plugins.Remote, false, "grant states:StartExecution"},
		{"batch.job", "ClientException", plugins.BadInput, false, "It was ordered so"},
		{"batch.job", "AccessDeniedException", plugins.Remote, false, "grant batch:SubmitJob"},
		{"ecs.task", "ClusterNotFoundException", plugins.BadInput, false, "there is no such cluster"},
		{"ecs.task", "ClientException", plugins.BadInput, false, "It was ordered so"},
		{"ecs.task", "ConflictException", plugins.Temporary, true, "run a task of t:3"},
		{"ecs.task", "AccessDeniedException", plugins.Remote, false, "grant ecs:RunTask"},
		{"emr_serverless.job", "ValidationException", plugins.BadInput, false, "It was ordered so"},
		{"emr_serverless.job", "ResourceNotFoundException", plugins.BadInput, false, "there is no such application"},
		{"emr_serverless.job", "ServiceQuotaExceededException", plugins.Temporary, true, "It was ordered so"},
		{"emr_serverless.job", "AccessDeniedException", plugins.Remote, false, "grant emr-serverless:StartJobRun"},
	} {
		t.Run(c.plugin+" "+c.code, func(t *testing.T) {
			t.Parallel()
			r := remoteNamed(t, c.plugin)
			call := r.call(t, r.running, sandbox.Fault{Operation: r.start, Times: 9, Code: c.code})
			_, err := r.Submit(t.Context(), call, r.submission(t, call, "weft-1"))
			var e *plugins.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Unsure != c.unsure || !strings.Contains(e.Error(), c.says) {
				t.Errorf("%v (%+v)", err, e)
			}
		})
	}
}

// TestNoCheckThatFailsIsAnEnd: throttling, expired credentials, a denial, an answer that is lost.
func TestNoCheckThatFailsIsAnEnd(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			var faults []sandbox.Fault
			codes := []string{"", "ExpiredTokenException", "AccessDeniedException"}
			for _, code := range codes {
				faults = append(faults, sandbox.Fault{Operation: r.check, Times: 1, Code: code})
			}
			call := r.call(t, r.running, append(faults, sandbox.Fault{Operation: r.check, Times: 1, Lost: true})...)
			h := r.begin(t, call)
			for n := range len(codes) + 2 {
				p, err := r.Check(t.Context(), call, h.Data)
				if failed := n <= len(codes); (err != nil) != failed || p.Done || err != nil && !strings.Contains(err.Error(), "cannot look at "+h.Text) {
					t.Errorf("check %d: %+v (%v)", n+1, p, err)
				}
			}
		})
	}
}

func TestARunIsAskedForInItsOwnRegion(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			call := r.call(t, r.running)
			h := r.begin(t, call)
			elsewhere := *call
			elsewhere.Env = append(append([]string(nil), call.Env...), "AWS_REGION=eu-west-1")
			if _, err := r.Check(t.Context(), &elsewhere, h.Data); err == nil || !strings.Contains(err.Error(), "set AWS_REGION to us-east-1") {
				t.Errorf("asked in another region: %v", err)
			}
			if err := r.Stop(t.Context(), &elsewhere, h.Data); err == nil || !strings.Contains(err.Error(), "set AWS_REGION to us-east-1") {
				t.Errorf("stopped in another region: %v", err)
			}
		})
	}
}

func TestAStopIsNoErrorWhereTheRunHasEnded(t *testing.T) {
	for _, r := range remotes {
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			call := r.call(t, "RUNNING 0s")
			if err := r.Stop(t.Context(), call, r.begin(t, call).Data); err != nil {
				t.Error(err)
			}
			slow := r.call(t, r.running)
			h := r.begin(t, slow)
			for range 2 {
				if err := r.Stop(t.Context(), slow, h.Data); err != nil {
					t.Error(err)
				}
			}
			p := r.ends(t, slow, h)
			if p.State != r.stopped || p.Failed == nil || !strings.Contains(p.Failed.Error(), "was stopped") {
				t.Errorf("it is %s: %v", p.State, p.Failed)
			}
			denied := r.call(t, r.running, sandbox.Fault{Operation: r.stop, Times: 1, Code: "AccessDeniedException"})
			if err := r.Stop(t.Context(), denied, r.begin(t, denied).Data); err == nil || !strings.Contains(err.Error(), "grant "+r.service+":"+r.stop) {
				t.Errorf("a stop that is denied: %v", err)
			}
		})
	}
}

// TestTwoHundredAreThreeCalls: those that are asked for together are so by hundreds.
func TestTwoHundredAreThreeCalls(t *testing.T) {
	for _, r := range remotes {
		b, ok := r.RemoteWork.(plugins.BatchChecker)
		if ok != r.batched {
			t.Errorf("%s is asked for together: %v", r.name(), ok)
		}
		if !ok || r.name() == "glue.job" { // whose pages TestALostStartIsFoundBehindManyOthers reads
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			call := r.call(t, r.running)
			var handles []json.RawMessage
			for i := range 201 {
				h, err := r.Submit(t.Context(), call, r.submission(t, call, fmt.Sprint("weft-", i)))
				if err != nil {
					t.Fatal(err)
				}
				handles = append(handles, h.Data)
				if b.Batch(h.Data) != b.Batch(handles[0]) {
					t.Fatal("they are of two batches")
				}
			}
			counted, calls := through(t, call)
			all, err := b.CheckAll(t.Context(), counted, handles)
			if err != nil || len(all) != len(handles) {
				t.Fatalf("%d answers: %v", len(all), err)
			}
			for i, p := range all {
				if p.Unasked != nil || p.State != "RUNNING" {
					t.Errorf("%d: %+v", i, p)
				}
			}
			if n := calls.Load(); n != 3 {
				t.Errorf("it took %d calls", n)
			}
		})
	}
}

// through is a call whose way to AWS counts what passes.
func through(t *testing.T, call *plugins.Call) (*plugins.Call, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	out := *call
	out.Env = nil
	for _, kv := range call.Env {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL_") {
			to, err := url.Parse(value)
			if err != nil {
				t.Fatal(err)
			}
			front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				n.Add(1)
				r.SetURL(to)
				r.Out.Host = r.In.Host
			}})
			t.Cleanup(front.Close)
			kv = name + "=" + front.URL
		}
		out.Env = append(out.Env, kv)
	}
	return &out, &n
}

func TestRemoteInputsThatCannotBeStarted(t *testing.T) {
	for _, c := range []struct{ plugin, input, want string }{
		{"glue.job", `{"name":" "}`, "cannot start a glue job without a name"},
		{"glue.job", `{"name":"j","arguments":{"--weft_token":"x"}}`, "weft finds its runs by it"},
		{"glue.job", `{"name":"j","max_capacity":2,"worker_type":"G.1X"}`, "Glue takes one or the other"},
		{"glue.job", `{"name":"j","arguments":{"--list":[1]}}`, "toJSON makes a text of it"},
		{"glue.job", `{"name":"j","arguments":{"--map":{}},"number_of_workers":2}`, "toJSON makes a text of it"},
		{"glue.job", `{"name":"j","arguments":{"--null":null},"worker_type":"G.1X"}`, "toJSON makes a text of it"},
		{"stepfunctions.run", `{"state_machine_arn":"nightly"}`, "without its ARN"},
		{"stepfunctions.run", `{"state_machine_arn":"arn:aws:states:eu-west-1:111122223333:stateMachine:m","input":"` + strings.Repeat("x", 256<<10) + `"}`, "at most 262144 are allowed (put it into S3"},
		{"batch.job", `{"job_queue":"","job_definition":"d"}`, "without a job_queue"},
		{"batch.job", `{"job_queue":"q","job_definition":" "}`, "without a job_definition"},
		{"batch.job", `{"job_queue":"q","job_definition":"d","parameters":{"day":["x"]}}`, "cannot pass the parameter day: it is neither text"},
		{"batch.job", `{"job_queue":"q","job_definition":"d","container_overrides":{"environment":[{"name":"A","value":{}}]}}`, "cannot pass the environment A: it is neither text"},
		{"ecs.task", `{"task_definition":""}`, "without a task_definition"},
		{"ecs.task", `{"task_definition":"t","launch_type":"EC2","capacity_provider_strategy":[{"capacityProvider":"x"}]}`, "ECS takes one or the other"},
		{"ecs.task", `{"task_definition":"t","tags":{"team":null}}`, "cannot pass the tag team: it is neither text"},
		{"emr_serverless.job", `{"application_id":""}`, "without an application_id"},
		{"emr_serverless.job", `{"application_id":"a","job_driver":{"sparkSubmit":{"entryPoint":"x","entryPointArguments":["a",["b"]]}}}`, "cannot pass argument 2: it is neither text"},
	} {
		_, err := remoteNamed(t, c.plugin).Target(json.RawMessage(c.input))
		if err == nil || plugins.KindOf(err) != plugins.BadInput || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.80s: %v, want bad_input and %q", c.plugin, c.input, err, c.want)
		}
	}
}
