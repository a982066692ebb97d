package all_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/plugins"
)

// A wire answers calls with what stands beside their operation, in turn, the last again and again: "400
// Code" is a refusal. It keeps what was asked.
type wire struct {
	mu      sync.Mutex
	answers map[string][]string
	asked   map[string][]string
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, operation, awsJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !awsJSON {
		operation = r.Method + " " + r.URL.Path
	}
	body, _ := io.ReadAll(r.Body)
	w.asked[operation] = append(w.asked[operation], string(body))
	list := w.answers[operation]
	if len(list) == 0 {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"__type":"AccessDeniedException","message":"nothing is said of `+operation+`"}`)
		return
	}
	if len(list) > 1 {
		w.answers[operation] = list[1:]
	}
	if code, refused := strings.CutPrefix(list[0], "400 "); refused {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"__type":"`+code+`","message":"it was ordered so"}`)
		return
	}
	_, _ = io.WriteString(rw, list[0])
}

// newWire is a call that is answered so.
func newWire(t *testing.T, input string, answers map[string][]string) (*wire, *plugins.Call) {
	t.Helper()
	w := &wire{answers: answers, asked: map[string][]string{}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	env := []string{
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-west-1",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_MAX_ATTEMPTS=1",
	}
	return w, &plugins.Call{Env: env, Input: json.RawMessage(input), Now: time.Now, Logf: t.Logf}
}

const stateMachine = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"

// TestWhatIsAsked holds each start to the shapes of the API's reference, and the handle to what is
// recorded.
func TestWhatIsAsked(t *testing.T) {
	for _, c := range []struct{ plugin, input, operation, answer, asked, handle string }{
		{
			"stepfunctions.run", `{"state_machine_arn":"` + stateMachine + `:PROD","name":"nightly","input":{"day":"2026-03-01"},"trace_header":"Root=1"}`,
			"StartExecution", `{"executionArn":"arn:aws:states:eu-west-1:111122223333:execution:m:nightly-weft-1","startDate":1.5}`,
			`{"stateMachineArn":"` + stateMachine + `:PROD","name":"nightly-weft-1","input":"{\"day\":\"2026-03-01\"}","traceHeader":"Root=1"}`,
			`{"execution":"arn:aws:states:eu-west-1:111122223333:execution:m:nightly-weft-1","region":"eu-west-1"}`,
		},
		{
			"stepfunctions.run", `{"state_machine_arn":"` + stateMachine + `","input":"{\"a\":1}"}`, // a text is a text
			"StartExecution", `{"executionArn":"arn:aws:states:eu-west-1:111122223333:execution:m:weft-1"}`,
			`{"stateMachineArn":"` + stateMachine + `","name":"weft-1","input":"\"{\\\"a\\\":1}\""}`,
			`{"execution":"arn:aws:states:eu-west-1:111122223333:execution:m:weft-1","region":"eu-west-1"}`,
		},
		{
			"batch.job", `{"job_queue":"q","job_definition":"d:3","job_name":"load","parameters":{"day":"x","n":3},"container_overrides":{"command":["a"],"environment":[{"name":"N","value":3}],"resourceRequirements":[{"type":"VCPU","value":2}]},
				"array_properties":{"size":3},"retry_strategy":{"attempts":2},"timeout_seconds":90,"share_identifier":"s","scheduling_priority_override":0,"propagate_tags":false,"tags":{"team":"x"}}`,
			"POST /v1/submitjob", `{"jobId":"j-1"}`,
			`{"jobName":"load-weft-1","jobQueue":"q","jobDefinition":"d:3","parameters":{"day":"x","n":"3"},"containerOverrides":{"command":["a"],"environment":[{"name":"N","value":"3"}],"resourceRequirements":[{"type":"VCPU","value":"2"}]},` +
				`"arrayProperties":{"size":3},"retryStrategy":{"attempts":2},"timeout":{"attemptDurationSeconds":90},"shareIdentifier":"s","schedulingPriorityOverride":0,"propagateTags":false,"tags":{"team":"x"}}`,
			`{"id":"j-1","name":"load-weft-1","region":"eu-west-1"}`,
		},
		{
			"ecs.task", `{"task_definition":"t:3","cluster":"etl","launch_type":"FARGATE","network_configuration":{"awsvpcConfiguration":{"subnets":["subnet-1"],"assignPublicIp":"DISABLED"}},
				"overrides":{"containerOverrides":[{"name":"app","cpu":256,"environment":[{"name":"ON","value":true}]}],"cpu":"1024","taskRoleArn":"r"},"container_name":"app","group":"g","platform_version":"1.4.0","enable_execute_command":true,"propagate_tags":"NONE","tags":{"b":2,"a":"x"}}`,
			"RunTask", `{"tasks":[{"taskArn":"arn:aws:ecs:eu-west-1:111122223333:task/etl/0123","lastStatus":"PROVISIONING"}],"failures":[]}`,
			`{"taskDefinition":"t:3","cluster":"etl","clientToken":"weft-1","startedBy":"weft-1","launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1"],"assignPublicIp":"DISABLED"}},` +
				`"overrides":{"containerOverrides":[{"cpu":256,"environment":[{"name":"ON","value":"true"}],"name":"app"}],"cpu":"1024","taskRoleArn":"r"},"group":"g","platformVersion":"1.4.0","enableExecuteCommand":true,"propagateTags":"NONE","tags":[{"key":"a","value":"x"},{"key":"b","value":"2"}]}`,
			`{"task":"arn:aws:ecs:eu-west-1:111122223333:task/etl/0123","cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/etl","container":"app","since":"2026-03-01T00:00:00Z","region":"eu-west-1"}`,
		},
		{
			"emr_serverless.job", `{"application_id":"00a",` + role + `,"job_driver":{"sparkSubmit":{"entryPoint":"s3://a/x.py","entryPointArguments":["--n",3]}},"name":"load","execution_timeout_minutes":60,"retry_policy":{"maxAttempts":2},"flex_execution":{"enabled":true},"tags":{"n":1}}`,
			"POST /applications/00a/jobruns", `{"applicationId":"00a","jobRunId":"00r"}`,
			`{"clientToken":"weft-1","executionRoleArn":"arn:aws:iam::111122223333:role/emr","jobDriver":{"sparkSubmit":{"entryPoint":"s3://a/x.py","entryPointArguments":["--n","3"]}},"name":"load","executionTimeoutMinutes":60,"retryPolicy":{"maxAttempts":2},"flexExecution":{"enabled":true},"tags":{"n":"1"}}`,
			`{"application":"00a","run":"00r","region":"eu-west-1"}`,
		},
	} {
		r := remoteNamed(t, c.plugin)
		w, call := newWire(t, c.input, map[string][]string{c.operation: {c.answer}})
		sub := r.submission(t, call, "weft-1")
		sub.Intended = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		h, err := r.Submit(t.Context(), call, sub)
		if err != nil {
			t.Errorf("%s: %v", c.plugin, err)
			continue
		}
		if got := strings.Join(w.asked[c.operation], "\n"); got != c.asked {
			t.Errorf("%s asks\n%s, want\n%s", c.plugin, got, c.asked)
		}
		if string(h.Data) != c.handle {
			t.Errorf("%s records\n%s, want\n%s", c.plugin, h.Data, c.handle)
		}
	}
}

// TestAnExpressWorkflowIsRefused: before it begins, where its type may be asked for; else as soon as its
// ARN tells.
func TestAnExpressWorkflowIsRefused(t *testing.T) {
	r := remoteNamed(t, "stepfunctions.run")
	begun := `{"executionArn":"arn:aws:states:eu-west-1:111122223333:express:m:weft-1:0123"}`
	for says, answers := range map[string]map[string][]string{
		"cannot start arn:":                  {"DescribeStateMachine": {`{"type":"EXPRESS"}`}},
		"cannot watch what was started of ":  {"DescribeStateMachine": {"400 AccessDeniedException"}, "StartExecution": {begun}},
		"cannot watch what was started of a": {"DescribeStateMachine": {"400 ThrottlingException"}, "StartExecution": {begun}},
	} {
		w, call := newWire(t, `{"state_machine_arn":"`+stateMachine+`:PROD"}`, answers)
		_, err := r.Submit(t.Context(), call, r.submission(t, call, "weft-1"))
		if err == nil || plugins.KindOf(err) != plugins.BadInput || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "of type EXPRESS") {
			t.Errorf("%v, want %q", err, says)
		}
		if got := strings.Join(w.asked["DescribeStateMachine"], ""); got != `{"includedData":"METADATA_ONLY","stateMachineArn":"`+stateMachine+`"}` {
			t.Errorf("asked for its type by %s", got)
		}
	}
}

// TestWhatServicesSayOfAnEnd reads answers that the sandbox does not give.
func TestWhatServicesSayOfAnEnd(t *testing.T) {
	job := `{"jobs":[{"jobId":"j","status":"FAILED",%s}]}`
	task := `{"tasks":[{"taskArn":"arn:x:task/etl/t","lastStatus":"STOPPED","stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited","containers":[{"name":"app","exitCode":%s},{"name":"side","exitCode":143}]}]}`
	of := func(format, what string) string { return strings.Replace(format, "%s", what, 1) }
	run := `{"task":"arn:x:task/etl/t","cluster":"c","since":"2026-03-01T00:00:00Z","region":"eu-west-1"%s}`
	for _, c := range []struct{ what, plugin, operation, answer, handle, want string }{
		{
			"what an execution gives is no JSON", "stepfunctions.run", "DescribeExecution", `{"status":"SUCCEEDED","name":"n","output":"done"}`, `{"execution":"e","region":"eu-west-1"}`,
			`output {"execution_arn":"e","name":"n","state":"SUCCEEDED","start_date":null,"stop_date":null,"output":"done"}`,
		},
		{
			"an execution gives nothing", "stepfunctions.run", "DescribeExecution", `{"status":"SUCCEEDED","name":"n","output":null}`, `{"execution":"e","region":"eu-west-1"}`,
			`output {"execution_arn":"e","name":"n","state":"SUCCEEDED","start_date":null,"stop_date":null,"output":null}`,
		},
		{
			"a job was tried twice, and its machine went", "batch.job", "POST /v1/describejobs",
			of(job, `"statusReason":"Host EC2 (instance i-1) terminated.","attempts":[{"container":{"exitCode":1}},{"container":{"reason":"gone"}}]`), `{"id":"j","name":"n","region":"eu-west-1"}`,
			"temporary: batch job n j has failed (FAILED): Host EC2 (instance i-1) terminated.; gone; 2 tries",
		},
		{
			"a job took longer than Batch lets it", "batch.job", "POST /v1/describejobs",
			of(job, `"statusReason":"Job attempt duration exceeded timeout","attempts":[]`), `{"id":"j","name":"n","region":"eu-west-1"}`,
			"timeout: batch job n j has failed (FAILED): Job attempt duration exceeded timeout",
		},
		{
			"children of an array failed", "batch.job", "POST /v1/describejobs",
			of(job, `"statusReason":"Array Child Job failed","arrayProperties":{"size":10,"statusSummary":{"FAILED":2,"SUCCEEDED":8}}`), `{"id":"j","name":"n","region":"eu-west-1"}`,
			"remote: batch job n j has failed (FAILED): Array Child Job failed; 2 of its 10 children failed (aws batch list-jobs --job-status FAILED --array-job-id j)",
		},
		{
			"a job is not known", "batch.job", "POST /v1/describejobs", `{"jobs":[]}`, `{"id":"j","name":"n","region":"eu-west-1"}`,
			"goes on: cannot look at batch job n j: Batch does not know it, or has forgotten it, as it does a week after its end",
		},
		{
			"a container beside it was ended", "ecs.task", "DescribeTasks", of(task, "0"), of(run, ""),
			"remote: ecs task t has failed (EssentialContainerExited): Essential container in task exited; container side exited with status 143, exit 143",
		},
		{
			"a container beside it was ended, and another one counts", "ecs.task", "DescribeTasks", of(task, "0"), of(run, `,"container":"app"`),
			`output {"task_arn":"arn:x:task/etl/t","state":"STOPPED","stopped_reason":"Essential container in task exited","created_at":null,"started_at":null,"stopped_at":null,"containers":[{"name":"app","exit_code":0,"reason":null},{"name":"side","exit_code":143,"reason":null}]}`,
		},
		{
			"the one that counts failed", "ecs.task", "DescribeTasks", of(task, "3"), of(run, `,"container":"app"`),
			"remote: ecs task t has failed (EssentialContainerExited): Essential container in task exited; container app exited with status 3, exit 3",
		},
		{
			"the one that counts is not there", "ecs.task", "DescribeTasks", of(task, "0"), of(run, `,"container":"ap"`),
			"remote: ecs task t has failed (EssentialContainerExited): Essential container in task exited; it has no container ap",
		},
		{
			"a task that ended long ago", "ecs.task", "DescribeTasks", `{"tasks":[],"failures":[{"arn":"arn:x:task/etl/t","reason":"MISSING"}]}`, of(run, ""),
			"remote: ecs task t has ended, and nobody knows how: ECS does not tell of it any more (MISSING) (ECS tells of a task for an hour after its end; it was not asked for so long)",
		},
		{
			"a task that was run just now", "ecs.task", "DescribeTasks", `{"tasks":[],"failures":[{"arn":"arn:x:task/etl/t","reason":"MISSING"}]}`, strings.Replace(of(run, ""), "2026-03-01T00:00:00Z", time.Now().UTC().Format(time.RFC3339), 1),
			"goes on: cannot look at ecs task t: ECS does not tell of it",
		},
		{
			"a state of years to come", "emr_serverless.job", "GET /applications/a/jobruns/r", `{"jobRun":{"state":"DREAMING"}}`, `{"application":"a","run":"r","region":"eu-west-1"}`,
			"goes on: DREAMING",
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, call := newWire(t, "{}", map[string][]string{c.operation: {c.answer}})
			p, err := remoteNamed(t, c.plugin).Check(t.Context(), call, json.RawMessage(c.handle))
			got := told(p)
			switch {
			case err != nil:
				got = "goes on: " + err.Error()
			case !p.Done:
				got = "goes on: " + p.State
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestATaskThatFindsNoPlace: RunTask says so in an answer that says yes.
func TestATaskThatFindsNoPlace(t *testing.T) {
	r := remoteNamed(t, "ecs.task")
	for failure, want := range map[string]string{
		`{"reason":"RESOURCE:MEMORY"}`:                         "temporary: cannot run a task of t: ECS finds no place for it: RESOURCE:MEMORY (give the task retries, or the cluster more room)",
		`{"reason":"ATTRIBUTE","detail":"no gpu"}`:             "remote: cannot run a task of t: ECS finds no place for it: ATTRIBUTE: no gpu (no instance of the cluster has what the task definition or placement_constraints ask for)",
		`{"reason":"something of years to come","detail":"x"}`: "remote: cannot run a task of t: ECS finds no place for it: something of years to come: x",
	} {
		_, call := newWire(t, `{"task_definition":"t"}`, map[string][]string{"RunTask": {`{"tasks":[],"failures":[` + failure + `]}`}})
		_, err := r.Submit(t.Context(), call, r.submission(t, call, "weft-1"))
		if got := string(plugins.KindOf(err)) + ": " + err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestWhereASubmissionIsLookedFor: on all pages, among the stopped, and not where a service has none.
func TestWhereASubmissionIsLookedFor(t *testing.T) {
	for _, c := range []struct {
		what, plugin, input string
		answers             map[string][]string
		want                string // the handle's text; "" = not found
	}{
		{
			"the first of two, on the second page", "batch.job", `{"job_queue":"q","job_definition":"d"}`,
			map[string][]string{"POST /v1/listjobs": {`{"jobSummaryList":[{"jobId":"late","createdAt":9}],"nextToken":"n"}`, `{"jobSummaryList":[{"jobId":"first","createdAt":8}]}`}},
			"batch job weft-1 first",
		},
		{
			"a page that is empty, and the last", "batch.job", `{"job_queue":"q","job_definition":"d"}`,
			map[string][]string{"POST /v1/listjobs": {`{"jobSummaryList":[],"nextToken":"n"}`, `{"jobSummaryList":[]}`}},
			"",
		},
		{
			"a task that has stopped", "ecs.task", `{"task_definition":"t","cluster":"etl"}`,
			map[string][]string{"ListTasks": {`{"taskArns":[]}`, `{"taskArns":["arn:aws:ecs:eu-west-1:1:task/etl/0123"]}`}},
			"ecs task 0123",
		},
		{
			"a service that takes no two filters", "ecs.task", `{"task_definition":"t"}`,
			map[string][]string{"ListTasks": {`{"taskArns":[]}`, "400 InvalidParameterException"}},
			"",
		},
		{
			"no such execution", "stepfunctions.run", `{"state_machine_arn":"` + stateMachine + `"}`,
			map[string][]string{"DescribeExecution": {"400 ExecutionDoesNotExist"}},
			"",
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := remoteNamed(t, c.plugin)
			_, call := newWire(t, c.input, c.answers)
			h, found, err := r.RemoteWork.(plugins.Finder).Find(t.Context(), call, r.submission(t, call, "weft-1"))
			if err != nil || found != (c.want != "") || h.Text != c.want {
				t.Errorf("found %v %q (%v), want %q", found, h.Text, err, c.want)
			}
		})
	}
}
