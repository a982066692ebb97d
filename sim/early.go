package sim

import (
	"reflect"

	"weft/machine"
	"weft/runner/local"
)

// readies are the attempts that a weft has prepared and that have not begun. A process of one begins
// with Attempt, as of any other, and is held there against what is durable.
type readies struct {
	of     map[machineKey]machine.Order
	count  int
	thrown int
}

// Prepare implements the engine's look ahead. Now and then it declines, as for a task with secrets.
func (w *worker) Prepare(o machine.Order) bool {
	s := w.s
	if s.chance(0.2) {
		return false
	}
	if len(s.readies.of) > 0 {
		s.broken("left over: %s of run %s is prepared, and something else is still", o.Key, o.Run.Key())
	}
	if s.readies.of == nil {
		s.readies.of = map[machineKey]machine.Order{}
	}
	s.readies.of[machineKey{o.Run.Key(), o.Key}] = o
	s.readies.count++
	s.point("an attempt is prepared")
	return true
}

// Forget implements the other end of it.
func (w *worker) Forget(run string, key machine.Key) {
	id := machineKey{run, key}
	if _, there := w.s.readies.of[id]; !there {
		w.s.broken("untrue: %s of run %s is thrown away, and was not prepared", key, run)
	}
	delete(w.s.readies.of, id)
	w.s.readies.thrown++
}

// begins takes an attempt that was prepared: it must be begun with the order that it was prepared with.
func (r *readies) begins(s *Sim, o machine.Order) {
	id := machineKey{o.Run.Key(), o.Key}
	was, there := r.of[id]
	if there && !reflect.DeepEqual(was, o) {
		s.broken("untrue: %s of run %s was prepared for another state than it begins in", o.Key, o.Run.Key())
	}
	delete(r.of, id)
}

// A hasty worker begins what it was to prepare.
type hasty struct {
	*worker
	done map[machineKey]func(machine.Outcome)
}

func beginsEarly(_ *Sim, w local.Worker) local.Worker {
	return &hasty{worker: w.(*worker), done: map[machineKey]func(machine.Outcome){}}
}

// Prepare begins.
func (h *hasty) Prepare(o machine.Order) bool {
	id := machineKey{o.Run.Key(), o.Key}
	h.done[id] = func(machine.Outcome) {}
	h.worker.Attempt(o, func(out machine.Outcome) { h.done[id](out) })
	return true
}

// Forget forgets nothing: it lives.
func (h *hasty) Forget(string, machine.Key) {}

// Attempt finds what has begun.
func (h *hasty) Attempt(o machine.Order, done func(machine.Outcome)) {
	id := machineKey{o.Run.Key(), o.Key}
	if h.done[id] != nil {
		h.done[id] = done
		return
	}
	h.worker.Attempt(o, done)
}
