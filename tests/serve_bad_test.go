package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostile are texts that no DAG file should hold, each in its way.
func hostile(n int) string {
	switch n % 10 {
	case 0:
		return "tasks: {a: {runs: echo}}\n" // an unknown key
	case 1:
		return "]\n"
	case 2:
		return strings.Repeat("{a: ", 3000)
	case 3:
		return "tasks:\n\ta: {run: echo}\n"
	case 4:
		return "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n"
	case 5:
		return "\xff\xfe\x00"
	case 6:
		return fmt.Sprintf("schedule: every 1s\ntasks: {a: {needs: [b], run: echo}, b: {needs: [a], run: echo}} # %d\n", n)
	case 7:
		return "schedule: \"61 * * * *\"\ntasks: {a: {run: echo}}\n"
	case 8:
		return "tasks: {a: {uses: no.such, with: {x: '${{ ${{ }} }}'}}}\n"
	}
	return strings.Repeat("x", 1<<20) + "\n"
}

// TestBadFilesStopNobody is S13: a thousand files that are broken or hostile beside ten good ones. No tick of those is
// missed, each bad one is listed with its place, and a restart works.
func TestBadFilesStopNobody(t *testing.T) {
	s := serveIn(t)
	const bad = 1000
	for i := range bad {
		s.dag(fmt.Sprintf("bad/b%04d.yaml", i), hostile(i))
	}
	if err := os.Chmod(filepath.Join(s.dir, "dags/bad/b0000.yaml"), 0); err != nil { // root reads it all the same
		t.Fatal(err)
	}
	for i := range 10 {
		s.dag(fmt.Sprintf("good%d.yaml", i), "schedule: every 1s\ntasks: {a: {run: "+task(1)+"}}\n")
	}
	// One was good once: its last good version goes on.
	s.dag("was_good.yaml", "schedule: every 1s\ntasks: {a: {run: "+task(1)+"}}\n")
	s.start()
	time.Sleep(1500 * time.Millisecond)
	s.dag("was_good.yaml", "schedule: every 1s\ntasks: {a: {run: echo}, a: {run: echo}}\n")
	time.Sleep(2 * time.Second)
	s.kill()
	s.start()
	time.Sleep(2 * time.Second)
	said := s.said.String()
	s.stop()
	for i := range bad {
		file := fmt.Sprintf("dags/bad/b%04d.yaml", i)
		if n := strings.Count(said, file); n != 1 {
			t.Errorf("%s is told of %d times", file, n)
		}
	}
	byDAG := map[string][]time.Time{}
	for _, r := range s.runs() {
		byDAG[r.DAG] = append(byDAG[r.DAG], r.Logical)
	}
	if len(byDAG) != 11 {
		t.Errorf("%d DAGs ran, not 11", len(byDAG))
	}
	for dag, dates := range byDAG {
		for tick, n := range ticks(dates, time.Second) {
			if n == 0 {
				t.Errorf("%s missed the tick of %s", dag, tick.Format(time.TimeOnly))
			}
		}
		if len(dates) < 4 {
			t.Errorf("%s has %d runs only", dag, len(dates))
		}
	}
}

// TestEditsWhileItServes is R16: a DAG is edited, renamed and removed 500 times while its runs go on. Each run keeps the
// version that it began with, and none is green with tasks that have not finished.
func TestEditsWhileItServes(t *testing.T) {
	s := serveIn(t)
	version := func(v int) string {
		mark := func(id string) string {
			return fmt.Sprintf(`'echo "$WEFT_RUN_ID %s v%d $(cat beside.txt)" >>"$LEDGER"; sleep 0.1'`, id, v)
		}
		return fmt.Sprintf("id: edited\nschedule: every 1s\ntasks:\n  a: {run: %s}\n  b: {needs: a, run: %s}\n  c%d: {needs: b, run: %s}\n", mark("a"), mark("b"), v, mark("c"))
	}
	names := []string{"e/one.yaml", "e/two.yaml"}
	s.write("dags/e/beside.txt", "v0")
	s.dag(names[0], version(0))
	s.start()
	for v := range 500 {
		at := names[v%2]
		switch v % 7 {
		case 3: // renamed
			if err := os.Rename(filepath.Join(s.dir, "dags", names[(v+1)%2]), filepath.Join(s.dir, "dags", at)); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		case 5: // removed
			_ = os.Remove(filepath.Join(s.dir, "dags", at))
		default:
			_ = os.Remove(filepath.Join(s.dir, "dags", names[(v+1)%2]))
			s.write("dags/e/beside.txt", fmt.Sprintf("v%d", v))
			s.dag(at, version(v))
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.waitFor("all is over", 20*time.Second, func() bool {
		_ = os.RemoveAll(filepath.Join(s.dir, "dags", "e"))
		return len(s.unfinished()) == 0
	})
	s.stop()
	byRun := map[string]map[string]bool{}
	count := map[string]int{}
	for _, line := range s.effects() {
		f := strings.Fields(line)
		if byRun[f[0]] == nil {
			byRun[f[0]] = map[string]bool{}
		}
		byRun[f[0]][f[2]] = true
		count[f[0]]++
	}
	runs := s.runs()
	if len(runs) < 5 {
		t.Errorf("only %d runs", len(runs))
	}
	for _, r := range runs {
		id := strings.TrimPrefix(r.Run, "edited/")
		if r.State != "success" || count[id] != 3 || len(byRun[id]) != 1 {
			t.Errorf("%s is %s, did %d tasks of the versions %v", r.Run, r.State, count[id], byRun[id])
		}
	}
}
