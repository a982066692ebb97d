package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAServersDAGsStartEachOther: a scheduled run starts another DAG and waits for it, over the death of its
// server; others wait for the scheduled run by its date; and a cancel goes down to what was started.
func TestAServersDAGsStartEachOther(t *testing.T) {
	s := serveIn(t)
	s.dag("load.yaml", startedLoad)
	s.dag("nightly.yaml", strings.Replace(startsLoad, "id: nightly\n", "id: nightly\nschedule: \"@once\"\n", 1))
	s.dag("waits.yaml", strings.Replace(waits("", "timeout: 1m"), "id: load", "id: nightly", 1))
	s.start()
	s.world.begun(1)
	s.waitFor("the task waits", time.Minute, func() bool { return strings.Contains(s.run("runs", "--dag", "load").out, "running") })
	s.kill()
	s.start()
	s.world.begun(2)
	s.write("go", "")
	began := time.Now()
	s.waitFor("the scheduled run ends", time.Minute, func() bool { return len(s.unfinished()) == 0 })
	t.Logf("the starter ended %s after the run it waited for was let go", time.Since(began).Round(time.Millisecond))
	var night listedRun
	count := map[string]int{}
	for _, r := range s.runs() {
		count[r.DAG+" "+r.Type+" "+r.State]++
		if r.DAG == "nightly" {
			night = r
		}
	}
	if fmt.Sprint(count) != "map[load manual success:1 nightly scheduled success:1]" {
		t.Fatalf("the runs are %v\n%s", count, s.said)
	}
	sum, res := s.runJSON("waits", "--logical-date", night.Logical.Format(time.RFC3339Nano))
	var gave struct {
		Run   string `json:"run_id"`
		State string `json:"state"`
	}
	if err := json.Unmarshal(sum.Tasks["wait"].Output, &gave); err != nil || gave.State != "success" || !strings.HasPrefix(gave.Run, "scheduled__") {
		t.Errorf("who waits for it is given %s: %s\n%s", sum.Tasks["wait"].Output, sum.Tasks["wait"].Reason, res.stderr)
	}

	if err := os.Remove(filepath.Join(s.dir, "go")); err != nil {
		t.Fatal(err)
	}
	again := s.world.start("run", "nightly", "--run-id", "again")
	s.world.begun(3)
	s.must(0, "again is cancelled", "cancel", "again")
	if code, out := again.ends(t); code != 1 {
		t.Errorf("exit %d\n%s", code, out)
	}
	s.waitFor("what it started is cancelled too", time.Minute, func() bool { return len(s.unfinished()) == 0 })
	if rows, _ := s.runsOf("load"); !strings.HasPrefix(rows[0], "cancelled") {
		t.Errorf("the runs of load: %s", rows)
	}
	s.stop()
}
