package temporal

import (
	"time"

	"weft/machine"
)

// A visit is what a worker has of a run while it does something for it.
type visit struct {
	info machine.RunInfo
	in   int // activities at it
	last time.Duration
}

// stays is how long a worker keeps what attempts of a run share after the last of them has ended.
const stays = time.Minute

// visit notes that an activity of a run begins.
func (h *hands) visit(o machine.Order, dir string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	run := o.Run.Key()
	v := h.runs[run]
	if v == nil {
		v = &visit{}
		h.runs[run] = v
	}
	v.info = o.Run
	v.in++
	h.cfg.Folders.all.Store(run, dir)
}

// left notes that it has ended, and has tidied up.
func (h *hands) left(o machine.Order) {
	if h.cfg.Said != nil {
		h.cfg.Said(o)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.runs[o.Run.Key()]
	v.in--
	v.last = h.clock.Mono()
}

// tidy takes away what is kept of runs for which nothing was done here for a while; all tells that of all where nothing is.
func (h *hands) tidy(all bool) {
	now := h.clock.Mono()
	h.asked.forget(now)
	h.watched.forget(now)
	var over []machine.RunInfo
	h.mu.Lock()
	for run, v := range h.runs {
		if v.in == 0 && (all || now-v.last >= stays) {
			over = append(over, v.info)
			delete(h.runs, run)
			h.cfg.Folders.all.Delete(run)
		}
	}
	h.mu.Unlock()
	for _, info := range over {
		if err := h.exec.Leave(info.Key()); err != nil {
			h.cfg.Log.Warn("something of a run stays", "run", info.Key(), "error", err)
		}
		if h.cfg.Left != nil {
			h.cfg.Left(info)
		}
	}
}

// At Temporal nobody tells a worker that a run is over: it may have been at one of its tasks alone.
const tidyEvery = 15 * time.Second
