package tests

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"weft/tests/temporalserver"
)

const onTemporalDAG = `
id: orders
params: {code: {type: integer, default: 0}}
tasks:
  extract: {run: 'echo extracting; echo "{\"rows\": 3}" > "$WEFT_OUTPUT"'}
  load: {needs: extract, run: 'echo loading ${{ tasks.extract.output.rows }}; exit ${{ params.code }}'}
  tell: {needs: load, run: 'echo told'}
`

// TestCommandsOnTemporal: what looks at runs, begins them and orders things of them does so on a Temporal server, too.
func TestCommandsOnTemporal(t *testing.T) {
	t.Parallel()
	st := newStaff(t, temporalserver.Start(t))
	st.write("dags/orders.yaml", onTemporalDAG)
	st.hire(nil)
	ok := func(code int, args ...string) string {
		t.Helper()
		res := st.run(args...)
		if res.code != code {
			t.Fatalf("weft %s: %d\n%s%s", strings.Join(args, " "), res.code, res.out, res.stderr)
		}
		return res.out
	}
	has := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%q is not in\n%s", w, text)
			}
		}
	}
	has(ok(0, "run", "orders", "--run-id", "first"), "extract", "tell", "success  orders  first")
	if res := st.run("run", "orders", "--run-id", "first"); res.code != 0 || !strings.Contains(res.stderr, "is over, and is not run again") {
		t.Errorf("again: %d %s", res.code, res.stderr)
	}
	has(ok(0, "logs", "first"), "extracting", "loading 3", "told")
	has(ok(0, "runs", "show", "first", "extract"), `"rows": 3`)

	has(ok(1, "run", "orders", "--run-id", "second", "-p", "code:=7"), "load", "exited with status 7")
	has(ok(0, "runs"), "first", "second", "failed")
	has(ok(0, "explain", "second", "tell"), "tell is upstream_failed", "load is failed")
	has(ok(1, "mark", "second", "load", "success"), "marked success")
	has(ok(0, "retry", "second", "--yes"), "to run again", "success  orders  second")
	ok(0, "clear", "first", "--task", "load", "--yes")
	eventually(t, "the list says so", func() bool { return strings.Count(ok(0, "logs", "first", "load"), "loading 3") == 2 })

	st.write("dags/waits.yaml", "id: waits\ntasks:\n  a: {run: 'sleep 60'}\n  b: {queue: gpu, run: 'true'}\n")
	ok(0, "run", "waits", "--run-id", "third", "--detach")
	eventually(t, "it says whom it waits for", func() bool {
		return strings.Contains(st.run("runs", "show", "third").out, "waits for a worker of queue gpu: none is there")
	})
	has(ok(0, "explain", "third", "b"), "b is queued", "a worker of queue gpu: none is there")
	has(ok(0, "cancel", "third"), "third is cancelled")
	if res := st.run("runs", "resume", "third"); res.code != 3 || !strings.Contains(res.stderr, "goes on by itself") {
		t.Errorf("resume: %d %s", res.code, res.stderr)
	}
	if res := st.run("dags", "pause", "orders"); res.code != 3 || !strings.Contains(res.stderr, "weft serve --engine temporal") {
		t.Errorf("pause without a server: %d %s", res.code, res.stderr)
	}
	if entries, err := os.ReadDir(filepath.Join(st.dir, "state")); err != nil || slicesHas(entries, "weft.db") {
		t.Errorf("a journal was made: %v %v", entries, err)
	}
}

func slicesHas(entries []os.DirEntry, name string) bool {
	for _, e := range entries {
		if e.Name() == name {
			return true
		}
	}
	return false
}

// TestServersOnTemporal: one server leads and begins what is due; when it is killed the one that stood by leads.
func TestServersOnTemporal(t *testing.T) {
	t.Parallel()
	st := newStaff(t, temporalserver.Start(t))
	st.write("dags/often.yaml", "id: often\nschedule: {every: 1s}\ntasks:\n  a: {run: 'echo $PPID >> \"$LEDGER\"'}\n")
	st.write("dags/orders.yaml", onTemporalDAG)
	st.hire(nil)
	place := "WEFT_HANDOFF=file://" + filepath.Join(st.dir, "state", "handoff")
	serve := func(home string) *serving {
		s := &serving{world: st.world, verb: "serve", env: []string{place, "WEFT_HOME=" + filepath.Join(st.dir, home)}}
		t.Cleanup(s.kill)
		s.launch()
		return s
	}
	one := serve("state")
	one.waitFor("it leads", 30*time.Second, func() bool { return strings.Contains(one.said.String(), "msg=ready") })
	two := serve("other")
	two.waitFor("it stands by", 30*time.Second, func() bool { return strings.Contains(two.said.String(), "stands by") })
	eventually(t, "runs are begun", func() bool { return len(st.effects()) >= 2 })

	if res := st.run("dags", "trigger", "orders", "--run-id", "asked"); res.code != 0 {
		t.Errorf("trigger: %s", res.stderr)
	}
	eventually(t, "it is over", func() bool { return strings.Contains(st.run("runs", "show", "asked").out, "orders: success") })
	if res := st.run("dags", "pause", "often"); res.code != 0 {
		t.Errorf("pause: %s", res.stderr)
	}
	var page struct{ DAGs []struct{ ID, Paused any } }
	if err := json.Unmarshal([]byte(st.run("dags", "--json").out), &page); err != nil || len(page.DAGs) != 2 {
		t.Errorf("%+v %v", page, err)
	}
	if res := st.run("dags", "unpause", "often"); res.code != 0 {
		t.Errorf("unpause: %s", res.stderr)
	}

	one.kill()
	two.waitFor("it leads", 40*time.Second, func() bool { return strings.Contains(two.said.String(), "msg=ready") })
	n := len(st.effects())
	eventually(t, "runs are begun again", func() bool { return len(st.effects()) > n+1 })
	if took := two.stop(); took > 20*time.Second {
		t.Errorf("it takes %s to stop", took)
	}
}

// TestBadTemporal: what is wrong with the server, or with what is said of it, is told by whoever needs it, at once.
func TestBadTemporal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("dags/orders.yaml", onTemporalDAG)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	there := temporalserver.Start(t).Address
	for _, c := range []struct {
		what string
		args []string
		code int
		says string
	}{
		{"nobody listens", []string{"run", "orders", "--engine", "temporal", "--temporal-address", closed}, 3, "cannot use Temporal at " + closed + ": connection refused (is it running"},
		{"nobody listens, and somebody looks", []string{"runs", "--engine", "temporal", "--temporal-address", closed}, 3, "connection refused"},
		{"no namespace", []string{"run", "orders", "--engine", "temporal", "--temporal-address", there, "--namespace", "nope"}, 3, `there is no namespace "nope" (temporal operator namespace create --namespace nope`},
		{"no namespace for a worker", []string{"worker", "--temporal-address", there, "--namespace", "nope"}, 3, `there is no namespace "nope"`},
		{"no namespace for a server", []string{"serve", "--engine", "temporal", "--temporal-address", there, "--namespace", "nope"}, 3, `there is no namespace "nope"`},
		{"the sandbox", []string{"run", "orders", "--sandbox", "--engine", "temporal", "--temporal-address", there}, 3, "cannot use --sandbox with the engine temporal"},
		{"an engine that is none", []string{"run", "orders", "--engine", "temporall"}, 3, `"temporall" is neither local nor temporal`},
		{"a server without its engine", []string{"run", "orders", "--temporal-address", there}, 2, "add --engine temporal"},
		{"nobody hosts runs", []string{"runs", "show", "latest", "--engine", "temporal", "--temporal-address", there}, 3, `cannot find run "latest"`},
	} {
		t.Run(c.what, func(t *testing.T) {
			began := time.Now()
			res := w.run(c.args...)
			if res.code != c.code || !strings.Contains(res.stderr, c.says) || time.Since(began) > 15*time.Second {
				t.Errorf("after %s: %d\n%s%s", time.Since(began), res.code, res.out, res.stderr)
			}
		})
	}
}

// TestTemporalComesLater: servers and workers wait for a Temporal server that is not there yet, say so once, and end
// when they are told to.
func TestTemporalComesLater(t *testing.T) {
	t.Parallel()
	server := temporalserver.Start(t)
	st := newStaff(t, server)
	st.write("dags/orders.yaml", onTemporalDAG)
	server.Stop()
	for _, args := range [][]string{{"worker"}, {"serve"}} {
		s := &serving{world: st.world}
		b := s.began(args...)
		b.says("waits for Temporal")
		time.Sleep(2 * time.Second) // in which it tries again, and says nothing
		if n := strings.Count(b.said.String(), "waits for Temporal"); n != 1 {
			t.Errorf("weft %s says it %d times", args[0], n)
		}
		if args[0] == "serve" {
			_ = b.signal(syscall.SIGTERM)
			if code := b.ends(); code != 0 {
				t.Errorf("weft serve ends with %d\n%s", code, b.said)
			}
			continue
		}
		server.Restart()
		b.says("Temporal is there")
		b.says("weft works")
		server.Stop()
		_ = b.signal(syscall.SIGTERM)
		b.ends()
	}
}
