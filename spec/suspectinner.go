package spec

import (
	"slices"
	"strings"
)

// suspectInnerQuote finds a quote inside an expression that ends the quoted text around it: "${{ f("x") }}". As a
// plain value the same expression is right, so people copy it into quotes and between braces.
func suspectInnerQuote(d *DAG, t trouble) ([]mend, bool) {
	for _, n := range []int{t.line, t.line - 1, t.from, t.from + 1} {
		if n < 1 || n > d.src.count() || d.inBlock(n) {
			continue
		}
		l := d.src.line(n)
		for i := 0; i < len(l); i++ {
			if l[i] == '#' && i > 0 && blank(l[i-1]) {
				break
			}
			if l[i] != '"' && l[i] != '\'' || !opensValue(l, i) {
				continue
			}
			inner, end := innerQuotes(l, i)
			if len(inner) > 0 {
				return d.innerQuote(n, i, inner), true
			}
			if end < 0 {
				break
			}
			i = end
		}
	}
	return nil, false
}

// innerQuotes finds the quotes of its own kind inside the expressions of the quoted text that begins at an index, and
// where that text ends; -1 if it does not end on the line.
func innerQuotes(l []rune, open int) (inner []int, end int) {
	q, expression := l[open], false
	for i := open + 1; i < len(l); i++ {
		switch {
		case q == '"' && l[i] == '\\':
			i++
		case q == '\'' && l[i] == q && i+1 < len(l) && l[i+1] == q:
			i++
		case startsAt(l, i, "${{"):
			expression = true
		case startsAt(l, i, "}}"):
			expression = false
		case l[i] == q && expression && len(inner) == 0 && endsText(string(l[i+1:])):
			return nil, i
		case l[i] == q && expression:
			inner = append(inner, i)
		case l[i] == q:
			return inner, i
		}
	}
	return nil, -1
}

// endsText tells whether a quote ends its text, by what follows it: then the expression is not closed, or is none.
func endsText(rest string) bool {
	next := strings.TrimLeft(rest, " ")
	return next == "" || strings.ContainsAny(next[:1], "]}:#") || !strings.Contains(next, "}}")
}

// innerQuote reports the first of such quotes. All are put right by the other kind, if the text has none of it.
func (d *DAG) innerQuote(line, open int, inner []int) []mend {
	l := d.src.line(line)
	q, other := l[open], "'"
	if q == '\'' {
		other = `"`
	}
	at := inner[0] + 1
	diag := d.report(yQuote, Span{line, at, line, at + 1}, "this quote ends the text that begins at %d:%d", line, open+1)
	var ms []mend
	for _, i := range inner {
		ms = append(ms, mend{line: line, from: i + 1, to: i + 2, with: other})
	}
	if strings.ContainsRune(string(l[open:inner[len(inner)-1]]), []rune(other)[0]) || slices.Contains(l[open:inner[len(inner)-1]], '\\') {
		diag.help("inside an expression use the other kind of quotes than around the text")
		for i := range ms {
			ms[i].with, ms[i].quiet = "x", true
		}
		return ms
	}
	diag.label("write %s", other).note("fix", "write %s inside the expression", other).mends(ms)
	return ms
}
