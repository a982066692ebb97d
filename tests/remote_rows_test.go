package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"weft/awsconf"
	"weft/sandbox"
	"weft/tests/s3server"
)

// An abroad is a plugin of remote work, as the tests of all of them have it.
type abroad struct {
	uses     string
	variable string // its endpoint is in AWS_ENDPOINT_URL_ and this
	service  string // as signatures name it
	start    string // what starts one: an awsJson operation, or a method and the path's end
	asks     []string
	check    string // the operation that asks for one
	with     string // NAME, SCRIPT and SECRET stand for what they say
	secret   string // `with` of one that is named by a secret; "" = it has no such name
	text     string // what weft calls one, up to its id
	stopped  string // the state of one that was stopped
	echoes   bool   // the sandbox gives back what it was given
	repeats  bool   // a start that was lost is made again, not looked for
	// runs are those that the service knows of a name.
	runs func(s *strait, name string) []remoteRun
}

// A remoteRun is one that a service knows: its state, and what it was given.
type remoteRun struct{ State, Given string }

const machineARN = "arn:aws:states:" + s3server.Region + ":111122223333:stateMachine:"

var abroads = []abroad{
	{
		uses: "glue.job", variable: "GLUE", service: "glue", start: "StartJobRun", asks: []string{"GetJobRun", "GetJobRuns"}, check: "GetJobRun",
		with:   `{name: "NAME", arguments: {--password: "SECRET", --weft_sandbox: "SCRIPT"}}`,
		secret: `{name: "SECRET"}`, text: "glue job NAME run jr_", stopped: "STOPPED",
		runs: func(s *strait, name string) (list []remoteRun) {
			var out struct {
				JobRuns []struct {
					JobRunState string
					Arguments   map[string]string
				}
			}
			s.ask("AWSGlue", "GetJobRuns", map[string]any{"JobName": name, "MaxResults": 200}, &out)
			for _, r := range out.JobRuns {
				list = append(list, remoteRun{r.JobRunState, r.Arguments["--password"]})
			}
			return list
		},
	},
	{
		uses: "stepfunctions.run", variable: "SFN", service: "states", start: "StartExecution", asks: []string{"DescribeExecution"}, check: "DescribeExecution",
		with: `{state_machine_arn: "` + machineARN + `NAME", input: {password: "SECRET", weft_sandbox: "SCRIPT"}}`,
		text: "execution weft-", stopped: "ABORTED", echoes: true,
		runs: func(s *strait, name string) (list []remoteRun) {
			var all struct {
				Executions []struct{ ExecutionArn string }
			}
			s.ask("AWSStepFunctions", "ListExecutions", map[string]any{"stateMachineArn": machineARN + name}, &all)
			for _, e := range all.Executions {
				var one struct{ Status, Input string }
				s.ask("AWSStepFunctions", "DescribeExecution", map[string]any{"executionArn": e.ExecutionArn}, &one)
				var in struct{ Password string }
				_ = json.Unmarshal([]byte(one.Input), &in)
				list = append(list, remoteRun{one.Status, in.Password})
			}
			return list
		},
	},
	{
		uses: "batch.job", variable: "BATCH", service: "batch", start: "POST submitjob", asks: []string{"POST describejobs"}, check: "DescribeJobs",
		with:   `{job_queue: q, job_definition: d, job_name: "NAME", parameters: {password: "SECRET"}, container_overrides: {environment: [{name: WEFT_SANDBOX, value: "SCRIPT"}]}}`,
		secret: `{job_definition: d, job_queue: "SECRET"}`, text: "batch job NAME-weft-", stopped: "FAILED",
		runs: func(s *strait, name string) (list []remoteRun) {
			var all struct {
				JobSummaryList []struct{ JobID string }
			}
			s.post([]string{"v1", "listjobs"}, map[string]any{"jobQueue": "q", "filters": []any{map[string]any{"name": "JOB_NAME", "values": []string{name + "-*"}}}}, &all)
			for _, j := range all.JobSummaryList {
				var out struct {
					Jobs []struct {
						Status     string
						Parameters map[string]string
					}
				}
				s.post([]string{"v1", "describejobs"}, map[string]any{"jobs": []string{j.JobID}}, &out)
				list = append(list, remoteRun{out.Jobs[0].Status, out.Jobs[0].Parameters["password"]})
			}
			return list
		},
	},
	{
		uses: "ecs.task", variable: "ECS", service: "ecs", start: "RunTask", asks: []string{"DescribeTasks"}, check: "DescribeTasks",
		with:   `{task_definition: "NAME", overrides: {containerOverrides: [{name: main, environment: [{name: WEFT_SANDBOX, value: "SCRIPT"}, {name: PASSWORD, value: "SECRET"}]}]}}`,
		secret: `{task_definition: t, cluster: "SECRET"}`, text: "ecs task ", stopped: "STOPPED",
		runs: func(s *strait, name string) (list []remoteRun) {
			for _, state := range []string{"RUNNING", "STOPPED"} {
				var all struct{ TaskArns []string }
				s.ask("AmazonEC2ContainerServiceV20141113", "ListTasks", map[string]any{"family": name, "desiredStatus": state}, &all)
				for _, arn := range all.TaskArns {
					var out struct {
						Tasks []struct {
							LastStatus string
							Overrides  struct {
								ContainerOverrides []struct {
									Environment []struct{ Name, Value string }
								}
							}
						}
					}
					s.ask("AmazonEC2ContainerServiceV20141113", "DescribeTasks", map[string]any{"tasks": []string{arn}}, &out)
					one := remoteRun{State: out.Tasks[0].LastStatus}
					for _, v := range out.Tasks[0].Overrides.ContainerOverrides[0].Environment {
						if v.Name == "PASSWORD" {
							one.Given = v.Value
						}
					}
					list = append(list, one)
				}
			}
			return list
		},
	},
	{
		uses: "emr_serverless.job", variable: "EMR_SERVERLESS", service: "emr-serverless", start: "POST jobruns", asks: []string{"GET"}, check: "GetJobRun",
		with: `{application_id: "NAME", execution_role_arn: "arn:aws:iam::111122223333:role/emr", job_driver: {sparkSubmit: {entryPoint: "s3://acme/x.py", entryPointArguments: [--weft_sandbox, "SCRIPT", "SECRET"]}}}`,
		text: "job run 00", stopped: "CANCELLED", repeats: true,
		runs: func(s *strait, name string) (list []remoteRun) {
			var all struct {
				JobRuns []struct {
					ID, State string
				}
			}
			s.get([]string{"applications", name, "jobruns"}, &all)
			for _, r := range all.JobRuns {
				var out struct {
					JobRun struct {
						JobDriver struct {
							SparkSubmit struct{ EntryPointArguments []string }
						}
					}
				}
				s.get([]string{"applications", name, "jobruns", r.ID}, &out)
				args := out.JobRun.JobDriver.SparkSubmit.EntryPointArguments
				list = append(list, remoteRun{r.State, args[len(args)-1]})
			}
			return list
		},
	},
}

// task is a task of this plugin, without its id.
func (e abroad) task(name, script, secret string) string {
	return "uses: " + e.uses + ", with: " + strings.NewReplacer("NAME", name, "SCRIPT", script, "SECRET", secret).Replace(e.with)
}

// called is what weft calls a run of a name, up to its id.
func (e abroad) called(name string) string { return strings.Replace(e.text, "NAME", name, 1) }

// eachAbroad runs a test for each plugin, side by side: they wait most of the time.
func eachAbroad(t *testing.T, test func(t *testing.T, e abroad)) {
	t.Helper()
	for _, e := range abroads {
		t.Run(e.uses, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// A strait is the way to a service, on which answers get lost. Everything passes as it was signed.
type strait struct {
	abroad
	t       *testing.T
	session *awsconf.Session // past the strait
	env     []string         // leads weft through it

	mu           sync.Mutex
	begun, asked int
	// after is called when the service has carried out the n-th start and before weft hears of it; true
	// loses the answer.
	after func(n int) bool
}

// newStrait puts the way to a service through a strait.
func newStrait(t *testing.T, e abroad, faults ...sandbox.Fault) *strait {
	t.Helper()
	s := &strait{abroad: e, t: t}
	back := sandboxServer(t, faults...)
	to, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		ErrorLog:       log.New(io.Discard, "", 0), // of weft that is killed
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ModifyResponse: s.passed,
	})
	t.Cleanup(front.Close)
	env := []string{
		"AWS_ENDPOINT_URL=", "AWS_PROFILE=", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_ACCESS_KEY_ID=" + s3server.Access, "AWS_SECRET_ACCESS_KEY=" + s3server.Secret, "AWS_SESSION_TOKEN=", "AWS_REGION=" + s3server.Region,
	}
	s.env = append(env, "AWS_ENDPOINT_URL_"+e.variable+"="+front.URL)
	if s.session, err = awsconf.For(t.Context(), append(env, "AWS_ENDPOINT_URL_"+e.variable+"="+back)); err != nil {
		t.Fatal(err)
	}
	return s
}

// world is one whose weft goes through the strait.
func (s *strait) world() *world {
	w := newWorld(s.t)
	w.env = s.env
	return w
}

// passed sees each answer.
func (s *strait) passed(r *http.Response) error {
	q := r.Request
	_, operation, awsJSON := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	switch {
	case awsJSON:
	case q.Method == http.MethodGet:
		operation = q.Method
	default:
		operation = q.Method + " " + q.URL.Path[strings.LastIndexByte(q.URL.Path, '/')+1:]
	}
	if operation == s.start && r.StatusCode == http.StatusOK && s.started() {
		panic(http.ErrAbortHandler)
	}
	for _, ask := range s.asks {
		if operation == ask {
			s.mu.Lock()
			s.asked++
			s.mu.Unlock()
		}
	}
	return nil
}

func (s *strait) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun++
	return s.after != nil && s.after(s.begun)
}

// known are all the runs of a name.
func (s *strait) known(name string) []remoteRun {
	s.t.Helper()
	return s.runs(s, name)
}

// ask calls a service that speaks awsJson, whatever it is named.
func (s *strait) ask(target, operation string, in, out any) {
	s.t.Helper()
	service := awsconf.JSON{ID: strings.ReplaceAll(s.variable, "_", " "), Service: s.service, Target: target, Version: "1.1"}
	if err := service.Ask(context.Background(), s.session, operation, in, out); err != nil {
		s.t.Fatalf("%s: %v", operation, err)
	}
}

// post and get call a service whose operations are methods and paths.
func (s *strait) post(path []string, in, out any) {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	s.rest(awsconf.Request{Method: http.MethodPost, Path: path, Body: body, Again: true, Header: http.Header{"Content-Type": {"application/json"}}}, out)
}

func (s *strait) get(path []string, out any) {
	s.t.Helper()
	s.rest(awsconf.Request{Method: http.MethodGet, Path: path, Again: true}, out)
}

func (s *strait) rest(q awsconf.Request, out any) {
	s.t.Helper()
	service := awsconf.REST{ID: strings.ReplaceAll(s.variable, "_", " "), Service: s.service}
	answer, err := service.Do(context.Background(), s.session, q)
	if err == nil {
		err = json.Unmarshal(answer.Body, out)
	}
	if err != nil {
		s.t.Fatalf("%v: %v", q.Path, err)
	}
}

// zeroes are n names in a list that for_each takes.
func zeroes(n int) string { return fmt.Sprintf(`${{ fromJSON("[%s0]") }}`, strings.Repeat("0,", n-1)) }
