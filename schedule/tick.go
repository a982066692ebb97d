package schedule

import (
	"time"

	"weft/machine"
)

// A Tick is a moment at which a run is due. All times are UTC.
type Tick struct {
	At   time.Time // as the schedule names it
	Due  time.Time // At and the DAG's share of the jitter: when its run is to begin
	From time.Time // the data interval [From, To); From is the logical date
	To   time.Time
}

// LogicalDate returns what the run is known by.
func (t Tick) LogicalDate() time.Time { return t.From }

// RunID returns the id of the tick's run.
func (t Tick) RunID() string { return "scheduled__" + machine.Timestamp(t.From) }

// Next returns the first tick after a moment. ok is false if there is none: the schedule has ended, names no more
// moments, or is Manual. Of Once it is the one tick there is, if that comes after the moment. Of Continuous it
// is the tick of a run that follows one which ended at that moment.
func (s *Schedule) Next(after time.Time) (tick Tick, ok bool) {
	w := walk{s: s}
	return w.after(after)
}

// A walk goes from tick to tick, and knows what it found out on the way.
type walk struct {
	s     *Schedule
	hint  hint
	first time.Time // the first moment that the schedule has; zero: not asked yet
	last  time.Time // the tick it stands on; zero: none
}

func (w *walk) next(t time.Time) (time.Time, bool) { return w.s.source.next(t, &w.hint) }

func (w *walk) after(t time.Time) (Tick, bool) {
	s := w.s
	switch s.kind {
	case Manual:
		return Tick{}, false
	case Once:
		return s.tick(s.from, s.from, s.from.After(t))
	case Continuous:
		at := s.from
		if t.After(at) {
			at = t.UTC().Truncate(time.Microsecond)
		}
		return s.tick(at, at, true)
	}
	if w.first.IsZero() {
		first, ok := w.next(s.from.Add(-time.Nanosecond))
		if !ok {
			return Tick{}, false
		}
		w.first = first
	}
	if s.instants {
		at, ok := w.first, true
		if !t.Before(at) {
			at, ok = w.next(t)
		}
		return s.tick(at, at, ok)
	}
	from := w.first
	switch {
	case t.Before(from):
	case t.Equal(w.last): // one step on
		from = t
	default:
		from = w.upTo(t, from)
	}
	at, ok := w.next(from)
	w.last = at
	return s.tick(from, at, ok)
}

// tick makes one, unless the schedule has ended by then. As in Airflow, `end` is the last logical date.
func (s *Schedule) tick(from, at time.Time, ok bool) (Tick, bool) {
	if !ok || !s.end.IsZero() && from.After(s.end) {
		return Tick{}, false
	}
	return Tick{At: at, Due: at.Add(s.shift), From: from, To: at}, true
}

// upTo returns the newest moment that is not after t, of which there is one: first. It asks forward from ever
// earlier moments until one is found, and then halves the stretch that it must be in.
func (w *walk) upTo(t, first time.Time) time.Time {
	low := first // a moment of the schedule, not after t
	high := t    // no moment of the schedule lies in (high, t]
	for back := time.Second; t.Sub(first) > back && back > 0; back *= 2 {
		from := t.Add(-back)
		if n, ok := w.next(from); ok && !n.After(t) {
			low = n
			break
		}
		high = from
	}
	for {
		n, ok := w.next(low)
		if !ok || n.After(t) {
			return low
		}
		low = n
		mid := low.Add(high.Sub(low) / 2)
		if n, ok := w.next(mid); ok && !n.After(t) {
			low = n
		} else {
			high = mid
		}
	}
}
