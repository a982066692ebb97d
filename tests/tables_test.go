package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/awsconf"
	"weft/tests/awsserver"
)

// byEndpoint tells weft of a server by AWS_ENDPOINT_URL alone, and makes the handoff's table and a bucket there.
func byEndpoint(t *testing.T, url string, make map[string]any) {
	t.Helper()
	env := awsserver.Env(url)
	for _, kv := range append(env, "AWS_ENDPOINT_URL_S3=", "AWS_ENDPOINT_URL_GLUE=", "AWS_ENDPOINT_URL_DYNAMODB=", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	if err := os.Unsetenv("AWS_PROFILE"); err != nil { // an empty one is the name of a profile to boto3
		t.Fatal(err)
	}
	s, err := awsconf.For(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	for table, keys := range make {
		in := map[string]any{"TableName": table, "BillingMode": "PAY_PER_REQUEST"}
		var schema, types []any
		for i, name := range keys.([]string) {
			schema = append(schema, map[string]string{"AttributeName": name, "KeyType": []string{"HASH", "RANGE"}[i]})
			types = append(types, map[string]string{"AttributeName": name, "AttributeType": "S"})
		}
		in["KeySchema"], in["AttributeDefinitions"] = schema, types
		if err := awsconf.DynamoDB.Ask(context.Background(), s, "CreateTable", in, nil); err != nil {
			t.Fatal(err)
		}
		var out struct{ Table struct{ TableStatus string } }
		for out.Table.TableStatus != "ACTIVE" {
			if err := awsconf.DynamoDB.Ask(context.Background(), s, "DescribeTable", map[string]string{"TableName": table}, &out); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// handoffTable is the handoff's, as docs/aws.md has it.
var handoffTable = map[string]any{"weft-handoff": []string{"run", "key"}}

// TestAHandoffInATable: what is too large for the journal goes into a table by itself, is read by who comes
// after, shows its reference, and goes with its run. In the sandbox, and on two servers that weft knows by
// AWS_ENDPOINT_URL alone.
func TestAHandoffInATable(t *testing.T) {
	for _, in := range []string{"in the sandbox", "dynalite", "moto"} {
		t.Run(in, func(t *testing.T) {
			w := newWorld(t)
			args := []string{w.write("table.yaml", `
id: table
handoff: dynamodb://weft-handoff
tasks:
  large: {run: 'printf "\"%060000d\"" 1 > "$WEFT_OUTPUT"'}
  file:
    run: 'cd "$WEFT_TMPDIR" && mkdir out && echo one > out/a.txt && head -c 300000 /dev/zero > out/zeros'
    artifacts: {out: out}
  reader: {run: 'test "${#V}" = 60000 && echo "${{ tasks.large.ref.uri }}"', env: {V: "${{ tasks.large.output }}"}}
  user: {inputs: {in: "${{ tasks.file.artifacts.out }}"}, run: 'cd "$WEFT_TMPDIR/in" && cat a.txt && wc -c < zeros'}
  more: {needs: user, retries: 3, retry_if: error.kind != "remote", run: 'printf "\"%0400001d\"" 1 > "$WEFT_OUTPUT"'}
verdict: tasks.user.state == "success"
`), "--run-id", "one"}
			gc := []string{"--older-than", "0s", "--keep", "0", "--yes"}
			switch in {
			case "in the sandbox":
				args, gc = append(args, "--sandbox"), append(gc, "--sandbox")
			case "dynalite":
				byEndpoint(t, awsserver.Dynalite(t), handoffTable)
			case "moto":
				byEndpoint(t, awsserver.Moto(t), handoffTable)
			}
			sum, res := w.runJSON(args...)
			if got := sum.states("large", "file", "reader", "user", "more"); got != "large=success file=success reader=success user=success more=failed" {
				t.Fatalf("%s\n%s%s", got, res.out, res.stderr)
			}
			if got := string(sum.Tasks["reader"].Output); got != `"dynamodb://weft-handoff/table/one/large/-/1/output.json"` {
				t.Errorf("its reference is %s", got)
			}
			if got := string(sum.Tasks["user"].Output); got != `"300000"` {
				t.Errorf("the artifact is %s bytes", got)
			}
			const says = "cannot put table/one/more/-/1/output.json into dynamodb://weft-handoff: it is too large for its handoff: it has 400003 bytes, and an item of DynamoDB takes 400000 (let `handoff` be s3://bucket/prefix or file:///folder)"
			if more := sum.Tasks["more"]; !strings.Contains(more.Reason, says) || more.Attempts != 1 {
				t.Errorf("after %d attempts: %s", more.Attempts, more.Reason)
			}
			planned, done, res := w.gc(gc...)
			if planned.Values.Count != 4 || done.Values.Count != 4 || done.Values.Bytes < 360_000 {
				t.Errorf("planned %+v, done %+v\n%s%s", planned, done, res.out, res.stderr)
			}
		})
	}
}

// TestPatternsSixAndSevenByAnEndpointAlone: small data that spills into a table, large data by S3, on moto.
func TestPatternsSixAndSevenByAnEndpointAlone(t *testing.T) {
	url := awsserver.Moto(t)
	byEndpoint(t, url, handoffTable)
	w := newWorld(t)
	six, _ := filepath.Abs("../dags/p6_small_data.yaml")
	t.Setenv("WEFT_HANDOFF", "dynamodb://weft-handoff")
	for _, repeat := range []string{"1", "2000"} {
		sum, res := w.runJSON(six, "-p", "repeat="+repeat)
		var got struct{ Size int }
		if err := json.Unmarshal(sum.Tasks["task3"].Output, &got); err != nil || fmt.Sprint(got.Size/36) != repeat {
			t.Errorf("repeat=%s: %v, %s\n%s", repeat, got, sum.Tasks["task3"].Output, res.stderr)
		}
	}
	t.Setenv("WEFT_HANDOFF", "")
	made := w.write("bucket.yaml", "id: bucket\ntasks: {make: {uses: http, with: {method: PUT, url: \""+url+"/acme-data\"}}}\n")
	if res := w.run("run", made); res.code != 0 {
		t.Fatal(res.out, res.stderr)
	}
	seven, _ := filepath.Abs("../dags/p7_large_data.yaml")
	sum, res := w.runJSON(seven, "-p", "bucket=acme-data", "-p", "name=moto", "-p", "folder="+w.dir, "-p", "size=3000000")
	if got := sum.states("data", "task1", "task2", "task3", "compare"); got != "data=success task1=success task2=success task3=success compare=success" {
		t.Errorf("%s\n%s%s", got, res.out, res.stderr)
	}
}

// TestWeftYamlHasTheSandboxsFunctionsAndFaults: a function by its program, a table that is busy twice.
func TestWeftYamlHasTheSandboxsFunctionsAndFaults(t *testing.T) {
	w := newWorld(t)
	w.write("weft.yaml", `
sandbox:
  lambda: {shout: [sh, -c, 'echo said by shout >&2; tr a-z A-Z']}
  faults:
    - {service: dynamodb, operation: PutItem, times: 2}
    - {service: lambda, times: 1, lost: true}
`)
	file := w.write("doubles.yaml", `
id: doubles
tasks:
  put: {uses: dynamodb.put, with: {table: people, key: {id: ada}, item: {born: 1815}, condition: absent}}
  lost: {uses: lambda.invoke, with: {function: shout, payload: x}}
  shout: {needs: lost, trigger: all_done, uses: lambda.invoke, with: {function: shout, payload: "${{ run.id }}"}}
  none: {uses: lambda.invoke, needs: lost, trigger: all_done, with: {function: nobody}}
`)
	sum, res := w.runJSON(file, "--sandbox", "--run-id", "one")
	if got := sum.states("put", "lost", "shout", "none"); got != "put=success lost=failed shout=success none=failed" {
		t.Fatalf("%s\n%s%s", got, res.out, res.stderr)
	}
	for task, says := range map[string]string{
		"lost": "cannot tell whether weft could call shout: the connection to 127.0.0.1:",
		"none": "cannot call nobody: there is no such function (check its name, AWS_REGION and the account)",
	} {
		if got := sum.Tasks[task].Reason; !strings.Contains(got, says) {
			t.Errorf("%s: %s", task, got)
		}
	}
	if got := string(sum.Tasks["shout"].Output); got != `"ONE"` {
		t.Error(got)
	}
	if log := w.run("logs", "one", "shout").out; !strings.Contains(log, "said by shout\n") {
		t.Error(log)
	}
}

// TestWhatTheAWSPluginsSayOfSecrets: nothing. A function that tells one in its log or its error is masked;
// what holds one is no output.
func TestWhatTheAWSPluginsSayOfSecrets(t *testing.T) {
	const canary = "c4nary and more 0123456789"
	t.Setenv("WEFT_SECRET_TOKEN", canary)
	w := newWorld(t)
	w.write("weft.yaml", `
sandbox:
  lambda:
    tells: [sh, -c, 'read -r line; echo "log: $line" >&2; echo "log: $line" | base64 >&2; echo "$line" >&2; exit 1']
    gives: [cat]
    keeps: [sh, -c, 'cat > /dev/null; echo 7']
`)
	file := w.write("secret.yaml", `
id: secret
tasks:
  tells: {uses: lambda.invoke, with: {function: tells, payload: {token: "${{ secrets.TOKEN }}"}}}
  gives: {uses: lambda.invoke, with: {function: gives, payload: {token: "${{ secrets.TOKEN }}"}}}
  keeps: {uses: lambda.invoke, with: {function: keeps, payload: {token: "${{ secrets.TOKEN }}"}}}
  put: {uses: dynamodb.put, with: {table: people, key: {id: "${{ secrets.TOKEN }}"}, item: {}, condition: present}}
verdict: tasks.keeps.state == "success"
`)
	sum, res := w.runJSON(file, "--sandbox", "--run-id", "one")
	if got := sum.states("tells", "gives", "keeps", "put"); got != "tells=failed gives=failed keeps=success put=failed" {
		t.Fatalf("%s\n%s%s", got, res.out, res.stderr)
	}
	if log := w.run("logs", "one", "tells").out; !strings.Contains(log, "log: ") || !strings.Contains(log, "***") {
		t.Errorf("the log is %s", log)
	}
	forms := []string{canary, "YzRuYXJ5I", "M0bmFyeS", "jNG5hcnkg", "c4nary"}
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "/sandbox/") { // what tasks wrote into AWS is theirs
			return err
		}
		text := mustRead(t, path)
		for _, form := range forms {
			if strings.Contains(text, form) {
				t.Errorf("%s holds %q", path, form)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		if strings.Contains(res.out+res.stderr, form) {
			t.Errorf("weft said %q", form)
		}
	}
}

// TestWhoWeftIsForAWS: weft.yaml where the environment is silent, the DAG over it, and a program is told both.
func TestWhoWeftIsForAWS(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	w := newWorld(t)
	w.write("weft.yaml", "aws: {profile: weft, region: eu-west-1}\n")
	file := w.write("who.yaml", `
id: who
tasks:
  plain: {run: 'echo "$AWS_PROFILE $AWS_REGION $AWS_DEFAULT_REGION"'}
  own: {aws: {profile: data, region: us-east-1}, run: 'echo "$AWS_PROFILE $AWS_REGION $AWS_DEFAULT_REGION"'}
  absent: {aws: {profile: "no-such-${{ run.id }}"}, uses: s3.head, with: {uri: "s3://acme/x"}}
verdict: tasks.own.state == "success"
`)
	sum, res := w.runJSON(file, "--run-id", "one")
	if a, b := string(sum.Tasks["plain"].Output), string(sum.Tasks["own"].Output); a != `"weft eu-west-1 eu-west-1"` || b != `"data us-east-1 us-east-1"` {
		t.Errorf("%s, %s\n%s", a, b, res.stderr)
	}
	if got := sum.Tasks["absent"].Reason; !strings.Contains(got, `there is no AWS profile "no-such-one" (write it into ~/.aws/config, or set AWS_PROFILE to one that is there)`) {
		t.Error(got)
	}
	t.Setenv("AWS_PROFILE", "shell")
	if sum, _ := w.runJSON(file, "--run-id", "two"); string(sum.Tasks["plain"].Output) != `"shell eu-west-1 eu-west-1"` {
		t.Errorf("with a profile of the shell's: %s", sum.Tasks["plain"].Output)
	}
}
