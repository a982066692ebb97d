package schedule

import (
	"fmt"
	"time"
)

// A Why says why nobody started a run that was due.
type Why string

// The reasons of an absence, and of a tick that did not become a run. Of several that hold at once, the one that
// stands first here is told.
const (
	Paused Why = "paused" // the DAG was
	Unseen Why = "unseen" // weft did not know the DAG yet: `start` lies before
	Down   Why = "down"   // no server ran, the machine slept, or its clock jumped
	Gone   Why = "gone"   // its file had been taken away, and came back
	Late   Why = "late"   // somebody was there, and did not ask in time
)

var whys = map[Why]struct {
	rank int
	text string
}{
	Paused: {0, "the DAG was paused"}, Unseen: {1, "the DAG was not known yet"}, Down: {2, "no server was running"},
	Gone: {3, "its file was not there"}, Late: {4, "nobody asked in time"},
}

// An Absence is a time in which no run of the DAG could begin: from From until before To. A zero To: it lasts.
type Absence struct {
	From, To time.Time
	Why      Why
}

// A Question asks which ticks are due.
type Question struct {
	Now  time.Time
	Last time.Time // At of the newest tick that was decided; zero: none was
	// Away are the times since Last in which nobody was there, in any order; they may overlap. One that a caller
	// leaves out counts as time in which somebody was: a server that was suspended, or whose clock jumped, has
	// to say so.
	Away []Absence
	// Grace is how late a tick may be and still count as met, after an absence that is Down: a server that comes
	// back after seconds has missed nothing.
	Grace time.Duration
	// Of Continuous: whether its newest run is still going on, and when it ended (zero: there was none).
	Running bool
	Ended   time.Time
}

// A Missed is one or more ticks, one after another, that became no runs for one reason.
type Missed struct {
	First, Last Tick
	Count       int
	More        bool // Count is the least there are: nobody counted on
	Why         Why
	Catchup     string // the policy that left them out, as a file has it
	Capped      bool   // the policy would have run them, had there been fewer than MaxCatchup
}

// Reason says why in words.
func (m Missed) Reason() string {
	reason := whys[m.Why].text
	if m.Capped {
		return fmt.Sprintf("%s, and of one absence the newest %d ticks run at most", reason, MaxCatchup)
	}
	return reason + " (catchup: " + m.Catchup + ")"
}

// A Decision is what becomes of the ticks since the last question.
type Decision struct {
	Runs   []Tick   // to be created, in order of time
	Missed []Missed // to be recorded, in order of time
	Last   time.Time
}

// Due decides about each tick after Last that is due by Now: it becomes a run, or it is missed.
//
// A tick within an absence is missed, and `catchup` says how many of those of one absence run all the same: the
// newest ones. Absences that touch or overlap are one. An absence that lasts leaves its ticks undecided until it
// has ended, for only then is it known which are the newest. All other ticks run. So the answers to two questions,
// the second about what was left by the first, are the answer to one.
//
// Once and Continuous know no catchup: their tick waits until somebody is there.
//
// The answer is bounded: MaxCatchup runs for each absence and each time between absences, and the missed ticks of
// one are a few records, counted up to MaxCounted.
func (s *Schedule) Due(q Question) Decision {
	d := Decision{Last: q.Last}
	spans := s.absences(q)
	horizon := q.Now
	if n := len(spans); n > 0 && (spans[n-1].to.IsZero() || spans[n-1].to.After(q.Now)) {
		horizon = spans[n-1].from.Add(-time.Nanosecond)
	}
	switch s.kind {
	case Manual:
	case Once:
		if t, ok := s.tick(s.from, s.from, true); ok && q.Last.IsZero() && horizon.Equal(q.Now) && !t.Due.After(q.Now) {
			d.run(t)
		}
	case Continuous:
		t, ok := s.Next(q.Ended)
		if ok && !q.Running && t.At.After(q.Last) && horizon.Equal(q.Now) && !t.Due.After(q.Now) {
			d.run(t)
		}
	case Timed:
		s.settle(&d, spans, horizon)
	}
	return d
}

func (d *Decision) run(t Tick) { d.Runs, d.Last = append(d.Runs, t), t.At }

// settle goes through the ticks that are due by the horizon, stretch by stretch: absences, and the times between.
func (s *Schedule) settle(d *Decision, spans []span, horizon time.Time) {
	w := walk{s: s}
	for {
		t, ok := w.after(d.Last)
		if !ok || t.Due.After(horizon) {
			return
		}
		for len(spans) > 0 && !spans[0].to.IsZero() && !t.Due.Before(spans[0].to) {
			spans = spans[1:]
		}
		g := group{s: s, d: d, keep: MaxCatchup, until: horizon.Add(time.Nanosecond)}
		switch {
		case len(spans) == 0:
		case t.Due.Before(spans[0].from):
			g.until = spans[0].from
		default:
			g.keep, g.until, g.of = s.catchup.keep(), spans[0].to, spans[0].of
		}
		g.take(&w, t)
	}
}
