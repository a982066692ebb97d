package tests

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"weft/sandbox"
	"weft/tests/s3server"
)

// sandboxServer is AWS as the sandbox has it, in the test's own process and with the key of the S3 server:
// weft finds it by an endpoint, as it would find any other.
func sandboxServer(t *testing.T, faults ...sandbox.Fault) (url string) {
	t.Helper()
	box, err := sandbox.Start(context.Background(), sandbox.Options{Access: s3server.Access, Secret: s3server.Secret, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	for _, kv := range box.Env() {
		if at, ok := strings.CutPrefix(kv, "AWS_ENDPOINT_URL_GLUE="); ok { // the same for all
			return at
		}
	}
	t.Fatal("the sandbox has no endpoint")
	return ""
}

// endedIn checks how pattern 8's job ended: what the task gave, and what its log says.
func endedIn(state string) func(*pattern) {
	return func(p *pattern) {
		p.t.Helper()
		log := p.run("logs", p.sum.Run, "task1").out
		for _, want := range []string{"submitted glue job clean_orders run jr_", " is " + state} {
			if state == "STOPPED" && strings.HasPrefix(want, " is") {
				want = "timed out after 3s, glue job clean_orders run jr_"
			}
			if !strings.Contains(log, want) {
				p.t.Errorf("the log does not say %q:\n%s", want, log)
			}
		}
		if state != "SUCCEEDED" {
			return
		}
		var out struct {
			JobRunID      string `json:"job_run_id"`
			State         string
			StartedOn     string  `json:"started_on"`
			ErrorMessage  *string `json:"error_message"`
			ExecutionTime *int    `json:"execution_time"`
		}
		if err := json.Unmarshal(p.sum.Tasks["task1"].Output, &out); err != nil || !strings.HasPrefix(out.JobRunID, "jr_") || out.State != state || out.StartedOn == "" || out.ExecutionTime == nil || out.ErrorMessage != nil {
			p.t.Errorf("the output is %s (%v)", p.sum.Tasks["task1"].Output, err)
		}
	}
}

// logSays checks what a task's log says.
func logSays(task string, lines ...string) func(*pattern) {
	return func(p *pattern) {
		p.t.Helper()
		log := p.run("logs", p.sum.Run, task).out
		for _, want := range lines {
			if !strings.Contains(log, want) {
				p.t.Errorf("the log does not say %q:\n%s", want, log)
			}
		}
	}
}

// failedWith checks the reasons of tasks.
func failedWith(reasons map[string]string) func(*pattern) {
	return func(p *pattern) {
		p.t.Helper()
		for task, want := range reasons {
			if got := p.sum.Tasks[task].Reason; !strings.Contains(got, want) {
				p.t.Errorf("%s: %s, want %q", task, got, want)
			}
		}
	}
}
