package expr

import (
	"math"
	"time"
)

// units of durations, largest first.
var units = []struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
	{"us", time.Microsecond},
	{"ns", time.Nanosecond},
}

// ParseDuration reads 1d2h3m4s500ms: whole numbers, each with its unit, largest first.
func ParseDuration(s string) (time.Duration, error) {
	rest, neg := s, false
	if rest != "" && rest[0] == '-' {
		rest, neg = rest[1:], true
	}
	var total time.Duration
	next := 0 // units before this one have been used or passed
	for rest != "" {
		n, digits := int64(0), 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			if n > (math.MaxInt64-9)/10 {
				return 0, badDuration(s)
			}
			n = n*10 + int64(rest[digits]-'0')
			digits++
		}
		letters := digits
		for letters < len(rest) && (rest[letters] < '0' || rest[letters] > '9') {
			letters++
		}
		for next < len(units) && units[next].name != rest[digits:letters] {
			next++
		}
		if digits == 0 || next == len(units) || n > int64((math.MaxInt64-total)/units[next].size) {
			return 0, badDuration(s)
		}
		total += time.Duration(n) * units[next].size
		next++
		rest = rest[letters:]
	}
	if next == 0 {
		return 0, badDuration(s)
	}
	if neg {
		total = -total
	}
	return total, nil
}

func badDuration(s string) error {
	return faultf("cannot read %q as a duration: write it like 1d2h30m, each number with its unit", clip(s))
}

// parseDate reads 2006-01-02 (midnight, UTC) or RFC 3339, and gives UTC.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return inRange(t.UTC())
		}
	}
	return time.Time{}, faultf("cannot read %q as a date: write it like 2026-01-31 or 2026-01-31T12:00:00Z", clip(s))
}

// inRange keeps times where RFC 3339 can write them.
func inRange(t time.Time) (time.Time, error) {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return time.Time{}, fault("cannot reckon with years before 1 or after 9999")
	}
	return t, nil
}

// clip shortens what a message quotes.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			return s[:i] + "…"
		}
	}
	return s
}

func addDuration(a, b time.Duration) (time.Duration, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, fault("cannot add: the duration is too long")
	}
	return sum, nil
}

// floatDuration takes nanoseconds; the bound is what a duration can hold, 292 years.
func floatDuration(ns float64) (time.Duration, error) {
	if math.IsNaN(ns) || math.Abs(ns) >= math.MaxInt64 {
		return 0, fault("cannot multiply: the duration is too long")
	}
	return time.Duration(ns), nil
}
