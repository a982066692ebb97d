package storetest

import (
	"context"
	"testing"

	"weft/store"
)

// everyCall is each method that has a context or an answer.
func everyCall(ctx context.Context, s store.Store) map[string]error {
	plan := []byte("another plan")
	_, read := s.Read(ctx, "r")
	_, run := s.GetRun(ctx, "r")
	_, list := s.ListRuns(ctx, store.Filter{})
	_, getPlan := s.GetPlan(ctx, store.PlanHash([]byte("a plan")))
	_, take := s.TakeAsks(ctx, "r")
	_, asked := s.AskedRuns(ctx)
	_, has := s.HasPlan(ctx, store.PlanHash([]byte("a plan")))
	_, going := s.Going(ctx)
	_, readGoing := s.ReadGoing(ctx, "going")
	_, idle := s.IdlePlans(ctx)
	_, drop := s.DropPlans(ctx, []string{store.PlanHash(plan)}, day)
	_, compact := s.Compact(ctx)
	return map[string]error{
		"Read": read, "GetRun": run, "ListRuns": list, "GetPlan": getPlan, "TakeAsks": take, "AskedRuns": asked, "HasPlan": has,
		"Create":   s.Create(ctx, aRun("late"), nil),
		"PutPlan":  s.PutPlan(ctx, store.PlanHash(plan), plan),
		"PutAsk":   s.PutAsk(ctx, "r", started("r")),
		"DropAsks": s.DropAsks(ctx, []int64{1}),
		"Going":    going, "ReadGoing": readGoing, "IdlePlans": idle, "DropPlans": drop, "Compact": compact,
		"MarkGoing": s.MarkGoing(ctx, overRun("over")),
		"MarkIdle":  s.MarkIdle(ctx, []string{store.PlanHash(plan)}, day),
		"Delete":    s.Delete(ctx, "over"),
	}
}

func furnished(t *testing.T, s store.Store) {
	t.Helper()
	created(t, s, aRun("r"))
	fine(t, s.PutPlan(t.Context(), store.PlanHash([]byte("a plan")), []byte("a plan")))
	fine(t, s.PutAsk(t.Context(), "r", started("r")))
	for _, id := range []string{"over", "going"} {
		created(t, s, overRun(id))
	}
	fine(t, s.MarkGoing(t.Context(), overRun("going")))
}

var end = []story{
	{"all calls work", func(t *testing.T, s store.Store) { // the check of the two below
		furnished(t, s)
		for call, err := range everyCall(t.Context(), s) {
			if err != nil {
				t.Errorf("%s: %v", call, err)
			}
		}
	}},
	{"who no longer waits gets an error, and nothing is written", func(t *testing.T, s store.Store) {
		furnished(t, s)
		for call, err := range everyCall(ended(), s) {
			if err == nil {
				t.Errorf("%s has no error", call)
			}
			wants(t, err, context.Canceled)
		}
		_, err := s.GetRun(t.Context(), "late")
		wants(t, err, store.ErrNotFound)
		same(t, len(take(t, s, "r")), 1)
	}},
	{"a closed store says so", func(t *testing.T, s store.Store) {
		furnished(t, s)
		fine(t, s.Close())
		for call, err := range everyCall(t.Context(), s) {
			if err == nil {
				t.Errorf("%s has no error", call)
			}
			wants(t, err, store.ErrClosed)
		}
		wants(t, appended(s, "r", recs(2, 1), nil), store.ErrClosed)
		fine(t, s.Close()) // twice is once
	}},
	{"close waits for what was appended", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		var answers []error
		for i := range uint64(50) {
			s.Append("r", recs(i+2, 1), nil, func(err error) { answers = append(answers, err) })
		}
		fine(t, s.Close())
		same(t, answers, make([]error, 50))
	}},
}
