package cron

import (
	"strconv"
	"strings"
)

// EventBridge writes six fields as well, but with the year last: cron(0 6 * * ? *) is daily at 06:00 there, and with
// the seconds first at minute 6 of each hour. Of its days of the month and of the week one is `?` always, and counts
// its days of the week from 1, SUN. (Amazon EventBridge User Guide, "Cron expressions".)

// yearLast tells whether six fields are those of EventBridge: `?` stands where only there it means something, in what
// would be the hour or the month here, or what is last is a year, which is no day of the week.
func yearLast(w []written) bool {
	if len(w) != len(fields) {
		return false
	}
	last, _, _ := strings.Cut(w[5].text, "-")
	return w[2].text == "?" || w[4].text == "?" || last != "*" && year(last)
}

// WithYear reads six fields whose last is the year, as EventBridge has them, and returns the five that mean the same
// here, "" if nobody can say them, and whether they name years.
func WithYear(text string) (five string, years bool) {
	f := strings.Fields(text)
	if len(f) != len(fields) {
		return "", false
	}
	for i := 2; i < 5; i++ {
		if f[i] == "?" {
			f[i] = "*"
		}
	}
	var days []string
	for _, part := range strings.Split(f[4], ",") {
		days = append(days, dayFromOne(part))
	}
	f[4] = strings.Join(days, ",")
	five = strings.Join(f[:5], " ")
	if e, _ := Parse(five); e == nil {
		return "", f[5] != "*"
	}
	return five, f[5] != "*"
}

// dayFromOne names the days of the week of a part that counts them from 1: 2-6 is MON-FRI, 6L the last Friday.
func dayFromOne(part string) string {
	name := func(s string) string {
		if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= len(dayOfWeek.names) {
			return strings.ToUpper(dayOfWeek.names[n-1])
		}
		return s
	}
	if day, nth, ok := strings.Cut(part, "#"); ok {
		return name(day) + "#" + nth
	}
	if up := strings.ToUpper(part); len(up) > 1 && strings.HasSuffix(up, "L") {
		return name(up[:len(up)-1]) + "#L"
	}
	span, step, stepped := strings.Cut(part, "/")
	from, to, ranged := strings.Cut(span, "-")
	out := name(from)
	if ranged {
		out += "-" + name(to)
	}
	if stepped {
		out += "/" + step
	}
	return out
}

// yearLastProblem tells of such a text; e is what it means with the seconds first, nil if it means nothing so.
func yearLastProblem(text string, e *Expr) Problem {
	p := Problem{Kind: YearLast, Len: max(1, runes(text)), Msg: "of six fields the first is the seconds; there is none for the year"}
	if e != nil {
		p.Msg = "of six fields the first is the seconds: this fires " + e.Words()
	}
	five, years := WithYear(text)
	if five != "" {
		p.Suggest = []string{five}
		p.Help = "AWS and others write the year last; without it that is `" + five + "`"
	} else {
		p.Help = "AWS and others write the year last: leave it out"
	}
	if years {
		p.Help += "; for the years write `start` and `end` under `schedule`"
	}
	return p
}
