package temporal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/temporal"

	"weft/machine"
	wire "weft/runner/temporal"
	"weft/store"
	"weft/store/storetest"
	"weft/store/temporal"
	"weft/store/temporal/near"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestSchedulesAsEveryStoreKeepsThem(t *testing.T) {
	storetest.Schedules(t, func(*testing.T) store.Schedules {
		return temporal.New(temporal.Options{Far: &near.Server{Now: time.Now}, Token: 1})
	})
}

// A world is DAGs without a Temporal server, on which leaders come and go.
type world struct {
	*testing.T
	far *near.Server
}

func newWorld(t *testing.T) *world {
	return &world{t, &near.Server{Now: func() time.Time { return noon }}}
}

func (w *world) leader(token int64) *temporal.Store {
	return temporal.New(temporal.Options{Far: w.far, Token: token, Now: func() time.Time { return noon }})
}

func (w *world) fine(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) gap(err error) {
	w.Helper()
	if !errors.Is(err, store.ErrGap) {
		w.Fatalf("got %v, want a refusal", err)
	}
}

func row(id string, last time.Time) *store.Changes {
	return &store.Changes{DAGs: []store.DAG{{ID: id, FirstSeen: noon, Last: last}}}
}

func (w *world) last(id string) time.Time {
	w.Helper()
	kept, err := temporal.New(temporal.Options{Far: w.far}).Scheduled(w.Context())
	w.fine(err)
	for _, d := range kept.DAGs {
		if d.ID == id {
			return d.Last
		}
	}
	w.Fatalf("nothing is remembered of %s", id)
	return time.Time{}
}

func TestALeaderThatComesBackDoesNoHarm(t *testing.T) {
	w := newWorld(t)
	old, young := w.leader(7), w.leader(8)
	_, err := old.Scheduled(t.Context())
	w.fine(err)
	w.fine(old.Settle(t.Context(), row("a", noon)))
	w.fine(old.Settle(t.Context(), row("b", noon)))

	_, err = young.Scheduled(t.Context()) // which is enough, though it settles nothing
	w.fine(err)
	w.gap(old.Settle(t.Context(), row("a", noon.Add(time.Hour))))
	w.gap(old.Settle(t.Context(), row("new", noon))) // it knows by now
	if at := w.last("a"); !at.Equal(noon) {
		t.Errorf("a was changed: last %s", at)
	}
	w.fine(young.Settle(t.Context(), row("a", noon.Add(time.Minute))))
	if at := w.last("a"); !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("last is %s", at)
	}
}

// A DAG that a leader takes for new, and that another had seen a moment before, is not seen for the first time twice.
func TestADAGThatWasNotListedYetIsNotTakenForNew(t *testing.T) {
	w := newWorld(t)
	gaveUp := 0
	late := temporal.New(temporal.Options{Far: unlisted{w.far}, Token: 2, GiveUp: func() { gaveUp++ }})
	_, err := late.Scheduled(t.Context())
	w.fine(err)
	w.fine(w.leader(1).Settle(t.Context(), row("a", noon)))
	w.gap(late.Settle(t.Context(), row("a", time.Time{})))
	w.gap(late.Settle(t.Context(), row("b", time.Time{})))
	if gaveUp != 1 {
		t.Errorf("it gave up %d times, where it is to begin anew", gaveUp)
	}
	known := temporal.New(temporal.Options{Far: unlisted{w.far}, Token: 3, Known: func() []string { return []string{"a"} }})
	kept, err := known.Scheduled(t.Context())
	w.fine(err)
	if len(kept.DAGs) != 1 || !kept.DAGs[0].Last.Equal(noon) {
		t.Errorf("of a DAG in force is remembered %+v", kept)
	}
	w.fine(known.Settle(t.Context(), row("a", noon.Add(time.Hour))))
}

// unlisted is a server whose lists lag behind.
type unlisted struct{ *near.Server }

func (unlisted) DAGs(context.Context) ([]string, error) { return nil, nil }

func TestNobodyButALeaderSettles(t *testing.T) {
	w := newWorld(t)
	w.gap(temporal.New(temporal.Options{Far: w.far}).Settle(t.Context(), row("a", noon)))
}

// An answer that is lost is asked for again, and nothing is written twice.
func TestALostAnswerWritesNothingTwice(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.far.Lose = func(string) bool { n++; return n%2 == 1 }
	s := w.leader(1)
	c := store.Changes{
		DAGs:     []store.DAG{{ID: "a", FirstSeen: noon}},
		Missed:   []store.Missed{{DAG: "a", First: noon, Last: noon, Count: 1, Why: "down"}},
		Absences: []store.Absence{{DAG: "a", From: noon, Why: "paused"}},
	}
	w.fine(s.Settle(t.Context(), &c))
	missed, err := s.ListMissed(t.Context(), "", 0)
	w.fine(err)
	kept, err := s.Scheduled(t.Context())
	w.fine(err)
	if len(missed) != 1 || len(kept.Absences) != 1 || kept.Absences[0].ID != c.Absences[0].ID {
		t.Errorf("missed %v, absences %v, the caller's %v", missed, kept.Absences, c.Absences)
	}
	if n < 4 {
		t.Errorf("%d updates: no answer was lost", n)
	}
}

// A term that ends cuts off what is being settled, and then nothing more is settled.
func TestATermThatEndsSettlesNothingMore(t *testing.T) {
	w := newWorld(t)
	held, lose := context.WithCancel(t.Context())
	w.far.Lose = func(string) bool { lose(); return true }
	s := temporal.New(temporal.Options{Far: w.far, Token: 1, Held: held})
	if err := s.Settle(t.Context(), row("a", noon)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.far.Lose = nil
	if err := s.Settle(t.Context(), row("a", noon)); !errors.Is(err, context.Canceled) {
		t.Errorf("later: got %v", err)
	}
}

func TestRunsAreFoundWhereverTheyAre(t *testing.T) {
	w := newWorld(t)
	arrive := func(dag, run, kind string, day int) {
		_, err := w.far.Arrive(t.Context(), wire.Arrival{DAG: dag, Run: run, Type: kind, LogicalDate: noon.AddDate(0, 0, day), CreatedAt: noon})
		w.fine(err)
	}
	arrive("a", "a/scheduled__2026-03-02T12:00:00+00:00", "scheduled", 0)
	arrive("a", "by_hand", "manual", 1)
	arrive("b", "b/backfill__2026-03-04T12:00:00+00:00", "backfill", 2)
	w.fine(w.far.Leave(t.Context(), wire.Departure{DAG: "a", Run: "by_hand", State: machine.RunFailed, FinishedAt: noon.Add(time.Hour)}))
	s := temporal.New(temporal.Options{Far: w.far})
	ids := func(runs []store.Run, err error) (out []string) {
		w.fine(err)
		for _, r := range runs {
			out = append(out, r.ID)
		}
		return out
	}
	same(t, ids(s.ListRuns(t.Context(), store.Filter{})), []string{"b/backfill__2026-03-04T12:00:00+00:00", "by_hand", "a/scheduled__2026-03-02T12:00:00+00:00"})
	same(t, ids(s.ListRuns(t.Context(), store.Filter{Limit: 1})), []string{"b/backfill__2026-03-04T12:00:00+00:00"})
	same(t, ids(s.ListRuns(t.Context(), store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}, DAG: "a"})), []string{"a/scheduled__2026-03-02T12:00:00+00:00"})
	same(t, ids(s.LastRuns(t.Context())), []string{"by_hand", "b/backfill__2026-03-04T12:00:00+00:00"})
	got, err := s.GetRun(t.Context(), "by_hand")
	w.fine(err)
	same(t, []any{got.DAG, got.State, got.FinishedAt}, []any{"a", machine.RunFailed, noon.Add(time.Hour)})
	if _, err := s.GetRun(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// deaf is a server on which no worker is.
type deaf struct{ temporal.Far }

func (deaf) Runs(_ context.Context, dag string, _ temporal.Asked) ([]temporal.Known, error) {
	return nil, temporal.Unanswered(dag)
}

func (deaf) Look(_ context.Context, run string) (store.Run, error) {
	return store.Run{ID: run, DAG: "a", State: machine.RunRunning}, nil
}

// TestARunIsFoundWhileNoWorkerAnswers: who looks, or cancels it, finds it by what the server knows; who leads goes by the index
// alone.
func TestARunIsFoundWhileNoWorkerAnswers(t *testing.T) {
	w := newWorld(t)
	for token, want := range map[int64]string{0: "", 1: "cannot reach what is remembered of a on Temporal: no worker answers"} {
		got, err := temporal.New(temporal.Options{Far: deaf{w.far}, Token: token}).GetRun(t.Context(), "by_hand")
		if want == "" && (err != nil || got.State != machine.RunRunning) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("token %d: %s, %v", token, got.State, err)
		}
	}
}

// TestDependsOnPast asks as a run's workflow does: once, and then until the answer is yes.
func TestDependsOnPast(t *testing.T) {
	w := newWorld(t)
	ask := wire.Past{DAG: "d", LogicalDate: noon.AddDate(0, 0, 2), Task: "load"}
	answers := func(want wire.PastAnswer) {
		t.Helper()
		got, err := temporal.Past(t.Context(), w.far, ask)
		w.fine(err)
		same(t, got, want)
	}
	answers(wire.PastAnswer{OK: true}) // nothing is remembered of the DAG
	come := func(run, kind string, day int, end machine.State) {
		_, err := w.far.Arrive(t.Context(), wire.Arrival{DAG: "d", Run: run, Type: kind, LogicalDate: noon.AddDate(0, 0, day)})
		w.fine(err)
		w.fine(w.far.Leave(t.Context(), wire.Departure{DAG: "d", Run: run, Type: kind, State: machine.RunSuccess, Tasks: map[string]machine.State{"load": end}}))
	}
	come("by_hand", "manual", 1, machine.Failed)
	come("d/later", "scheduled", 3, machine.Failed)
	answers(wire.PastAnswer{OK: true})
	come("d/first", "scheduled", 0, machine.Success)
	answers(wire.PastAnswer{OK: true, Run: "d/first"})
	come("d/second", "backfill", 1, machine.Failed)
	answers(wire.PastAnswer{OK: false, Run: "d/second"})
	ask.Until = true
	_, err := temporal.Past(t.Context(), w.far, ask)
	var again *sdk.ApplicationError
	if !errors.As(err, &again) || again.Type() != wire.ErrNotYet || again.NonRetryable() || again.NextRetryDelay() <= 0 {
		t.Errorf("got %v, want an error that is tried again", err)
	}
	come("d/second", "backfill", 1, machine.Skipped) // it was cleared
	answers(wire.PastAnswer{OK: true, Run: "d/second"})
}
