package retention

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/handoff"
	"weft/machine"
	"weft/store"
)

var month = Policy{OlderThan: 30 * day}

// furnished has a bit of everything: what is to go, and what is to stay.
func furnished(t *testing.T) *world {
	w := newWorld(t)
	w.lived(past{id: "old", ended: 40 * day, value: "12345"})
	w.lived(past{id: "older", ended: 50 * day, value: "1234567", shared: true, plan: "v1"})
	w.lived(past{id: "silent", ended: 60 * day})
	w.lived(past{id: "young", ended: 20 * day, value: "123"})
	w.lived(past{id: "running", ended: 90 * day, state: machine.RunRunning, value: "123"})
	w.envs["used"] = Environment{Name: "used", Used: now.Add(-10 * day), Bytes: 1000}
	w.envs["unused"] = Environment{Name: "unused", Used: now.Add(-31 * day), Bytes: 300}
	w.envs["half"] = Environment{Name: "half", Half: true, Used: now, Bytes: 20}
	w.put("tmp/old/1/file", "1234")
	w.put("tmp/unknown/1/file", "12")
	w.put("tmp/running/1/file", "kept")
	w.put("logs/d/unknown/t.1.log", "123456")
	w.put("handoff/d/unknown/t/-/1/output.json", "1")
	return w
}

func TestThePlanIsWhatHappens(t *testing.T) {
	w := furnished(t)
	before := w.all()
	plan := w.plan(w.keeper(), month)
	if got := w.all(); got != before {
		t.Errorf("the plan has changed\n%s\nto\n%s", before, got)
	}
	var ids []string
	for _, r := range plan.Runs {
		ids = append(ids, r.ID)
	}
	if want := []string{"silent", "older", "old"}; !slices.Equal(ids, want) {
		t.Errorf("the plan has %q, want %q", ids, want)
	}
	want := Totals{
		Runs: 3, Logs: int64(len("silent was here\nolder was here\nold was here\n")), Values: handoff.Amount{Count: 2, Bytes: 12},
		Environments: handoff.Amount{Count: 1, Bytes: 300}, Leftovers: handoff.Amount{Count: 5, Bytes: 20 + 4 + 2 + 6 + 1},
	}
	if plan.Totals() != want {
		t.Errorf("the plan sums up\n%+v\nwant\n%+v\n%+v", plan.Totals(), want, plan.Leftovers)
	}
	res, err := w.keeper().Carry(t.Context(), plan)
	w.fine(err)
	if res.Totals != want || len(res.Alone)+len(res.Failed) > 0 {
		t.Errorf("gone is\n%+v\nwant\n%+v", res, want)
	}
	if got, want := strings.Join(w.runs(), " "), "running young"; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
	w.whole()
	for _, kept := range []string{"home/tmp/running/1/file", "home/handoff/d/running", "environment used"} {
		if !strings.Contains(w.all(), kept) {
			t.Errorf("%s is gone", kept)
		}
	}
	if again, _ := w.gc(month); !again.Empty() {
		t.Errorf("the next plan has %+v", again)
	}
}

// cut carries the plan out until its n-th step, as if weft were killed there; false if there are
// fewer.
func (w *world) cut(n int) bool {
	w.t.Helper()
	k := w.keeper()
	k.step = func(string) error {
		if n--; n < 0 {
			return errStopped
		}
		return nil
	}
	plan := w.plan(k, month)
	_, err := k.Carry(w.t.Context(), plan)
	if err != nil && !errors.Is(err, errStopped) {
		w.t.Fatal(err)
	}
	return err != nil
}

// Killed at every step, and the next gc comes to the same end; in between nothing that can be seen
// has lost anything.
func TestCutOffAtEveryStep(t *testing.T) {
	w := furnished(t)
	w.gc(month)
	w.clock = w.clock.Add(2 * day) // plans go later
	w.gc(month)
	end := w.all()
	steps := 0
	for n := 0; ; n++ {
		w := furnished(t)
		if !w.cut(n) {
			break
		}
		steps++
		w.whole()
		twice := n % 4 // and once more, later in the same removal
		if twice > 0 {
			w.cut(twice)
			w.whole()
		}
		w.gc(month)
		w.clock = w.clock.Add(2 * day)
		w.gc(month)
		if got := w.all(); got != end {
			t.Errorf("cut off at step %d the end is\n%s\nwant\n%s", n, got, end)
		}
	}
	if steps < 15 {
		t.Errorf("only %d steps", steps)
	}
	t.Logf("%d steps", steps)
}

// A marked run cannot be seen, taken up or given orders; its id is not free.
func TestARunThatIsGoingIsGoneForAllOthers(t *testing.T) {
	w := furnished(t)
	seen, err := w.store.GetRun(t.Context(), "silent")
	w.fine(err)
	for n := 0; slices.Contains(w.runs(), "silent"); n++ {
		w.cut(n)
	}
	if _, err := w.store.Read(t.Context(), "silent"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its journal is read: %v", err)
	}
	if err := w.store.Create(t.Context(), seen, nil); !errors.Is(err, store.ErrGoing) {
		t.Errorf("its id is free: %v", err)
	}
	plan := w.plan(w.keeper(), Policy{OlderThan: 1000 * day})
	if len(plan.Runs) != 1 || !plan.Runs[0].Begun {
		t.Errorf("the next plan, with whatever policy, has %+v", plan.Runs)
	}
}

// failing is a place whose removals fail, some after a part has gone.
type failing struct {
	handoff.Backend
	removed func()
}

func (f failing) Remove(context.Context, string) (handoff.Amount, error) {
	f.removed()
	return handoff.Amount{}, errors.New("connection refused")
}

func TestARemovalThatFailsHalfwayIsTakenUp(t *testing.T) {
	w := furnished(t)
	k := w.keeper()
	k.Place = func(uri string) (handoff.Backend, error) {
		b, err := handoff.Known().At(uri)
		if uri == handoff.FileURI(w.shared) {
			b = failing{b, func() { w.fine(os.RemoveAll(filepath.Join(w.shared, "d", "older", "t"))) }}
		}
		return b, err
	}
	res, err := k.Carry(t.Context(), w.plan(k, month))
	w.fine(err)
	if res.Runs != 2 || len(res.Failed) != 1 || res.Failed[0].What != "run older" {
		t.Errorf("%+v", res)
	}
	if slices.Contains(w.runs(), "older") {
		t.Error("a run that has lost a part can be seen")
	}
	if _, res := w.gc(month); res.Runs != 1 || len(res.Failed) > 0 {
		t.Errorf("the next one: %+v", res)
	}
}

func TestAHandoffThatDoesNotAnswerKeepsItsRuns(t *testing.T) {
	w := furnished(t)
	w.lived(past{id: "other", ended: 45 * day, value: "12345", shared: true})
	w.fine(os.Rename(w.shared, w.shared+".away"))
	plan, res := w.gc(month)
	if len(plan.Failed) != 1 || plan.Failed[0].What != "2 runs stay" || !strings.Contains(plan.Failed[0].Why, "cannot reach the handoff file://"+w.shared) {
		t.Errorf("the plan says %+v", plan.Notes)
	}
	if res.Runs != 2 || !slices.Equal(w.runs(), []string{"older", "other", "running", "young"}) {
		t.Errorf("%d have gone, left are %q", res.Runs, w.runs())
	}
	w.fine(os.Rename(w.shared+".away", w.shared))
	w.whole()

	k := w.keeper() // it goes away between plan and removal
	plan = w.plan(k, month)
	w.fine(os.Rename(w.shared, w.shared+".away"))
	res, err := k.Carry(t.Context(), plan)
	w.fine(err)
	if res.Runs != 0 || len(res.Failed) != 1 || !slices.Contains(w.runs(), "older") {
		t.Errorf("%+v, left are %q", res, w.runs())
	}
	w.fine(os.Rename(w.shared+".away", w.shared))
	if _, res := w.gc(month); res.Runs != 2 || len(res.Failed) > 0 {
		t.Errorf("the next one: %+v", res)
	}
}

func TestWhatSomeoneIsAtIsLeftAlone(t *testing.T) {
	w := furnished(t)
	unlock, err := w.locks().Lock("old")
	w.fine(err)
	plan := w.plan(w.keeper(), month)
	if len(plan.Runs) != 2 || len(plan.Alone) != 2 || len(plan.Failed) > 0 { // the run, and its scratch folder
		t.Errorf("%+v", plan.Notes)
	}
	unlock()

	k := w.keeper()
	plan = w.plan(k, month)
	unlock, err = w.locks().Lock("old")
	w.fine(err)
	row, err := w.store.GetRun(t.Context(), "silent") // someone clears it meanwhile
	w.fine(err)
	row.State, row.FinishedAt = machine.RunRunning, time.Time{}
	w.store.Append("silent", nil, &row, w.fine)
	w.inUse["unused"] = true
	res, err := k.Carry(t.Context(), plan)
	w.fine(err)
	unlock()
	if res.Runs != 1 || len(res.Failed) > 0 || len(res.Alone) != 4 {
		t.Errorf("%+v", res)
	}
	if got := strings.Join(w.runs(), " "); got != "old running silent young" {
		t.Errorf("left are %s", got)
	}
	w.whole()
}

func TestAScratchFolderWithLifeInItStays(t *testing.T) {
	w := newWorld(t)
	w.put("tmp/haunted/1/file", "x")
	plan, _ := w.gc(month)
	if !plan.Empty() || len(plan.Alone) != 1 || !strings.Contains(plan.Alone[0].Why, "something of it still lives") {
		t.Errorf("%+v", plan)
	}
}

func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	for _, id := range strings.Fields("a b c d e f g h i j k l m n o p") {
		w.lived(past{id: id, ended: 40 * day, value: "12345"})
	}
	var all sync.WaitGroup
	results := make([]*Result, 2)
	for i := range results {
		k := w.keeper()
		k.Workers = 4
		plan := w.plan(k, month)
		all.Go(func() {
			var err error
			if results[i], err = k.Carry(context.Background(), plan); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := results[0].Runs + results[1].Runs; n < 16 || len(results[0].Failed)+len(results[1].Failed) > 0 {
		t.Errorf("%+v and %+v", results[0], results[1])
	}
	w.gc(month) // what each left to the other
	if left := w.all(); strings.Contains(left, "run ") || strings.Contains(left, "going ") || strings.Contains(left, "file ") {
		t.Errorf("left is\n%s", left)
	}
}

// In a handoff that is not the home's own, what this home does not know may be another's.
func TestWhatOthersKeepInASharedHandoffStays(t *testing.T) {
	w := furnished(t)
	theirs := filepath.Join(w.shared, "d", "theirs", "t", "-", "1")
	w.fine(os.MkdirAll(theirs, 0o700))
	w.fine(os.WriteFile(filepath.Join(theirs, "output.json"), nil, 0o600))
	k := w.keeper()
	k.Handoff = handoff.FileURI(w.shared)
	_, err := k.Carry(t.Context(), w.plan(k, Policy{}))
	w.fine(err)
	if _, err := os.Stat(filepath.Join(theirs, "output.json")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(w.shared, "d", "older")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("our own is still there: %v", err)
	}
}

// Values and logs of runs that are not known go only when they are old: the store may have been put
// back from a copy.
func TestYoungStraysStay(t *testing.T) {
	w := furnished(t)
	w.clock = time.Now() // the files have just been written
	plan := w.plan(w.keeper(), Policy{OlderThan: day})
	for _, l := range plan.Leftovers {
		if l.Kind == values || l.Kind == runLogs {
			t.Errorf("%+v", l)
		}
	}
}

func TestOneDAGAlone(t *testing.T) {
	w := furnished(t)
	w.lived(past{id: "other", dag: "e", ended: 40 * day, value: "x"})
	plan, res := w.gc(Policy{OlderThan: 30 * day, DAG: "e"})
	if len(plan.Runs) != 1 || len(plan.Environments)+len(plan.Leftovers) > 0 || res.Runs != 1 {
		t.Errorf("%+v", plan)
	}
}

// A plan goes a day after it was first seen without a run, unless someone puts it again meanwhile.
func TestPlansGoADayLater(t *testing.T) {
	w := newWorld(t)
	w.lived(past{id: "a", ended: 40 * day, plan: "gone"})
	again := w.lived(past{id: "b", ended: 40 * day, plan: "again"})
	body, err := w.store.GetPlan(t.Context(), again.Plan)
	w.fine(err)
	plans := func() int {
		idle, err := w.store.IdlePlans(t.Context())
		w.fine(err)
		return len(idle)
	}
	for _, c := range []struct {
		later time.Duration
		left  int
	}{{0, 2}, {23 * time.Hour, 2}, {time.Hour, 1}, {23 * time.Hour, 1}, {2 * time.Hour, 0}} {
		w.clock = w.clock.Add(c.later)
		if c.later == time.Hour { // a run of it is about to begin
			w.fine(w.store.PutPlan(t.Context(), again.Plan, body))
		}
		plan, res := w.gc(month)
		if plan.Totals() != res.Totals || plans() != c.left {
			t.Errorf("%v later: planned %+v, gone %+v, left %d, want %d", c.later, plan.Totals(), res.Totals, plans(), c.left)
		}
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	w := furnished(t)
	k := w.keeper()
	plan := w.plan(k, month)
	ctx, cancel := context.WithCancel(t.Context())
	k.step = func(point string) error {
		if point == "logs older" {
			cancel()
		}
		return nil
	}
	if _, err := k.Carry(ctx, plan); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.whole()
	if _, res := w.gc(month); len(res.Failed) > 0 || !reflect.DeepEqual(w.runs(), []string{"running", "young"}) {
		t.Errorf("%+v, left are %q", res, w.runs())
	}
}
