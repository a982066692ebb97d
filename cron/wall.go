package cron

import (
	"math/bits"
	"time"

	gocron "github.com/netresearch/go-cron"
)

const (
	daySeconds = 24 * 60 * 60
	allHours   = 1<<24 - 1
)

// From returns the first wall time from w on that the text names, and whether there is one within the next 40
// years. A wall time is the number of seconds that a clock without zone and without changes of offset counts
// from 1970-01-01 00:00: a Unix time, read as a date and a time of day and nothing else.
func (e *Expr) From(w int64) (int64, bool) {
	day := floor(w, daySeconds)
	clock, ok := e.clock(int(w - day*daySeconds))
	if !ok || !e.onDay(day) {
		if day, ok = e.dayFrom(day + 1); !ok {
			return 0, false
		}
		clock, _ = e.clock(0)
	}
	return day*daySeconds + int64(clock), true
}

// clock returns the first second of a day from s on that the text names.
func (e *Expr) clock(s int) (int, bool) {
	h, m, sec := s/3600, s/60%60, s%60
	firstM, firstS := bits.TrailingZeros64(e.spec.Minute), bits.TrailingZeros64(e.spec.Second)
	if e.spec.Hour>>h&1 == 1 {
		if e.spec.Minute>>m&1 == 1 {
			if next, ok := bitFrom(e.spec.Second, sec, 60); ok {
				return h*3600 + m*60 + next, true
			}
		}
		if next, ok := bitFrom(e.spec.Minute, m+1, 60); ok {
			return h*3600 + next*60 + firstS, true
		}
	}
	next, ok := bitFrom(e.spec.Hour, h+1, 24)
	return next*3600 + firstM*60 + firstS, ok
}

// bitFrom returns the first bit from i on that is set, below end.
func bitFrom(set uint64, i, end int) (int, bool) {
	i += bits.TrailingZeros64(set >> i)
	return i, i < end
}

// dayFrom returns the first day from day on that the text names, counted from 1970-01-01.
func (e *Expr) dayFrom(day int64) (int64, bool) {
	for last := day + searchYears*366; day <= last; {
		y, m, d := date(day)
		if e.spec.Month>>m&1 == 0 {
			day += int64(daysIn(y, m) - d + 1)
			continue
		}
		if e.dayMatches(y, m, d, weekday(day)) {
			return day, true
		}
		day++
	}
	return 0, false
}

func (e *Expr) onDay(day int64) bool {
	y, m, d := date(day)
	return e.spec.Month>>m&1 == 1 && e.dayMatches(y, m, d, weekday(day))
}

// dayMatches tells whether a day of a month that fits is one of the text's: days of the month and of the week
// that are both set mean either, as in crontab(5).
func (e *Expr) dayMatches(y int, m time.Month, d, wd int) bool {
	dom := e.spec.Dom>>d&1 == 1
	for _, c := range e.spec.DomConstraints {
		dom = dom || domMatches(c, y, m, d)
	}
	dow := e.spec.Dow>>wd&1 == 1
	for _, c := range e.spec.DowConstraints {
		dow = dow || c.Weekday == wd && (c.N == (d-1)/7+1 || c.N < 0 && d+7 > daysIn(y, m))
	}
	if (e.spec.Dom|e.spec.Dow)&star != 0 {
		return dom && dow
	}
	return dom || dow
}

func domMatches(c gocron.DomConstraint, y int, m time.Month, d int) bool {
	last := daysIn(y, m)
	switch c.Type {
	case gocron.DomLast:
		return d == last
	case gocron.DomLastOffset:
		return d == last-c.N
	case gocron.DomLastWeekday:
		return d == workday(y, m, last, last)
	case gocron.DomNearestWeekday:
		return c.N <= last && d == workday(y, m, c.N, last)
	}
	return false
}

// workday returns the day from Monday to Friday that is nearest to day d within its month.
func workday(y int, m time.Month, d, last int) int {
	switch time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if d == 1 {
			return 3
		}
		return d - 1
	case time.Sunday:
		if d == last {
			return d - 2
		}
		return d + 1
	}
	return d
}

func date(day int64) (int, time.Month, int) { return time.Unix(day*daySeconds, 0).UTC().Date() }

// weekday counts from Sunday; 1970-01-01 was a Thursday.
func weekday(day int64) int { return int((day%7 + 7 + 4) % 7) }

func daysIn(y int, m time.Month) int {
	switch m {
	case time.February:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

// floor divides towards the past.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
