package cron

import (
	"slices"
	"strconv"
	"strings"
)

// A field is one of a cron text's.
type field struct {
	name     string // "minute"
	plural   string
	min, max int
	names    []string // from the number of base on
	base     int
	cycle    int // values until it begins anew; 0: that differs
	before   int // fields of a text of five before it; -1 for the seconds
}

var (
	second     = &field{name: "second", plural: "seconds", max: 59, cycle: 60, before: -1}
	minute     = &field{name: "minute", plural: "minutes", max: 59, cycle: 60}
	hour       = &field{name: "hour", plural: "hours", max: 23, cycle: 24, before: 1}
	dayOfMonth = &field{name: "day of the month", plural: "days of the month", min: 1, max: 31, before: 2}
	month      = &field{name: "month", plural: "months", min: 1, max: 12, cycle: 12, before: 3, base: 1, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")}
	dayOfWeek  = &field{name: "day of the week", plural: "days of the week", max: 7, cycle: 7, before: 4, names: strings.Fields("sun mon tue wed thu fri sat")}
)

// fields are those of a text of six, in order.
var fields = []*field{second, minute, hour, dayOfMonth, month, dayOfWeek}

// check finds the parts of a field that cannot be read. Parts are between commas.
func (w written) check() []Problem {
	var out []Problem
	at := w.off
	for _, part := range strings.Split(w.text, ",") {
		if p := w.of.part(part); p != nil {
			p.Kind = Unreadable
			p.Offset += at
			if p.Len == 0 {
				p.Len = max(1, runes(part))
			}
			if part == "" { // between two commas, or behind the last
				p.Offset, p.Len = w.off, runes(w.text)
			}
			out = append(out, *p)
		}
		at += runes(part) + 1
	}
	return out
}

// part reads one part of a field: nil if it is one.
func (f *field) part(s string) *Problem {
	if s == "" {
		return &Problem{Msg: "the " + f.name + " has a comma too many"}
	}
	if p, special := f.special(s); special {
		return p
	}
	span, step, stepped := strings.Cut(s, "/")
	low, high, ranged := strings.Cut(span, "-")
	star := span == "*" || span == "?"
	var from, to int
	if !star {
		var p *Problem
		if from, p = f.value(low, 0); p != nil {
			return p
		}
		to = from
		if ranged {
			if to, p = f.value(high, runes(low)+1); p != nil {
				return p
			}
		}
	}
	if stepped {
		if p := f.step(step, runes(span)+1, star, ranged, from, to); p != nil {
			return p
		}
	}
	// What the parser still refuses is refused; the checks above are for the words.
	if _, err := parser().Parse(f.alone(s)); err != nil {
		return &Problem{Msg: strconv.Quote(s) + " cannot be read as a " + f.name, Help: f.help()}
	}
	return nil
}

// alone is a text of which this field is the only one that says anything.
func (f *field) alone(s string) string {
	if f.before < 0 {
		return s + " * * * * *"
	}
	return strings.Repeat("* ", f.before) + s + strings.Repeat(" *", 4-f.before)
}

// value reads a number or a name; off is where it stands in its part.
func (f *field) value(s string, off int) (int, *Problem) {
	bad := func(msg string) *Problem {
		return &Problem{Offset: off, Len: max(1, runes(s)), Msg: msg, Help: f.help()}
	}
	if n := slices.Index(f.names, strings.ToLower(s)); n >= 0 {
		return n + f.base, nil
	}
	if s == "" {
		p := bad("the " + f.name + " is cut short")
		p.Offset = max(0, off-1)
		return 0, p
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil || s[0] == '+' || s[0] == '-':
		p := bad(strconv.Quote(s) + " is no " + f.name)
		p.Suggest = f.near(s)
		return 0, p
	case n < f.min || n > f.max:
		return 0, bad(strconv.Itoa(n) + " is no " + f.name)
	}
	return n, nil
}

// near are the names that a word begins like: FRIDAY, Mond.
func (f *field) near(s string) []string {
	if len(s) < 3 || !slices.Contains(f.names, strings.ToLower(s[:3])) {
		return nil
	}
	return []string{strings.ToUpper(s[:3])}
}

// help says what the field takes.
func (f *field) help() string {
	h := "the " + f.name + " is " + itoa(f.min) + " to " + itoa(f.max)
	if len(f.names) > 0 {
		h += ", or " + strings.ToUpper(f.names[0]) + " to " + strings.ToUpper(f.names[len(f.names)-1])
	}
	return h
}

// step reads what stands behind a slash.
func (f *field) step(s string, off int, star, ranged bool, from, to int) *Problem {
	bad := func(msg, help string) *Problem {
		return &Problem{Offset: off, Len: max(1, runes(s)), Msg: msg, Help: help}
	}
	if s == "" {
		return &Problem{Offset: off - 1, Len: 1, Msg: "a number is missing after this /", Help: "a step is a number of " + f.plural + ": */15"}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 || s[0] == '+' {
		return bad(strconv.Quote(s)+" is no step", "a step is a number of "+f.plural+": */15")
	}
	size := f.max - f.min + 1
	switch {
	case star:
	case ranged && from <= to:
		size = to - from + 1
	case ranged:
		size = f.max - from + 1 + to - f.min + 1
	default:
		size = f.max - from + 1
	}
	if n > 1 && n >= size {
		help := ""
		if star && (f == minute || f == hour) {
			help = "for equal steps write `every " + s + f.plural[:1] + "`"
		}
		return bad("a step of "+s+" "+f.plural+" leaves the range that it steps through", help)
	}
	return nil
}

// special reads what days alone may be: L, L-3, LW, 15W, FRI#3, FRI#L.
func (f *field) special(s string) (*Problem, bool) {
	up := strings.ToUpper(s)
	switch {
	case f == dayOfMonth && (strings.HasPrefix(up, "L") || strings.HasSuffix(up, "W")):
		if _, err := parser().Parse(f.alone(s)); err != nil {
			return &Problem{Msg: strconv.Quote(s) + " is no day of the month", Help: "the last is L, the third before it L-3, the last weekday LW, the weekday nearest to the 15th 15W"}, true
		}
		return nil, true
	case f == dayOfWeek && strings.Contains(s, "#"):
		if _, err := parser().Parse(f.alone(s)); err != nil {
			return &Problem{Msg: strconv.Quote(s) + " is no day of the week", Help: "the third Friday is FRI#3, the last one FRI#L"}, true
		}
		return nil, true
	case f == dayOfWeek && len(s) > 1 && strings.HasSuffix(up, "L") && f.part(s[:len(s)-1]) == nil: // Quartz's
		return &Problem{Msg: strconv.Quote(s) + " is no day of the week", Suggest: []string{up[:len(up)-1] + "#L"}}, true
	}
	return nil, false
}

func itoa(n int) string { return strconv.Itoa(n) }
