package scheduler

import (
	"time"

	"weft/clock"
	"weft/schedule"
	"weft/store"
)

// An absence is a time in which nobody could begin a run of any DAG.
type absence struct{ from, to time.Time }

// A watch sees where the wall's clock was set, or the machine slept, or this process was stopped.
type watch struct {
	clock clock.Clock
	wall  time.Time
	mono  time.Duration
}

func newWatch(c clock.Clock) watch { return watch{c, c.Now(), c.Mono()} }

// slip is how far the two clocks may differ without anything being made of it: NTP moves a clock by less.
const slip = 2 * time.Second

// look compares the clocks with the last look. gone is a time that went by unseen; back tells that the wall's clock
// was set back.
func (w *watch) look(now time.Time) (gone absence, away, back bool) {
	mono := w.clock.Mono()
	wall, passed := now.Sub(w.wall), mono-w.mono
	from := w.wall
	w.wall, w.mono = now, mono
	switch {
	case wall-passed > slip, wall >= 0 && passed > beatEvery+slip:
		return absence{from, now}, true, false
	case passed-wall > slip:
		return absence{}, false, true
	}
	return absence{}, false, false
}

// look sees what has happened to the time since the last round. At the first, that a server was away before.
func (s *Service) look(now time.Time) {
	gone, away, back := s.time.look(now)
	if !s.looked {
		s.looked = true
		if last := s.conf.Beat(); !last.IsZero() {
			back = last.Sub(now) > slip
			gone, away = absence{last, now}, last.Before(now)
		}
	}
	if away {
		s.away = append(s.away, gone)
		s.all()
	}
	if back {
		s.conf.Log.Warn("the clock was set back: what is now to come again is not begun twice", "now", now)
		s.rewind(now)
	}
}

// rewind takes back what was decided about times that are to come again. Runs that exist are not begun again: each
// logical date has one at most.
func (s *Service) rewind(now time.Time) {
	for _, d := range s.dags {
		if d.row.Last.After(now) && (d.rewound.IsZero() || d.rewound.After(now)) {
			d.rewound = now
		}
		if d.ended.After(now) {
			d.ended = now
		}
	}
	s.rewound = true
	s.all()
}

// unmissed are the records of a DAG's ticks that are still to come, now that the clock was set back. One that
// reaches over that moment is cut off there.
func (s *Service) unmissed(st *step, now time.Time, c *store.Changes) error {
	list, err := s.conf.Store.ListMissed(s.ctx, st.id, 0)
	if err != nil {
		return err
	}
	for _, m := range list {
		if !m.LastDue.After(now) {
			continue
		}
		c.DropMissed = append(c.DropMissed, m)
		if m.Due.After(now) || st.sched == nil {
			continue
		}
		was := m
		was.ID, was.Count, was.More = 0, 0, false
		for t, ok := st.first(m); ok && !t.Due.After(now) && was.Count < schedule.MaxCounted; t, ok = st.sched.Next(t.At) {
			was.Last, was.LastDue = t.From, t.Due
			was.Count++
		}
		if was.Count > 0 {
			c.Missed = append(c.Missed, was)
		}
	}
	return nil
}

// all has every DAG be asked in this round.
func (s *Service) all() {
	for _, d := range s.dags {
		s.soon(d)
	}
}
