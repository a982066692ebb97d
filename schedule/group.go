package schedule

import (
	"slices"
	"time"
)

// MaxCounted is how many ticks of one stretch are counted; what is more is recorded as that.
const MaxCounted = 20_000

// A span is one or more absences that touch or overlap.
type span struct {
	from, to time.Time // a zero to: it lasts
	of       []Absence
}

// absences returns the spans in which nobody was there, in order.
func (s *Schedule) absences(q Question) []span {
	var all []Absence
	if s.kind == Timed && s.seen.After(s.from) {
		all = append(all, Absence{From: s.from, To: s.seen, Why: Unseen})
	}
	for _, a := range q.Away {
		if a.Why == Down && !a.To.IsZero() {
			a.To = a.To.Add(-q.Grace)
		}
		if !a.From.After(q.Now) && (a.To.IsZero() || a.From.Before(a.To)) {
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b Absence) int { return a.From.Compare(b.From) })
	var spans []span
	for _, a := range all {
		n := len(spans)
		if n == 0 || !spans[n-1].to.IsZero() && a.From.After(spans[n-1].to) {
			spans = append(spans, span{a.From, a.To, []Absence{a}})
			continue
		}
		last := &spans[n-1]
		last.of = append(last.of, a)
		if !last.to.IsZero() && (a.To.IsZero() || a.To.After(last.to)) {
			last.to = a.To
		}
	}
	return spans
}

// A group is the ticks of one stretch: of a span, or of a time between spans (of is empty).
type group struct {
	s     *Schedule
	d     *Decision
	of    []Absence
	keep  int       // how many run
	until time.Time // exclusive
	newest
	missed []Missed
}

// newest are the newest ticks, at most a number of them, as a ring.
type newest struct {
	ring []Tick
	at   int
}

// push adds a tick, and returns the one that had to go.
func (n *newest) push(t Tick, most int) (old Tick, full bool) {
	if most == 0 {
		return t, true
	}
	if len(n.ring) < most {
		n.ring = append(n.ring, t)
		return Tick{}, false
	}
	old, n.ring[n.at] = n.ring[n.at], t
	n.at = (n.at + 1) % most
	return old, true
}

func (n *newest) inOrder() []Tick { return append(slices.Clone(n.ring[n.at:]), n.ring[:n.at]...) }

// take goes through the stretch from its first tick t on, and settles it.
func (g *group) take(w *walk, t Tick) {
	for count, ok := 1, true; ok && t.Due.Before(g.until); count++ {
		if count == MaxCounted {
			t = g.leap(w, t)
		}
		if old, full := g.push(t, g.keep); full {
			g.miss(old)
		}
		g.d.Last = t.At
		t, ok = w.after(t.At)
	}
	g.d.Runs = append(g.d.Runs, g.inOrder()...)
	g.d.Missed = append(g.d.Missed, g.missed...)
}

// leap passes over ticks that are too many to count, to one with at least as many behind it as may run. It
// returns t if there are none to pass over.
func (g *group) leap(w *walk, t Tick) Tick {
	end := g.until.Add(-g.s.shift)
	for back := time.Second; ; back *= 2 {
		from := end.Add(-back)
		if !from.After(t.At) {
			return t
		}
		if !g.holds(from, end, g.keep+1) {
			continue
		}
		far := walk{s: g.s}
		next, ok := far.after(from)
		if !ok {
			return t
		}
		for _, old := range g.inOrder() {
			g.miss(old)
		}
		g.miss(t)
		m := &g.missed[len(g.missed)-1]
		m.More = true
		if before := far.upTo(next.At.Add(-time.Nanosecond), far.first); before.After(t.At) {
			m.Last, _ = (&walk{s: g.s}).after(before.Add(-time.Nanosecond))
		}
		g.newest = newest{}
		*w = far
		return next
	}
}

// holds tells whether at least n moments lie after from and before end.
func (g *group) holds(from, end time.Time, n int) bool {
	w := walk{s: g.s}
	for range n {
		t, ok := w.next(from)
		if !ok || !t.Before(end) {
			return false
		}
		from = t
	}
	return true
}

// miss records a tick: with those before it, if they share a reason.
func (g *group) miss(t Tick) {
	why := g.why(t.Due)
	if n := len(g.missed); n > 0 && g.missed[n-1].Why == why {
		m := &g.missed[n-1]
		m.Last = t
		m.Count++
		return
	}
	g.missed = append(g.missed, Missed{
		First: t, Last: t, Count: 1, Why: why, Catchup: g.s.catchup.String(),
		Capped: len(g.of) == 0 || int(g.s.catchup) > g.keep,
	})
}

// why returns the reason that counts of those that hold at a moment. A span has one at each: the grace of a span
// is not within it.
func (g *group) why(due time.Time) Why {
	best := Late
	for _, a := range g.of {
		if !due.Before(a.From) && (a.To.IsZero() || due.Before(a.To)) && whys[a.Why].rank < whys[best].rank {
			best = a.Why
		}
	}
	return best
}
