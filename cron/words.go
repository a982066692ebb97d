package cron

import (
	"math/bits"
	"strconv"
	"strings"
)

// Words says in words when a text fires: "at 02:30, on the last day of the month". It is for people; what counts is
// the text.
func (e *Expr) Words() string {
	out := e.clockWords()
	if days := e.dayWords(); days != "" {
		out += ", " + days
	}
	if m := e.field(month); m.text != "*" && m.text != "?" {
		out += ", in " + month.list(e.spec.Month, "")
	}
	return out
}

// maxListed is how many times of a day are listed; more are told by their fields.
const maxListed = 4

// clockWords says when within a day.
func (e *Expr) clockWords() string {
	h, m, s := e.spec.Hour&allHours, e.spec.Minute&(1<<60-1), e.spec.Second&(1<<60-1)
	seconds := ""
	switch {
	case s == 1:
	case s == 1<<60-1:
		seconds = "every second, "
	default:
		seconds = "at " + second.list(s, "second") + ", "
	}
	if n := bits.OnesCount64(h) * bits.OnesCount64(m); n <= maxListed && seconds == "" {
		var times []string
		for w, ok := e.clock(0); ok; w, ok = e.clock(w + 1) {
			times = append(times, two(w/3600)+":"+two(w/60%60))
			if w == daySeconds-1 {
				break
			}
		}
		return "at " + and(times)
	}
	minutes := "at " + minute.list(m, "minute")
	switch step := even(m, 60); {
	case m == 1<<60-1:
		minutes = "every minute"
	case step > 1:
		minutes = "every " + itoa(step) + " minutes"
	}
	switch step := even(h, 24); {
	case h == allHours && strings.HasPrefix(minutes, "every"):
		return seconds + minutes
	case h == allHours:
		return seconds + minutes + " of each hour"
	case step > 1:
		return seconds + minutes + " of every " + ordinal(step) + " hour from 0"
	}
	return seconds + minutes + " of " + hour.list(h, "hour")
}

// even returns the step of a set that goes through a whole range in equal steps from 0; 0 if it does not.
func even(set uint64, size int) int {
	n := bits.OnesCount64(set)
	if n < 2 || size%n != 0 || set&1 == 0 {
		return 0
	}
	for i, step := 0, size/n; i < size; i += step {
		if set>>i&1 == 0 {
			return 0
		}
	}
	return size / n
}

// dayWords says on which days; "" if on all.
func (e *Expr) dayWords() string {
	var parts []string
	if e.spec.Dom&star == 0 {
		var list []string
		if plain := e.spec.Dom &^ star; plain != 0 {
			list = append(list, dayOfMonth.list(plain, "day")+" of the month")
		}
		for _, part := range strings.Split(e.field(dayOfMonth).text, ",") {
			if w := domWords(strings.ToUpper(part)); w != "" {
				list = append(list, w)
			}
		}
		parts = append(parts, "on "+and(list))
	}
	if e.spec.Dow&star == 0 {
		var list []string
		if plain := e.spec.Dow & 127; plain != 0 {
			list = append(list, dayOfWeek.list(plain, ""))
		}
		for _, c := range e.spec.DowConstraints {
			nth := "the last "
			if c.N > 0 {
				nth = "the " + ordinals[c.N-1] + " "
			}
			list = append(list, nth+dayOfWeek.value1(c.Weekday)+" of the month")
		}
		parts = append(parts, "on "+and(list))
	}
	return strings.Join(parts, " or ")
}

// domWords says a day of the month that is no number.
func domWords(part string) string {
	switch {
	case part == "L":
		return "the last day of the month"
	case part == "LW":
		return "the last weekday of the month"
	case strings.HasPrefix(part, "L-"):
		return "the day " + part[2:] + " before the last of the month"
	case strings.HasSuffix(part, "W"):
		return "the weekday nearest to day " + part[:len(part)-1] + " of the month"
	}
	return ""
}

// list says the values of a set: "minutes 0 to 10 and 30", "Monday to Friday". Unit is put before numbers.
func (f *field) list(set uint64, unit string) string {
	var parts []string
	n := 0
	for i := f.min; i <= f.last(); i++ {
		if set>>i&1 == 0 {
			continue
		}
		from := i
		for i < f.last() && set>>(i+1)&1 == 1 {
			i++
		}
		n += i - from + 1
		switch i - from {
		case 0:
			parts = append(parts, f.value1(from))
		case 1:
			parts = append(parts, f.value1(from), f.value1(i))
		default:
			parts = append(parts, f.value1(from)+" to "+f.value1(i))
		}
	}
	switch {
	case unit == "":
		return and(parts)
	case n > 1:
		unit += "s"
	}
	return unit + " " + and(parts)
}

var (
	weekdays = strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday")
	months   = strings.Fields("January February March April May June July August September October November December")
)

func (f *field) value1(n int) string {
	switch f {
	case dayOfWeek:
		return weekdays[n]
	case month:
		return months[n-1]
	}
	return itoa(n)
}

func and(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

func two(n int) string {
	if n < 10 {
		return "0" + itoa(n)
	}
	return itoa(n)
}

func ordinal(n int) string {
	switch n {
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return strconv.Itoa(n) + "th"
}
