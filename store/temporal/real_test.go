package temporal_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
	wire "weft/runner/temporal"
	"weft/store"
	"weft/store/storetest"
	kept "weft/store/temporal"
	"weft/tests/temporalserver"
)

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

func dial(t *testing.T, address string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: address, Logger: silent{}, Identity: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// works hosts what is remembered, and runs that do nothing, until the test ends.
func works(t *testing.T, c client.Client, sweepEvery time.Duration) {
	t.Helper()
	w := worker.New(c, wire.Queue, worker.Options{})
	kept.RegisterSweeping(w, c, sweepEvery)
	w.RegisterWorkflowWithOptions(idleRun, workflow.RegisterOptions{Name: wire.RunWorkflow})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// idleRun is a run that begins when it may, and ends when it is told to.
func idleRun(ctx workflow.Context, a wire.Arrival) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var at wire.Place
	if err := workflow.ExecuteActivity(ctx, wire.ArriveActivity, a).Get(ctx, &at); err != nil {
		return err
	}
	if !at.Admitted {
		workflow.GetSignalChannel(ctx, wire.SignalAdmitted).Receive(ctx, nil)
	}
	began := workflow.Now(ctx)
	workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	return workflow.ExecuteActivity(ctx, wire.LeaveActivity, wire.Departure{
		DAG: a.DAG, Run: a.Run, Type: a.Type, State: machine.RunSuccess, StartedAt: began, FinishedAt: workflow.Now(ctx),
	}).Get(ctx, nil)
}

// A corner is a part of a server for one story: its DAGs have a name before theirs.
type corner struct {
	kept.Far
	name string
}

func (c corner) DAGs(ctx context.Context) (out []string, err error) {
	all, err := c.Far.DAGs(ctx)
	for _, dag := range all {
		if dag, mine := strings.CutPrefix(dag, c.name); mine {
			out = append(out, dag)
		}
	}
	return out, err
}

func (c corner) Claim(ctx context.Context, dag string, a kept.Claim) (kept.Claimed, error) {
	return c.Far.Claim(ctx, c.name+dag, a)
}

func (c corner) Settle(ctx context.Context, dag string, a kept.Settle) (kept.Settled, error) {
	return c.Far.Settle(ctx, c.name+dag, a)
}

func (c corner) Kept(ctx context.Context, dag string) (kept.Kept, error) {
	return c.Far.Kept(ctx, c.name+dag)
}

func (c corner) Missed(ctx context.Context, dag string, limit int) ([]kept.Numbered, error) {
	return c.Far.Missed(ctx, c.name+dag, limit)
}

func (c corner) Backfills(ctx context.Context, dag string, limit int) ([]store.Backfill, error) {
	return c.Far.Backfills(ctx, c.name+dag, limit)
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !is(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in 30 seconds: %s", what)
		}
	}
}

func TestOnARealServer(t *testing.T) {
	t.Parallel()
	server := temporalserver.Start(t, temporalserver.Dynamic("limit.historyCount.suggestContinueAsNew", "60"))
	c := dial(t, server.Address)
	works(t, c, time.Second)
	far := kept.NewFar(c)
	t.Run("schedules as every store keeps them", func(t *testing.T) {
		n := 0
		storetest.Schedules(t, func(*testing.T) store.Schedules {
			n++
			return kept.New(kept.Options{Far: corner{far, strings.Repeat("x", n) + "-"}, Token: 1})
		})
	})
	t.Run("a leader that comes back is refused", func(t *testing.T) {
		s := kept.New(kept.Options{Far: far, Token: 7})
		if err := s.Settle(t.Context(), row("fenced", noon)); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Claim(t.Context(), "fenced", kept.Claim{Token: 8}); err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(t.Context(), row("fenced", noon)); !errors.Is(err, store.ErrGap) {
			t.Errorf("got %v, want a refusal", err)
		}
	})
	t.Run("runs stand in line, and go on when others have ended or vanished", func(t *testing.T) { inLine(t, c, far) })
	t.Run("a DAG's workflow goes on as a new execution, and loses nothing", func(t *testing.T) { goesOn(t, c, far) })
	t.Run("slots are lent, and come back when their holder is gone", func(t *testing.T) { lends(t, c) })
	t.Run("what is settled while the server is away is settled once it is back", func(t *testing.T) { awhileAway(t, server) })
	if os.Getenv("WEFT_RECORD") != "" {
		for _, id := range []string{kept.DAGID("line"), kept.DAGID("long"), wire.PoolsID} {
			record(t, c, id)
		}
	}
	t.Run("what a namespace still has of a run is told, though its DAG has forgotten it", func(t *testing.T) {
		row, err := far.Look(t.Context(), "line/scheduled__2026-03-02T12:00:00+00:00")
		if err != nil || row.DAG != "line" || row.Type != "scheduled" || row.State != machine.RunSuccess || !row.LogicalDate.Equal(noon) {
			t.Errorf("got %+v, %v", row, err)
		}
	})
}

// start begins a run of a DAG that lets one go at a time.
func start(t *testing.T, c client.Client, dag string, logical time.Time) string {
	t.Helper()
	run := machine.RunKey(dag, "scheduled", "scheduled__"+machine.Timestamp(logical))
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: wire.RunID(run), TaskQueue: wire.Queue},
		wire.RunWorkflow, wire.Arrival{DAG: dag, Run: run, Type: "scheduled", LogicalDate: logical, CreatedAt: logical, Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func inLine(t *testing.T, c client.Client, far kept.Far) {
	s := kept.New(kept.Options{Far: far})
	state := func(run string) machine.RunState {
		r, err := far.Runs(t.Context(), "line", kept.Asked{Run: run})
		if err != nil || len(r) == 0 {
			return ""
		}
		return r[0].State
	}
	is := func(run string, want machine.RunState) {
		t.Helper()
		eventually(t, run+" is "+string(want), func() bool { return state(run) == want })
	}
	first := start(t, c, "line", noon)
	is(first, machine.RunRunning)
	second, third := start(t, c, "line", noon.Add(2*time.Hour)), start(t, c, "line", noon.Add(time.Hour))
	is(second, machine.RunQueued)
	is(third, machine.RunQueued)
	going, err := s.ListRuns(t.Context(), store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}})
	if err != nil || len(going) != 3 {
		t.Errorf("of three runs that go on these are listed: %v, %v", going, err)
	}
	if err := c.SignalWorkflow(t.Context(), wire.RunID(first), "", "end", nil); err != nil {
		t.Fatal(err)
	}
	is(first, machine.RunSuccess)
	is(third, machine.RunRunning)
	// Somebody ends it in Temporal's own page: it says no word.
	if err := c.TerminateWorkflow(t.Context(), wire.RunID(third), "", "by hand"); err != nil {
		t.Fatal(err)
	}
	is(third, machine.RunCancelled)
	is(second, machine.RunRunning)
	if err := c.SignalWorkflow(t.Context(), wire.RunID(second), "", "end", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.GetWorkflow(t.Context(), wire.RunID(second), "").Get(t.Context(), nil); err != nil {
		t.Errorf("a run that was let in ended with %v", err)
	}
	if events := history(t, c, kept.DAGID("line")); events > 60 {
		t.Errorf("the DAG's history has %d events after three runs", events)
	}
}

// awhileAway cuts a leader off while it settles.
func awhileAway(t *testing.T, server *temporalserver.Server) {
	link := temporalserver.NewLink(t, server.Address)
	s := kept.New(kept.Options{Far: kept.NewFar(dial(t, link.Address)), Token: 1})
	if err := s.Settle(t.Context(), row("away", noon)); err != nil {
		t.Fatal(err)
	}
	link.Cut()
	done := make(chan error, 1)
	go func() {
		done <- s.Settle(t.Context(), &store.Changes{Missed: []store.Missed{{DAG: "away", First: noon, Last: noon, Count: 1, Why: "down"}}})
	}()
	select {
	case err := <-done:
		t.Fatalf("settled without a server: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	link.Heal()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	missed, err := s.ListMissed(t.Context(), "away", 0)
	if err != nil || len(missed) != 1 {
		t.Errorf("missed are %v, %v", missed, err)
	}
}

// lends has two runs want the one slot of a pool.
func lends(t *testing.T, c client.Client) {
	if err := kept.SetPools(t.Context(), c, map[string]int{"glue": 1}, true); err != nil {
		t.Fatal(err)
	}
	first, second := start(t, c, "pools", noon), start(t, c, "more", noon)
	holds := func(run string) func() bool {
		return func() bool {
			var p kept.Pools
			answer, err := c.QueryWorkflow(t.Context(), wire.PoolsID, "", kept.QueryPools)
			if err == nil {
				err = answer.Get(&p)
			}
			return err == nil && len(p.Leases) == 1 && p.Leases[0].Run == wire.RunID(run) && p.Leases[0].Told
		}
	}
	for _, run := range []string{first, second} {
		if err := c.SignalWorkflow(t.Context(), wire.PoolsID, "", wire.SignalWant, wants(run, "x")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the first run has the slot", holds(first))
	}
	if err := c.TerminateWorkflow(t.Context(), wire.RunID(first), "", "by hand"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second run has the slot", holds(second))
}

// goesOn settles until the history has been left behind several times.
func goesOn(t *testing.T, c client.Client, far kept.Far) {
	s := kept.New(kept.Options{Far: far, Token: 1})
	for i := range 60 {
		at := noon.Add(time.Duration(i) * time.Minute)
		err := s.Settle(t.Context(), &store.Changes{
			DAGs:   []store.DAG{{ID: "long", FirstSeen: noon, Last: at}},
			Missed: []store.Missed{{DAG: "long", First: at, Last: at, Count: 1, Why: "down"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	missed, err := s.ListMissed(t.Context(), "long", 0)
	if err != nil || len(missed) != 60 {
		t.Errorf("%d of 60 records are there: %v", len(missed), err)
	}
	k, err := far.Kept(t.Context(), "long")
	if err != nil || !k.DAG.Last.Equal(noon.Add(59*time.Minute)) {
		t.Errorf("the last that was settled is %+v, %v", k.DAG, err)
	}
	if events := history(t, c, kept.DAGID("long")); events > 100 {
		t.Errorf("the history has %d events: it was never left behind", events)
	}
}

// history is how many events the newest execution of a workflow has.
func history(t *testing.T, c client.Client, id string) (n int) {
	t.Helper()
	all := c.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		if _, err := all.Next(); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
