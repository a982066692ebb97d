package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A listedBackfill is a backfill as `weft backfill list --json` has it.
type listedBackfill struct {
	ID    string `json:"backfill_id"`
	State string `json:"state"`
	Dates int    `json:"dates"`
	Next  int    `json:"next"`
	Begun int    `json:"begun"`
	Again int    `json:"again"`
	Left  int    `json:"left"`
}

func (s *serving) backfills() []listedBackfill {
	s.t.Helper()
	res := s.run("backfill", "list", "--json")
	var out struct {
		Backfills []listedBackfill `json:"backfills"`
	}
	if err := json.Unmarshal([]byte(res.out), &out); err != nil {
		s.t.Fatalf("weft backfill list: %d %v\n%s%s", res.code, err, res.out, res.stderr)
	}
	return out.Backfills
}

const daily = `
id: nightly
schedule: "30 2 * * *"
max_active_runs: 3
tasks:
  t: {run: 'echo "$WEFT_DAG_ID $WEFT_RUN_ID" >>"$LEDGER"; sleep 0.1; test "$WEFT_LOGICAL_DATE" != "2026-01-07T02:30:00+00:00" || test -f "$GATE"', env: {GATE: %s/gate}}
`

// TestABackfillOutlivesItsServer: planned, ordered, killed in the middle, gone on with by itself; each date has one run.
// What failed is run again by another one, and what is there stays.
func TestABackfillOutlivesItsServer(t *testing.T) {
	s := serveIn(t)
	s.dag("nightly.yaml", fmt.Sprintf(daily, s.dir))
	s.start()
	dates := []string{"--from", "2026-01-01", "--to", "2026-01-20"}
	ordered := func(flags ...string) result {
		t.Helper()
		res := s.run(append(append([]string{"backfill", "nightly"}, dates...), flags...)...)
		if res.code != 0 {
			t.Fatalf("weft backfill %q: %d\n%s%s", flags, res.code, res.out, res.stderr)
		}
		return res
	}
	if res := ordered("--plan"); !strings.Contains(res.out, "20 dates: 20 to run, 0 again, 0 stay") || len(s.runs()) > 0 {
		t.Fatalf("the plan is\n%s", res.out)
	}
	ordered("--max-active", "2")
	if res := s.run(append([]string{"backfill", "nightly"}, dates...)...); res.code == 0 || !strings.Contains(res.stderr, "it has a backfill that goes on") {
		t.Errorf("a second one beside it: %d %s", res.code, res.stderr)
	}
	s.waitFor("some runs have begun", 10*time.Second, func() bool { return len(s.effects()) > 4 })
	if n := len(s.unfinished()); n > 2 {
		t.Errorf("%d runs go on at one time", n)
	}
	s.kill()
	s.start()
	s.waitFor("it is over", 30*time.Second, func() bool { return s.backfills()[0].State == "failed" })
	if b := s.backfills()[0]; b.Next != 20 || b.Begun+b.Left != 20 {
		t.Errorf("it says %+v", b)
	}
	byState := map[string]int{}
	for _, r := range s.runs("--dag", "nightly") {
		byState[r.State]++
	}
	if byState["success"] != 19 || byState["failed"] != 1 {
		t.Errorf("the runs are %v", byState)
	}
	s.write("gate", "")
	if res := ordered("--plan", "--reprocess", "failed"); !strings.Contains(res.out, "20 dates: 0 to run, 1 again, 19 stay") {
		t.Fatalf("the plan of another is\n%s", res.out)
	}
	ordered("--reprocess", "failed", "--backwards")
	s.waitFor("that is over", 30*time.Second, func() bool { return s.backfills()[0].State == "success" })
	s.stop()
	begun := map[string]int{}
	for _, line := range s.effects() {
		begun[line]++
	}
	if len(begun) != 20 || begun["nightly backfill__2026-01-07T02:30:00+00:00"] < 2 {
		t.Errorf("it did %v", begun)
	}
}

// TestABackfillWithoutAServer is carried out in the foreground; Ctrl-C pauses it, resume goes on, cancel ends it.
func TestABackfillWithoutAServer(t *testing.T) {
	s := serveIn(t)
	s.dag("nightly.yaml", fmt.Sprintf(daily, s.dir))
	s.write("gate", "")
	cmd := s.command("backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-30")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitFor("some runs have begun", 10*time.Second, func() bool { return len(s.effects()) > 3 })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("interrupted, it ends with %d", code)
	}
	b := s.backfills()[0]
	if b.State != "paused" || b.Next == 0 || b.Next == 30 {
		t.Fatalf("interrupted, it is %+v", b)
	}
	if res := s.run("backfill", "resume", b.ID); res.code != 0 || !strings.Contains(res.out, "success: 30 of 30 dates") {
		t.Fatalf("resume: %d\n%s%s", res.code, res.out, res.stderr)
	}
	for _, r := range s.runs() {
		if r.State != "success" || r.Type != "backfill" {
			t.Errorf("%s is %s", r.Run, r.State)
		}
	}
	if res := s.run("backfill", "cancel", b.ID); res.code == 0 || !strings.Contains(res.stderr, "no backfill of that id goes on") {
		t.Errorf("to cancel what is over: %d %s", res.code, res.stderr)
	}
}
