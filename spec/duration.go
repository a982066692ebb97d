package spec

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// units of durations, in the order they must stand in. There is no week, month or year: a day here is
// 24 hours, and what follows the calendar belongs into a schedule.
var units = []struct {
	name string
	of   time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

var errTooLong = errors.New("it is longer than 292 years")

// ParseDuration reads a duration of the language: whole numbers, each with its unit, from days to
// milliseconds and in that order: "1d2h3m4s500ms". A number without a unit is an error.
func ParseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errors.New("it is empty")
	}
	var total time.Duration
	next := 0
	for rest := s; rest != ""; {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		after := rest[len(digits):]
		word := after[:len(after)-len(strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz"))]
		switch {
		case digits == "":
			return 0, fmt.Errorf("%q is no number with a unit", rest)
		case after == "":
			return 0, fmt.Errorf("%s has no unit", digits)
		}
		i := unit(word)
		if i < 0 {
			return 0, fmt.Errorf("%q is no unit (d, h, m, s, ms)", strings.TrimSpace(after))
		}
		if i < next {
			return 0, fmt.Errorf("%s must stand before, and only once", word)
		}
		n, ok := readDigits(digits)
		if !ok || n > int64(math.MaxInt64-total)/int64(units[i].of) {
			return 0, errTooLong
		}
		total += time.Duration(n) * units[i].of
		next = i + 1
		rest = after[len(word):]
	}
	return total, nil
}

func unit(word string) int {
	for i, u := range units {
		if u.name == word {
			return i
		}
	}
	return -1
}

// readDigits reads digits that may be any number of them; ok is false where an int64 ends. It leaves
// leading zeros alone: 007s is seven seconds.
func readDigits(digits string) (int64, bool) {
	var n int64
	for _, c := range []byte(digits) {
		if n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
