package storetest

import (
	"math"
	"strings"
	"testing"

	"weft/machine"
	"weft/store"
)

var journal = []story{
	{"every kind of event comes back as it was written", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		want := []store.Record{{Seq: 1, Event: started("r")}}
		for i, ev := range Samples() {
			want = append(want, store.Record{Seq: uint64(i) + 2, Event: ev})
		}
		fine(t, appended(s, "r", want[1:], nil))
		got := read(t, s, "r")
		same(t, len(got), len(want))
		for i := range want {
			same(t, got[i], want[i])
		}
	}},
	{"after and hash keep all their bits", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		want := recs(2, 3)
		want[0].After, want[0].Hash = 1, math.MaxUint64
		want[1].After, want[1].Hash = 2, 1<<63
		want[2].After, want[2].Hash = math.MaxUint64, 1
		fine(t, appended(s, "r", want, nil))
		same(t, read(t, s, "r")[1:], want)
	}},
	{"appends follow each other", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		for _, n := range []int{1, 5, 1, 40} {
			fine(t, appended(s, "r", recs(uint64(len(read(t, s, "r")))+1, n), nil))
		}
		same(t, read(t, s, "r")[1:], recs(2, 47))
	}},
	{"what does not follow is refused and leaves nothing", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		fine(t, appended(s, "r", recs(2, 2), nil))
		holed := recs(4, 3)
		holed[2].Seq++
		for name, bad := range map[string][]store.Record{
			"a gap": recs(5, 1), "the last again": recs(3, 1), "all again": recs(1, 4), "zero": recs(0, 1),
			"a hole within": holed, "one seq twice": append(recs(4, 1), recs(4, 1)...),
		} {
			over := aRun("r")
			over.State = machine.RunFailed
			if err := appended(s, "r", bad, &over); err == nil {
				t.Errorf("%s was taken", name)
			} else {
				wants(t, err, store.ErrGap)
			}
		}
		same(t, seqs(read(t, s, "r")), []uint64{1, 2, 3})
		run, err := s.GetRun(t.Context(), "r")
		fine(t, err)
		same(t, run.State, machine.RunRunning)
		fine(t, appended(s, "r", recs(4, 1), nil)) // it still takes what does follow
	}},
	{"an event that cannot be written fails its append alone, and whole", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		bad := recs(2, 2)
		bad[1].Event.Fact = machine.Evaluated{ID: "q", Value: machine.Raw(`{"torn":`)}
		if err := appended(s, "r", bad, nil); err == nil || !strings.Contains(err.Error(), "record 3") {
			t.Errorf("got %v, want an error that names record 3", err)
		}
		if err := appended(s, "r", []store.Record{{Seq: 2}}, nil); err == nil {
			t.Error("a record without an event was taken")
		}
		fine(t, appended(s, "r", recs(2, 1), nil))
		same(t, read(t, s, "r")[1:], recs(2, 1))
	}},
	{"an unknown run has no journal", func(t *testing.T, s store.Store) {
		wants(t, appended(s, "r", recs(1, 1), nil), store.ErrNotFound)
		_, err := s.Read(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
	}},
	{"a run may be created without records", func(t *testing.T, s store.Store) {
		fine(t, s.Create(t.Context(), aRun("r"), nil))
		same(t, len(read(t, s, "r")), 0)
		fine(t, appended(s, "r", recs(1, 2), nil))
		same(t, read(t, s, "r"), recs(1, 2))
	}},
	{"an append of nothing is durable at once", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		fine(t, appended(s, "r", nil, nil))
		same(t, seqs(read(t, s, "r")), []uint64{1})
	}},
	{"an update replaces the row along with the append", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		over := aRun("r")
		over.State, over.Plan, over.Dir = machine.RunSuccess, "fedcba9876543210fedcba9876543210", "/else where/ü'\""
		over.StartedAt, over.FinishedAt = odd, odd.AddDate(0, 0, 1)
		over.Tasks = map[string]machine.State{"b": machine.Success, "a": machine.UpstreamFailed}
		fine(t, appended(s, "r", recs(2, 1), &over))
		got, err := s.GetRun(t.Context(), "r")
		fine(t, err)
		same(t, got, over.Kept())
		same(t, seqs(read(t, s, "r")), []uint64{1, 2})

		again := aRun("r") // reopened: what was set is gone again
		fine(t, appended(s, "r", nil, &again))
		got, err = s.GetRun(t.Context(), "r")
		fine(t, err)
		same(t, got, again.Kept())
	}},
	{"an update that may not be leaves nothing of its append", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		created(t, s, aRun("other"))
		for name, change := range map[string]func(*store.Run){
			"another run's row":          func(r *store.Run) { r.ID = "other" },
			"another DAG":                func(r *store.Run) { r.DAG = "e" },
			"another type":               func(r *store.Run) { r.Type = "backfill" },
			"another logical date":       func(r *store.Run) { r.LogicalDate = odd },
			"no state of a run":          func(r *store.Run) { r.State = "asleep" },
			"an end while it still runs": func(r *store.Run) { r.FinishedAt = odd },
		} {
			row := aRun("r")
			change(&row)
			if err := appended(s, "r", recs(2, 1), &row); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		same(t, seqs(read(t, s, "r")), []uint64{1})
		got, err := s.GetRun(t.Context(), "r")
		fine(t, err)
		same(t, got, aRun("r"))
	}},
}
