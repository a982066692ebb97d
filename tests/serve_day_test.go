package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/tests/s3server"
)

// TestADayInTheLife: edit, weft sync, the server picks it up, a tick runs, a task fails, the callback arrives, the fix,
// clear, green. The bucket is a real S3 server's.
func TestADayInTheLife(t *testing.T) {
	withS3At(t, s3server.Start(t, "acme"))
	s := serveIn(t, "WEFT_DAGS=s3://acme/prod/dags", "WEFT_POLL=200ms")
	t.Setenv("WEFT_DAGS", "s3://acme/prod/dags") // of the commands, too
	edit := func(check string) {
		s.dag("orders/orders.yaml", `
id: orders
schedule: "@once"
tasks:
  extract: {run: 'echo extract >>"$LEDGER"; echo 7'}
  check: {needs: extract, run: ./check.sh}
  publish: {needs: check, run: 'echo publish >>"$LEDGER"'}
on_failure:
  page: {run: 'echo "paged about ${{ join(run.failed, " ") }}" >>"$LEDGER"'}
`)
		path := s.write("dags/orders/check.sh", "#!/bin/sh\n"+check+"\n")
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sync := func() {
		t.Helper()
		if res := s.run("sync", filepath.Join(s.dir, "dags"), "s3://acme/prod/dags", "--yes"); res.code != 0 {
			t.Fatalf("weft sync: %d\n%s%s", res.code, res.out, res.stderr)
		}
	}
	state := func() string {
		if all := s.runs(); len(all) == 1 {
			return all[0].State
		}
		return ""
	}

	s.write("dags/hello.yaml", "tasks: {hello: {run: echo hello}}\n")
	sync()
	s.start() // it serves the bucket, in which orders is not yet

	edit("exit 1")
	sync()
	s.waitFor("the server picks it up and its tick runs", 10*time.Second, func() bool { return state() == "failed" })
	if got, want := strings.Join(s.effects(), "; "), "extract; paged about check"; got != want {
		t.Fatalf("it did %q, not %q", got, want)
	}
	run := s.runs()[0]
	if res := s.run("explain", run.Run, "publish"); res.code != 0 || !strings.Contains(res.out, "check") {
		t.Errorf("explain: %d\n%s%s", res.code, res.out, res.stderr)
	}

	edit("exit 0")
	sync()
	res := s.run("clear", run.Run, "--failed", "--yes")
	if res.code != 0 {
		t.Fatalf("weft clear: %d\n%s%s", res.code, res.out, res.stderr)
	}
	s.waitFor("it is green", 10*time.Second, func() bool { return state() == "success" })
	if got, want := strings.Join(s.effects(), "; "), "extract; paged about check; publish"; got != want {
		t.Errorf("in the end it did %q, not %q", got, want)
	}
	s.stop()
}
