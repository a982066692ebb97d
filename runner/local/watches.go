package local

import (
	"hash/fnv"
	"slices"
	"time"

	"weft/machine"
	"weft/runner"
)

// A watch is one submission that is checked from time to time. It holds no slot.
type watch struct {
	d    *drive
	work *runner.Watch
	from time.Duration // when it was intended, on the monotonic clock
	next time.Duration // when it is to be checked
	said string        // the service's word, as watchers have heard it
	soon bool          // somebody knows that there is an answer
}

// A watchGroup is what one call checks: all the runs of one job. Its members are checked at moments
// that they share, which no other group has: no two ask in step, without any randomness.
type watchGroup struct {
	name    string
	lane    string
	phase   float64 // in [0, 1)
	members []*watch
	alarm   *alarm
	waiting bool // for a place among the checks
	busy    bool
	slow    int // checks in a row that could not ask
}

// watches is all remote work that is checked. Bounds keep a service that hangs from delaying others,
// and many groups from asking more often than services like.
type watches struct {
	groups map[string]*watchGroup
	of     map[*drive]map[machine.Key]*watchGroup
	queue  []*watchGroup
	busy   int
	inLane map[string]int
}

const (
	mostChecks = 16 // in flight at once
	laneChecks = 8  // of them of one plugin
	// checkRate bounds the checks of all groups together, in one second.
	checkRate = 10
)

func newWatches() watches {
	return watches{groups: map[string]*watchGroup{}, of: map[*drive]map[machine.Key]*watchGroup{}, inLane: map[string]int{}}
}

// add begins to check a submission: one that was just made after a moment, one of a run that came back
// as soon as there is room.
func (ws *watches) add(c *Core, d *drive, work *runner.Watch, name string, fresh bool) {
	g := ws.groups[name]
	if g == nil {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		g = &watchGroup{name: name, lane: work.Order.Task.Uses, phase: float64(h.Sum32()) / (1 << 32)}
		ws.groups[name] = g
	}
	if ws.of[d] == nil {
		ws.of[d] = map[machine.Key]*watchGroup{}
	}
	ws.of[d][work.Order.Key] = g
	now := c.clock.Mono()
	age := min(max(0, c.clock.Now().Sub(work.Order.Remote.Intended)), time.Hour)
	w := &watch{d: d, work: work, from: now - age}
	if fresh {
		w.from = now
		w.next = ws.after(g, w, now)
	} else {
		w.next = now + time.Duration(g.phase*float64(max(runner.FirstCheck, ws.spread())))
	}
	g.members = append(g.members, w)
	ws.arm(c, g)
}

// spread is how long a check of each group takes at least, at checkRate.
func (ws *watches) spread() time.Duration {
	return time.Duration(len(ws.groups)) * time.Second / checkRate
}

// after is the next check of a submission: the older it is the longer from now, by steps of a factor of
// two, an eighth to a quarter of its age.
func (ws *watches) after(g *watchGroup, w *watch, now time.Duration) time.Duration {
	step := runner.CheckStep(now-w.from, g.slow)
	for step < ws.spread() {
		step *= 2
	}
	phase := time.Duration(g.phase * float64(step))
	soon := now + step/2 - phase
	over := soon % step
	if over < 0 { // a monotonic clock may count from anywhere
		over += step
	}
	return soon + (step-over)%step + phase
}

// arm sets the group's alarm to the first check that is due.
func (ws *watches) arm(c *Core, g *watchGroup) {
	c.timers.cancel(g.alarm)
	if g.alarm = nil; g.waiting || g.busy || len(g.members) == 0 {
		return
	}
	due := slices.MinFunc(g.members, func(a, b *watch) int { return int(min(max(a.next-b.next, -1), 1)) }).next
	g.alarm = c.timers.push(due, func() {
		g.alarm, g.waiting = nil, true
		ws.queue = append(ws.queue, g)
	})
}

// remove forgets a submission, and returns what was kept of it.
func (ws *watches) remove(c *Core, d *drive, key machine.Key) *runner.Watch {
	g := ws.of[d][key]
	i := slices.IndexFunc(g.members, func(w *watch) bool { return w.d == d && w.work.Order.Key == key })
	w := g.members[i]
	g.members = slices.Delete(g.members, i, i+1)
	delete(ws.of[d], key)
	if len(ws.of[d]) == 0 {
		delete(ws.of, d)
	}
	if len(g.members) == 0 && !g.busy {
		ws.queue = slices.DeleteFunc(ws.queue, func(o *watchGroup) bool { return o == g })
		g.waiting = false
		delete(ws.groups, g.name)
	}
	ws.arm(c, g)
	return w.work
}

// startChecks checks the groups that are due, first come first served within the bounds.
func (c *Core) startChecks() {
	ws := &c.watches
	for i := 0; i < len(ws.queue) && ws.busy < mostChecks; {
		g := ws.queue[i]
		if ws.inLane[g.lane] >= laneChecks {
			i++
			continue
		}
		ws.queue = slices.Delete(ws.queue, i, i+1)
		g.waiting, g.busy = false, true
		ws.busy++
		ws.inLane[g.lane]++
		c.check(g)
	}
}

// check checks the members of a group that are due, or nearly.
func (c *Core) check(g *watchGroup) {
	now := c.clock.Mono()
	var due []*watch
	var works []*runner.Watch
	for _, w := range g.members {
		if w.next-now <= min(now-w.from, runner.LongestCheck)/32 {
			w.soon = false
			due, works = append(due, w), append(works, w.work)
		}
	}
	if len(due) == 0 { // who was due has been stopped meanwhile
		c.checked(g, nil, nil)
		return
	}
	rem, heard := c.work.(Remoter), false
	rem.Check(works, func(res []runner.Checked) {
		c.post(func() {
			if !heard { // else it is repeated news
				heard = true
				c.checked(g, due, res)
			}
		})
	})
}

// checked hears how submissions are. That one still goes on is no event.
func (c *Core) checked(g *watchGroup, due []*watch, res []runner.Checked) {
	ws := &c.watches
	ws.busy--
	g.busy = false
	if ws.inLane[g.lane]--; ws.inLane[g.lane] == 0 {
		delete(ws.inLane, g.lane)
	}
	if slices.ContainsFunc(res, func(r runner.Checked) bool { return r.Failed != "" }) {
		g.slow++
	} else {
		g.slow = 0
	}
	now := c.clock.Mono()
	for i, w := range due {
		if !slices.Contains(g.members, w) {
			continue // stopped, or given up, while it was asked about
		}
		if w.next = ws.after(g, w, now); w.soon {
			w.next = now
		}
		key := w.work.Order.Key
		if !res[i].Done {
			w.d.tellProgress(w, res[i])
			continue
		}
		ws.remove(c, w.d, key)
		w.d.ended(key, res[i].Outcome)
	}
	if len(g.members) == 0 && ws.groups[g.name] == g {
		delete(ws.groups, g.name)
	}
	ws.arm(c, g)
}

// tellProgress tells watchers what the service says of a submission, where that is new.
func (d *drive) tellProgress(w *watch, res runner.Checked) {
	said := res.State
	if res.Failed != "" {
		said = w.said
		if said == "" {
			said = "not known: " + res.Failed
		}
	}
	if said == w.said {
		return
	}
	w.said = said
	o := w.work.Order
	u := runner.Update{
		Type: "task", At: d.core.clock.Now().UTC(), Run: d.id, Task: o.Key.Task, Attempt: o.Key.Attempt,
		State: machine.Deferred.String(), Reason: o.Remote.Text + " " + said,
	}
	if o.Key.Index >= 0 {
		u.Index = &o.Key.Index
	}
	if limit := time.Duration(o.Task.Timeout); limit > 0 {
		u.Next = o.Since.Add(limit)
	}
	d.core.opt.Observe(u)
}
