package tests

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const waitsForFlag = "id: waits\ntasks:\n  first: {run: 'echo first'}\n  gate: {needs: first, run: 'until test -e \"$FLAG\"; do sleep 0.02; done; echo $WHO'}\n"

// served makes a world with a server that is ready. Its tasks see a flag, and who drives them.
func served(t *testing.T) *serving {
	t.Helper()
	w := serveIn(t, "WHO=server")
	w.env = append(w.env, "FLAG="+filepath.Join(w.dir, "flag"))
	w.dag("waits.yaml", waitsForFlag)
	w.dag("quick.yaml", "id: quick\nparams: {n: {type: integer, default: 0}}\ntasks:\n  a: {run: 'echo $WHO'}\n  b: {needs: a, run: 'exit ${{ params.n }}'}\n")
	w.start()
	return w
}

// began starts a command whose output is read while it goes on.
func (s *serving) began(args ...string) *begun {
	s.t.Helper()
	b := &begun{t: s.t, said: &record{}, over: make(chan struct{})}
	cmd := s.command(args...)
	cmd.Env = append(cmd.Env, "WHO=client", "FLAG="+filepath.Join(s.dir, "flag"))
	cmd.Stdout, cmd.Stderr = b.said, b.said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	b.signal = cmd.Process.Signal
	go func() {
		_ = cmd.Wait()
		b.code = cmd.ProcessState.ExitCode()
		close(b.over)
	}()
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-b.over
	})
	return b
}

type begun struct {
	t      *testing.T
	said   *record
	signal func(os.Signal) error
	over   chan struct{}
	code   int
}

func (b *begun) says(what string) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(b.said.String(), what); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("it does not say %q:\n%s", what, b.said)
		}
	}
}

func (b *begun) ends() int {
	b.t.Helper()
	select {
	case <-b.over:
	case <-time.After(30 * time.Second):
		b.t.Fatalf("it does not end:\n%s", b.said)
	}
	return b.code
}

// One server drives what `weft run` begins, and the command shows it as it would its own.
func TestARunIsHandedToTheServer(t *testing.T) {
	s := served(t)
	sum, res := s.runJSON("quick")
	if res.code != 0 || sum.states("a", "b") != "a=success b=success" || string(sum.Tasks["a"].Output) != `"server"` {
		t.Errorf("exit %d, %s, a gave %s", res.code, sum.states("a", "b"), sum.Tasks["a"].Output)
	}
	if ups := updates(t, res.out); ups[0].Type != "run_started" || ups[len(ups)-1].Type != "run_finished" {
		t.Errorf("it shows\n%s", res.out)
	}
	if res := s.run("run", "quick", "-p", "n=3"); res.code != 1 || !strings.Contains(res.out, "exited with status 3") || !strings.Contains(res.out, "weft retry") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if res := s.run("run", "quick", "--run-id", "x"); res.code != 0 {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
	res = s.run("run", "quick", "--run-id", "x")
	if res.code != 0 || !strings.Contains(res.stderr, "run x is over, and is not run again; weft clear x does that") || !strings.Contains(res.out, "success") {
		t.Errorf("again: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if res := s.run("run", "waits", "--run-id", "x"); res.code != 3 || !strings.Contains(res.stderr, "a run of quick has that id") {
		t.Errorf("another's id: exit %d\n%s", res.code, res.stderr)
	}
}

// A run that is left to the server goes on without anybody; who wants may join.
func TestARunIsLeftToTheServer(t *testing.T) {
	s := served(t)
	res := s.run("run", "waits", "-d", "--run-id", "r")
	if res.code != 0 || res.out != "r\n" {
		t.Fatalf("exit %d, %q\n%s", res.code, res.out, res.stderr)
	}
	joined, follows := s.began("run", "waits", "--run-id", "r"), s.began("logs", "r", "-f")
	joined.says("first")
	follows.says("first")
	s.write("flag", "")
	if code := joined.ends(); code != 0 || !strings.Contains(joined.said.String(), "run    success") {
		t.Errorf("who joined: exit %d\n%s", code, joined.said)
	}
	if code := follows.ends(); code != 0 || !strings.Contains(follows.said.String(), "server") {
		t.Errorf("who follows the logs: exit %d\n%s", code, follows.said)
	}
	if res := s.run("explain", "r", "gate"); res.code != 0 || !strings.Contains(res.out, "gate is success") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	s.stop()
	if res := s.run("run", "quick", "--detach"); res.code != 3 || !strings.Contains(res.stderr, "weft serve is one") {
		t.Errorf("without a server: exit %d\n%s", res.code, res.stderr)
	}
	if res := s.run("run", "quick", "--run-id", "own"); res.code != 0 {
		t.Errorf("without a server: exit %d\n%s", res.code, res.stderr)
	}
}

// Ctrl-C has the server cancel the run; pressed twice, the command leaves at once.
func TestCtrlCOfARunOfTheServer(t *testing.T) {
	s := served(t)
	c := s.began("run", "waits", "--run-id", "once")
	c.says("gate   running")
	_ = c.signal(syscall.SIGINT)
	if code := c.ends(); code != 130 || !strings.Contains(c.said.String(), "run    cancelled") {
		t.Errorf("exit %d\n%s", code, c.said)
	}
	s.dag("deaf.yaml", "id: deaf\ntasks:\n  t: {run: 'trap \"\" INT TERM; echo on; until test -e \"$FLAG\"; do sleep 0.02; done'}\n")
	c = s.began("run", filepath.Join(s.dir, "dags", "deaf.yaml"), "--run-id", "twice")
	c.says("t    running")
	eventually(t, "it says on", func() bool { return strings.Contains(s.run("logs", "twice").out, "on") })
	_ = c.signal(syscall.SIGINT)
	c.says("Ctrl-C again leaves")
	_ = c.signal(syscall.SIGINT)
	if code := c.ends(); code != 130 || !strings.Contains(c.said.String(), "left; the server ends what is cancelled") {
		t.Errorf("exit %d\n%s", code, c.said)
	}
	s.write("flag", "")
	eventually(t, "the server ends it", func() bool { return strings.Contains(s.run("runs", "show", "twice").out, "cancelled") })
}

// A command that is killed takes nothing with it.
func TestACommandIsKilledWhileTheServerDrives(t *testing.T) {
	s := served(t)
	c := s.began("run", "waits", "--run-id", "r")
	c.says("gate   running")
	_ = c.signal(syscall.SIGKILL)
	c.ends()
	s.write("flag", "")
	eventually(t, "it is over", func() bool { return strings.Contains(s.run("runs", "show", "r").out, "r of waits: success") })
}

// A server that is killed: the command says so, and the next server goes on with the run.
func TestTheServerIsKilledWhileACommandWatches(t *testing.T) {
	s := served(t)
	c := s.began("run", "waits", "--run-id", "r")
	c.says("gate   running")
	s.kill()
	if code := c.ends(); code != 3 || !strings.Contains(c.said.String(), "the server has gone, and the run is not over") || !strings.Contains(c.said.String(), "it goes on when a server is back") {
		t.Errorf("exit %d\n%s", code, c.said)
	}
	began := time.Now()
	if res := s.run("runs"); res.code != 0 || !strings.Contains(res.out, "cut off") {
		t.Errorf("exit %d\n%s", res.code, res.out)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("the socket that was left behind costs %v", d)
	}
	s.start()
	joined := s.began("run", "waits", "--run-id", "r")
	joined.says("gate   running")
	s.write("flag", "")
	if code := joined.ends(); code != 0 {
		t.Errorf("exit %d\n%s", code, joined.said)
	}
}

// A server that is stopped in order says so to who watches.
func TestTheServerIsStoppedWhileACommandWatches(t *testing.T) {
	s := serveIn(t, "WEFT_DRAIN=100ms")
	s.dag("waits.yaml", waitsForFlag)
	s.env = append(s.env, "FLAG="+filepath.Join(s.dir, "flag"))
	s.start()
	c := s.began("run", "waits", "--run-id", "r")
	c.says("gate   running")
	s.stop()
	if code := c.ends(); code != 3 || !strings.Contains(c.said.String(), "it goes on when a server is back") {
		t.Errorf("exit %d\n%s", code, c.said)
	}
	if _, err := os.Lstat(filepath.Join(s.dir, "state", "weft.sock")); err == nil {
		t.Error("its socket is still there")
	}
}

// Orders by hand go to the server, and it drives what follows.
func TestOrdersGoToTheServer(t *testing.T) {
	s := served(t)
	s.run("run", "quick", "--run-id", "r", "-p", "n=1")
	if res := s.run("mark", "r", "b", "success"); res.code != 0 || !strings.Contains(res.out, "run  success") {
		t.Errorf("mark: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	res := s.run("clear", "r", "--task", "a", "--yes", "--json", "--same-version")
	sum := s.last(res.out)
	if res.code != 1 || sum.states("a", "b") != "a=success b=failed" || !strings.Contains(res.out, "a.2.log") || string(sum.Tasks["a"].Output) != `"server"` {
		t.Errorf("clear: exit %d, %s\n%s", res.code, sum.states("a", "b"), res.out)
	}
	if res := s.run("retry", "r", "--yes"); res.code != 1 || !strings.Contains(res.out, "b    running") {
		t.Errorf("retry: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	s.run("run", "waits", "--run-id", "w", "-d")
	eventually(t, "it waits", func() bool { return strings.Contains(s.run("runs", "show", "w").out, "gate   running") })
	if res := s.run("cancel", "w"); res.code != 0 || res.out != "w is cancelled\n" {
		t.Errorf("cancel: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if res := s.run("cancel", "w"); res.code != 0 || res.out != "w is over already: cancelled\n" {
		t.Errorf("cancel again: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}

// What another weft drives stays its own: orders reach it by the store, as ever.
func TestOrdersOfARunThatAnotherWeftDrives(t *testing.T) {
	s := serveIn(t)
	s.dag("waits.yaml", waitsForFlag)
	own := s.began("run", "waits", "--run-id", "r")
	own.says("gate   running")
	s.start()
	if res := s.run("run", "waits", "--run-id", "r"); res.code != 3 || !strings.Contains(res.stderr, "another weft drives it") {
		t.Errorf("to join it: exit %d\n%s", res.code, res.stderr)
	}
	if res := s.run("mark", "r", "gate", "success"); res.code != 0 || !strings.Contains(res.out, "done; another weft drives r") {
		t.Errorf("mark: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if code := own.ends(); code != 0 {
		t.Errorf("it ends with %d\n%s", code, own.said)
	}
	other := s.began("run", "waits", "--run-id", "r2", "--sandbox")
	other.says("gate   running")
	if res := s.run("cancel", "r2"); res.code != 0 || res.out != "r2 is cancelled\n" {
		t.Errorf("cancel: exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	other.ends()
}

// A run of the sandbox is left to a weft that is in it: outside it would meet the real AWS.
func TestAServerLeavesTheSandboxAlone(t *testing.T) {
	s := served(t)
	if res := s.run("run", "quick", "--sandbox", "-d"); res.code != 3 || !strings.Contains(res.stderr, "cannot run in the sandbox: the server runs outside it") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	c := s.began("run", "waits", "--run-id", "r", "--sandbox")
	c.says("gate   running")
	_ = c.signal(syscall.SIGKILL)
	c.ends()
	s.stop()
	s.start() // takes up at once what nobody drives
	if res := s.run("runs", "show", "r"); !strings.Contains(res.out, "cut off") {
		t.Errorf("it is\n%s", res.out)
	}
	s.write("flag", "")
	c = s.began("runs", "resume", "r")
	if code := c.ends(); code != 0 || !strings.Contains(c.said.String(), "r began with --sandbox and goes on in it") {
		t.Errorf("exit %d\n%s", code, c.said)
	}
	if sum := s.last(s.run("runs", "show", "r", "--json").out); string(sum.Tasks["gate"].Output) == `"server"` {
		t.Error("the server ran it")
	}
}

// A server in the sandbox drives what is to run in it, and nothing else.
func TestAServerInTheSandbox(t *testing.T) {
	s := serveIn(t, "WHO=server")
	s.dag("quick.yaml", "id: quick\ntasks: {a: {run: 'echo $WHO; test -n \"$AWS_ENDPOINT_URL_S3\"'}}\n")
	s.args = []string{"--sandbox"}
	s.start()
	if sum, res := s.runJSON("quick", "--sandbox"); res.code != 0 || string(sum.Tasks["a"].Output) != `"server"` {
		t.Errorf("inside: exit %d, a gave %s\n%s", res.code, sum.Tasks["a"].Output, res.stderr)
	}
	if sum, res := s.runJSON("quick"); res.code != 1 || sum.states("a") != "a=failed" {
		t.Errorf("outside: exit %d, %s\n%s", res.code, sum.states("a"), res.stderr)
	}
}

// A server that cannot speak is none: the command says so, and drives its run itself.
func TestAServerThatIsSuspended(t *testing.T) {
	s := served(t)
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	res := s.run("run", "quick")
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	if res.code != 0 || !strings.Contains(res.stderr, "the server does not answer; this weft does it itself") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}

// A state folder with a path that no socket has room for.
func TestAServerInADeepFolder(t *testing.T) {
	s := serveIn(t, "WHO=server")
	s.dag("quick.yaml", "id: quick\ntasks: {a: {run: 'echo $WHO'}}\n")
	home := filepath.Join(s.dir, strings.Repeat("deep/", 40), "state")
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		t.Fatal(err)
	}
	s.args = []string{"--home", home}
	s.start()
	if sum, res := s.runJSON("quick", "--home", home); string(sum.Tasks["a"].Output) != `"server"` {
		t.Errorf("a gave %s\n%s", sum.Tasks["a"].Output, res.stderr)
	}
}

// R26 with the real server: a thousand posts over its socket, ten for each id, whose answers nobody reads.
func TestAThousandPostsToARealServer(t *testing.T) {
	s := served(t)
	s.dag("one.yaml", "id: one\ntasks: {t: {run: 'echo \"begin $WEFT_RUN_ID\" >> \"$LEDGER\"'}}\n")
	s.waitFor("it is known", 10*time.Second, func() bool { return s.run("dags", "show", "one").code == 0 })
	c := http.Client{Transport: &http.Transport{
		MaxConnsPerHost: 32,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.dir, "state", "weft.sock"))
		},
	}}
	const ids, each = 100, 10
	var all sync.WaitGroup
	for i := range ids {
		body := fmt.Sprintf(`{"run_id":"r%d"}`, i)
		for n := range each {
			all.Go(func() {
				ctx, lose := context.WithTimeout(t.Context(), time.Minute)
				if n > 0 { // all but the last repetition lose their answer
					ctx, lose = context.WithTimeout(t.Context(), time.Duration(n)*20*time.Millisecond)
				}
				defer lose()
				req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://weft/v1/dags/one/runs", strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				if resp, err := c.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			})
		}
	}
	all.Wait()
	s.waitFor("all are over", time.Minute, func() bool { return len(s.unfinished()) == 0 })
	begins := map[string]int{}
	for _, line := range s.effects() {
		begins[line]++
	}
	for i := range ids {
		if n := begins[fmt.Sprintf("begin r%d", i)]; n != 1 {
			t.Errorf("r%d began %d times", i, n)
		}
	}
}

// Nonsense at the socket of a real server: it says so, and serves on.
func TestNonsenseAtTheSocket(t *testing.T) {
	s := served(t)
	for _, what := range []string{"", "\x00\x00\x00", "GET / HTTP/9.9\r\n\r\n", "GET /v1/status HTTP/1.1\r\n\r\n", "POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", strings.Repeat("A", 200_000)} {
		c, err := net.Dial("unix", filepath.Join(s.dir, "state", "weft.sock"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(what))
		_ = c.(*net.UnixConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && strings.Contains(line, " 200 ") {
			t.Errorf("%.20q is answered with %s", what, line)
		}
		_ = c.Close()
	}
	if _, res := s.runJSON("quick"); res.code != 0 {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
}

// DAGs are listed, shown, paused and triggered, with a server and without.
func TestDAGsOfTheServer(t *testing.T) {
	s := served(t)
	s.dag("nightly.yaml", "id: nightly\nschedule: {cron: '0 3 * * *', timezone: Europe/Berlin}\ntasks: {t: {run: 'true'}}\n")
	s.dag("torn.yaml", "id: torn\ntasks: {t: {ned: x}}\n")
	s.waitFor("they are read", 10*time.Second, func() bool { return strings.Contains(s.run("dags").out, "torn.yaml") })
	look := func(with string) {
		t.Helper()
		res := s.run("dags")
		for _, want := range []string{"DAG      SCHEDULE", "nightly  at 03:00 (Europe/Berlin)", "quick    by hand", "broken:\n", "torn.yaml", "[S103]"} {
			if !strings.Contains(res.out, want) {
				t.Errorf("%s: %q is missing\n%s%s", with, want, res.out, res.stderr)
			}
		}
		var list struct {
			DAGs []struct {
				ID     string `json:"dag_id"`
				Paused bool   `json:"paused"`
			} `json:"dags"`
		}
		if err := json.Unmarshal([]byte(s.run("dags", "--json").out), &list); err != nil || len(list.DAGs) != 3 || list.DAGs[0].ID != "nightly" {
			t.Errorf("%s: %+v, %v", with, list, err)
		}
		if res := s.run("dags", "show", "nightly"); res.code != 0 || strings.Count(res.out, "scheduled__") != 5 || !strings.Contains(res.out, "paused    no") {
			t.Errorf("%s: exit %d\n%s%s", with, res.code, res.out, res.stderr)
		}
		if res := s.run("dags", "show", "nightli"); res.code != 3 || !strings.Contains(res.stderr, "did you mean nightly?") {
			t.Errorf("%s: exit %d\n%s", with, res.code, res.stderr)
		}
		if res := s.run("dags", "show", "torn"); res.code != 3 || !strings.Contains(res.stderr, "torn.yaml is broken") {
			t.Errorf("%s: exit %d\n%s", with, res.code, res.stderr)
		}
		if res := s.run("dags", "pause", "nightly", "nope"); res.code != 3 || res.out != "nightly is paused\n" || !strings.Contains(res.stderr, "no DAG nope is in force") {
			t.Errorf("%s: exit %d\n%s%s", with, res.code, res.out, res.stderr)
		}
		if res := s.run("dags"); !strings.Contains(res.out, "at 03:00 (Europe/Berlin)  paused") {
			t.Errorf("%s: paused, it is\n%s", with, res.out)
		}
		if res := s.run("dags", "unpause", "nightly", "--json"); res.code != 0 || res.out != `{"format":1,"dag_id":"nightly","paused":false}`+"\n" {
			t.Errorf("%s: exit %d\n%s%s", with, res.code, res.out, res.stderr)
		}
	}
	look("with a server")
	if res := s.run("dags", "trigger", "quick", "-p", "n=0", "--run-id", "by_hand", "--logical-date", "2026-01-02"); res.code != 0 || res.out != "by_hand\n" {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	if res := s.run("dags", "trigger", "quick", "-p", "n=x"); res.code != 2 || !strings.Contains(res.stderr, "must be a whole number") {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
	if res := s.run("dags", "trigger", "quik"); res.code != 3 || !strings.Contains(res.stderr, "did you mean quick?") {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
	s.waitFor("it ran", 10*time.Second, func() bool { return strings.Contains(s.run("dags", "show", "quick").out, "by_hand  success") })
	s.stop()
	look("without one")
	if res := s.run("dags", "trigger", "quick"); res.code != 3 || !strings.Contains(res.stderr, "weft run quick runs it here") {
		t.Errorf("exit %d\n%s", res.code, res.stderr)
	}
}

// What is paused while no server runs, the next one finds so; what becomes due then is recorded, with the reason.
func TestADAGIsPausedWhileNoServerRuns(t *testing.T) {
	s := serveIn(t)
	s.dag("often.yaml", "id: often\nschedule: {every: 1s, catchup: false}\ntasks: {t: {run: 'true'}}\n")
	s.start()
	s.waitFor("it runs", 20*time.Second, func() bool { return len(s.runs()) > 0 })
	s.stop()
	if res := s.run("dags", "pause", "often"); res.code != 0 {
		t.Fatalf("exit %d\n%s", res.code, res.stderr)
	}
	before := len(s.runs())
	s.start()
	time.Sleep(2500 * time.Millisecond) // in which two would be due
	if after := len(s.runs()); after > before+1 {
		t.Errorf("%d runs became %d", before, after)
	}
	s.stop()
	if res := s.run("dags", "unpause", "often"); res.code != 0 {
		t.Fatalf("exit %d\n%s", res.code, res.stderr)
	}
	s.start()
	s.waitFor("it runs again", 20*time.Second, func() bool { return len(s.runs()) > before+1 })
	if res := s.run("dags", "show", "often"); !strings.Contains(res.out, "the DAG was paused") {
		t.Errorf("it shows\n%s", res.out)
	}
}
