package spec

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// yaml.v3 stops at the first thing that it cannot read, with a line and the words of its scanner. The
// mistake is mostly elsewhere: an unclosed quote is noticed at the end of the file, a tab at the key
// after it. Each suspect knows one mistake that people make and looks for it where it would be. None
// is sure; so they only look after an error, and their order is from the surest to the vaguest.

// suspects look for the mistake behind a YAML error near a line; the first that reports wins. The
// lines of yaml.v3 are those of the error or of the construct that holds it, so some look around.
var suspects = []func(d *DAG, line int, msg string) bool{
	suspectAlias, suspectTab, suspectQuote, suspectIndicator, suspectColon, suspectNoSpace, suspectOdd, suspectFlow, suspectIndent,
}

var unknownAnchor = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^unknown anchor '(.*)' referenced$`) })

// suspectAlias: yaml.v3 tells the name of an alias without anchor, but not its line. It is also
// what a glob or an emphasis at the start of a value looks like.
func suspectAlias(d *DAG, _ int, msg string) bool {
	m := unknownAnchor().FindStringSubmatch(msg)
	if m == nil {
		return false
	}
	for i, l := range d.src.lines {
		at := strings.Index(string(l), "*"+m[1])
		if at < 0 {
			continue
		}
		col := len([]rune(string(l)[:at])) + 1
		d.report(yIndicator, Span{i + 1, col, i + 1, col + 1 + len([]rune(m[1]))}, "*%s is a YAML alias, and no anchor &%s stands above", m[1], m[1]).
			help("quote a value that begins with `*`")
		return true
	}
	return false
}

// suspectTab finds a tab before the first character of a line. yaml.v3 mostly names a line nearby,
// and sometimes the start of the file.
func suspectTab(d *DAG, line int, msg string) bool {
	from, to := max(1, line-2), min(line+2, len(d.src.lines))
	if strings.Contains(msg, "cannot start any token") {
		from, to = 1, len(d.src.lines)
	}
	for n := from; n <= to; n++ {
		for i, r := range d.src.line(n) {
			if r == '\t' && strings.TrimSpace(string(d.src.line(n))) != "" {
				d.report(yTab, Span{n, i + 1, n, i + 2}, "a tab cannot indent YAML").label("this is a tab").untab(d.src)
				return true
			}
			if r != ' ' {
				break
			}
		}
	}
	return false
}

// suspectQuote finds the quote that was opened and never closed: yaml.v3 tells of the end of the
// file, or of where the next quote made nonsense of what followed.
func suspectQuote(d *DAG, line int, msg string) bool {
	if !strings.Contains(msg, "unexpected end of stream") && !strings.Contains(msg, "quoted scalar") {
		return false
	}
	for n := line; n >= 1; n-- {
		l := d.src.line(n)
		for i := len(l) - 1; i >= 0; i-- {
			q := l[i]
			if q != '"' && q != '\'' || !opensValue(l, i) || strings.Count(string(l[i:]), string(q))%2 == 0 {
				continue
			}
			d.report(yQuote, d.src.restOfLine(n, i+1), "this quote is never closed").help("close it with %c, or leave out both", q)
			return true
		}
	}
	return false
}

// opensValue tells whether a value may begin at an index of a line: behind nothing, a key's colon and a
// space, a dash, or in a list or map in brackets. An apostrophe inside a word opens nothing.
func opensValue(l []rune, i int) bool {
	before := strings.TrimRight(string(l[:i]), " ")
	return before == "" || strings.HasSuffix(before, ":") && len(before) < len(string(l[:i])) || strings.HasSuffix(before, "- ") ||
		before == "-" || strings.HasSuffix(before, "[") || strings.HasSuffix(before, "{") || strings.HasSuffix(before, ",")
}

// A line as people write it: an indentation, perhaps a dash, perhaps a key with its colon; then the
// value, and what it begins with.
var (
	starStart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\s*(?:- )?(?:[^\s#'"{\[][^:#]*:\s+)?)([*&])`) })
	badStart  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile("^(\\s*(?:- )?(?:[^\\s#'\"{\\[][^:#]*:\\s+)?)([@%`])")
	})
	braces = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`:\s+(\{\{)`) })
)

// suspectIndicator finds a plain value that begins with a character YAML keeps for itself.
func suspectIndicator(d *DAG, line int, msg string) bool {
	for n := max(1, line-1); n <= min(line+1, len(d.src.lines)); n++ {
		text := string(d.src.line(n))
		if m := badStart().FindStringSubmatch(text); m != nil && strings.Contains(msg, "cannot start any token") {
			col := len([]rune(m[1])) + 1
			d.report(yIndicator, Span{n, col, n, col + 1}, "a plain value cannot begin with %s", m[2]).quote(d.src, n, col)
			return true
		}
		if m := starStart().FindStringSubmatch(text); m != nil && strings.Contains(msg, "alphabetic or numeric") {
			col := len([]rune(m[1])) + 1
			d.report(yIndicator, Span{n, col, n, col + 1}, "a value that begins with %s is a YAML alias or anchor, and this is none", m[2]).quote(d.src, n, col)
			return true
		}
		if m := braces().FindStringSubmatchIndex(text); m != nil {
			col := len([]rune(text[:m[2]])) + 1
			d.report(yIndicator, Span{n, col, n, col + 2}, "a value that begins with {{ is a YAML map").
				help("an expression is written ${{ … }}; quote a value that begins with a brace")
			return true
		}
	}
	return false
}

// colonInside is a key, a plain value, and in it a colon before a space or the end of the line.
var colonInside = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\s*(?:- )?[^\s:'"{\[#][^:'"]*:\s+)([^'"{\[|>#][^#]*?)(:)(\s|$)`)
})

// suspectColon finds `: ` inside a plain value, at which YAML sees a second key on the line.
func suspectColon(d *DAG, line int, msg string) bool {
	if !strings.Contains(msg, "mapping values are not allowed") {
		return false
	}
	for _, n := range []int{line, line + 1, line - 1} {
		text := string(d.src.line(n))
		if m := colonInside().FindStringSubmatchIndex(text); m != nil {
			col := len([]rune(text[:m[6]])) + 1
			d.report(yColon, Span{n, col, n, col + 1}, "`: ` inside a plain value reads as a key").
				quote(d.src, n, len([]rune(text[:m[3]]))+1)
			return true
		}
	}
	return false
}

var noSpace = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\s*(?:- )?[A-Za-z_][\w-]*)(:)[^\s:/]`) })

// suspectNoSpace: key:value is text to YAML, and the key after it has no place.
func suspectNoSpace(d *DAG, line int, msg string) bool {
	if !strings.Contains(msg, "':'") && !strings.Contains(msg, "mapping values") && !strings.Contains(msg, "expected key") {
		return false
	}
	for _, n := range []int{line, line - 1, line + 1} {
		text := string(d.src.line(n))
		if m := noSpace().FindStringSubmatchIndex(text); m != nil {
			col := len([]rune(text[:m[4]])) + 1
			d.report(yNoSpace, Span{n, col, n, col + 1}, "a space is missing after this colon").note("fix", "put a space after `:`").
				edit(Span{n, col + 1, n, col + 1}, " ")
			return true
		}
	}
	return false
}

// suspectOdd finds what word processors and web pages leave behind.
func suspectOdd(d *DAG, line int, _ string) bool {
	for n := max(1, line-1); n <= min(line+1, len(d.src.lines)); n++ {
		for i, r := range d.src.line(n) {
			switch {
			case r == '“' || r == '”' || r == '‘' || r == '’':
				d.report(ySpace, Span{n, i + 1, n, i + 2}, "this is a curly quote; YAML knows only \" and '").straighten(d.src.line(n), n, i)
			case r != ' ' && r != '\t' && unicode.IsSpace(r), r == '\u200b', r == '\ufeff':
				d.report(ySpace, Span{n, i + 1, n, i + 2}, "this space is no ordinary one (U+%04X)", r).note("fix", "write an ordinary space").
					edit(Span{n, i + 1, n, i + 2}, ordinary(r))
			default:
				continue
			}
			return true
		}
	}
	return false
}

// suspectIndent finds a line, at or near the error, whose indentation is none of those that are
// open above it.
func suspectIndent(d *DAG, line int, msg string) bool {
	if !strings.Contains(msg, "did not find expected") && !strings.Contains(msg, "mapping values") && !strings.Contains(msg, "could not find") {
		return false
	}
	var open []int
	for n := 1; n <= min(line+3, len(d.src.lines)); n++ {
		text := string(d.src.line(n))
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		in := len(text) - len(trimmed)
		closed := false
		for len(open) > 0 && open[len(open)-1] > in {
			open = open[:len(open)-1]
			closed = true
		}
		if closed && (len(open) == 0 || open[len(open)-1] != in) && n >= line-1 {
			d.report(yIndent, d.src.restOfLine(n, in+1), "this lines up with nothing above it").
				help("indent it like its neighbours: by %s", columnsWords(open))
			return true
		}
		if len(open) == 0 || open[len(open)-1] < in {
			open = append(open, in)
		}
	}
	return false
}

// quoteHere says how to quote an expression at an index of a line between braces: alone, or with the
// text that it stands in.
func quoteHere(line []rune, i int) string {
	if opensValue(line, i) {
		return "quote it: \"${{ … }}\""
	}
	return "quote the whole value, in '…' where it holds double quotes; or give it a line of its own"
}

// suspectFlow finds the expression that is not quoted, and the bracket that is never closed, or closed
// by another kind. yaml.v3 tells only where the block around began.
func suspectFlow(d *DAG, _ int, msg string) bool {
	if !strings.Contains(msg, "',' or") {
		return false
	}
	type bracket struct {
		r         rune
		line, col int
	}
	var open []bracket
	for n, l := range d.src.lines {
		var quote rune
		for i, r := range l {
			if r == '#' && quote == 0 && (i == 0 || blank(l[i-1])) {
				break
			}
			switch {
			case quote != 0:
				if r == quote {
					quote = 0
				}
			case (r == '"' || r == '\'') && opensValue(l, i):
				quote = r
			case r == '$' && len(open) > 0 && strings.HasPrefix(string(l[i:]), "${{"):
				d.report(ySyntax, Span{n + 1, i + 1, n + 1, i + 4}, "an expression between braces or brackets is read as YAML's own").
					quoteExpression(l, n+1, i).note("fix", "%s", quoteHere(l, i))
				return true
			case (r == '[' || r == '{') && (len(open) > 0 || opensValue(l, i)):
				open = append(open, bracket{r, n + 1, i + 1})
			case (r == ']' || r == '}') && len(open) > 0:
				last := open[len(open)-1]
				if closes := map[rune]rune{'[': ']', '{': '}'}[last.r]; r != closes {
					d.report(ySyntax, Span{last.line, last.col, last.line, last.col + 1}, "this %c is never closed: %c comes first", last.r, r).
						related(Span{Line: n + 1, Col: i + 1}, "%c is expected here", closes)
					return true
				}
				open = open[:len(open)-1]
			}
		}
	}
	if len(open) == 0 {
		return false
	}
	first := open[0]
	d.report(ySyntax, Span{first.line, first.col, first.line, first.col + 1}, "this %c is never closed, or a comma is missing after it", first.r)
	return true
}

func columnsWords(open []int) string {
	switch {
	case len(open) == 0:
		return "no spaces"
	case open[len(open)-1] == 0:
		return "no spaces, or deeper"
	case open[len(open)-1] == 1:
		return "1 space"
	}
	return strconv.Itoa(open[len(open)-1]) + " spaces"
}
