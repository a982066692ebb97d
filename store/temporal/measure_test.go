package temporal_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"weft/machine"
	wire "weft/runner/temporal"
	"weft/store"
	kept "weft/store/temporal"
	"weft/tests/temporalserver"
)

// TestMeasureWhatIsRemembered prints what docs/scale.md says of schedulers: what a leader needs to begin, a round of
// decisions, a look at the list of runs, and many runs of one DAG that come at once.
func TestMeasureWhatIsRemembered(t *testing.T) {
	if os.Getenv("WEFT_SOAK") == "" {
		t.Skip("WEFT_SOAK=1 measures")
	}
	server := temporalserver.Start(t)
	c := dial(t, server.Address)
	works(t, c, time.Minute)
	far := kept.NewFar(c)
	const dags, runs = 200, 200
	took := func(what string, do func() error) {
		t.Helper()
		from := time.Now()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%-60s %s", what, time.Since(from).Round(time.Millisecond))
	}
	rows := func(at time.Time) *store.Changes {
		c := &store.Changes{}
		for i := range dags {
			id := fmt.Sprintf("dag%03d", i)
			c.DAGs = append(c.DAGs, store.DAG{ID: id, FirstSeen: noon, Last: at})
			c.Due = append(c.Due, store.Due{DAG: id, Logical: at, Start: at, End: at, At: at})
		}
		return c
	}
	first := kept.New(kept.Options{Far: far, Token: 1})
	took(fmt.Sprintf("%d DAGs seen for the first time", dags), func() error { return first.Settle(t.Context(), rows(noon)) })
	took(fmt.Sprintf("%d DAGs due in one round", dags), func() error { return first.Settle(t.Context(), rows(noon.Add(time.Minute))) })
	next := kept.New(kept.Options{Far: far, Token: 2})
	took(fmt.Sprintf("another leader learns of %d DAGs", dags), func() error {
		_, err := next.Scheduled(t.Context())
		return err
	})
	going := store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}}
	took("which runs go on, of no DAG", func() error {
		_, err := next.ListRuns(t.Context(), going)
		return err
	})
	took(fmt.Sprintf("the newest run of each of %d DAGs", dags), func() error {
		_, err := next.LastRuns(t.Context())
		return err
	})
	took(fmt.Sprintf("%d runs of one DAG come, and go, at once", runs), func() error {
		var all sync.WaitGroup
		errs := make(chan error, 2*runs)
		for i := range runs {
			all.Go(func() {
				run := fmt.Sprintf("crowd/scheduled__%04d", i)
				_, err := far.Arrive(t.Context(), wire.Arrival{DAG: "crowd", Run: run, Type: "scheduled", LogicalDate: noon, Max: 0})
				errs <- err
				errs <- far.Leave(t.Context(), wire.Departure{DAG: "crowd", Run: run, Type: "scheduled", State: machine.RunSuccess, FinishedAt: noon})
			})
		}
		all.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	})
	t.Logf("events in that DAG's newest history: %d", history(t, c, kept.DAGID("crowd")))
}
