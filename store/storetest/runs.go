package storetest

import (
	"testing"
	"time"

	"weft/machine"
	"weft/store"
)

var runs = []story{
	{"a run comes back as it was created, to the microsecond", func(t *testing.T, s store.Store) {
		want := store.Run{
			ID: "backfill__2026-03-28T20:45:00.123456+00:00", DAG: "d.é-1", Type: "backfill", LogicalDate: odd,
			State: machine.RunFailed, Plan: "0123456789abcdef0123456789abcdef", Dir: "/with space/ü",
			CreatedAt: odd.Add(time.Hour), StartedAt: odd.Add(2 * time.Hour), FinishedAt: odd.Add(3 * time.Hour),
			Tasks: map[string]machine.State{"a": machine.Failed, "b": machine.Skipped, "c": machine.None},
		}
		created(t, s, want)
		got, err := s.GetRun(t.Context(), want.ID)
		fine(t, err)
		same(t, got, want.Kept())
		if diff := odd.Sub(got.LogicalDate); diff < 0 || diff >= time.Microsecond {
			t.Errorf("the logical date is %v away", diff)
		}
	}},
	{"times that are not known stay so, and old ones come back", func(t *testing.T, s store.Store) {
		want := aRun("r")
		want.LogicalDate = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		want.CreatedAt = time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)
		want.StartedAt = time.Time{}
		created(t, s, want)
		got, err := s.GetRun(t.Context(), "r")
		fine(t, err)
		same(t, got, want)
	}},
	{"an unknown run is not found", func(t *testing.T, s store.Store) {
		_, err := s.GetRun(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
	}},
	{"an id is taken once, and the first run stays as it is", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		other := aRun("r")
		other.DAG, other.LogicalDate = "e", odd
		wants(t, s.Create(t.Context(), other, recs(1, 3)), store.ErrExists)
		got, err := s.GetRun(t.Context(), "r")
		fine(t, err)
		same(t, got, aRun("r"))
		same(t, seqs(read(t, s, "r")), []uint64{1})
	}},
	{"one scheduled or backfill run a logical date", func(t *testing.T, s store.Store) {
		run := func(id, dag, kind string, at time.Time) store.Run {
			r := aRun(id)
			r.DAG, r.Type, r.LogicalDate = dag, kind, at
			return r
		}
		there := day.In(time.FixedZone("there", -9*3600))
		created(t, s, run("s", "d", "scheduled", day))
		for _, twin := range []store.Run{
			run("s2", "d", "scheduled", day), run("b", "d", "backfill", day), run("b2", "d", "backfill", there),
		} {
			wants(t, s.Create(t.Context(), twin, nil), store.ErrExists)
			_, err := s.GetRun(t.Context(), twin.ID)
			wants(t, err, store.ErrNotFound)
		}
		created(t, s, run("m1", "d", "manual", day))
		created(t, s, run("m2", "d", "manual", day))
		created(t, s, run("e", "e", "scheduled", day))
		created(t, s, run("next", "d", "scheduled", day.Add(time.Microsecond)))
	}},
	{"creation is all or nothing", func(t *testing.T, s store.Store) {
		wants(t, s.Create(t.Context(), aRun("r"), recs(2, 1)), store.ErrGap)
		bad := recs(1, 2)
		bad[1].Event.Fact = machine.Evaluated{Value: machine.Raw(`{`)}
		if err := s.Create(t.Context(), aRun("r"), bad); err == nil {
			t.Error("an event that is no JSON was taken")
		}
		_, err := s.GetRun(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
		created(t, s, aRun("r"))
	}},
	{"a row that may not be is refused", func(t *testing.T, s store.Store) {
		for name, change := range map[string]func(*store.Run){
			"no id":                      func(r *store.Run) { r.ID = "" },
			"no DAG":                     func(r *store.Run) { r.DAG = "" },
			"no type":                    func(r *store.Run) { r.Type = "" },
			"no state":                   func(r *store.Run) { r.State = "" },
			"an end while it still runs": func(r *store.Run) { r.FinishedAt = day },
		} {
			row := aRun("r")
			change(&row)
			if err := s.Create(t.Context(), row, nil); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		list, err := s.ListRuns(t.Context(), store.Filter{})
		fine(t, err)
		same(t, len(list), 0)
	}},
	{"what was handed in or out is the caller's own", func(t *testing.T, s store.Store) {
		row := aRun("r")
		row.State, row.Tasks = machine.RunSuccess, map[string]machine.State{"a": machine.Success}
		created(t, s, row)
		row.Tasks["a"] = machine.Failed
		got, err := s.GetRun(t.Context(), "r")
		fine(t, err)
		got.Tasks["a"] = machine.Skipped
		list, err := s.ListRuns(t.Context(), store.Filter{})
		fine(t, err)
		same(t, list[0].Tasks, map[string]machine.State{"a": machine.Success})
	}},
}
