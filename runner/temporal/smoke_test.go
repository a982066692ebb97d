package temporal

import (
	"testing"
	"time"

	"weft/machine"
)

func TestSmoke(t *testing.T) {
	cl := dial(t)
	p := plan(t, nil,
		machine.Task{ID: "a"}, machine.Task{ID: "b", Needs: []string{"a"}},
		machine.Task{ID: "m", Needs: []string{"a"}, ForEach: &machine.ForEach{List: machine.Raw("[1,2,3]")}},
		machine.Task{ID: "s", Sensor: &machine.Sensor{PokeInterval: machine.Duration(100 * time.Millisecond), OnError: "retry"}},
		machine.Task{ID: "j", Uses: "job"},
	)
	c := newCrew(t, p)
	c.poke = func(o machine.Order, n int) (machine.Outcome, bool) {
		return machine.Outcome{State: machine.Success}, n >= 3
	}
	c.staff(t, cl)
	w := start(t, cl, input(p, "smoke"))
	var res RunResult
	err := w.Get(t.Context(), &res)
	n, ex := events(t, cl, w.GetID())
	t.Log(err, res, n, ex, restored(t, look(t, cl, w.GetID())).States(), c.noted())
}
