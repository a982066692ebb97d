package cli

import (
	"os"
	"path/filepath"
	"sync"

	"weft/logs"
	"weft/logs/away"
	"weft/machine"
	"weft/runner"
)

// workerLogs are the logs of what a worker runs: written here, and shipped to the handoff of their run, where everybody reads
// them.
type workerLogs struct {
	store *logs.Store
	ship  *away.Shipper
	cap   int64
	own   string // URI of the handoff of what has none of its own

	mu    sync.Mutex
	going map[logs.ID]*away.Shipment
}

// attach has an executor write them.
func (w *workerLogs) attach(x *runner.Executor) {
	x.OpenLog, x.SealLog, x.SpareLog, x.LeaveLogs = w.open, w.seal, w.spare, w.store.Leave
}

func (w *workerLogs) open(o machine.Order) (*os.File, error) {
	id := orderLog(o)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.going[id] == nil {
		sh, err := w.begin(o, id)
		if err != nil {
			return nil, err
		}
		w.going[id] = sh
	}
	return w.store.Open(id)
}

func (w *workerLogs) begin(o machine.Order, id logs.ID) (*away.Shipment, error) {
	to, err := away.Open(placeOf(o.Run, o.Plan, w.own))
	if err != nil {
		return nil, err
	}
	there := id
	there.Run = o.Run.Run // as in all keys of a handoff
	return w.ship.Begin(to, there, w.store.Path(id), w.cap)
}

// placeOf is the URI of the handoff where values and logs of a run lie.
func placeOf(run machine.RunInfo, plan *machine.Plan, own string) string {
	switch {
	case run.Handoff != "":
		return run.Handoff
	case plan != nil && plan.Handoff != "":
		return plan.Handoff
	}
	return own
}

func (w *workerLogs) seal(o machine.Order) error {
	err := w.store.Seal(orderLog(o))
	w.said(o)
	return err
}

func (w *workerLogs) spare(o machine.Order, f *os.File) {
	if sh := w.take(o); sh != nil {
		sh.Drop()
	}
	w.store.Spare(orderLog(o), f)
}

// said ends what was shipped for an attempt: nothing more is written to its log for now.
func (w *workerLogs) said(o machine.Order) {
	if sh := w.take(o); sh != nil {
		sh.End()
	}
}

func (w *workerLogs) take(o machine.Order) *away.Shipment {
	w.mu.Lock()
	defer w.mu.Unlock()
	sh := w.going[orderLog(o)]
	delete(w.going, orderLog(o))
	return sh
}

// left takes away what is left of a run's folder of logs, if that is nothing.
func (w *workerLogs) left(run machine.RunInfo) {
	_ = os.Remove(filepath.Dir(w.store.Path(logs.ID{DAG: run.DAG, Run: run.Key(), Task: "x", Index: -1, Attempt: 1}))) // fails while something is in it
}
