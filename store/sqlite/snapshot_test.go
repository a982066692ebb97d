package sqlite

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
	"weft/store/storetest"
)

// A snapshot is all that a store answered while it was whole.
type snapshot struct {
	reads   map[string][]store.Record
	runs    map[string]store.Run
	asks    map[string][]store.Ask
	plans   map[string][]byte
	lists   [][]store.Run // by lists
	ordered []string      // ids
}

// lists are asked for whole; whether they are complete is part of the answer.
var lists = []store.Filter{
	{},
	{DAG: "d1"},
	{States: []machine.RunState{machine.RunQueued, machine.RunRunning}},
	{DAG: "d0", Types: []string{"manual"}, States: []machine.RunState{machine.RunSuccess}},
	{Limit: 100},
}

// cut are lists of which only the rows are checked.
var cut = []store.Filter{{Limit: 3}, {DAG: "d1", Limit: 1}, {Before: day.AddDate(0, 0, 5)}}

// furnish writes a bit of everything, on leaf, inner and overflow pages, and takes the snapshot.
func furnish(t *testing.T, s *Store) snapshot {
	t.Helper()
	want := snapshot{
		reads: map[string][]store.Record{}, runs: map[string]store.Run{}, asks: map[string][]store.Ask{}, plans: map[string][]byte{},
	}
	var plan string
	for i := range 3 {
		p := machine.Plan{Format: machine.PlanFormat, DAG: fmt.Sprintf("d%d", i), Description: strings.Repeat("plan ", 700*i)}
		body, hash := p.Encode()
		fine(t, s.PutPlan(t.Context(), hash, body))
		plan, want.plans[hash] = hash, body
	}
	for i := range 9 {
		run := aRun(fmt.Sprintf("run-%02d", i))
		run.DAG, run.Type, run.LogicalDate = fmt.Sprintf("d%d", i%3), store.RunTypes[i%2], day.AddDate(0, 0, i)
		run.Plan, run.Dir = plan, "/dags"
		all := records(i)
		fine(t, s.Create(t.Context(), run, all[:1]))
		if i%4 == 0 {
			run.State, run.FinishedAt = machine.RunSuccess, day.Add(time.Duration(i)*time.Hour)
			run.Tasks = map[string]machine.State{"load": machine.Success, "report": machine.Skipped}
		}
		answer := make(chan error, 1)
		s.Append(run.ID, all[1:], &run, func(err error) { answer <- err })
		fine(t, <-answer)
		if i%5 == 0 {
			fine(t, s.PutAsk(t.Context(), run.ID, all[0].Event))
			fine(t, s.PutAsk(t.Context(), run.ID, all[1].Event))
		}
		want.runs[run.ID], want.reads[run.ID] = run.Kept(), all
		want.ordered = append(want.ordered, run.ID)
	}
	for _, id := range want.ordered {
		asks, err := s.TakeAsks(t.Context(), id)
		fine(t, err)
		want.asks[id] = asks
	}
	for _, f := range lists {
		rows, err := s.ListRuns(t.Context(), f)
		fine(t, err)
		want.lists = append(want.lists, rows)
	}
	return want
}

func records(i int) []store.Record {
	var out []store.Record
	for _, ev := range storetest.Samples() {
		if end, ok := ev.Fact.(machine.AttemptEnded); ok && len(end.Output) > 9000 {
			if i != 7 { // one is enough for overflow pages
				continue
			}
			end.Output = machine.Raw(string(end.Output[:9000]) + `"`)
			ev.Fact = end
		}
		out = append(out, store.Record{Seq: uint64(len(out)) + 1, Event: ev, After: uint64(len(out)), Hash: 1<<63 + uint64(i)})
	}
	return out
}

// compare asks a store for everything. Each answer must be what it was, or an error: anything else
// fails the test. It returns the errors.
func (want snapshot) compare(t *testing.T, s *Store) (errs []error) {
	t.Helper()
	check := func(what string, err error, got, was any) {
		t.Helper()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		} else if !reflect.DeepEqual(got, was) {
			t.Errorf("%s: silently wrong:\ngot %+v\nwas %+v", what, got, was)
		}
	}
	ctx := t.Context()
	for _, id := range want.ordered {
		recs, err := s.Read(ctx, id)
		check("Read "+id, err, recs, want.reads[id])
		run, err := s.GetRun(ctx, id)
		check("GetRun "+id, err, run, want.runs[id])
		asks, err := s.TakeAsks(ctx, id)
		check("TakeAsks "+id, err, asks, want.asks[id])
	}
	for hash, was := range want.plans {
		body, err := s.GetPlan(ctx, hash)
		check("GetPlan", err, body, was)
	}
	rows := func(what string, got []store.Run) {
		for _, r := range got {
			if !reflect.DeepEqual(r, want.runs[r.ID]) {
				t.Errorf("%s: a row is silently wrong:\ngot %+v\nwas %+v", what, r, want.runs[r.ID])
			}
		}
	}
	for i, f := range lists {
		got, err := s.ListRuns(ctx, f)
		what := fmt.Sprintf("ListRuns %+v", f)
		check(what, err, got, want.lists[i])
		rows(what, got)
	}
	for _, f := range cut {
		got, err := s.ListRuns(ctx, f)
		if err != nil {
			errs = append(errs, err)
		}
		rows(fmt.Sprintf("ListRuns %+v", f), got)
	}
	return errs
}
