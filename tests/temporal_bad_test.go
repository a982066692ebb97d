package tests

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/tests/s3server"
)

// TestWhatAWorkerCannotDoWaitsAndSaysWhy: what is missing, or of a newer weft, fails no run: the task waits, the reason stands
// where the user looks, and it goes on as soon as it can.
func TestWhatAWorkerCannotDoWaitsAndSaysWhy(t *testing.T) {
	t.Parallel()
	store := s3server.Start(t, bucket)
	c := newCluster(t)
	w := newWorld(t)
	c.joins(w)
	w.env = append(w.env, store.Env()...)
	w.write("dags/etl.yaml", "id: etl\ntasks: {load: {run: './load.sh'}}\n")
	script := w.write("dags/load.sh", "#!/bin/sh\necho loaded >> \"$LEDGER\"\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	published := "s3://" + bucket + "/dags"
	w.must(0, "", "sync", "dags", published)
	w.must(0, "", "run", "etl", "--dags", published, "--run-id", "gone", "-d")
	w.must(0, "", "run", w.write("own/one.yaml", "id: one\ntasks: {load: {run: 'echo loaded >> \"$LEDGER\"'}}\n"), "--run-id", "newer", "-d")
	handoff := filepath.Join(c.dir, "handoff")
	// The bundle is nowhere: neither where the run began, nor in the handoff; and the bucket has another set.
	away := map[string]string{filepath.Join(w.dir, "state", "bundles"): "", filepath.Join(handoff, "bundles"): ""}
	for from := range away {
		if err := os.Rename(from, from+".away"); err != nil {
			t.Fatal(err)
		}
	}
	w.write("dags/etl.yaml", "id: etl\ntasks: {load: {run: './load.sh'}, more: {run: 'true'}}\n")
	w.must(0, "", "sync", "dags", published)
	// The plan is of a weft that knows more.
	plans, err := filepath.Glob(filepath.Join(handoff, "plans", "*"))
	if err != nil || len(plans) != 2 {
		t.Fatalf("%q %v", plans, err)
	}
	var plan, body string
	for _, at := range plans {
		if text := mustRead(t, at); strings.Contains(text, `"one"`) {
			plan, body = at, text
		}
	}
	if err := os.WriteFile(plan, []byte(`{"format":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	// And so is a whole run.
	newer := base64.StdEncoding.EncodeToString([]byte(`{"format":99}`))
	c.server.CLI("workflow", "start", "--namespace", c.namespace, "--task-queue", "weft", "--type", "weft.run", "--workflow-id", "weft/run/future",
		"--input", `{"plans":[{"hash":"x","plan":"`+newer+`"}],"source":{"dir":"/"},"started":{"rules":1,"dag":"one","run":"future","run_type":"manual","plan":"x"}}`)

	worker := c.worker("one", append([]string{"LEDGER=" + w.ledger}, store.Env()...))
	says := func(run string, want ...string) {
		t.Helper()
		var res result
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			res = w.run("runs", "show", run)
			if !slices.ContainsFunc(want, func(text string) bool { return !strings.Contains(res.out+res.stderr, text) }) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not told of, with %q:\n%s%s", run, want, res.out, res.stderr)
			}
		}
	}
	says("gone", "queued", "cannot find the files of the DAG, set ", "has another set by now")
	says("newer", "queued", "cannot read plan: format 99, this weft knows up to 1")
	says("future", "the workers that host runs cannot follow it (their logs say why; a run of a newer weft waits for")
	if said := worker.said.String(); !strings.Contains(said, "format 99") || strings.Contains(said, "coroutine") {
		t.Errorf("the worker does not say in words why it cannot follow a run:\n%s", said)
	}
	for from := range away {
		_ = os.RemoveAll(from)
		if err := os.Rename(from+".away", from); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(plan, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"gone", "newer"} {
		c.ends(w, run)
		if sum, _ := c.shown(w, run); sum.State != "success" {
			t.Errorf("%s is %s: %s", run, sum.State, sum.Reason)
		}
	}
}

// TestTemporalGoesInTheMiddle: the server is gone in the middle of a run. Who looks is told at once, who follows the run is told
// once, and it goes on by itself. (TestGatesBeforeTemporal has certificates that expire.)
func TestTemporalGoesInTheMiddle(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	w := newWorld(t)
	c.joins(w)
	worker := c.worker("one", []string{"LEDGER=" + w.ledger})
	file := w.write("slow.yaml", "id: slow\ntasks:\n  a: {run: 'echo a >> \"$LEDGER\"; sleep 5'}\n  b: {needs: a, run: 'echo b >> \"$LEDGER\"'}\n")
	run, said := w.command("run", file, "--run-id", "r"), &record{}
	run.Stdout, run.Stderr = said, said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill() }) // it has ended, unless the test failed
	worker.waitFor("it begins", time.Minute, func() bool { return len(w.effects()) == 1 })
	c.server.Stop()
	w.must(3, "connection refused (is it running", "runs", "show", "r")
	w.must(3, "connection refused (is it running", "cancel", "r")
	worker.waitFor("who follows it is told", time.Minute, func() bool { return strings.Contains(said.String(), "waits: ") })
	worker.waitFor("the worker tells", time.Minute, func() bool { return strings.Contains(worker.said.String(), "Temporal does not answer") })
	c.server.Start()
	if err := run.Wait(); err != nil {
		t.Errorf("weft run: %v", err)
	}
	text := said.String()
	if strings.Count(text, "waits: ") != 1 || strings.Count(text, "is seen again") != 1 || !strings.Contains(text, "success  slow  r") {
		t.Errorf("who follows a run is not told once that it cannot be seen:\n%s", text)
	}
	worker.stop()
}
