package tests

import (
	"strings"
	"testing"
)

// puts is a DAG that needs S3, and fails the first time.
const puts = `
id: puts
tasks:
  put: {uses: s3.put, with: {uri: "s3://acme-data/x", body: x}}
  flaky: {needs: put, run: 'test "$WEFT_ATTEMPT" = 2'}
  get: {needs: flaky, uses: s3.get, with: {uri: "s3://acme-data/x"}}
`

// TestARunStaysWhereItBegan: in the sandbox or outside it, whatever is said later.
func TestARunStaysWhereItBegan(t *testing.T) {
	w := newWorld(t)
	file := w.write("puts.yaml", puts)
	if sum, res := w.runJSON(file, "--sandbox", "--run-id", "in"); sum.states("put", "flaky") != "put=success flaky=failed" {
		t.Fatalf("the run is %s\n%s", sum.State, res.stderr)
	}
	plain := w.write("plain.yaml", "id: plain\ntasks: {flaky: {run: 'test \"$WEFT_ATTEMPT\" = 2'}}\n")
	if sum, res := w.runJSON(plain, "--run-id", "out"); sum.State != "failed" {
		t.Fatalf("the run is %s\n%s", sum.State, res.stderr)
	}
	for _, o := range []struct {
		args string
		code int
		says string
	}{
		{"retry in", 0, "in began with --sandbox and goes on in it\nsandbox: AWS is the folder state/sandbox, kept for the next run"},
		{"clear in --task get", 0, "in began with --sandbox"},
		{"clear in --task get --sandbox", 0, "sandbox: AWS is"},
		{"mark in get failed", 1, "in began with --sandbox"},
		{"retry out --sandbox", 3, "cannot go on with run out in the sandbox: it began outside\nhint: leave out --sandbox"},
		{"run plain.yaml --run-id out --sandbox", 3, "cannot go on with run out here: it began without --sandbox"},
		{"run puts.yaml --run-id in", 3, "cannot go on with run in here: it began with --sandbox"},
		{"retry out", 0, ""},
	} {
		res := w.run(strings.Fields(o.args)...)
		if res.code != o.code || !strings.Contains(res.stderr, o.says) {
			t.Errorf("weft %s: exit %d, want %d\n%s%s", o.args, res.code, o.code, res.out, res.stderr)
		}
	}
}

// TestCutOffRunsOfBothKinds: resume goes on with one kind, and names the other.
func TestCutOffRunsOfBothKinds(t *testing.T) {
	w := newWorld(t)
	file := w.write("slow.yaml", "id: slow\ntasks: {a: {run: 'test -e go || exec sleep 600'}}\n")
	for _, id := range []string{"in", "out"} {
		args := []string{"run", file, "--run-id", id, "--json"}
		if id == "in" {
			args = append(args, "--sandbox")
		}
		c := w.start(args...)
		eventually(t, id+" runs", func() bool { return strings.Contains(mustRead(t, c.out), `"state":"running"`) })
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	w.write("go", "")
	res := w.run("runs", "resume")
	if res.code != 0 || !strings.Contains(res.stderr, "in is left alone: it began in the sandbox; weft runs resume --sandbox goes on with it\n") || !strings.Contains(res.out, "success  slow  out") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	res = w.run("runs", "resume")
	if res.code != 0 || !strings.Contains(res.stderr, "goes on in it") || !strings.Contains(res.out, "success  slow  in") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}

// TestASandboxIsOneWeftsAtATime: the second is told what to do.
func TestASandboxIsOneWeftsAtATime(t *testing.T) {
	w := newWorld(t)
	first := w.start("run", w.write("slow.yaml", "id: slow\ntasks: {a: {run: sleep 600}}\n"), "--sandbox", "--json")
	eventually(t, "the first runs", func() bool { return strings.Contains(mustRead(t, first.out), `"state":"running"`) })
	res := w.run("run", w.write("puts.yaml", puts), "--sandbox")
	_ = first.Process.Kill()
	_ = first.Wait()
	if res.code != 3 || !strings.Contains(res.stderr, "is in use by another sandbox\nhint: wait for the end of the weft that runs with --sandbox here") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	w.run("cancel", "latest") // ends what the first has left running
}
