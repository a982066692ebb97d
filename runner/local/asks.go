package local

import (
	"slices"
	"time"

	"weft/store"
)

// askDelay is how often orders of other processes are looked for.
const askDelay = 500 * time.Millisecond

// asks is how the core hears of what other processes ordered: one look for all of its runs, however
// many those are, and none while it drives nothing.
type asks struct {
	alarm *alarm // of the next look
	busy  bool   // one is under way
	soon  bool   // a run came meanwhile for which there may be orders
}

// A taken is an ask and the seq it was recorded under.
type taken struct {
	id  int64
	seq uint64
}

// lookForAsks has a look within d: at once for a run that was here before, for which orders may wait.
func (c *Core) lookForAsks(d time.Duration) {
	as := &c.asks
	switch {
	case as.busy:
		as.soon = as.soon || d == 0
	case as.alarm == nil || as.alarm.due > c.clock.Mono()+d:
		c.timers.cancel(as.alarm)
		as.alarm = c.after(d, c.look)
	}
}

// look asks which runs have orders, and has those of its own read.
func (c *Core) look() {
	c.asks.alarm, c.asks.busy, c.asks.soon = nil, true, false
	c.work.Asked(func(runs []string) {
		c.post(func() {
			c.asks.busy = false
			if c.asks.soon {
				c.lookForAsks(0)
			} else if len(c.drives) > 0 {
				c.lookForAsks(askDelay)
			}
			for _, run := range runs {
				if d := c.drives[run]; d != nil {
					d.takeAsks()
				}
			}
		})
	})
}

// restAsks ends the looking when there is nobody to look for.
func (c *Core) restAsks() {
	if len(c.drives) == 0 {
		c.timers.cancel(c.asks.alarm)
		c.asks.alarm = nil
	}
}

// takeAsks records what other processes ordered of a run.
func (d *drive) takeAsks() {
	if d.asking {
		return
	}
	d.asking = true
	d.core.work.Asks(d.id, func(asks []store.Ask) {
		d.core.post(func() {
			d.asking = false
			if d.err != nil || d.core.drives[d.id] != d {
				return
			}
			for _, a := range asks {
				if slices.ContainsFunc(d.asked, func(t taken) bool { return t.id == a.ID }) {
					continue // its record is on the way
				}
				d.asked = append(d.asked, taken{a.ID, d.seq + 1})
				d.record(a.Event.Fact)
			}
		})
	})
}

// dropAsks has those orders forgotten whose records are durable.
func (d *drive) dropAsks() {
	n := 0
	var ids []int64
	for n < len(d.asked) && d.asked[n].seq <= d.durable {
		ids = append(ids, d.asked[n].id)
		n++
	}
	if n > 0 {
		d.asked = d.asked[n:]
		d.core.work.Drop(ids)
	}
}
