package storetest

import (
	"context"
	"testing"
	"time"

	"weft/store"
)

// A scheduled is a promise of store.Schedules.
type scheduled struct {
	name string
	tell func(t *testing.T, s store.Schedules)
}

// Schedules holds to that part of the contract whatever keeps schedules. open makes an empty one.
func Schedules(t *testing.T, open func(t *testing.T) store.Schedules) {
	for _, st := range schedules {
		t.Run(st.name, func(t *testing.T) { st.tell(t, open(t)) })
	}
}

// ofAStore are those promises as a whole store's.
func ofAStore(list []scheduled) (out []story) {
	for _, st := range list {
		out = append(out, story{st.name, func(t *testing.T, s store.Store) { st.tell(t, s) }})
	}
	return out
}

// schedules is what a server remembers to start runs by.
var schedules = []scheduled{
	{"what is settled is read again, in UTC and to the microsecond", func(t *testing.T, s store.Schedules) {
		c := store.Changes{
			DAGs:      []store.DAG{{ID: "b", FirstSeen: odd, Schedule: `["@daily"]`, Last: odd}, {ID: "a", FirstSeen: day, Paused: true, PausedBy: "ann"}},
			Due:       []store.Due{{DAG: "b", Logical: odd, Start: odd, End: day, At: day.Add(time.Hour)}, {DAG: "a", Logical: day, Start: day, End: day, At: day}},
			Absences:  []store.Absence{{DAG: "b", From: day, To: odd, Why: "gone"}, {DAG: "a", From: odd, Why: "paused"}},
			Backfills: []store.Backfill{{ID: "late", DAG: "a", From: day, To: odd, State: "paused", CreatedAt: odd}, {ID: "early", DAG: "a", State: "running", CreatedAt: day}},
		}
		fine(t, s.Settle(t.Context(), &c))
		kept := odd.UTC().Truncate(time.Microsecond)
		got, err := s.Scheduled(t.Context())
		fine(t, err)
		same(t, got, store.Scheduled{
			DAGs:      []store.DAG{{ID: "a", FirstSeen: day, Paused: true, PausedBy: "ann"}, {ID: "b", FirstSeen: kept, Schedule: `["@daily"]`, Last: kept}},
			Due:       []store.Due{{DAG: "a", Logical: day, Start: day, End: day, At: day}, {DAG: "b", Logical: kept, Start: kept, End: day, At: day.Add(time.Hour)}},
			Absences:  []store.Absence{{ID: c.Absences[0].ID, DAG: "b", From: day, To: kept, Why: "gone"}, {ID: c.Absences[1].ID, DAG: "a", From: kept, Why: "paused"}},
			Backfills: []store.Backfill{{ID: "early", DAG: "a", State: "running", CreatedAt: day}, {ID: "late", DAG: "a", From: day, To: kept, State: "paused", CreatedAt: kept}},
		})
		if c.Absences[0].ID == 0 || c.Absences[0].ID == c.Absences[1].ID {
			t.Errorf("the absences have the numbers %d and %d", c.Absences[0].ID, c.Absences[1].ID)
		}
	}},
	{"a row that is put again is replaced, one that is settled is gone", func(t *testing.T, s store.Schedules) {
		tick := store.Due{DAG: "a", Logical: day, Start: day, End: day, At: day}
		c := store.Changes{DAGs: []store.DAG{{ID: "a", FirstSeen: day}}, Due: []store.Due{tick}, Absences: []store.Absence{{DAG: "a", From: day, Why: "paused"}}}
		fine(t, s.Settle(t.Context(), &c))
		later := tick
		later.At = day.Add(time.Hour)
		open := c.Absences[0]
		open.To = day.Add(time.Minute)
		fine(t, s.Settle(t.Context(), &store.Changes{
			DAGs: []store.DAG{{ID: "a", FirstSeen: day, Paused: true}}, Due: []store.Due{later}, Absences: []store.Absence{open},
		}))
		got, err := s.Scheduled(t.Context())
		fine(t, err)
		same(t, got, store.Scheduled{DAGs: []store.DAG{{ID: "a", FirstSeen: day, Paused: true}}, Due: []store.Due{tick}, Absences: []store.Absence{open}})
		fine(t, s.Settle(t.Context(), &store.Changes{Settled: []store.Due{tick}, DropAbsences: []store.Absence{open}}))
		got, err = s.Scheduled(t.Context())
		fine(t, err)
		same(t, got, store.Scheduled{DAGs: []store.DAG{{ID: "a", FirstSeen: day, Paused: true}}})
	}},
	{"missed ticks are listed newest first, by DAG, and can be taken back", func(t *testing.T, s store.Schedules) {
		missed := func(dag string, n int) store.Missed {
			return store.Missed{DAG: dag, First: day, Last: day, Due: day, LastDue: day, Count: n, Why: "down", Reason: "no server was running", RecordedAt: day}
		}
		fine(t, s.Settle(t.Context(), &store.Changes{Missed: []store.Missed{missed("a", 1), missed("b", 2), missed("a", 3)}}))
		counts := func(dag string, limit int) (out []int) {
			list, err := s.ListMissed(t.Context(), dag, limit)
			fine(t, err)
			for _, m := range list {
				out = append(out, m.Count)
			}
			return out
		}
		same(t, counts("", 0), []int{3, 2, 1})
		same(t, counts("a", 0), []int{3, 1})
		same(t, counts("", 2), []int{3, 2})
		list, err := s.ListMissed(t.Context(), "a", 1)
		fine(t, err)
		fine(t, s.Settle(t.Context(), &store.Changes{DropMissed: list[:1]}))
		same(t, counts("", 0), []int{2, 1})
	}},
	{"backfills that are over are listed, and no longer scheduled", func(t *testing.T, s store.Schedules) {
		b := store.Backfill{ID: "b1", DAG: "a", State: "running", CreatedAt: day, MaxActive: 2}
		other := store.Backfill{ID: "b2", DAG: "z", State: "success", CreatedAt: day.Add(time.Hour)}
		fine(t, s.Settle(t.Context(), &store.Changes{Backfills: []store.Backfill{b, other}}))
		got, err := s.Scheduled(t.Context())
		fine(t, err)
		same(t, got.Backfills, []store.Backfill{b})
		b.State, b.Begun = "cancelled", 7
		fine(t, s.Settle(t.Context(), &store.Changes{Backfills: []store.Backfill{b}}))
		if got, err = s.Scheduled(t.Context()); err != nil || len(got.Backfills) > 0 {
			t.Errorf("still scheduled: %v, %v", got.Backfills, err)
		}
		all, err := s.ListBackfills(t.Context(), "", 0)
		fine(t, err)
		same(t, all, []store.Backfill{other, b})
		of, err := s.ListBackfills(t.Context(), "a", 1)
		fine(t, err)
		same(t, of, []store.Backfill{b})
	}},
	{"nothing is written for a caller who has gone", func(t *testing.T, s store.Schedules) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Settle(ctx, &store.Changes{DAGs: []store.DAG{{ID: "a"}}}); err == nil {
			t.Error("settled")
		}
		got, err := s.Scheduled(t.Context())
		fine(t, err)
		same(t, got, store.Scheduled{})
	}},
}
