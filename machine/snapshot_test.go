package machine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// wide is a DAG of n tasks without needs.
func wide(t testing.TB, n int, change func(task *Task)) *Plan {
	p := &Plan{Format: PlanFormat, DAG: "wide", Verdict: Verdict{Rule: "leaves"}, Tasks: make([]Task, n)}
	for i := range p.Tasks {
		p.Tasks[i] = Task{ID: fmt.Sprintf("a_task_with_a_name_%d", i), Trigger: Trigger{Rule: "all_success"}}
		change(&p.Tasks[i])
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSnapshotSize holds the house's number: at most 1 MiB at 10,000 tasks, outputs and plan aside.
func TestSnapshotSize(t *testing.T) {
	const tasks = 10_000
	finish := func(r *Run) (outputs int) {
		at := epoch
		zero := 0
		for _, cmd := range r.Outstanding() {
			start, ok := cmd.(StartAttempt)
			if !ok {
				continue
			}
			at = at.Add(1234567 * time.Microsecond)
			r.Step(Event{At: at, Fact: AttemptStarted(start)})
			output := fmt.Sprintf(`{"rows":%d,"table":"orders"}`, at.Unix())
			outputs += len(output)
			r.Step(Event{At: at.Add(3*time.Hour + 789*time.Nanosecond), Fact: AttemptEnded{Key: start.Key, Outcome: Outcome{
				State: Success, Exit: &zero, Output: Raw(output), Elapsed: int64(3*time.Hour) + at.UnixNano()%1e9,
			}}})
		}
		return outputs
	}
	begin := func(r *Run) (outputs int) {
		for i, cmd := range r.Outstanding() {
			r.Step(Event{At: epoch.Add(time.Duration(i) * 1234567), Fact: AttemptStarted(cmd.(StartAttempt))})
		}
		return 0
	}
	for name, c := range map[string]struct {
		plan *Plan
		play func(r *Run) (outputs int)
	}{
		"finished tasks": {wide(t, tasks, func(*Task) {}), finish},
		"finished instances": {wide(t, 1, func(task *Task) {
			task.ForEach = &ForEach{List: Raw("[" + strings.Repeat(`"partition-2026-01-02",`, tasks-1) + `"x"]`)}
		}), finish},
		"waiting sensors": {wide(t, tasks, func(task *Task) {
			task.Sensor = &Sensor{Timeout: Duration(time.Hour)}
		}), begin},
	} {
		plans := func(string) *Plan { return c.plan }
		r := New(plans)
		r.Step(Event{At: epoch, Fact: RunStarted{Rules: Rules, DAG: "wide", Run: "manual__2026-01-02T03:00:00+00:00", LogicalDate: epoch}})
		outputs := c.play(r)
		b, err := r.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		size := len(b) - outputs
		t.Logf("10,000 %s: %d bytes, outputs of %d bytes aside", name, size, outputs)
		if size > 1<<20 {
			t.Errorf("10,000 %s take %d bytes", name, size)
		}
		restored, err := Restore(plans, b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := restored.Snapshot()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: the snapshot of what was restored is another (%v)", name, err)
		}
	}
}

// crowded is a run with something of everything in its state but remote work.
func crowded(t testing.TB) (*world, []byte) {
	return worldWith(t, func(r *Run) bool {
		return len(r.chains) > 0 && len(r.timers) > 1 && len(r.drains) > 0 && len(r.callList) > 1
	})
}

// worldWith is the first run to be in such a state.
func worldWith(t testing.TB, such func(r *Run) bool) (*world, []byte) {
	for seed := uint64(182); ; seed++ {
		w := newWorld(seed)
		start := RunStarted{Rules: Rules, Run: "r", RunType: "scheduled", LogicalDate: epoch, Plan: w.anyPlan()}
		if err := w.tell(start); err != nil {
			t.Fatal(err)
		}
		for range 400 {
			if err := w.disturbedDay(); err != nil {
				t.Fatal(err)
			}
			if such(w.run) {
				b, err := w.run.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("seed %d", seed)
				return w, b
			}
		}
	}
}

// worksElsewhere tells that remote work is under way, and some of an epoch that is over.
func worksElsewhere(r *Run) bool {
	drained := false
	for _, d := range r.drains {
		drained = drained || d.remote != nil
	}
	return drained && slices.ContainsFunc(r.Outstanding(), func(c Command) bool { _, ok := c.(WatchRemote); return ok })
}

func TestRestoreRefuses(t *testing.T) {
	for _, such := range []func(testing.TB) (*world, []byte){crowded, func(t testing.TB) (*world, []byte) { return worldWith(t, worksElsewhere) }} {
		w, b := such(t)
		restoreRefuses(t, w, b)
	}
	if _, err := New(func(string) *Plan { return nil }).Snapshot(); err == nil {
		t.Error("a run that has not started has a snapshot")
	}
}

func restoreRefuses(t *testing.T, w *world, b []byte) {
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := Restore(w.find, bad); err == nil {
			t.Fatalf("byte %d of %d is another and nobody minds", i, len(b))
		}
		if _, err := Restore(w.find, b[:i]); err == nil {
			t.Fatalf("cut off after %d of %d bytes and nobody minds", i, len(b))
		}
	}
	if _, err := Restore(func(string) *Plan { return nil }, b); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("restored without its plan: %v", err)
	}
	c := &codec{known: map[string]int{}}
	future := snapshotFormat + 1
	num(c, &future)
	if _, err := restore(w.find, c.buf); err == nil || !strings.Contains(err.Error(), "format 4, this weft knows 3") {
		t.Errorf("restored from the future: %v", err)
	}
}

// FuzzRestore reads anything between mark and seal: it refuses, or gives a run that can be stepped
// and looked at.
func FuzzRestore(f *testing.F) {
	w, b := crowded(f)
	f.Add(b[len(snapshotMark) : len(b)-sealSize])
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := restore(w.find, body)
		if err != nil {
			return
		}
		for _, cmd := range r.Outstanding() {
			if start, ok := cmd.(StartAttempt); ok {
				r.Order(start.Key)
				r.Step(Event{At: epoch, Fact: AttemptEnded{Key: start.Key, Outcome: Outcome{State: Failed}}})
			}
		}
		r.Step(Event{At: epoch, Fact: CancelAsked{}})
		r.Summarize()
	})
}
