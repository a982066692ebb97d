package cron

import (
	"strconv"
	"strings"
	"time"
)

// epoch is where the search for a first tick begins: a year like others, on no clock.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)

// never finds a text that names no day of any year.
func (e *Expr) never() *Problem {
	if _, ok := e.Next(epoch); ok {
		return nil
	}
	dom, mon := e.field(dayOfMonth), e.field(month)
	return &Problem{
		Kind: Never, Offset: dom.off, Len: mon.off + runes(mon.text) - dom.off,
		Msg: "this never fires: there is no such day", Help: "day " + dom.text + " does not come in month " + mon.text,
	}
}

// either tells of days of the month and of the week that are both set: people mean both, it is either.
func (e *Expr) either() []Problem {
	dow := e.field(dayOfWeek)
	if e.spec.Dom&star != 0 || e.spec.Dow&star != 0 {
		return nil
	}
	return []Problem{{
		Kind: Either, Offset: dow.off, Len: runes(dow.text),
		Msg:  "the day of the month and the day of the week are both set: it fires on either",
		Help: "the first Monday is MON#1, the last Friday FRI#L; else set one here and ask for the other in `when`",
	}}
}

// star is the bit by which go-cron notes that a field is * or ?.
const star = 1 << 63

// uneven tells of steps through a whole range that do not divide it: the last one is shorter. Days of the month
// never divide evenly, months having 28 to 31.
func (e *Expr) uneven() []Problem {
	var out []Problem
	for _, w := range e.fields {
		at := w.off
		for _, part := range strings.Split(w.text, ",") {
			span, step, _ := strings.Cut(part, "/")
			n, _ := strconv.Atoi(step)
			if (span == "*" || span == "?") && n > 1 && (w.of.cycle == 0 || w.of.cycle%n != 0) {
				p := w.of.unevenStep(part, n)
				p.Kind, p.Offset, p.Len = Uneven, at, runes(part)
				if unit, ok := units[w.of]; ok && e.alone(w.of) {
					p.Help = "for equal steps write `every " + step + unit + "`"
				}
				out = append(out, p)
			}
			at += runes(part) + 1
		}
	}
	return out
}

// units are those of `every`, for the fields whose steps it can take.
var units = map[*field]string{second: "s", minute: "m", hour: "h", dayOfMonth: "d"}

// alone tells whether a field is the only one that says anything but when within it: all larger ones are `*`.
func (e *Expr) alone(f *field) bool {
	larger := false
	for _, w := range e.fields {
		if larger && w.text != "*" && w.text != "?" {
			return false
		}
		larger = larger || w.of == f
	}
	return true
}

func (f *field) unevenStep(part string, n int) Problem {
	last := f.min + (f.last()-f.min)/n*n
	if f.cycle == 0 {
		return Problem{Msg: part + " begins anew each month: after day " + itoa(last) + " comes day 1"}
	}
	p := Problem{Msg: part + " is not equal steps: after " + f.of(last) + " comes " + f.of(f.min) + ", " + f.count(f.cycle-last+f.min) + " later"}
	if f == dayOfWeek {
		p.Help = "name the days: MON,WED,FRI"
	}
	return p
}

// count says how many of a field's units.
func (f *field) count(n int) string {
	unit := strings.TrimSuffix(f.plural, " of the week")
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return itoa(n) + " " + unit
}

// last is the greatest value that is one of its own: 7 is Sunday again.
func (f *field) last() int {
	if f == dayOfWeek {
		return 6
	}
	return f.max
}

// of writes a value as the field is read.
func (f *field) of(n int) string {
	if len(f.names) > 0 {
		return strings.ToUpper(f.names[n-f.base])
	}
	return f.plural[:len(f.plural)-1] + " " + itoa(n)
}
