package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"weft/machine"
	"weft/runner"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFrames plays each testdata/tree/NAME.play and compares what is drawn with NAME.frames. A
// play names the plan's tasks, then what happens:
//
//	tasks a b<-a c<-a,b d[]          d is mapped
//	12:00:01 a running attempt=1 log=a.log
//	12:00:02 part[3] failed reason=the text goes on to the end of the line
//	12:00:03 run success
//	frame 80x24 12:00:05             what a terminal of that size shows then
//	color 80x24 12:00:05             the same in colours
//	last 80                          what stays
//	lines                            what is written where nobody looks, from the beginning
//	json                             the same for programs
func TestFrames(t *testing.T) {
	plays, err := filepath.Glob("testdata/tree/*.play")
	if err != nil || len(plays) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, file := range plays {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, strings.TrimSuffix(file, ".play")+".frames", perform(t, string(body)))
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}

// A stage is a play while it is performed.
type stage struct {
	plan    *machine.Plan
	board   *board
	updates []runner.Update
}

// logOf stands for the attempts' logs: two lines each, named for the file, between those of weft,
// which are not shown.
func logOf(path string, lines int) []string {
	all := []string{"[weft] attempt 1 begins", "reading \x1b[31m" + path + "\x1b[0m", "last line of " + path, "[weft] attempt 1 failed"}
	return all[max(len(all)-lines, 0):]
}

func perform(t *testing.T, play string) string {
	t.Helper()
	var s stage
	var out strings.Builder
	for line := range strings.Lines(play) {
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "", "#":
		case "tasks":
			s.plan = planOf(t, rest)
			s.board = newBoard(s.plan)
		case "frame", "color":
			fmt.Fprintf(&out, "== %s\n%s", line, s.board.view(sceneOf(t, rest, verb == "color")))
		case "last":
			width, err := strconv.Atoi(rest)
			must(t, err)
			fmt.Fprintf(&out, "== %s\n%s", line, s.board.last(width, false, logOf))
		case "lines", "json":
			fmt.Fprintf(&out, "== %s\n%s", line, s.written(verb))
		default:
			u := updateOf(t, line)
			s.updates = append(s.updates, u)
			s.board.fold(u)
		}
	}
	return out.String()
}

// written is what the other two watchers make of the updates so far.
func (s *stage) written(how string) string {
	var out bytes.Buffer
	var w watcher = newLineWatcher(s.plan, &out, false, time.UTC, logOf)
	if how == "json" {
		w.Close()
		out.Reset()
		w = newJSONWatcher(&out)
	}
	for _, u := range s.updates {
		w.Update(u)
	}
	w.Close()
	return out.String()
}

func planOf(t *testing.T, text string) *machine.Plan {
	t.Helper()
	p := &machine.Plan{DAG: "nightly"}
	for _, f := range strings.Fields(text) {
		id, needs, _ := strings.Cut(f, "<-")
		id, mapped := strings.CutSuffix(id, "[]")
		task := machine.Task{ID: id, Uses: "shell"}
		if mapped {
			task.ForEach = &machine.ForEach{List: machine.Raw(`[1,2,3,4,5,6,7,8,9,10]`)}
		}
		if needs != "" {
			task.Needs = strings.Split(needs, ",")
		}
		p.Tasks = append(p.Tasks, task)
	}
	must(t, p.Seal())
	return p
}

func sceneOf(t *testing.T, text string, color bool) scene {
	t.Helper()
	s := scene{color: color, lastLine: logTail(logOf).last}
	var when string
	_, err := fmt.Sscanf(text, "%dx%d %s", &s.width, &s.height, &when)
	must(t, err)
	s.now = clockAt(t, when)
	return s
}

func clockAt(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, "2026-01-02 "+s)
	must(t, err)
	return at.UTC()
}

func updateOf(t *testing.T, line string) runner.Update {
	t.Helper()
	line, reason, _ := strings.Cut(line, " reason=")
	f := strings.Fields(line)
	u := runner.Update{Type: "task", At: clockAt(t, f[0]), Run: "manual__2026-01-02T12:00:00+00:00", Task: f[1], State: f[2], Reason: reason}
	if id, index, ok := strings.Cut(f[1], "["); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		must(t, err)
		u.Task, u.Index = id, &n
	}
	if f[1] == "run" {
		u.Type, u.Task = "run_finished", ""
		switch f[2] {
		case "running":
			u.Type = "run_started"
		case "success", "failed", "cancelled":
			u.Summary = &machine.Summary{Type: "run_finished", DAG: "nightly", Run: u.Run, State: machine.RunState(u.State), Reason: reason, FinishedAt: u.At}
		}
	}
	if dag, ok := strings.CutPrefix(f[1], "↳"); ok { // a run that a task started
		u.Type, u.Task, u.DAG, u.Run = childStarted, "", dag, "manual__"+dag
		if f[2] != "running" && f[2] != "queued" {
			u.Type = childFinished
		}
	}
	for _, opt := range f[3:] {
		key, value, _ := strings.Cut(opt, "=")
		switch key {
		case "attempt":
			n, err := strconv.Atoi(value)
			must(t, err)
			u.Attempt = n
		case "log":
			u.Log = value
		case "next":
			u.Next = clockAt(t, value)
		default:
			t.Fatalf("no option %q in %q", key, line)
		}
	}
	return u
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestElapsedFitsItsColumn(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                     "0ms",
		99 * time.Millisecond:            "99ms",
		100 * time.Millisecond:           "0.1s",
		1249 * time.Millisecond:          "1.2s",
		9999 * time.Millisecond:          "9.9s",
		10 * time.Second:                 "10s",
		65 * time.Second:                 "1m05s",
		2*time.Hour + 3*time.Minute:      "2h03m",
		99*24*time.Hour + 23*time.Hour:   "99d23h",
		59*time.Minute + 59*time.Second:  "59m59s",
		time.Minute - time.Nanosecond:    "59s",
		10*time.Second - time.Nanosecond: "9.9s",
	} {
		if got := elapsed(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// A writer that never returns stands for a reader that never reads.
type stuck struct{ release chan struct{} }

func (s stuck) Write(b []byte) (int, error) { <-s.release; return len(b), nil }

func TestASlowReaderHoldsNobodyUp(t *testing.T) {
	out := stuck{make(chan struct{})}
	w := newLineWatcher(planOf(t, "a"), out, false, time.UTC, nil)
	for i := range 10_000 { // would hang here
		w.Update(runner.Update{Type: "task", Task: "a", State: "running", Attempt: i + 1})
	}
	close(out.release)
	w.Close()
}

type gone struct{ writes int }

func (g *gone) Write([]byte) (int, error) { g.writes++; return 0, errors.New("broken pipe") }

func TestAReaderWhoLeavesIsLeftAlone(t *testing.T) {
	out := &gone{}
	w := newJSONWatcher(out)
	for range 100 {
		w.Update(runner.Update{Type: "task", Task: "a"})
	}
	w.Close()
	if out.writes != 1 {
		t.Errorf("%d writes to a reader who has left", out.writes)
	}
}

func TestTailTakesTheEndOfALongLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	body := strings.Repeat("a line of the middle\n", 20_000) + "10%\r50%\r100%\r\nlast \xff\n\n"
	must(t, os.WriteFile(path, []byte(body), 0o600))
	if got, want := tailFile(path, 2), []string{"100%", "last \ufffd"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tailFile(path, 1_000_000); len(got) < 3000 || got[0] != "a line of the middle" {
		t.Errorf("the first of %d lines is cut: %q", len(got), got[0])
	}
	if got := tailFile(path+".none", 3); got != nil {
		t.Errorf("of no log: %q", got)
	}
}

func BenchmarkFrame1000(b *testing.B) {
	p := &machine.Plan{DAG: "wide"}
	for i := range 1000 {
		p.Tasks = append(p.Tasks, machine.Task{ID: fmt.Sprintf("task_%d", i)})
	}
	if err := p.Seal(); err != nil {
		b.Fatal(err)
	}
	board := newBoard(p)
	now := time.Now()
	for b.Loop() {
		board.view(scene{width: 120, height: 50, now: now})
	}
}
