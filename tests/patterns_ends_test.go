package tests

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// hasNumber checks an object of patterns 1 to 3; a number of 0 is any.
func (p *pattern) hasNumber(key string, number int) {
	p.t.Helper()
	content, kind := p.object(key)
	var got struct {
		Value    int       `json:"value"`
		Datetime time.Time `json:"datetime"`
	}
	if err := json.Unmarshal([]byte(content), &got); err != nil || kind != "application/json" {
		p.t.Errorf("%s is %s, %s: %v", key, kind, content, err)
	}
	if got.Value < 1 || got.Value > 100 || number != 0 && got.Value != number || time.Since(got.Datetime).Abs() > time.Hour {
		p.t.Errorf("%s holds %s, want the number %d", key, content, number)
	}
}

func wroteNumber(number int) func(*pattern) {
	return func(p *pattern) {
		p.hasNumber("dag1/task1.output.json", number)
		p.returned(p.sum, "task1", "Returned by task 1")
	}
}

// returned checks a task's output.
func (p *pattern) returned(sum summary, task, want string) {
	p.t.Helper()
	if got := string(sum.Tasks[task].Output); got != strconv.Quote(want) {
		p.t.Errorf("%s returned %s, want %q", task, got, want)
	}
}

// wrote checks what both tasks of patterns 2 and 3 wrote and returned.
func (p *pattern) wrote(sum summary, dag string) {
	p.t.Helper()
	for task, text := range map[string]string{"task1": "Returned by task 1", "task2": "Returned by task 2"} {
		p.returned(sum, task, text)
		p.hasNumber(dag+"/"+task+".output.json", 0)
	}
}

func bothWrote(dag string) func(*pattern) {
	return func(p *pattern) { p.wrote(p.sum, dag) }
}

func runFailed(p *pattern) {
	if p.sum.State != "failed" {
		p.t.Errorf("the run is %s", p.sum.State)
	}
	if h := p.head("dag2/task2.output.json"); h.Exists {
		p.t.Error("task2 was not reached, and there is its object")
	}
}

// luckier: the second attempt of task1 throws other dice.
func luckier(p *pattern) {
	runFailed(p)
	res := p.run("retry", p.sum.Run, "--json")
	sum := p.last(res.out)
	if res.code != 0 || sum.State != "success" {
		p.t.Fatalf("the retry: exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	p.wrote(sum, "dag2")
}

// clearedAlone: task1 runs again, task2 does not.
func clearedAlone(p *pattern) {
	if p.sum.State != "failed" {
		p.t.Errorf("one failure, and the run is %s", p.sum.State)
	}
	res := p.run("clear", p.sum.Run, "--task", "task1", "--json")
	sum := p.last(res.out)
	if res.code != 0 || sum.State != "success" {
		p.t.Fatalf("clear: exit %d, %s\n%s", res.code, sum.State, res.stderr)
	}
	for line := range strings.Lines(res.out) {
		var u update
		if err := json.Unmarshal([]byte(line), &u); err != nil {
			p.t.Fatal(err)
		}
		if u.Type == "task" && u.State == "running" && u.Task != "task1" {
			p.t.Errorf("%s runs again", u.Task)
		}
	}
	p.wrote(sum, "dag3")
}

func edgeIsSeen(p *pattern) {
	p.returned(p.sum, "receiver", "received - sent for acme")
	if strings.Contains(mustRead(p.t, p.file), "needs:") {
		p.t.Error("the edge is written")
	}
	if out := p.run("graph", p.file, "--format", "dot").out; !strings.Contains(out, `"sender" -> "receiver"`) {
		p.t.Errorf("the graph has no edge:\n%s", out)
	}
}

// sameText: what task3 got is task1's UUID so many times; spilled is 1 if its output went to the handoff.
func sameText(times, spilled int) func(*pattern) {
	return func(p *pattern) {
		var got struct {
			UUID   string `json:"uuid"`
			Size   int    `json:"size"`
			SHA256 string `json:"sha256"`
		}
		if err := json.Unmarshal(p.sum.Tasks["task3"].Output, &got); err != nil {
			p.t.Fatal(err)
		}
		text := strings.Repeat(got.UUID, times)
		sum := sha256.Sum256([]byte(text))
		if len(got.UUID) != 36 || got.Size != len(text) || got.SHA256 != hex.EncodeToString(sum[:]) {
			p.t.Errorf("task3 got %+v", got)
		}
		if sent := string(p.sum.Tasks["task1"].Output); spilled == 0 && sent != `"`+text+`"` {
			p.t.Errorf("task1 sent %s, task3 got %s", sent, text)
		}
		ref := p.sum.Tasks["task1"].Ref
		if (ref != nil) != (spilled > 0) {
			p.t.Errorf("of %d bytes there is %+v", len(text), ref)
		}
		if ref == nil {
			return
		}
		place, err := url.Parse(ref.URI)
		if err != nil {
			p.t.Fatal(err)
		}
		if info, err := os.Stat(place.Path); err != nil || info.Size() != ref.Size || !strings.HasPrefix(place.Path, p.handoff()+"/p6_small_data/") {
			p.t.Errorf("in the handoff: %v, %v; want %+v", info, err, ref)
		}
	}
}

func told8(end string) func(*pattern) {
	return func(p *pattern) {
		p.returned(p.sum, "task1", end)
		if content, _ := p.object("dag8/task0.status.txt"); content != end {
			p.t.Errorf("the bucket holds %q", content)
		}
	}
}

// gathered: task5 has the output of what succeeded, and null of what failed.
func gathered(task2, task4 bool) func(*pattern) {
	output := func(n string, ok bool) string {
		if ok {
			return `"Returned by task ` + n + `"`
		}
		return "null"
	}
	want := `{"task2":` + output("2", task2) + `,"task4":` + output("4", task4) + `}`
	return func(p *pattern) {
		if got := string(p.sum.Tasks["task5"].Output); got != want {
			p.t.Errorf("task5 gave %s, want %s", got, want)
		}
		if p.sum.State != "success" {
			p.t.Errorf("the run is %s", p.sum.State)
		}
	}
}

// reported checks the night's orders: what was seen on the way, and whether the report is there.
func reported(published bool) func(*pattern) {
	return func(p *pattern) {
		if n := p.sum.Tasks["clean"].Attempts; n != 2 {
			p.t.Errorf("clean took %d attempts, the retry is not seen", n)
		}
		if n := len(p.sum.Tasks["load"].Instances); n != 4 {
			p.t.Errorf("load has %d instances", n)
		}
		key := "reports/" + p.sum.Run + ".json"
		if h, _ := p.find(key, false); h.Exists != published {
			p.t.Fatalf("the report is there: %v, want %v", h.Exists, published)
		}
		if !published {
			return
		}
		h, content := p.find(key, true)
		if h.Kind != "application/json" || !strings.Contains(content, `"rows":4`) {
			p.t.Errorf("the report is %s: %s", h.Kind, content)
		}
		if log := p.run("logs", p.sum.Run, "on_success.mail").out; !strings.Contains(log, "the report is at s3://"+bucket+"/"+key) {
			p.t.Errorf("the mail says %s", log)
		}
	}
}

// A pending call of weft, its stdout in a file.
type pending struct {
	*exec.Cmd
	out  string
	most func() int64
}

func (w *world) start(args ...string) *pending {
	w.t.Helper()
	f, err := os.CreateTemp(w.dir, "out-")
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	c := &pending{Cmd: w.command(args...), out: f.Name()}
	c.Stdout = f
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	c.most = peakOf(c.Cmd)
	w.t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended, unless the test failed
	return c
}

// peak is the memory that a call that has ended took at most, in KiB.
func (c *pending) peak() int64 { return c.most() >> 10 }
