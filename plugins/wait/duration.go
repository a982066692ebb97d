package wait

import (
	"math"
	"strconv"
	"strings"
	"time"

	"weft/plugins"
)

// units are those of the language's durations, largest first, in which order they must stand.
var units = []struct {
	name string
	size time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// parseDuration reads "1d2h3m4s500ms": whole numbers, each with its unit, larger ones first.
func parseDuration(text string) (time.Duration, error) {
	bad := func(why string) (time.Duration, error) {
		e := plugins.Errorf(plugins.BadInput, "cannot wait for %q: %s", text, why)
		e.Hint = "write it as 1d2h3m4s500ms, each number with its unit"
		return 0, e
	}
	if text == "" {
		return bad("it is empty")
	}
	var sum time.Duration
	next := 0 // the first unit that may still come
	for rest := text; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		tail := strings.TrimLeft(rest[digits:], "abcdefghijklmnopqrstuvwxyz")
		name := rest[digits : len(rest)-len(tail)]
		if digits == 0 {
			return bad("it is no duration")
		}
		if name == "" {
			return bad("a number has no unit")
		}
		i := next
		for i < len(units) && units[i].name != name {
			i++
		}
		if i == len(units) {
			return bad("the unit " + name + " is unknown, or stands out of order")
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > int64((math.MaxInt64-sum)/units[i].size) {
			return bad("it is longer than 292 years")
		}
		sum += time.Duration(n) * units[i].size
		next = i + 1
		rest = tail
	}
	return sum, nil
}
