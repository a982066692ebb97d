package temporal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"weft/machine"
	"weft/runner"
)

// poke is PokeActivity: one poke of a sensor. "Not yet" is told as an error that the server tries again, at the time that
// the sensor's interval or its plugin says. The number of the poke is how often the server has tried.
func (h *hands) poke(ctx context.Context, info activity.Info, ord Order, views Views) (machine.Outcome, error) {
	j, err := h.take(ctx, info, ord, views)
	if err != nil {
		return machine.Outcome{}, err
	}
	defer j.close()
	o := j.order
	defer h.left(o)
	n, since := ord.Poke+int(info.Attempt), o.Since
	if since.IsZero() {
		since = info.ScheduledTime
	}
	h.metrics.poked()
	var res runner.PokeResult
	if q := h.asked.take(nameOf(o)); q != nil && q.Fits(o) {
		res = q.Ask(j.ctx, o, n, since)
	} else {
		res = h.exec.Poke(j.ctx, o, n, since)
	}
	if res.Done {
		out, err := j.outcome(res.Outcome)
		return out, j.pokesSoFar(err, n-1)
	}
	switch why := j.why(); why {
	case goesOn:
	case cancelled: // stopped while it asked: "not yet" is no answer any more
		return machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped: cancelled"}, nil
	default:
		return machine.Outcome{}, j.pokesSoFar(lost(Lost{Reason: reasons[why], Ordered: why == drained}), n)
	}
	if res.Kept != nil {
		h.asked.put(nameOf(o), res.Kept, h.clock.Mono())
	}
	wait := runner.PokeInterval(o.Run.Key(), o.Key, sensorOf(o), n)
	if !res.NotBefore.IsZero() {
		wait = res.NotBefore.Sub(h.clock.Now())
	}
	return machine.Outcome{}, askLater(fmt.Sprintf("not yet, after poke %d", n), wait)
}

// sensorOf is the sensor of a task; a plugin that is one by nature may have none written down.
func sensorOf(o machine.Order) *machine.Sensor {
	if o.Task.Sensor != nil {
		return o.Task.Sensor
	}
	return &machine.Sensor{}
}

// pokesSoFar adds to a poke that is lost how many came before it: the number of the next goes on from there.
func (j *job) pokesSoFar(err error, n int) error {
	if err == nil {
		return nil
	}
	if l, cut := lostBy(err); cut {
		l.Pokes = n
		return lost(l)
	}
	return err
}

// nameOf names an attempt among those of all runs.
func nameOf(o machine.Order) string { return o.Run.Key() + "\x00" + o.Key.String() }

// A memory keeps what spares the next call for an attempt some work, if it comes to this worker. It forgets.
type memory[T any] struct {
	mu  sync.Mutex
	all map[string]kept[T]
}

type kept[T any] struct {
	what T
	at   time.Duration
}

// mostKept bounds a memory, and keptFor how long it remembers what nobody asks for.
const (
	mostKept = 20_000
	keptFor  = time.Hour
)

// take takes out what is kept under a name; the zero value if nothing is.
func (m *memory[T]) take(name string) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.all[name]
	delete(m.all, name)
	return k.what
}

func (m *memory[T]) put(name string, what T, now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil || len(m.all) >= mostKept {
		m.all = map[string]kept[T]{}
	}
	m.all[name] = kept[T]{what, now}
}

// forget lets go of what is old.
func (m *memory[T]) forget(now time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, k := range m.all {
		if now-k.at > keptFor {
			delete(m.all, name)
		}
	}
}
