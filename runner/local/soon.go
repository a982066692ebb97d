package local

import (
	"slices"

	"weft/machine"
)

// CheckSoon has remote work checked at once that is watched here, or will be in a moment: whoever calls it
// knows that there is an answer. Where the attempt is not here nothing happens.
func (e *Engine) CheckSoon(run string, key machine.Key) {
	e.post(func() {
		if d := e.core.drives[run]; d != nil {
			d.checkSoon(key)
		}
	})
}

// checkSoon is CheckSoon on the core's thread. A check that is under way may have asked too early: another
// follows it.
func (d *drive) checkSoon(key machine.Key) {
	switch d.live[key] {
	case liveSubmit, liveHanded:
		if d.soon == nil {
			d.soon = map[machine.Key]bool{}
		}
		d.soon[key] = true
	case liveWatch:
		ws := &d.core.watches
		g := ws.of[d][key]
		i := slices.IndexFunc(g.members, func(w *watch) bool { return w.d == d && w.work.Order.Key == key })
		g.members[i].soon, g.members[i].next = true, d.core.clock.Mono()
		ws.arm(d.core, g)
	}
}

// Look shows the machine of a run that is driven here to look, on the engine's thread; false if it is not
// driven here. look must not keep it.
func (e *Engine) Look(run string, look func(*machine.Run)) bool {
	answer := make(chan bool, 1)
	e.post(func() {
		d := e.core.drives[run]
		if d != nil {
			look(d.run)
		}
		answer <- d != nil
	})
	select {
	case here := <-answer:
		return here
	case <-e.done:
		return false
	}
}
