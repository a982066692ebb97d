package storetest

import (
	"bytes"
	"testing"

	"weft/machine"
	"weft/store"
)

var plans = []story{
	{"a plan comes back byte for byte, however often it was put", func(t *testing.T, s store.Store) {
		plan := machine.Plan{Format: machine.PlanFormat, DAG: "d", Tasks: []machine.Task{{ID: "a", Uses: "noop"}}}
		body, hash := plan.Encode()
		for range 3 {
			fine(t, s.PutPlan(t.Context(), hash, body))
		}
		got, err := s.GetPlan(t.Context(), hash)
		fine(t, err)
		same(t, got, body)
		_, err = machine.DecodePlan(got)
		fine(t, err)
	}},
	{"bytes of any kind and size", func(t *testing.T, s store.Store) {
		for _, body := range [][]byte{{0}, {0xff, 0, 0xfe}, bytes.Repeat([]byte("0123456789abcdef"), 1<<16)} {
			hash := store.PlanHash(body)
			fine(t, s.PutPlan(t.Context(), hash, body))
			got, err := s.GetPlan(t.Context(), hash)
			fine(t, err)
			same(t, bytes.Equal(got, body), true)
		}
	}},
	{"a plan is there until it is marked idle, and again once it is put", func(t *testing.T, s store.Store) {
		hash := store.PlanHash([]byte("p"))
		has := func(want bool) {
			t.Helper()
			got, err := s.HasPlan(t.Context(), hash)
			fine(t, err)
			same(t, got, want)
		}
		has(false)
		fine(t, s.PutPlan(t.Context(), hash, []byte("p")))
		has(true)
		fine(t, s.MarkIdle(t.Context(), []string{hash}, day))
		has(false)
		fine(t, s.PutPlan(t.Context(), hash, []byte("p")))
		has(true)
		fine(t, s.MarkIdle(t.Context(), []string{hash}, day))
		_, err := s.DropPlans(t.Context(), []string{hash}, day)
		fine(t, err)
		has(false)
	}},
	{"an unknown plan is not found", func(t *testing.T, s store.Store) {
		_, err := s.GetPlan(t.Context(), store.PlanHash([]byte("x")))
		wants(t, err, store.ErrNotFound)
	}},
	{"a plan under a wrong name is refused", func(t *testing.T, s store.Store) {
		hash := store.PlanHash([]byte("right"))
		if err := s.PutPlan(t.Context(), hash, []byte("wrong")); err == nil {
			t.Error("it was taken")
		}
		_, err := s.GetPlan(t.Context(), hash)
		wants(t, err, store.ErrNotFound)
	}},
	{"what was handed in or out is the caller's own", func(t *testing.T, s store.Store) {
		body := []byte("a plan")
		hash := store.PlanHash(body)
		fine(t, s.PutPlan(t.Context(), hash, body))
		body[0] = 'X'
		got, err := s.GetPlan(t.Context(), hash)
		fine(t, err)
		got[1] = 'Y'
		got, err = s.GetPlan(t.Context(), hash)
		fine(t, err)
		same(t, string(got), "a plan")
	}},
}
