package tests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weft/tests/temporalserver"
)

// labour is a DAG of two queues whose attempts say ten times a second that they live: a line of the ledger is
// WORD RUN TASK/INDEX KEY PID NANOSECONDS.
const labour = `
id: labour
x-work: &work |
  say() { echo "$1 $WEFT_RUN_ID $WEFT_TASK_ID/$WEFT_INDEX $WEFT_IDEMPOTENCY_KEY $$ $(date +%s%N)" >> "$LEDGER"; }
  say begin
  n=${WORK:-8}
  while [ $n -gt 0 ]; do sleep 0.1; say alive; n=$((n-1)); done
  say end
params: {flag: {type: string}}
tasks:
  a: {run: *work}
  b: {needs: a, run: *work}
  drawn: {needs: a, queue: gpu, run: *work}
  part: {needs: b, for_each: [1, 2, 3], run: *work}
  arrived:
    uses: file.head
    with: {path: "${{ params.flag }}"}
    sensor: {until: output.exists, poke_interval: 500ms, timeout: 10m}
  flaky: {needs: b, retries: 2, retry_delay: 100ms, run: 'test "$WEFT_ATTEMPT" -ge 2'}
  after: {needs: [part, drawn, flaky, arrived], run: *work}
`

var labourTasks = []string{"a/-", "b/-", "drawn/-", "part/0", "part/1", "part/2", "after/-"}

// A sign is one line of the ledger.
type sign struct {
	word, run, task, pid string
	at                   time.Time
}

func (c *cluster) signs(w *world) (out []sign) {
	c.t.Helper()
	for _, line := range w.effects() {
		f := strings.Fields(line)
		if len(f) != 6 {
			c.t.Fatalf("a line of the ledger is torn: %q", line)
		}
		nanos, err := strconv.ParseInt(f[5], 10, 64)
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, sign{word: f[0], run: f[1], task: f[2], pid: f[4], at: time.Unix(0, nanos)})
	}
	return out
}

// TestRunsOutlastWorkersAndTheServer: under a stream of runs, on three workers, each on a host of its own, a worker is killed in the middle of its tasks, another is
// cut off for longer than its heartbeat counts, the Temporal server is killed and comes back, and all workers are
// replaced one by one. Nothing is lost; what is recorded never runs again; no attempt lives beside another of its task.
func TestRunsOutlastWorkersAndTheServer(t *testing.T) {
	t.Parallel()
	cut := 40 * time.Second
	if soak() {
		cut = time.Minute
	}
	c := newCluster(t)
	w := newWorld(t)
	c.joins(w)
	file, flag := w.write("labour.yaml", labour), w.dir+"/flag"
	env, apart := []string{"LEDGER=" + w.ledger, "WEFT_DRAIN=2s"}, temporalserver.NewHost(t)
	workers := []*serving{
		c.workerOn(temporalserver.NewHost(t), "one", env, "--queue", "default", "--queue", "gpu"),
		c.workerOn(apart, "two", env, "--queue", "default", "--queue", "gpu"),
		c.workerOn(temporalserver.NewHost(t), "three", env, "--queue", "default"),
	}

	var runs []string
	begin := func(n int) {
		t.Helper()
		for range n {
			id := fmt.Sprintf("r%02d", len(runs))
			if res := w.run("run", file, "-d", "--run-id", id, "-p", "flag="+flag); res.code != 0 {
				t.Fatalf("run %s: %s", id, res.stderr)
			}
			runs = append(runs, id)
		}
	}
	alive := func(least int) {
		t.Helper()
		before := len(w.effects())
		workers[0].waitFor("work goes on", time.Minute, func() bool { return len(w.effects()) > before+least })
	}
	begin(4)
	alive(20)
	t.Log("a worker is killed")
	workers[0].kill()
	begin(3)
	alive(10)
	workers[0].start()
	t.Logf("another is cut off for %s", cut)
	apart.Unplug()
	begin(3)
	since := time.Now()
	alive(10)
	t.Log("the server is killed, and comes back")
	c.server.Kill()
	time.Sleep(2 * time.Second) // it is away
	c.server.Start()
	begin(3)
	time.Sleep(time.Until(since.Add(cut))) // what is tested is how long it is
	apart.Plug()
	begin(2)
	w.write("flag", "")
	t.Log("all workers are replaced")
	for _, worker := range workers {
		if took := worker.stop(); took > 15*time.Second {
			t.Errorf("worker %s takes %s to stop", worker.args, took)
		}
		worker.start()
	}
	begin(1)

	ends := map[string]map[string]time.Time{}
	for _, id := range runs {
		c.ends(w, id)
		var sum summary
		if sum, ends[id] = c.shown(w, id); sum.State != "success" {
			t.Errorf("%s is %s: %s", id, sum.State, sum.Reason)
		}
	}
	c.held(c.signs(w), runs, ends)
	for _, worker := range workers {
		worker.stop()
	}
	if left := survivors(w.dir); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// ends waits until a run is over.
func (c *cluster) ends(w *world, id string) {
	c.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		res := w.run("runs", "show", id, "--json") // it may be that it cannot be asked just now
		if res.code == 0 && slices.Contains([]string{"success", "failed", "cancelled"}, w.last(res.out).State) {
			return
		}
		if time.Now().After(deadline) {
			res := w.run("runs", "show", id)
			c.t.Fatalf("%s does not end\n%s%s\n%s", id, res.out, res.stderr,
				c.server.CLI("workflow", "describe", "--workflow-id", "weft/run/"+id, "--namespace", c.namespace))
		}
	}
}

// shown is a run as `weft runs show` tells of it, with when each task, or its last instance, ended.
func (c *cluster) shown(w *world, id string) (sum summary, ended map[string]time.Time) {
	c.t.Helper()
	res := w.run("runs", "show", id, "--json")
	if res.code != 0 {
		c.t.Fatalf("runs show %s: %s", id, res.stderr)
	}
	var times struct {
		Tasks map[string]struct {
			EndedAt time.Time `json:"ended_at"`
		} `json:"tasks"`
	}
	if err := json.Unmarshal([]byte(res.out[strings.LastIndex(strings.TrimSpace(res.out), "\n")+1:]), &times); err != nil {
		c.t.Fatal(err)
	}
	ended = map[string]time.Time{}
	for task, at := range times.Tasks {
		ended[task] = at.EndedAt
	}
	return w.last(res.out), ended
}

// held holds a ledger to the promises.
func (c *cluster) held(signs []sign, runs []string, ends map[string]map[string]time.Time) {
	c.t.Helper()
	type task struct{ run, task string }
	type life struct {
		pid         string
		first, last time.Time
		done        bool
	}
	lives := map[task]map[string]*life{}
	for _, s := range signs {
		id := task{s.run, s.task}
		if lives[id] == nil {
			lives[id] = map[string]*life{}
		}
		l := lives[id][s.pid]
		if l == nil {
			l = &life{pid: s.pid, first: s.at}
			lives[id][s.pid] = l
		}
		l.last, l.done = s.at, l.done || s.word == "end"
	}
	again := 0
	for _, run := range runs {
		for _, name := range labourTasks {
			all := slices.SortedFunc(maps.Values(lives[task{run, name}]), func(a, b *life) int { return cmp.Compare(a.first.UnixNano(), b.first.UnixNano()) })
			if len(all) == 0 || !all[len(all)-1].done {
				c.t.Errorf("lost: %s of %s is said to have succeeded, and its last attempt did not end", name, run)
				continue
			}
			again += len(all) - 1
			for i, l := range all[1:] {
				if before := all[i]; before.last.After(l.first) {
					c.t.Errorf("doubled: %s of %s lives twice, for %s", name, run, before.last.Sub(l.first))
				}
				id, _, _ := strings.Cut(name, "/")
				if end := ends[run][id]; !strings.HasPrefix(name, "part/") && l.first.After(end) {
					c.t.Errorf("doubled: %s of %s begins again %s after its end was recorded", name, run, l.first.Sub(end))
				}
			}
		}
	}
	c.t.Logf("%d runs, %d signs of life, %d attempts that were cut off and ran again", len(runs), len(signs), again)
	if again == 0 {
		c.t.Error("nothing was cut off: this shows nothing")
	}
}
