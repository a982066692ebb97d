package sandbox_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/awsconf"
	"weft/sandbox"
)

func invoke(t *testing.T, s *awsconf.Session, function, kind, payload string) string {
	t.Helper()
	out, err := awsconf.Lambda.Do(t.Context(), s, awsconf.Request{
		Permission: "InvokeFunction", Method: http.MethodPost, Path: []string{"2015-03-31", "functions", function, "invocations"},
		Header: http.Header{"X-Amz-Invocation-Type": {kind}}, Body: []byte(payload),
	})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s %s", out.Status, out.Header.Get("X-Amz-Function-Error"), out.Body)
}

func TestAFunctionIsAProgram(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	file("beside.sh", "#!/bin/sh\ncat\n", 0o700)
	file("data.txt", "no program", 0o600)
	t.Setenv("WEFT_TASK_ID", "a task's")
	sh := func(script string) sandbox.Function {
		return sandbox.Function{Argv: []string{"sh", "-c", script}, Dir: dir}
	}
	mark := filepath.Join(dir, "mark")
	box, s := start(t, sandbox.Options{FunctionsDirs: func() []string { return []string{dir} }, Functions: map[string]sandbox.Function{
		"echo":   sh("cat"),
		"env":    sh(`echo "\"$AWS_LAMBDA_FUNCTION_NAME ${WEFT_TASK_ID-none} ${AWS_ENDPOINT_URL_S3:+s3}\""`),
		"silent": sh("true"),
		"fails":  sh("echo first >&2; echo no rows >&2; exit 3"),
		"text":   sh("echo no json"),
		"none":   {Argv: []string{"/no/such/program"}},
		"later":  sh("sleep 0.2; cat > mark"),
		"leaves": sh("sleep 600 & echo 1"),
	}})
	for _, c := range []struct{ function, kind, payload, want string }{
		{"echo", "RequestResponse", `{"a": [1, 2.50]}`, `200  {"a": [1, 2.50]}`},
		{"echo", "RequestResponse", "", "200  {}"},
		{"arn:aws:lambda:us-east-1:000000000000:function:echo", "RequestResponse", "7", "200  7"},
		{"beside", "RequestResponse", `"x"`, `200  "x"`},
		{"env", "RequestResponse", "", `200  "env none s3"`},
		{"silent", "RequestResponse", "", "200  null"},
		{"fails", "RequestResponse", "", `200 Unhandled {"errorMessage":"no rows","errorType":"Runtime.ExitError"}`},
		{"text", "RequestResponse", "", `200 Unhandled {"errorMessage":"what the function gave is no JSON","errorType":"Runtime.MarshalError"}`},
		{"none", "RequestResponse", "", `200 Unhandled {"errorMessage":"the program of none cannot be run: fork/exec /no/such/program: no such file or directory","errorType":"Runtime.InvalidEntrypoint"}`},
		{"leaves", "RequestResponse", "", "200  1"},
		{"echo", "DryRun", "", "204  "},
		{"later", "Event", `"event"`, "202  "},
		{"echo", "RequestResponse", "{", "the service answered InvalidRequestContentException: Could not parse request body into json"},
		{"data", "RequestResponse", "", "the service answered ResourceNotFoundException: Function not found: data (name a program for it in weft.yaml, sandbox.lambda, or put one with its name, executable, into " + dir + ")"},
		{"../beside", "RequestResponse", "", "the service failed: 501 NotImplementedException"},
	} {
		began := time.Now()
		if got := invoke(t, s, c.function, c.kind, c.payload); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s: %s\nwant %s", c.function, c.kind, got, c.want)
		}
		if time.Since(began) > 20*time.Second {
			t.Errorf("%s waited for what it had left running", c.function)
		}
	}
	box.Close() // lets the event end
	if raw, err := os.ReadFile(mark); string(raw) != `"event"` {
		t.Errorf("the event left %q, %v", raw, err)
	}
}
