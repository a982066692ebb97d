package retention_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"weft/handoff"
	"weft/logs"
	"weft/machine"
	"weft/retention"
	"weft/runner"
	"weft/runner/local"
	"weft/store"
	"weft/store/sqlite"
)

// BenchmarkRuns plans and removes ten thousand runs, each with 40 records, ten logs and a value, from
// a store on a disk.
func BenchmarkRuns(b *testing.B) {
	const runs = 10_000
	for b.Loop() {
		b.StopTimer()
		home := b.TempDir()
		st, err := sqlite.Open(home)
		must(b, err)
		furnish(b, st, home, runs)
		k := keeper(st, home)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		began := time.Now()
		p, err := k.Plan(b.Context(), retention.Policy{OlderThan: time.Hour})
		must(b, err)
		planned := time.Now()
		runtime.ReadMemStats(&after)
		res, err := k.Carry(b.Context(), p)
		must(b, err)
		b.ReportMetric(planned.Sub(began).Seconds(), "s/plan")
		b.ReportMetric(time.Since(planned).Seconds(), "s/removal")
		b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/(1<<20), "MiB/plan")
		b.ReportMetric(float64(res.Freed)/(1<<20), "MiB/freed")
		b.StopTimer()
		if res.Runs != runs || len(res.Failed) > 0 {
			b.Fatalf("%+v", res)
		}
		must(b, st.Close())
		b.StartTimer()
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func keeper(st store.Store, home string) *retention.Keeper {
	own, locks := filepath.Join(home, "handoff"), local.FileLocks{Dir: filepath.Join(home, "runs")}
	return &retention.Keeper{
		Store: st, Lock: locks.Lock, Free: locks.Free,
		Driven: func(err error) bool { return errors.Is(err, local.ErrDriven) },
		Logs:   logs.New(filepath.Join(home, "logs"), 0), Place: handoff.Known().At, Handoff: handoff.FileURI(own), Own: own,
		Scratch:      retention.Scratch{List: func() (map[string]handoff.Amount, error) { return runner.Scratches(home) }},
		Environments: retention.Environments{List: func() ([]retention.Environment, error) { return nil, nil }},
		Now:          time.Now,
	}
}

func furnish(b *testing.B, st store.Store, home string, runs int) {
	plan := machine.Plan{Format: machine.PlanFormat, DAG: "d"}
	body, hash := plan.Encode()
	must(b, st.PutPlan(b.Context(), hash, body))
	done := make(chan error, runs)
	for i := range runs {
		id, at := fmt.Sprintf("manual__2026-01-01T00:00:00.%06d+00:00", i), time.Now().Add(-100*time.Hour)
		run := store.Run{ID: id, DAG: "d", Type: "manual", State: machine.RunSuccess, Plan: hash, LogicalDate: at, CreatedAt: at, StartedAt: at, FinishedAt: at}
		recs := []store.Record{{Seq: 1, Event: machine.Event{At: at, Fact: machine.RunStarted{Rules: 1, DAG: "d", Run: id, Plan: hash}}}}
		for seq := 2; seq <= 40; seq++ {
			recs = append(recs, store.Record{Seq: uint64(seq), Event: machine.Event{At: at, Fact: machine.AttemptEnded{
				Key: machine.Key{Task: "task", Index: seq}, Outcome: machine.Outcome{State: machine.Success, Output: machine.Raw(`{"rows": 12345}`)},
			}}})
		}
		log := logs.New(filepath.Join(home, "logs"), 0).Path(logs.ID{DAG: "d", Run: id, Task: "t", Index: -1, Attempt: 1})
		folders := []string{filepath.Dir(log), filepath.Join(home, "handoff", "d", handoff.FileName(id), "t", "-", "1")}
		for j, dir := range folders {
			must(b, os.MkdirAll(dir, 0o700))
			for n := range 10 - 9*j {
				must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("t.%d.log", n+1)), []byte("some words\n"), 0o600))
			}
		}
		go func() { done <- st.Create(b.Context(), run, recs) }()
		if i%200 == 199 {
			for range 200 {
				must(b, <-done)
			}
		}
	}
}
