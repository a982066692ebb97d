package schedule

import (
	"time"

	"weft/machine"
)

// Interval returns the logical date and the data interval of a run by hand. For a date they are those of the tick
// whose interval begins at it, else [date, date); nil stands for no date: [now, now).
func Interval(plan *machine.Plan, zone *time.Location, date *time.Time, now time.Time) Tick {
	at := now.UTC().Truncate(time.Microsecond)
	if date == nil {
		return Tick{At: at, Due: at, From: at, To: at}
	}
	at = date.UTC().Truncate(time.Microsecond)
	none := Tick{At: at, Due: at, From: at, To: at}
	s, err := New(plan, zone, at)
	if err != nil || s.kind != Timed { // what never fires has no intervals
		return none
	}
	if t, ok := s.Next(at); ok && t.From.Equal(at) {
		return t
	}
	return none
}
