package tests

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTenThousandSensorsComeBack is R22: 10,000 sensors wait, one endpoint hangs, the server is killed; all wait again
// within 10 s of a start, and those whose time is over end then.
func TestTenThousandSensorsComeBack(t *testing.T) {
	if !soak() {
		t.Skip("WEFT_SOAK=1 runs it")
	}
	s := serveIn(t)
	const dags, each = 100, 100
	for i := range dags {
		list := make([]string, each)
		for k := range list {
			list[k] = strconv.Itoa(k)
		}
		s.dag(fmt.Sprintf("w%02d.yaml", i), fmt.Sprintf(`
schedule: "@once"
max_active_tasks: %d
tasks:
  arrived:
    for_each: [%s]
    uses: file.head
    with: {path: "%s/arrives/%d/${{ item }}"}
    sensor: {until: output.exists, poke_interval: 2s, timeout: 1h}
`, each, strings.Join(list, ", "), s.dir, i))
	}
	s.dag("hangs.yaml", "schedule: \"@once\"\ntasks:\n  h: {uses: http, with: {url: \"http://127.0.0.1:9/\"}, sensor: {until: 'false', poke_interval: 1s, timeout: 1h, on_error: wait}}\n")
	s.dag("ends.yaml", "schedule: \"@once\"\ntasks:\n  e: {uses: file.head, with: {path: /nowhere}, sensor: {until: output.exists, poke_interval: 5s, timeout: 40s}}\n")
	s.start()
	s.waitFor("all have begun", time.Minute, func() bool { return len(s.unfinished()) >= dags+1 })
	time.Sleep(5 * time.Second)
	s.kill()
	began := time.Now()
	s.start()
	t.Logf("ready %s after the start, with 10,000 sensors", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it takes %s until all wait again", took)
	}
	for i := range dags { // all arrive
		dir := fmt.Sprintf("%s/arrives/%d", s.dir, i)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for k := range each {
			if err := os.WriteFile(fmt.Sprintf("%s/%d", dir, k), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.waitFor("all that arrived is over", 2*time.Minute, func() bool { return len(s.unfinished()) <= 1 })
	states := map[string]int{}
	for _, r := range s.runs() {
		states[r.DAG[:1]+" "+r.State]++
	}
	if states["w success"] != dags || states["e failed"] != 1 || states["h running"] != 1 {
		t.Errorf("in the end there are %v", states)
	}
	s.stop()
}

// TestACrowdOfDAGs is R23 with real processes: 200 DAGs due in the same moment, again and again; how late their processes
// begin is printed.
func TestACrowdOfDAGs(t *testing.T) {
	if !soak() {
		t.Skip("WEFT_SOAK=1 runs it")
	}
	s := serveIn(t)
	for i := range 200 {
		s.dag(fmt.Sprintf("c%03d.yaml", i), "schedule: every 10s\ntasks: {t: {shell: sh, run: 'echo \"$WEFT_LOGICAL_DATE $(date +%s.%N)\" >>\"$LEDGER\"'}}\n")
	}
	s.start()
	time.Sleep(65 * time.Second)
	s.stop()
	var late []time.Duration
	perTick := map[string]int{}
	for _, line := range s.effects() {
		logical, at, _ := strings.Cut(line, " ")
		due, err := time.Parse(time.RFC3339, logical)
		if err != nil {
			t.Fatal(err)
		}
		sec, err := strconv.ParseFloat(at, 64)
		if err != nil {
			t.Fatal(err)
		}
		perTick[logical]++
		late = append(late, time.Duration((sec-float64(due.Unix()+10))*1e9))
	}
	for tick, n := range perTick {
		if n != 200 {
			t.Errorf("of %s there are %d runs", tick, n)
		}
	}
	if len(perTick) < 5 {
		t.Errorf("only %d ticks", len(perTick))
	}
	slices.Sort(late)
	t.Logf("%d runs; the process begins p50 %s, p99 %s, at most %s after its tick", len(late), late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
}
