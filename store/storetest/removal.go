package storetest

import (
	"strings"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
)

// overRun is a run that has ended.
func overRun(id string) store.Run {
	run := aRun(id)
	run.State, run.FinishedAt = machine.RunSuccess, day.Add(time.Hour)
	return run
}

// over makes such a run, and returns its row.
func over(t *testing.T, s store.Store, id string, change func(*store.Run)) store.Run {
	t.Helper()
	run := overRun(id)
	if change != nil {
		change(&run)
	}
	created(t, s, run)
	return run
}

func going(t *testing.T, s store.Store) []string {
	t.Helper()
	runs, err := s.Going(t.Context())
	fine(t, err)
	return ids(runs)
}

var removal = []story{
	{"a marked run is as if it were gone, but for those who remove it", func(t *testing.T, s store.Store) {
		run := over(t, s, "r", nil)
		over(t, s, "other", nil)
		fine(t, s.MarkGoing(t.Context(), run))
		_, err := s.GetRun(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
		_, err = s.Read(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
		wants(t, appended(s, "r", recs(2, 1), nil), store.ErrNotFound)
		wants(t, s.PutAsk(t.Context(), "r", started("r")), store.ErrNotFound)
		_, err = s.TakeAsks(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
		wants(t, s.MarkGoing(t.Context(), run), store.ErrNotFound)
		list, err := s.ListRuns(t.Context(), store.Filter{})
		fine(t, err)
		same(t, ids(list), []string{"other"})
		list, err = s.Going(t.Context())
		fine(t, err)
		same(t, list, []store.Run{run.Kept()})
		records, err := s.ReadGoing(t.Context(), "r")
		fine(t, err)
		same(t, seqs(records), []uint64{1})
		_, err = s.ReadGoing(t.Context(), "other")
		wants(t, err, store.ErrNotFound)
	}},
	{"its id and its date are free once it is deleted, not before", func(t *testing.T, s store.Store) {
		scheduled := func(r *store.Run) { r.Type = "scheduled" }
		run := over(t, s, "r", scheduled)
		fine(t, s.MarkGoing(t.Context(), run))
		twin := run
		twin.ID = "twin"
		wants(t, s.Create(t.Context(), run, nil), store.ErrGoing)
		wants(t, s.Create(t.Context(), twin, nil), store.ErrGoing)
		twin.Type = "manual"
		created(t, s, twin)
		fine(t, s.Delete(t.Context(), "r"))
		created(t, s, run)
		same(t, seqs(read(t, s, "r")), []uint64{1})
	}},
	{"deleted it is gone with its records and orders", func(t *testing.T, s store.Store) {
		run := over(t, s, "r", nil)
		fine(t, appended(s, "r", recs(2, 40), nil))
		fine(t, s.PutAsk(t.Context(), "r", machine.Event{At: day, Fact: machine.CancelAsked{By: "late"}}))
		over(t, s, "kept", nil)
		fine(t, s.Delete(t.Context(), "r", "kept", "unknown")) // not marked: left as it is
		same(t, len(read(t, s, "r")), 41)
		fine(t, s.MarkGoing(t.Context(), run))
		asked, err := s.AskedRuns(t.Context())
		fine(t, err)
		same(t, len(asked), 0)
		fine(t, s.Delete(t.Context(), "r", "kept"))
		fine(t, s.Delete(t.Context(), "r"))
		same(t, going(t, s), []string{})
		_, err = s.ReadGoing(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
		same(t, seqs(read(t, s, "kept")), []uint64{1})
		created(t, s, aRun("r"))
		same(t, seqs(read(t, s, "r")), []uint64{1})
		same(t, len(take(t, s, "r")), 0)
	}},
	{"runs that come meanwhile share nothing with those that go", func(t *testing.T, s store.Store) {
		last := over(t, s, "last", nil)
		fine(t, appended(s, "last", recs(2, 3), nil))
		fine(t, s.MarkGoing(t.Context(), last))
		created(t, s, aRun("next"))
		fine(t, appended(s, "next", recs(2, 1), nil))
		fine(t, s.Delete(t.Context(), "last"))
		same(t, seqs(read(t, s, "next")), []uint64{1, 2})
	}},
	{"only the end that was seen is removed", func(t *testing.T, s store.Store) {
		created(t, s, aRun("running"))
		wants(t, s.MarkGoing(t.Context(), aRun("running")), store.ErrGap)
		wants(t, s.MarkGoing(t.Context(), aRun("unknown")), store.ErrNotFound)
		seen := over(t, s, "again", nil)
		now := seen
		now.FinishedAt = seen.FinishedAt.Add(time.Minute)
		fine(t, appended(s, "again", recs(2, 1), &now))
		wants(t, s.MarkGoing(t.Context(), seen), store.ErrGap)
		fine(t, s.MarkGoing(t.Context(), now))
	}},
	{"a run for which an order waits stays", func(t *testing.T, s store.Store) {
		run := over(t, s, "r", nil)
		fine(t, s.PutAsk(t.Context(), "r", machine.Event{At: day, Fact: machine.Reopened{By: "ann", Epoch: 1}}))
		wants(t, s.MarkGoing(t.Context(), run), store.ErrGap)
		same(t, len(take(t, s, "r")), 1)
	}},
	{"a plan is idle when no row, journal or order names it", func(t *testing.T, s store.Store) {
		plan := func(text string) string {
			body := []byte(text)
			fine(t, s.PutPlan(t.Context(), store.PlanHash(body), body))
			return store.PlanHash(body)
		}
		row, epoch, order, idle := plan("row"), plan("epoch"), plan("order"), plan("idle")
		run := over(t, s, "r", func(r *store.Run) { r.Plan = row })
		fine(t, appended(s, "r", []store.Record{{Seq: 2, Event: machine.Event{At: day, Fact: machine.Reopened{Plan: epoch, Epoch: 1}}}}, nil))
		created(t, s, aRun("other"))
		fine(t, s.PutAsk(t.Context(), "other", machine.Event{At: day, Fact: machine.Reopened{Plan: order, Epoch: 1}}))
		same(t, idlePlans(t, s), idle)
		fine(t, s.MarkGoing(t.Context(), run))
		same(t, idlePlans(t, s), idle) // it still takes its plans to be removed
		fine(t, s.Delete(t.Context(), "r"))
		for _, hash := range []string{idle, row, epoch} {
			if !strings.Contains(idlePlans(t, s), hash) {
				t.Errorf("plan %s is not idle", hash)
			}
		}
	}},
	{"a plan goes only if it was marked, in time, and not put again", func(t *testing.T, s store.Store) {
		body := []byte("a plan")
		hash := store.PlanHash(body)
		drop := func(marked time.Time, want int) {
			t.Helper()
			n, err := s.DropPlans(t.Context(), []string{hash}, marked)
			fine(t, err)
			same(t, n, want)
		}
		fine(t, s.PutPlan(t.Context(), hash, body))
		drop(day, 0)
		fine(t, s.MarkIdle(t.Context(), []string{hash, store.PlanHash(nil)}, day))
		fine(t, s.MarkIdle(t.Context(), []string{hash}, day.Add(time.Hour))) // the first mark counts
		list, err := s.IdlePlans(t.Context())
		fine(t, err)
		same(t, list, []store.IdlePlan{{Hash: hash, Bytes: 6, Since: day}})
		drop(day.Add(-time.Microsecond), 0)
		fine(t, s.PutPlan(t.Context(), hash, body))
		drop(day, 0)
		fine(t, s.MarkIdle(t.Context(), []string{hash}, day))
		drop(day, 1)
		drop(day, 0)
		_, err = s.GetPlan(t.Context(), hash)
		wants(t, err, store.ErrNotFound)
	}},
	{"what is left is whole after compacting", func(t *testing.T, s store.Store) {
		for _, id := range []string{"a", "b", "c"} {
			run := over(t, s, id, nil)
			fine(t, appended(s, id, recs(2, 200), nil))
			if id != "b" {
				fine(t, s.MarkGoing(t.Context(), run))
				fine(t, s.Delete(t.Context(), id))
			}
		}
		_, err := s.Compact(t.Context())
		fine(t, err)
		same(t, len(read(t, s, "b")), 201)
	}},
}

// idlePlans joins the hashes of idle plans.
func idlePlans(t *testing.T, s store.Store) string {
	t.Helper()
	list, err := s.IdlePlans(t.Context())
	fine(t, err)
	var out []string
	for _, p := range list {
		out = append(out, p.Hash)
	}
	return strings.Join(out, " ")
}
