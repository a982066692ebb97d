// Package cron reads cron texts: five fields, or six with seconds first; names, lists, ranges, steps, `?`,
// `L`, `L-3`, `LW`, `15W` of days of the month, `FRI#3` and `FRI#L` of days of the week. Days of the month
// and days of the week that are both set mean either, as in crontab(5).
//
// It is the one reading of such a text: the validator says by it what is wrong and where, the scheduler
// computes ticks by it. What the fields mean is decided by the parser of netresearch/go-cron; this
// package refuses what that parser lets pass (`1,,2`, `*-5`), finds the field and the part that are
// wrong, and says so in words.
//
// A text is read as wall time, without zone: Next counts on a clock that knows no change of offset, and Shifts
// says which wall times of a zone do not exist or come twice. Presets and `every 15m` are no cron texts.
//
// It knows nobody and reads no clock, no file but Go's zone database.
package cron

import (
	"strings"
	"sync"
	"time"
	"unicode"

	gocron "github.com/netresearch/go-cron"
)

// An Expr is a cron text that has been read.
type Expr struct {
	spec   *gocron.SpecSchedule
	fields []written // as many as stand in the text
}

// A written field is one as it stands in the text; off counts runes.
type written struct {
	of   *field
	text string
	off  int
}

// A Kind says what is wrong with a text.
type Kind uint8

// The kinds of problems. With the first three there is no Expr; Either and Uneven are about what it means; of YearLast
// there is one if the text can be read all the same.
const (
	Unreadable Kind = iota // a field that cannot be read, or is out of range
	Count                  // neither five fields nor six
	Never                  // no such day: 30 February
	Either                 // day of month and day of week are both set
	Uneven                 // a step that does not divide its range: */7
	YearLast               // six fields, of which the last looks like the year
)

// A Problem is one thing wrong with a text, at the smallest part that is wrong.
type Problem struct {
	Kind        Kind
	Offset, Len int // runes in the text
	Msg, Help   string
	Suggest     []string // names that may have been meant
}

// parser is go-cron's; made when first asked, for it has state.
var parser = sync.OnceValue(func() gocron.Parser {
	return gocron.MustNewParser(gocron.SecondOptional | gocron.Minute | gocron.Hour | gocron.Dom | gocron.Month | gocron.Dow |
		gocron.DowOrDom | gocron.DowNth | gocron.DowLast | gocron.DomL | gocron.DomW)
})

// maxText bounds a text in bytes: the longest that means anything lists 60 numbers twice.
const maxText = 1000

// Parse reads a cron text. The Expr is nil if it cannot be read or never fires; problems are in the order of
// the text.
func Parse(text string) (*Expr, []Problem) {
	if len(text) > maxText {
		return nil, []Problem{{Kind: Unreadable, Len: 1, Msg: "this cron text is too long"}}
	}
	if first, _, _ := strings.Cut(text, " "); strings.HasPrefix(first, "TZ=") || strings.HasPrefix(first, "CRON_TZ=") {
		return nil, []Problem{{Kind: Unreadable, Len: runes(first), Msg: "a cron text holds no time zone", Help: "write `timezone` under `schedule`"}}
	}
	fields, bad := split(text)
	if bad != nil {
		return nil, []Problem{*bad}
	}
	var problems []Problem
	for _, f := range fields {
		problems = append(problems, f.check()...)
	}
	if len(problems) > 0 {
		if yearLast(fields) {
			problems = []Problem{yearLastProblem(text, nil)}
		}
		return nil, problems
	}
	e := &Expr{fields: fields}
	s, err := parser().Parse(strings.Join(strings.Fields(text), " "))
	spec, ok := s.(*gocron.SpecSchedule)
	if err != nil || !ok { // each field was read by itself, so this is none of ours
		return nil, []Problem{{Kind: Unreadable, Len: max(1, runes(text)), Msg: "this cron text cannot be read"}}
	}
	e.spec = spec
	if p := e.never(); p != nil {
		return nil, []Problem{*p}
	}
	if yearLast(fields) {
		return e, []Problem{yearLastProblem(text, e)}
	}
	return e, append(e.either(), e.uneven()...)
}

// searchYears are enough for each day of each month to fall on each day of the week: the calendar comes
// again after 28 years, but for a century without 29 February.
const searchYears = 40

// Next returns the first wall time after t that the text names, and whether there is one. Both are read as
// UTC, which is the clock without changes of offset: what a wall time is in a zone is for the caller.
func (e *Expr) Next(t time.Time) (time.Time, bool) {
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	next, ok := e.From(wall.Unix() + 1)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(next, 0).UTC(), true
}

// Presets are the schedules that have a name, and their cron texts; "" is of one that is no cron text.
var Presets = []struct{ Name, Text string }{
	{"@once", ""},
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@quarterly", "0 0 1 */3 *"},
	{"@yearly", "0 0 1 1 *"},
	{"@continuous", ""},
}

// Hour returns where the hours stand in the text, in runes.
func (e *Expr) Hour() (off, size int) {
	h := e.field(hour)
	return h.off, runes(h.text)
}

// EachHour tells whether the text names every hour of a day, as `*` does: such a text follows real hours through
// a change of offset. One that names some hours, as `*/2` does, names wall times, each of which comes once.
func (e *Expr) EachHour() bool { return e.spec.Hour&allHours == allHours }

// field returns a field as it stands in the text; the seconds may not.
func (e *Expr) field(of *field) written {
	for _, f := range e.fields {
		if f.of == of {
			return f
		}
	}
	return written{of: of}
}

// split cuts a text at its spaces.
func split(text string) ([]written, *Problem) {
	var out []written
	at, start, from := 0, -1, 0
	for i, r := range text + " " {
		switch {
		case !unicode.IsSpace(r) && start < 0:
			start, from = i, at
		case unicode.IsSpace(r) && start >= 0:
			out = append(out, written{text: text[start:i], off: from})
			start = -1
		}
		at++
	}
	of := fields[1:]
	switch len(out) {
	case len(of):
	case len(fields):
		of = fields
	default:
		return nil, countProblem(text, out)
	}
	for i := range out {
		out[i].of = of[i]
	}
	return out, nil
}

// countProblem points at what is too much, or at the whole of what is too little.
func countProblem(text string, have []written) *Problem {
	p := &Problem{
		Kind: Count, Msg: "a cron text has 5 fields, or 6 with seconds first; this has " + itoa(len(have)),
		Help: "minute, hour, day of month, month, day of week: like `30 2 * * *`", Len: max(1, runes(text)),
	}
	if len(have) > len(fields) {
		p.Offset = have[len(fields)].off
		last := have[len(have)-1]
		p.Len = last.off + runes(last.text) - p.Offset
		if len(have) == len(fields)+1 && year(have[len(fields)].text) {
			p.Help = "there is no field for the year: write `start` and `end` under `schedule`"
		}
	}
	return p
}

func year(s string) bool { return s == "*" || len(s) == 4 && s >= "1970" && s <= "2999" }

func runes(s string) int { return len([]rune(s)) }
