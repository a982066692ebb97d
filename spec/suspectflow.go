package spec

import (
	"regexp"
	"strings"
	"sync"
)

// The suspects of quotes and brackets, which reach over lines: what is wrong stands where they were opened.

// A bracket is one that is open.
type bracket struct {
	r         rune
	line, col int
	indent    int  // of its line
	colon     bool // the entry has its `: `
}

// A reader of quotes and brackets walks the file as YAML reads it, but for what block scalars hold.
type flowReader struct {
	d    *DAG
	open []bracket
	// the quote that is open
	quote           rune
	quoteLine       int
	quoteCol        int
	quoteSuspicious int  // a line inside it that looks like a key or an item
	plain           int  // indentation from which a line goes on with the plain value of one above; 0 = there is none
	complete        bool // what was read last between brackets is a quoted text, or one in brackets
}

var looksLikeKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*(?:- +)*[A-Za-z_][\w.-]*:(?:\s|$)`) })

// suspectOpenQuote finds the quote that was opened and never closed: one in which the file ends, or one that reaches over
// lines that look like keys, to where the next quote seems to close it.
func suspectOpenQuote(d *DAG, t trouble) ([]mend, bool) {
	r := flowReader{d: d}
	for n := 1; n <= d.src.count(); n++ {
		if r.quote == 0 && d.inBlock(n) {
			continue
		}
		if r.quote != 0 && r.quoteSuspicious == 0 && looksLikeKey().MatchString(d.src.lineText(n)) {
			r.quoteSuspicious = n
		}
		wasLine, wasCol, was, suspicious := r.quoteLine, r.quoteCol, r.quote, r.quoteSuspicious
		r.quotes(n)
		closed := was != 0 && (r.quoteLine != wasLine || r.quote == 0)
		if closed && suspicious > 0 && wasLine <= t.line && n >= t.line-1 {
			return d.openQuote(wasLine, wasCol, was), true
		}
		if closed && n > t.line {
			return nil, false
		}
	}
	if r.quote != 0 && r.quoteLine <= t.line && (strings.Contains(t.msg, "end of stream") || r.quoteSuspicious > 0 || r.quoteLine == t.from) {
		return d.openQuote(r.quoteLine, r.quoteCol, r.quote), true
	}
	return nil, false
}

// openQuote reports a quote, and closes it before the brackets that end its line.
func (d *DAG) openQuote(line, col int, q rune) []mend {
	d.report(yQuote, d.src.restOfLine(line, col), "this quote is never closed").help("close it with %c, or leave out both", q)
	l := d.src.line(line)
	end := len(strings.TrimRight(string(l), " \t"))
	text := string(l)[:end]
	depth := strings.Count(text, "{") + strings.Count(text, "[") - strings.Count(text, "}") - strings.Count(text, "]")
	brackets := strings.ContainsAny(string(l[:col-1]), "{[")
	for brackets && depth <= 0 && text != "" && strings.ContainsAny(text[len(text)-1:], "]} ") {
		text = text[:len(text)-1]
	}
	at := len([]rune(text)) + 1
	return []mend{{line: line, from: at, to: at, with: string(q), guess: true}}
}

// quotes reads a line for quotes alone.
func (r *flowReader) quotes(n int) { r.until(n, func(int) bool { return false }) }

// suspectExpression finds the expression that is not quoted in brackets: its braces are YAML's there.
func suspectExpression(d *DAG, t trouble) ([]mend, bool) {
	r := flowReader{d: d}
	for n := 1; n <= min(t.line, d.src.count()); n++ {
		if r.quote == 0 && len(r.open) == 0 && d.inBlock(n) {
			continue
		}
		l := d.src.line(n)
		if i := r.until(n, func(i int) bool { return len(r.open) > 0 && startsAt(l, i, "${{") }); i >= 0 {
			col := i + 1
			d.report(ySyntax, Span{n, col, n, col + 3}, "an expression between braces or brackets is read as YAML's own").
				quoteExpression(l, n, i).note("fix", "%s", quoteHere(l, i))
			end := strings.Index(string(l[i:]), "}}")
			if end < 0 {
				return nil, true
			}
			size := len([]rune(string(l[i:])[:end])) + 2
			return []mend{{line: n, from: col, to: col + size, with: strings.Repeat("x", size), quiet: true}}, true
		}
	}
	return nil, false
}

// startsAt tells whether a line goes on with a text.
func startsAt(l []rune, i int, text string) bool {
	for _, r := range text {
		if i >= len(l) || l[i] != r {
			return false
		}
		i++
	}
	return true
}

// quoteHere says how to quote an expression at an index of a line between braces: alone, or with the
// text that it stands in.
func quoteHere(line []rune, i int) string {
	if opensValue(line, i) && startsAt(line, i, "${{") {
		return "quote it: \"${{ … }}\""
	}
	return "quote the whole value, in '…' where it holds double quotes; or give it a line of its own"
}

// suspectFlow finds the bracket that is never closed, or closed by another kind, and the comma that is missing.
func suspectFlow(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "',' or") && !strings.Contains(t.msg, "expected node content") && !strings.Contains(t.msg, "expected key") &&
		!strings.Contains(t.msg, "mapping values") && !strings.Contains(t.msg, "':'") {
		return nil, false
	}
	r := flowReader{d: d}
	for n := 1; n <= d.src.count(); n++ {
		switch {
		case r.quote == 0 && len(r.open) == 0 && d.inBlock(n):
			continue
		case n > t.line && len(r.open) == 0: // what is open behind the error is not its cause
			return nil, false
		case len(r.open) > 0 && n > r.open[0].line && r.quote == 0 && indentOf(d.src.line(n)) <= r.open[0].indent && looksLikeKey().MatchString(d.src.lineText(n)):
			return d.openBracket(r.open[len(r.open)-1], n), true
		case n > t.line:
			r.until(n, func(int) bool { return false })
			continue
		}
		if ms, found := r.flow(n); found {
			return ms, true
		}
	}
	if len(r.open) == 0 {
		return nil, false
	}
	return d.openBracket(r.open[0], d.src.count()+1), true
}

// openBracket reports a bracket that is never closed, and closes it at the end of the last line before one.
func (d *DAG) openBracket(b bracket, before int) []mend {
	d.report(ySyntax, Span{b.line, b.col, b.line, b.col + 1}, "this %c is never closed", b.r).help("close it with %c", closes[b.r])
	last := d.writtenBefore(before)
	l := d.src.line(last)
	at := len([]rune(strings.TrimRight(string(l), " \t,"))) + 1
	return []mend{{line: last, from: at, to: len(l) + 1, with: string(closes[b.r]), guess: true}}
}

var closes = map[rune]rune{'[': ']', '{': '}'}

// until reads a line for quotes and brackets, up to the first index outside quotes that will do; -1 if there is none.
func (r *flowReader) until(n int, will func(i int) bool) int {
	l := r.d.src.line(n)
	if r.quote == 0 && len(r.open) == 0 {
		if in := indentOf(l); r.plain > 0 && in >= r.plain && in < len(l) && !looksLikeKey().MatchString(string(l)) {
			return -1 // the value of a line above goes on
		}
		r.plain = 0
		if at := plainFrom(l); at < len(l) {
			l, r.plain = l[:at], indentOf(l)+1
		}
	}
	for i := 0; i < len(l); i++ {
		c := l[i]
		switch {
		case r.quote == '"' && c == '\\':
			i++
		case r.quote == '\'' && c == '\'' && i+1 < len(l) && l[i+1] == '\'':
			i++
		case r.quote != 0:
			if c == r.quote {
				r.quote, r.complete = 0, len(r.open) > 0
				r.quoteLine, r.quoteSuspicious = 0, 0
			}
		case c == '#' && (i == 0 || blank(l[i-1])):
			return -1
		case blank(c):
		case will(i):
			return i
		case (c == '"' || c == '\'') && opensValue(l, i):
			r.quote, r.quoteLine, r.quoteCol, r.quoteSuspicious = c, n, i+1, 0
		case len(r.open) > maxDepth: // too deep, whatever else is wrong
			return -1
		case (c == '[' || c == '{') && (len(r.open) > 0 || opensValue(l, i)):
			r.complete = false
			r.open = append(r.open, bracket{r: c, line: n, col: i + 1, indent: indentOf(l)})
		case (c == ']' || c == '}') && len(r.open) > 0:
			r.open = r.open[:len(r.open)-1]
			r.complete = len(r.open) > 0
		default:
			r.complete = false
		}
	}
	return -1
}

// flow reads a line for what is wrong between brackets.
func (r *flowReader) flow(n int) (ms []mend, found bool) {
	l := r.d.src.line(n)
	found = r.until(n, func(i int) bool {
		if len(r.open) == 0 {
			return false
		}
		in := &r.open[len(r.open)-1]
		switch c := l[i]; {
		case (c == ']' || c == '}') && closes[in.r] != c && (l[max(i-1, 0)] == c || strings.HasPrefix(strings.TrimLeft(string(l[i+1:]), " "), string(closes[in.r]))):
			r.d.report(ySyntax, Span{n, i + 1, n, i + 2}, "this %c closes nothing", c).help("leave it out")
			ms = []mend{{line: n, from: i + 1, to: i + 2, with: " "}}
			return true
		case (c == ']' || c == '}') && closes[in.r] != c:
			r.d.report(ySyntax, Span{in.line, in.col, in.line, in.col + 1}, "this %c is never closed: %c comes first", in.r, c).
				related(Span{Line: n, Col: i + 1}, "%c is expected here", closes[in.r])
			ms = []mend{{line: n, from: i + 1, to: i + 2, with: string(closes[in.r]), guess: true}}
			return true
		case r.complete && !strings.ContainsRune(",:]}", c):
			end := i
			for end < len(l) && !strings.ContainsRune(",]}", l[end]) {
				end++
			}
			r.d.report(ySyntax, Span{n, i + 1, n, end + 1}, "nothing can stand behind a value that is complete; or a comma is missing").
				help("quote the whole of it, with the other kind of quotes where it holds these")
			ms = []mend{{line: n, from: i + 1, to: end + 1, quiet: true}}
			return true
		case (c == '[' || c == '{') && !opensValue(l, i):
			r.d.report(ySyntax, Span{n, i + 1, n, i + 2}, "a plain value between brackets cannot hold %c", c).help("%s", quoteHere(l, i))
			for at, depth := i, 0; at < len(l); at++ {
				switch l[at] {
				case '[', '{':
					depth++
				case ']', '}':
					depth--
				}
				if ms = append(ms, mend{line: n, from: at + 1, to: at + 2, with: "x", quiet: true}); depth == 0 {
					break
				}
			}
			return true
		case c == ',':
			in.colon = false
		case c == ':' && (i+1 == len(l) || blank(l[i+1])):
			if !in.colon {
				in.colon = true
				return false
			}
			at := keyBefore(l, i)
			if at < 0 {
				return false
			}
			if in.line < n && at == indentOf(l) && !r.endsLine(*in) {
				ms = r.d.openBracket(*in, n)
				return true
			}
			key := string(l[at:i])
			r.d.report(ySyntax, Span{n, at + 1, n, i + 1}, "a comma is missing before %s", cut(key, 40)).help("write `, %s: …`; or quote the value if the colon is part of it", cut(key, 40))
			ms = []mend{{line: n, from: at, to: at + 1, with: ","}}
			return true
		}
		return false
	}) >= 0
	return ms, found
}

// endsLine tells whether nothing stands behind a bracket on its line.
func (r *flowReader) endsLine(b bracket) bool {
	return strings.TrimSpace(string(r.d.src.line(b.line)[b.col:])) == ""
}

// keyBefore is where the word before a colon begins, -1 if nothing stands before it on the line.
func keyBefore(l []rune, colon int) int {
	at := colon
	for at > 0 && !blank(l[at-1]) && !strings.ContainsRune("[]{},:", l[at-1]) {
		at--
	}
	if at == colon || at == 0 || !blank(l[at-1]) {
		return -1
	}
	return at
}
