package spec

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync"
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

// otherDuration matches what other tools and people write: 5 minutes, 1.5h, PT1H30M, 00:05:00.
var otherDuration = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i:(?:(\d+) ?(milliseconds?|msecs?|ms|seconds?|secs?|sec|s|minutes?|mins?|min|m|hours?|hrs?|hr|h|days?|d|weeks?|w)(?:,? ?(?:and )?|$))+)$`)
})

// meantDuration guesses the duration that a text of another notation means, "" if nobody knows.
func meantDuration(s string) string {
	s = strings.TrimSpace(s)
	var total time.Duration
	switch lower := strings.ToLower(s); {
	case index(s) >= 0:
		return s + "s"
	case strings.HasPrefix(lower, "pt"):
		v, err := time.ParseDuration(lower[2:])
		if err != nil {
			return ""
		}
		total = v
	case strings.Count(s, ":") == 2:
		v, err := time.ParseDuration(strings.Replace(strings.Replace(s, ":", "h", 1), ":", "m", 1) + "s")
		if err != nil {
			return ""
		}
		total = v
	case otherDuration().MatchString(s):
		for _, m := range durationPart().FindAllStringSubmatch(lower, -1) {
			n, ok := readDigits(m[1])
			if !ok || n > 100_000 {
				return ""
			}
			total += time.Duration(n) * longUnits[m[2][:1]]
			if strings.HasPrefix(m[2], "ms") || strings.HasPrefix(m[2], "milli") {
				total += time.Duration(n) * (time.Millisecond - longUnits["m"])
			}
		}
	default:
		v, err := time.ParseDuration(lower) // 1.5h
		if err != nil {
			return ""
		}
		total = v
	}
	if total <= 0 || total%time.Millisecond != 0 {
		return ""
	}
	return writeDuration(total)
}

var durationPart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\d+) ?([a-z]+)`) })

var longUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// writeDuration writes a duration as the language has it.
func writeDuration(v time.Duration) string {
	var b strings.Builder
	for _, u := range units {
		if n := v / u.of; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			v -= n * u.of
		}
	}
	return b.String()
}
