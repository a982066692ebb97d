package schedule

import (
	"math"
	"slices"
	"time"

	"weft/cron"
)

// A series is moments in order. Next returns the first one after t; hint is the caller's own, and keeps what
// costs time to find out again.
type series interface {
	next(t time.Time, hint *hint) (time.Time, bool)
}

const daySeconds = 24 * 60 * 60

// A hint is a stretch of constant offset that was looked up last.
type hint struct{ at stretch }

// A stretch is the time between two changes of a zone's offset, in seconds of Unix time and of wall time.
type stretch struct {
	from, to int64 // to is exclusive
	offset   int64 // wall time − Unix time
	before   int64 // the offset before from
}

// walls are the moments that a cron text names on the clocks of a zone.
//
// Within a stretch that is plain. At a change of offset, walls of a gap stand for the change itself, all of them
// together once, and walls that come again are left out; a text that names each hour is read as clocks show it,
// and so follows real hours.
type walls struct {
	e                       *cron.Expr
	zone                    *time.Location
	each, skipGap, bothFold bool
}

func (w *walls) next(t time.Time, h *hint) (time.Time, bool) {
	u := t.Unix() + 1
	for {
		if u < h.at.from || u >= h.at.to || h.at.from == h.at.to {
			h.at = stretchAt(u, w.zone)
		}
		s := h.at
		// The gap that a stretch begins with: from+before to from+offset.
		if u <= s.from && !w.each && !w.skipGap && s.offset > s.before {
			if first, ok := w.e.From(s.from + s.before); ok && first < s.from+s.offset {
				return time.Unix(s.from, 0).UTC(), true
			}
		}
		wall := u + s.offset
		if !w.each && !w.bothFold && s.offset < s.before { // came before
			wall = max(wall, s.from+s.before)
		}
		next, ok := w.e.From(wall)
		if !ok {
			return time.Time{}, false
		}
		if next-s.offset < s.to {
			return time.Unix(next-s.offset, 0).UTC(), true
		}
		u = s.to
	}
}

// stretchAt looks up the stretch that a moment is in. Changes of a zone's name or of its rule that leave the
// offset as it was are stretches of their own, with nothing between them.
func stretchAt(u int64, zone *time.Location) stretch {
	t := time.Unix(u, 0).In(zone)
	from, to := t.ZoneBounds()
	_, offset := t.Zone()
	s := stretch{from: math.MinInt64, to: math.MaxInt64, offset: int64(offset), before: int64(offset)}
	if !from.IsZero() {
		_, before := from.Add(-time.Second).Zone()
		s.from, s.before = from.Unix(), int64(before)
	}
	if !to.IsZero() {
		// Beyond the changes that the database lists, a year is 365 days to ZoneBounds: on the last day of
		// a leap year it ends before it began.
		if s.to = to.Unix(); s.to <= u {
			s.to = (u/daySeconds + 1) * daySeconds
		}
	}
	return s
}

// instant reads a wall time, given as UTC: in a gap it is the moment after it, of two the first.
func instant(wall time.Time, zone *time.Location) time.Time {
	w := wall.Unix()
	s := stretchAt(w-daySeconds, zone) // no offset is a day
	for {
		u := max(w-s.offset, s.from)
		if u < s.to {
			t := time.Unix(u, 0).UTC()
			if u == w-s.offset {
				t = t.Add(time.Duration(wall.Nanosecond()).Truncate(time.Microsecond))
			}
			return t
		}
		s = stretchAt(s.to, zone)
	}
}

// steps are the moments of `every`.
type steps struct {
	first time.Time
	by    time.Duration
}

func (s steps) next(t time.Time, _ *hint) (time.Time, bool) {
	first, by := s.first.UnixMicro(), s.by.Microseconds() // a time.Duration ends after 292 years
	since := t.UnixMicro() - first
	k := since / by
	if since%by < 0 {
		k--
	}
	return time.UnixMicro(first + (k+1)*by).UTC(), true
}

// listed are the moments of `at`, in order.
type listed []time.Time

func (l listed) next(t time.Time, _ *hint) (time.Time, bool) {
	i, _ := slices.BinarySearchFunc(l, t, func(el, t time.Time) int {
		if el.After(t) {
			return 1
		}
		return -1
	})
	if i == len(l) {
		return time.Time{}, false
	}
	return l[i], true
}

// merged are the moments of several series, each once.
type merged []series

func (m merged) next(t time.Time, h *hint) (time.Time, bool) {
	var first time.Time
	found := false
	for _, s := range m {
		if n, ok := s.next(t, h); ok && (!found || n.Before(first)) {
			first, found = n, true
		}
	}
	return first, found
}
