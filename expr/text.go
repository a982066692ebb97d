package expr

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text is a value inside text: text as it is, numbers plainly, null as nothing, times as RFC 3339.
// A list or map is an error that says what to use.
func Text(v any) (string, error) {
	v, err := admit(v)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return floatText(v), nil
	case time.Time:
		return timeText(v), nil
	case time.Duration:
		return durationText(v), nil
	case []any:
		return "", errors.New(`cannot put a list into text: use join(…, ",") or toJSON(…)`)
	default:
		return "", errors.New("cannot put a map into text: use toJSON(…) or one of its members")
	}
}

// floatText writes a number plainly: no exponent up to 1e21, as people and JavaScript do.
func floatText(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if f == 0 {
		return "0" // also for -0
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// timeText is RFC 3339 in UTC, with microseconds only where they are not zero.
func timeText(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05+00:00")
	}
	return t.Format("2006-01-02T15:04:05.000000+00:00")
}

// durationText is the language's form, 1d2h30m, largest unit first.
func durationText(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	left := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		left = -left // also right for the smallest duration
	}
	for _, u := range units {
		if n := left / uint64(u.size); n > 0 {
			b.WriteString(strconv.FormatUint(n, 10))
			b.WriteString(u.name)
			left -= n * uint64(u.size)
		}
	}
	return b.String()
}
