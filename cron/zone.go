package cron

import (
	"slices"
	"time"
)

// A Shift is a change of a zone's offset, as wall clocks see it: From to To do not exist (a gap), or come twice.
type Shift struct {
	Gap      bool
	From, To time.Time // wall times, as UTC; To is exclusive
	At       time.Time // the moment of the change
}

// Shifts returns the changes of offset of a zone in some years, in order.
func Shifts(zone *time.Location, from, to int) []Shift {
	var out []Shift
	t := time.Date(from, 1, 1, 0, 0, 0, 0, zone)
	for {
		_, next := t.ZoneBounds()
		if next.IsZero() || next.Year() > to {
			return out
		}
		if !next.After(t) { // beyond what the database lists, ZoneBounds ends leap years a day early
			t = t.AddDate(0, 0, 1)
			continue
		}
		_, before := next.Add(-time.Second).Zone()
		_, after := next.Zone()
		wall := func(offset int) time.Time { return next.UTC().Add(time.Duration(offset) * time.Second) }
		switch {
		case after > before:
			out = append(out, Shift{true, wall(before), wall(after), next})
		case after < before:
			out = append(out, Shift{false, wall(after), wall(before), next})
		}
		t = next
	}
}

// Hit returns the first wall time that a text names within a shift, and whether there is one.
func (e *Expr) Hit(s Shift) (time.Time, bool) {
	t, ok := e.Next(s.From.Add(-time.Nanosecond))
	return t, ok && t.Before(s.To)
}

// Day says which day of the year a change falls on, where each year has one by the same rule: "the last Sunday of
// March". ok is false where there is no such rule.
func Day(shifts []Shift) (day string, ok bool) {
	if len(shifts) == 0 {
		return "", false
	}
	first := shifts[0].From
	same := func(rule func(t time.Time) int) bool {
		return !slices.ContainsFunc(shifts, func(s Shift) bool {
			t := s.From
			return t.Month() != first.Month() || t.Weekday() != first.Weekday() || rule(t) != rule(first)
		})
	}
	if same(func(t time.Time) int { return boolInt(t.AddDate(0, 0, 7).Month() != t.Month()) }) && first.AddDate(0, 0, 7).Month() != first.Month() {
		return "the last " + first.Weekday().String() + " of " + first.Month().String(), true
	}
	if nth := func(t time.Time) int { return (t.Day() - 1) / 7 }; same(nth) {
		return "the " + ordinals[nth(first)] + " " + first.Weekday().String() + " of " + first.Month().String(), true
	}
	return "", false
}

var ordinals = []string{"first", "second", "third", "fourth", "fifth"}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
