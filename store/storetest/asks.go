package storetest

import (
	"math"
	"testing"

	"weft/machine"
	"weft/store"
)

func take(t *testing.T, s store.Store, run string) []store.Ask {
	t.Helper()
	out, err := s.TakeAsks(t.Context(), run)
	fine(t, err)
	return out
}

var asks = []story{
	{"asks of any kind wait in their order until they are dropped", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		same(t, len(take(t, s, "r")), 0)
		for _, ev := range Samples() {
			fine(t, s.PutAsk(t.Context(), "r", ev))
		}
		got := take(t, s, "r")
		same(t, len(got), len(Samples()))
		for i, ev := range Samples() {
			same(t, got[i], store.Ask{ID: got[i].ID, Run: "r", Event: ev})
		}
		same(t, take(t, s, "r"), got) // nothing is forgotten by looking
		fine(t, s.DropAsks(t.Context(), []int64{got[0].ID, got[2].ID}))
		same(t, take(t, s, "r"), append([]store.Ask{got[1]}, got[3:]...))
	}},
	{"each run has its own", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		created(t, s, aRun("q"))
		fine(t, s.PutAsk(t.Context(), "r", started("to r")))
		fine(t, s.PutAsk(t.Context(), "q", started("to q")))
		same(t, take(t, s, "r")[0].Event, started("to r"))
		same(t, take(t, s, "q")[0].Event, started("to q"))
		same(t, len(take(t, s, "r")), 1)
	}},
	{"one look tells which runs have any", func(t *testing.T, s store.Store) {
		asked := func(want ...string) {
			t.Helper()
			got, err := s.AskedRuns(t.Context())
			fine(t, err)
			same(t, append([]string{}, got...), append([]string{}, want...))
		}
		for _, id := range []string{"c", "a", "b"} {
			created(t, s, aRun(id))
		}
		asked()
		for _, id := range []string{"c", "a", "c"} {
			fine(t, s.PutAsk(t.Context(), id, started("to "+id)))
		}
		asked("a", "c")
		fine(t, s.DropAsks(t.Context(), []int64{take(t, s, "c")[0].ID, take(t, s, "a")[0].ID}))
		asked("c")
		fine(t, s.DropAsks(t.Context(), []int64{take(t, s, "c")[0].ID}))
		asked()
	}},
	{"an id is never used again, and dropping what is gone is no error", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		fine(t, s.PutAsk(t.Context(), "r", started("a")))
		first := take(t, s, "r")[0].ID
		fine(t, s.DropAsks(t.Context(), []int64{first, first, math.MaxInt64}))
		fine(t, s.PutAsk(t.Context(), "r", started("b")))
		fine(t, s.DropAsks(t.Context(), []int64{first}))
		fine(t, s.DropAsks(t.Context(), nil))
		same(t, take(t, s, "r")[0].Event, started("b"))
	}},
	{"an unknown run takes none", func(t *testing.T, s store.Store) {
		wants(t, s.PutAsk(t.Context(), "r", started("r")), store.ErrNotFound)
		_, err := s.TakeAsks(t.Context(), "r")
		wants(t, err, store.ErrNotFound)
	}},
	{"an order that cannot be written is refused", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		for _, ev := range []machine.Event{{}, {Fact: machine.Evaluated{Value: machine.Raw(`{`)}}} {
			if err := s.PutAsk(t.Context(), "r", ev); err == nil {
				t.Error("it was taken")
			}
		}
		same(t, len(take(t, s, "r")), 0)
	}},
}
