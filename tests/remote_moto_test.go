package tests

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"weft/awsconf"
	"weft/tests/awsserver"
)

// A motoServer is moto, which weft knows by AWS_ENDPOINT_URL alone. In it are only the things that were
// made.
type motoServer struct {
	t       *testing.T
	url     string
	session *awsconf.Session
	env     []string
}

func newMoto(t *testing.T) *motoServer {
	t.Helper()
	m := &motoServer{t: t, url: awsserver.Moto(t)}
	m.env = awsserver.Env(m.url)
	for _, service := range []string{"GLUE", "ATHENA", "S3", "SFN", "BATCH", "ECS", "EMR_SERVERLESS"} {
		m.env = append(m.env, "AWS_ENDPOINT_URL_"+service+"=")
	}
	m.env = append(m.env, "AWS_MAX_ATTEMPTS=1") // what moto cannot do it cannot do six times either
	var err error
	if m.session, err = awsconf.For(t.Context(), m.env); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *motoServer) world(t *testing.T) *world {
	w := newWorld(t)
	w.env = m.env
	return w
}

// api is one of the services that speak awsJson.
var api = map[string]awsconf.JSON{
	"glue":   {ID: "Glue", Service: "glue", Target: "AWSGlue", Version: "1.1"},
	"states": {ID: "SFN", Service: "states", Target: "AWSStepFunctions", Version: "1.0"},
	"ecs":    {ID: "ECS", Service: "ecs", Target: "AmazonEC2ContainerServiceV20141113", Version: "1.1"},
}

func (m *motoServer) ask(service, operation string, in, out any) {
	m.t.Helper()
	if err := api[service].Ask(context.Background(), m.session, operation, in, out); err != nil {
		m.t.Fatalf("%s: %v", operation, err)
	}
}

// rest calls a service whose operations are paths.
func (m *motoServer) rest(service, path string, in any) (out map[string]any) {
	m.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		m.t.Fatal(err)
	}
	id := strings.ReplaceAll(service, "-", " ")
	answer, err := awsconf.REST{ID: id, Service: service}.Do(context.Background(), m.session, awsconf.Request{
		Method: http.MethodPost, Path: strings.Split(path, "/"), Body: body, Header: http.Header{"Content-Type": {"application/json"}},
	})
	if err == nil {
		err = json.Unmarshal(answer.Body, &out)
	}
	if err != nil {
		m.t.Fatalf("%s: %v", path, err)
	}
	return out
}

// tell sets how moto behaves.
func (m *motoServer) tell(path, body string) {
	m.t.Helper()
	resp, err := http.Post(m.url+"/moto-api/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		m.t.Fatalf("%s: %s", path, resp.Status)
	}
}

// glueRuns says how runs of Glue's jobs go on: "immediate", or "never".
func (m *motoServer) glueRuns(go_ string) {
	m.t.Helper()
	how := map[string]string{"immediate": `{"progression":"immediate"}`, "never": `{"progression":"manual","times":1000000}`}[go_]
	m.tell("state-manager/set-transition", `{"model_name":"glue::job_run","transition":`+how+`}`)
}

// role makes the role that Batch wants to see.
func (m *motoServer) role(name string) string {
	m.t.Helper()
	form := url.Values{"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {name}, "AssumeRolePolicyDocument": {"{}"}}
	r, err := http.NewRequest(http.MethodPost, m.url, strings.NewReader(form.Encode()))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		m.t.Fatalf("the role: %s", resp.Status)
	}
	return "arn:aws:iam::123456789012:role/" + name
}

func (m *motoServer) makeGlueJob(name string) {
	m.t.Helper()
	m.ask("glue", "CreateJob", map[string]any{
		"Name": name, "Role": "arn:aws:iam::123456789012:role/glue", "Command": map[string]string{"Name": "glueetl", "ScriptLocation": "s3://acme/clean.py"},
	}, nil)
}

// TestRemoteWorkAgainstMoto holds each plugin of remote work against a double that is not ours. Its state
// machines are carried out; its jobs succeed at once.
func TestRemoteWorkAgainstMoto(t *testing.T) {
	m := newMoto(t)
	m.tell("config", `{"batch":{"use_docker":false},"stepfunctions":{"execute_state_machine":true}}`)
	m.makeGlueJob("clean_orders")
	m.ask("glue", "CreateCrawler", map[string]any{"Name": "raw", "Role": "arn:aws:iam::123456789012:role/glue", "DatabaseName": "d", "Targets": map[string]any{"S3Targets": []any{map[string]string{"Path": "s3://acme/raw"}}}}, nil)
	role := m.role("weft")
	for name, state := range map[string]string{
		"good": `{"Type":"Pass","Parameters":{"day.$":"$.day","rows":3},"End":true}`,
		"bad":  `{"Type":"Fail","Error":"Orders.Missing","Cause":"no orders of the day"}`,
		"slow": `{"Type":"Wait","Seconds":600,"End":true}`,
	} {
		m.ask("states", "CreateStateMachine", map[string]any{"name": name, "roleArn": role, "definition": `{"StartAt":"S","States":{"S":` + state + `}}`}, nil)
	}
	m.rest("batch", "v1/createcomputeenvironment", map[string]any{"computeEnvironmentName": "env", "type": "UNMANAGED", "state": "ENABLED", "serviceRole": role})
	m.rest("batch", "v1/createjobqueue", map[string]any{"jobQueueName": "etl", "state": "ENABLED", "priority": 1, "computeEnvironmentOrder": []any{map[string]any{"order": 1, "computeEnvironment": "env"}}})
	m.rest("batch", "v1/registerjobdefinition", map[string]any{"jobDefinitionName": "load", "type": "container", "containerProperties": map[string]any{"image": "busybox", "vcpus": 1, "memory": 4}})
	m.ask("ecs", "CreateCluster", map[string]any{"clusterName": "etl"}, nil)
	m.ask("ecs", "RegisterTaskDefinition", map[string]any{"family": "load", "containerDefinitions": []any{map[string]any{"name": "app", "image": "busybox", "memory": 4}}}, nil)
	application := m.rest("emr-serverless", "applications", map[string]any{"name": "etl", "releaseLabel": "emr-6.6.0", "type": "SPARK", "clientToken": "x"})["applicationId"].(string)

	w := m.world(t)
	machine := "arn:aws:states:us-east-1:123456789012:stateMachine:"
	file := w.write("moto.yaml", `
id: moto
tasks:
  job:
    uses: glue.job
    with: {name: clean_orders, arguments: {--day: "${{ run.ds }}", --n: 3}, worker_type: G.1X, number_of_workers: 2, timeout_minutes: 60, execution_class: STANDARD, notify_delay_after: 30}
  after: {run: 'echo "${{ tasks.job.output.state }} ${{ tasks.job.output.job_run_id }}"'}
  query: {uses: athena.query, with: {query: "select 1", output: "s3://acme/out/"}, timeout: 20s}
  none: {uses: glue.job, with: {name: no_such_job}, retries: 3}
  good: {uses: stepfunctions.run, with: {state_machine_arn: "`+machine+`good", name: nightly, input: {day: "${{ run.ds }}"}}}
  bad: {uses: stepfunctions.run, with: {state_machine_arn: "`+machine+`bad"}}
  slow: {uses: stepfunctions.run, with: {state_machine_arn: "`+machine+`slow"}, timeout: 3s}
  batch: {uses: batch.job, with: {job_queue: etl, job_definition: load, job_name: nightly, parameters: {n: 3}, container_overrides: {environment: [{name: DAY, value: "${{ run.ds }}"}]}}}
  ecs: {uses: ecs.task, with: {cluster: etl, task_definition: load, launch_type: FARGATE, tags: {team: x}}}
  emr: {uses: emr_serverless.job, with: {application_id: "`+application+`", execution_role_arn: "`+role+`", job_driver: {sparkSubmit: {entryPoint: "s3://acme/x.py", entryPointArguments: [3]}}}}
`)
	sum, res := w.runJSON(file, "--run-id", "r")
	if got := sum.states("job", "after", "query", "none", "good", "bad", "slow", "batch", "ecs", "emr"); got != "job=success after=success query=success none=failed good=success bad=failed slow=failed batch=success ecs=success emr=success" {
		t.Errorf("%s\n%s\n%s", got, res.out, res.stderr)
	}
	if none := sum.Tasks["none"]; none.Attempts != 1 || !strings.Contains(none.Reason, "there is none of that name (check the name, AWS_REGION and AWS_PROFILE)") {
		t.Errorf("no_such_job: %d attempts: %s", none.Attempts, none.Reason)
	}
	for task, want := range map[string]string{
		"bad": "has failed (FAILED): Orders.Missing: no orders of the day", "slow": "timed out after 3s, execution weft-",
	} {
		if got := sum.Tasks[task].Reason; !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", task, got, want)
		}
	}
	if got := string(sum.Tasks["good"].Output); !strings.Contains(got, `"output":{"day":"20`) || !strings.Contains(got, `"rows":3`) {
		t.Errorf("good gave %s", got)
	}
	if got := string(sum.Tasks["ecs"].Output); !strings.Contains(got, `"containers":[{"name":"app","exit_code":0`) {
		t.Errorf("ecs gave %s", got)
	}
	var out struct {
		JobRuns []struct{ JobRunState string }
	}
	m.ask("glue", "GetJobRuns", map[string]any{"JobName": "clean_orders"}, &out)
	if len(out.JobRuns) != 1 {
		t.Errorf("moto has %d runs", len(out.JobRuns))
	}
	var stopped struct{ Executions []struct{ Status string } }
	m.ask("states", "ListExecutions", map[string]any{"stateMachineArn": machine + "slow"}, &stopped)
	if len(stopped.Executions) != 1 || stopped.Executions[0].Status != "ABORTED" {
		t.Errorf("the slow one is in moto %+v", stopped)
	}
	// Its crawls never end: one is started and seen to run.
	c := w.start("run", w.write("crawl.yaml", "id: crawl\ntasks: {crawl: {uses: glue.crawler, with: {name: raw}}}\n"), "--json")
	eventually(t, "the crawl runs", func() bool { return strings.Contains(mustRead(t, c.out), "glue crawler raw RUNNING") })
	_ = c.Process.Kill()
	_ = c.Wait()
}

// TestPatternEightAgainstMoto is pattern 8 with Glue where moto stands for AWS: succeeded; failed, as far as
// moto fails; timed out. A run of moto's goes from STARTING by RUNNING to SUCCEEDED, and no call makes it
// another (moto 5.2.3, glue/models.py, FakeJobRun); it fails by a start that is refused alone. It has no
// BatchStopJobRun: what it runs cannot be stopped, which weft says, and waits for three minutes for its end.
func TestPatternEightAgainstMoto(t *testing.T) {
	m := newMoto(t)
	m.makeGlueJob("clean_orders")
	dag := "../dags/p8_glue_job.yaml"
	start := func(t *testing.T, args ...string) (*world, string, *pending) {
		w := m.world(t)
		file := w.write("p8.yaml", mustRead(t, dag))
		return w, file, w.start(append([]string{"run", file, "--run-id", "r", "--json"}, args...)...)
	}

	t.Run("it goes on when the job has succeeded", func(t *testing.T) {
		w, _, c := start(t)
		_ = c.Wait()
		if got := w.last(mustRead(t, c.out)).states("task1", "task2"); got != "task1=success task2=success" {
			t.Errorf("%s\n%s", got, mustRead(t, c.out))
		}
	})

	m.glueRuns("never")
	t.Run("it waits while the job runs, and fails by a start that is refused meanwhile", func(t *testing.T) {
		w, _, c := start(t, "-p", "end=slow")
		eventually(t, "it runs", func() bool { return strings.Contains(mustRead(t, c.out), "clean_orders run jr_") })
		other := m.world(t)
		sum, _ := other.runJSON(other.write("p8.yaml", mustRead(t, dag)), "--run-id", "r")
		if got := sum.states("task1", "task2"); got != "task1=failed task2=upstream_failed" || !strings.Contains(sum.Tasks["task1"].Reason, "as many of its runs as the job allows go on already") {
			t.Errorf("%s: %s", got, sum.Tasks["task1"].Reason)
		}
		eventually(t, "the stop is refused", func() bool {
			return strings.Contains(w.run("logs", "r", "task1").out, "cannot stop it yet: cannot stop glue job clean_orders run jr_")
		})
		m.glueRuns("immediate") // it ends by itself, and well: that is what counts
		_ = c.Wait()
		if got := w.last(mustRead(t, c.out)).states("task1", "task2"); got != "task1=success task2=success" {
			t.Errorf("%s\n%s", got, w.run("logs", "r", "task1").out)
		}
	})

	t.Run("it fails by its timeout when nothing stops the job", func(t *testing.T) {
		if !soak() {
			t.Skip("three minutes: WEFT_SOAK=1")
		}
		m.glueRuns("never")
		w, _, c := start(t, "-p", "end=slow")
		_ = c.Wait()
		sum := w.last(mustRead(t, c.out))
		if got := sum.states("task1", "task2"); got != "task1=failed task2=upstream_failed" {
			t.Errorf("%s\n%s", got, mustRead(t, c.out))
		}
		for _, want := range []string{"timed out after 3s, cannot tell that it has stopped: glue job clean_orders run jr_", "cannot stop glue job"} {
			if !strings.Contains(sum.Tasks["task1"].Reason, want) {
				t.Errorf("the reason is %s, want %q", sum.Tasks["task1"].Reason, want)
			}
		}
	})
}
