package tests

import (
	"context"
	"strings"
	"testing"

	"weft/awsconf"
	"weft/tests/awsserver"
)

// TestRemoteWorkAgainstMoto holds glue.job, glue.crawler and athena.query against a double that is not ours,
// which weft knows by AWS_ENDPOINT_URL alone. Its runs succeed at once; there are only the jobs that were made.
func TestRemoteWorkAgainstMoto(t *testing.T) {
	env := awsserver.Env(awsserver.Moto(t))
	for _, kv := range append(env, "AWS_ENDPOINT_URL_GLUE=", "AWS_ENDPOINT_URL_ATHENA=", "AWS_ENDPOINT_URL_S3=") {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	glueAPI := awsconf.JSON{ID: "Glue", Service: "glue", Target: "AWSGlue", Version: "1.1"}
	s, err := awsconf.For(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	for operation, in := range map[string]any{
		"CreateJob":     map[string]any{"Name": "clean_orders", "Role": "arn:aws:iam::123456789012:role/glue", "Command": map[string]string{"Name": "glueetl", "ScriptLocation": "s3://acme/clean.py"}},
		"CreateCrawler": map[string]any{"Name": "raw", "Role": "arn:aws:iam::123456789012:role/glue", "DatabaseName": "d", "Targets": map[string]any{"S3Targets": []any{map[string]string{"Path": "s3://acme/raw"}}}},
	} {
		if err := glueAPI.Ask(context.Background(), s, operation, in, nil); err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
	}
	w := newWorld(t)
	file := w.write("moto.yaml", `
id: moto
tasks:
  job:
    uses: glue.job
    with: {name: clean_orders, arguments: {--day: "${{ run.ds }}", --n: 3}, worker_type: G.1X, number_of_workers: 2, timeout_minutes: 60, execution_class: STANDARD, notify_delay_after: 30}
  after: {run: 'echo "${{ tasks.job.output.state }} ${{ tasks.job.output.job_run_id }}"'}
  query: {uses: athena.query, with: {query: "select 1", output: "s3://acme/out/"}, timeout: 20s}
  none: {uses: glue.job, with: {name: no_such_job}, retries: 3}
`)
	sum, res := w.runJSON(file, "--run-id", "r")
	if got := sum.states("job", "after", "query", "none"); got != "job=success after=success query=success none=failed" {
		t.Errorf("%s\n%s\n%s", got, res.out, res.stderr)
	}
	if none := sum.Tasks["none"]; none.Attempts != 1 || !strings.Contains(none.Reason, "there is none of that name (check the name, AWS_REGION and AWS_PROFILE)") {
		t.Errorf("no_such_job: %d attempts: %s", none.Attempts, none.Reason)
	}
	var out struct {
		JobRuns []struct{ JobRunState string }
	}
	if err := glueAPI.Ask(context.Background(), s, "GetJobRuns", map[string]any{"JobName": "clean_orders"}, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.JobRuns) != 1 {
		t.Errorf("moto has %d runs", len(out.JobRuns))
	}
	// Its crawls never end: one is started and seen to run.
	c := w.start("run", w.write("crawl.yaml", "id: crawl\ntasks: {crawl: {uses: glue.crawler, with: {name: raw}}}\n"), "--json")
	eventually(t, "the crawl runs", func() bool { return strings.Contains(mustRead(t, c.out), "glue crawler raw RUNNING") })
	_ = c.Process.Kill()
	_ = c.Wait()
}
