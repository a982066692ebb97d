package tests

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weft/tests/temporalserver"
)

// A serving is a real server over the folder `dags` of a world, or another weft that goes on until it is stopped.
type serving struct {
	*world
	verb string               // serve, or worker
	host *temporalserver.Host // nil = this one
	cmd  *exec.Cmd
	env  []string
	args []string
	said *record
	over chan error
	kept map[string]int // tasks that were recorded as done, and how often they had begun then
}

// A record is what a server says; it may be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// serveIn makes a world whose folder dags is to be served; start does.
func serveIn(t *testing.T, env ...string) *serving {
	t.Helper()
	s := &serving{world: newWorld(t), verb: "serve", env: env}
	if err := os.MkdirAll(filepath.Join(s.dir, "dags"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

// start begins to serve, and returns when the server is ready.
func (s *serving) start() {
	s.t.Helper()
	s.launch()
	says := map[string]string{"serve": "msg=ready", "worker": `msg="weft works"`}[s.verb]
	s.waitFor("it is ready", 30*time.Second, func() bool { return strings.Contains(s.said.String(), says) })
}

func (s *serving) launch() {
	s.t.Helper()
	s.cmd = s.command(append([]string{s.verb}, s.args...)...)
	if s.host != nil {
		argv := s.host.Argv(s.cmd.Args...)
		path, err := exec.LookPath(argv[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.cmd.Path, s.cmd.Args = path, argv
	}
	s.cmd.Env = append(s.cmd.Env, s.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.said, s.over = &record{}, make(chan error, 1)
	s.cmd.Stderr, s.cmd.Stdout = s.said, s.said
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, over chan error) { over <- cmd.Wait() }(s.cmd, s.over)
}

// kill ends the server as a crash does, tasks and all but those that survive it.
func (s *serving) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.over
	s.cmd = nil
}

// stop ends the server in order and tells how long that took.
func (s *serving) stop() time.Duration {
	s.t.Helper()
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.over:
		if err != nil {
			s.t.Errorf("the server ends with %v\n%s", err, s.said)
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("the server does not end\n%s", s.said)
	}
	s.cmd = nil
	return time.Since(began)
}

// waitFor looks again and again.
func (s *serving) waitFor(what string, most time.Duration, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(most); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			said := ""
			if s.said != nil {
				said = s.said.String()
			}
			s.t.Fatalf("in %s it did not come about that %s\n%s", most, what, said)
		}
	}
}

// A listedRun is a run as `weft runs --json` lists it.
type listedRun struct {
	Run     string    `json:"run_id"`
	DAG     string    `json:"dag_id"`
	Type    string    `json:"run_type"`
	State   string    `json:"state"`
	Logical time.Time `json:"logical_date"`
	CutOff  bool      `json:"cut_off"`
}

// runs are all there are, newest first.
func (s *serving) runs(flags ...string) (out []listedRun) {
	s.t.Helper()
	res := s.run(append([]string{"runs", "--json", "-n", "0"}, flags...)...)
	if res.code != 0 {
		s.t.Fatalf("weft runs: %d\n%s", res.code, res.stderr)
	}
	if err := json.Unmarshal([]byte(res.out), &out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// unfinished are the runs that are not over.
func (s *serving) unfinished() []listedRun {
	return s.runs("--state", "queued", "--state", "running")
}

func (s *serving) dag(name, text string) { s.write(filepath.Join("dags", name), text) }
