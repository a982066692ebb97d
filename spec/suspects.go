package spec

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// yaml.v3 stops at the first thing that it cannot read, with a line and the words of its scanner. The
// mistake is mostly elsewhere: an unclosed quote is noticed where the next quote made nonsense of what followed, a
// tab at the key after it. Each suspect knows one mistake that people make and looks for it where it would be. None
// is sure; so they only look after an error, and their order is from the surest to the vaguest. One that has found
// its mistake says how reading may go on, if it knows.

// suspects look for the mistake behind a YAML error; the first that reports wins.
var suspects = []func(d *DAG, t trouble) (ms []mend, found bool){
	suspectConflict, suspectAlias, suspectDirective, suspectInnerQuote, suspectTab, suspectEmptyBlock, suspectGluedDash, suspectIndicator, suspectHeader, suspectEscape, suspectOpenQuote, suspectOdd, suspectExpression,
	suspectFlow, suspectColon, suspectNoSpace, suspectDeeper, suspectIndent, suspectDash, suspectNoColon, suspectRest,
}

var unknownAnchor = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^unknown anchor '(.*)' referenced$`) })

// suspectAlias: yaml.v3 tells the name of an alias without anchor, but not its line. It is also
// what a glob or an emphasis at the start of a value looks like.
func suspectAlias(d *DAG, t trouble) ([]mend, bool) {
	m := unknownAnchor().FindStringSubmatch(t.msg)
	if m == nil {
		return nil, false
	}
	for n := 1; n <= d.src.count(); n++ {
		text := d.src.lineText(n)
		at := strings.Index(text, "*"+m[1])
		if at < 0 {
			continue
		}
		col := len([]rune(text[:at])) + 1
		if !opensValue([]rune(text), col-1) {
			continue
		}
		d.report(yIndicator, Span{n, col, n, col + 1 + len([]rune(m[1]))}, "*%s is a YAML alias, and no anchor &%s stands above", m[1], m[1]).
			help("quote a value that begins with `*`")
		return []mend{{line: n, from: col, to: col + 1, with: "x"}}, true
	}
	return nil, false
}

// suspectDirective: a line %YAML 1.2 says nothing that is not so, and yaml.v3 knows 1.1 alone.
func suspectDirective(d *DAG, t trouble) ([]mend, bool) {
	l := d.src.line(t.line)
	if !strings.Contains(t.msg, "incompatible YAML document") || len(l) == 0 || l[0] != '%' {
		return nil, false
	}
	d.report(ySyntax, d.src.restOfLine(t.line, 1), "a DAG file has no directives").help("leave this line out")
	return []mend{{line: t.line, from: 1, to: 2, with: "#"}}, true
}

// suspectTab finds a tab before the first character of a line. All lines that begin with one are the same mistake, of
// the same editor, and are told of at once.
func suspectTab(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "tab") && !strings.Contains(t.msg, "cannot start any token") && !strings.Contains(t.msg, "did not find expected") {
		return nil, false
	}
	if c := max(t.col, 1); strings.Contains(t.msg, "cannot start any token") && tabAt(d.src.line(t.line)) == 0 && d.src.rune(t.line, c) == '\t' {
		d.report(yTab, Span{t.line, c, t.line, c + 1}, "a tab cannot stand before what is indented by it").label("this is a tab").help("write a space")
		return []mend{{line: t.line, from: c, to: c + 1, with: " "}}, true
	}
	if strings.Contains(t.msg, "tab") {
		for n := max(1, t.line-1); n <= min(t.line+2, d.src.count()); n++ {
			if l := d.src.lineText(n); strings.Contains(l, "\t") && strings.TrimSpace(l) == "" {
				col := len([]rune(l[:strings.Index(l, "\t")])) + 1
				d.report(yTab, Span{n, col, n, col + 1}, "a tab cannot indent YAML").label("this is a tab").help("leave the line empty")
				return []mend{{line: n, from: 1, to: len([]rune(l)) + 1}}, true
			}
		}
	}
	line := 0
	for n := max(1, t.line-1); n <= min(t.line+1, d.src.count()) && line == 0; n++ {
		if tabAt(d.src.line(n)) > 0 {
			line = n
		}
	}
	if line == 0 {
		return nil, false
	}
	col := tabAt(d.src.line(line))
	diag := d.report(yTab, Span{line, col, line, col + 1}, "a tab cannot indent YAML").label("this is a tab")
	t1 := d.untabbed(line)
	ms, sure, help := t1.ms, t1.sure, t1.help
	stretches := 1
	for n := line + 1; n <= d.src.count() && stretches < maxStretches; n++ {
		if l := d.src.line(n); len(l) > 0 && l[0] == '\t' && tabAt(l) > 0 && n > ms[len(ms)-1].line {
			stretches++
			more := d.untabbed(n)
			ms = append(ms, more.ms...)
			if sure && !more.sure {
				sure, help = false, more.help
			}
		}
	}
	if sure {
		diag.note("fix", "indent with spaces").mends(ms)
	} else {
		diag.help("%s", help)
	}
	if len(ms) > 1 {
		diag.note("note", "%s indented with tabs", moreLines(len(ms)-1))
	}
	return ms, true
}

// tabAt is the column of a tab in a line's indentation, 0 if there is none.
func tabAt(l []rune) int {
	tab := 0
	for i, r := range l {
		switch {
		case r == '\t' && tab == 0:
			tab = i + 1
		case r != ' ' && r != '\t':
			return tab
		}
	}
	return 0 // nothing else is on the line
}

// indentation is how deep a line stands if each tab is as deep as the file indents, and where that ends.
func indentation(l []rune, unit int) (in, end int) {
	for end < len(l) && blank(l[end]) {
		if l[end] == '\t' {
			in = (in/unit + 1) * unit
		} else {
			in++
		}
		end++
	}
	return in, end
}

// indentUnit is how deep the file indents: the least that a line does, or 2.
func (d *DAG) indentUnit() int {
	unit := 0
	for n := 1; n <= d.src.count(); n++ {
		l := d.src.lineText(n)
		if in := spacesOf(l); in > 0 && in < len(l) && l[in] != '\t' && l[in] != '#' && (unit == 0 || in < unit) {
			unit = in
		}
	}
	if unit == 0 {
		return 2
	}
	return unit
}

// spacesOf counts the spaces that a line begins with.
func spacesOf(l string) int { return len(l) - len(strings.TrimLeft(l, " ")) }

// indentOf is spacesOf for a line that was taken apart.
func indentOf(l []rune) int {
	n := 0
	for n < len(l) && l[n] == ' ' {
		n++
	}
	return n
}

// opensValue tells whether a value may begin at an index of a line: behind nothing, a key's colon and a
// space, a dash, or in a list or map in brackets. An apostrophe inside a word opens nothing.
func opensValue(l []rune, i int) bool {
	end := i
	for end > 0 && l[end-1] == ' ' {
		end--
	}
	if end == 0 {
		return true
	}
	switch l[end-1] {
	case ':':
		return end < i
	case '[', '{', ',':
		return true
	case '-': // nothing but dashes before it
		for end > 0 && (l[end-1] == '-' || l[end-1] == ' ') {
			end--
		}
		return end == 0
	}
	return false
}

// suspectIndicator finds a plain value that begins with a character YAML keeps for itself. Where yaml.v3 stopped is
// the character itself, or what follows it.
func suspectIndicator(d *DAG, t trouble) ([]mend, bool) {
	l := d.src.line(t.line)
	for _, col := range []int{t.col, t.col - 1, t.col - 2} {
		c := d.src.rune(t.line, col)
		switch {
		case strings.ContainsRune("@%`", c) && c != 0 && strings.Contains(t.msg, "cannot start any token") && opensValue(l, col-1):
			d.report(yIndicator, Span{t.line, col, t.line, col + 1}, "a plain value cannot begin with %c", c).quote(d.src, t.line, col)
		case (c == '*' || c == '&') && strings.Contains(t.msg, "alphabetic or numeric"):
			if before := strings.TrimRight(string(l[:col-1]), " "); strings.HasSuffix(before, "]") || strings.HasSuffix(before, "}") {
				if open := opening(l, len([]rune(before))); open > 0 && opensValue(l, open-1) {
					return d.bracketText(t.line, open), true
				}
			}
			d.report(yIndicator, Span{t.line, col, t.line, col + 1}, "a value that begins with %c is a YAML alias or anchor, and this is none", c).quote(d.src, t.line, col)
		default:
			continue
		}
		return []mend{{line: t.line, from: col, to: col + 1, with: "x"}}, true
	}
	return suspectBraces(d, t)
}

var braces = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?::\s+|^\s*- )(\{\{)(?:.*?(\}\}))?`) })

// suspectBraces: {{ x }} is a map in a map to YAML, and a template to whoever wrote it.
func suspectBraces(d *DAG, t trouble) ([]mend, bool) {
	for _, n := range []int{t.line, t.line - 1} {
		text := d.src.lineText(n)
		m := braces().FindStringSubmatchIndex(text)
		if m == nil || d.inBlock(n) {
			continue
		}
		col := len([]rune(text[:m[2]])) + 1
		d.report(yIndicator, Span{n, col, n, col + 2}, "a value that begins with {{ is a YAML map").
			help("an expression is written ${{ … }}; quote a value that begins with a brace")
		return []mend{{line: n, from: col, to: len([]rune(text)) + 1, with: "x"}}, true
	}
	return nil, false
}

// blockHeader is what may stand at the end of a line whose value is the lines below it.
var blockHeader = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|:\s+|- )\s*(?:[&!]\S+\s+)*([|>][-+0-9]{0,2})(\s+#.*)?\s*$`)
})

// inBlock tells whether a line is one of a block scalar's, where everything is text.
func (d *DAG) inBlock(line int) bool {
	if len(d.mended.blocks) != d.src.count() {
		d.mended.blocks = blocksOf(d.src)
	}
	return line >= 1 && line <= len(d.mended.blocks) && d.mended.blocks[line-1]
}

// blocksOf tells of each line whether it is one of a block scalar's.
func blocksOf(s *source) []bool {
	out := make([]bool, s.count())
	header := -1 // indentation of the line that holds the | of an open one
	for i := range out {
		l := s.lineText(i + 1)
		in := spacesOf(l)
		if header >= 0 && (in == len(l) || in > header) {
			out[i] = true
			continue
		}
		header = -1
		if in < len(l) && strings.ContainsAny(l[in:], "|>") && blockHeader().MatchString(l) {
			header = in
		}
	}
	return out
}

// suspectHeader: what stands behind | or > on its line.
func suspectHeader(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "expected comment or line break") {
		return nil, false
	}
	text := d.src.lineText(t.line)
	at := regexp.MustCompile(`[|>][-+0-9]{0,2}\s*`).FindStringIndex(text)
	if at == nil || at[1] == len(text) {
		return nil, false
	}
	col := len([]rune(text[:at[1]])) + 1
	whole := d.src.restOfLine(t.line, col)
	d.report(ySyntax, whole, "nothing can stand behind %s on its line", strings.TrimSpace(text[at[0]:at[1]])).
		help("put the text on the lines below it, indented; or leave out the %s", text[at[0]:at[0]+1])
	return []mend{{line: t.line, from: col, to: whole.EndCol, with: "", guess: true}}, true
}

// suspectEscape: in double quotes a backslash begins an escape, which paths and regular expressions do not mean.
func suspectEscape(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "unknown escape") {
		return nil, false
	}
	col := t.col
	for col > 1 && d.src.rune(t.line, col) != '\\' {
		col--
	}
	next := d.src.rune(t.line, col+1)
	d.report(ySyntax, Span{t.line, col, t.line, col + 2}, "\\%c is no escape in double quotes", next).
		help("write \\\\%c, or use single quotes, in which a backslash is one", next)
	return []mend{{line: t.line, from: col, to: col + 1, with: "/"}}, true
}

// suspectOdd finds what word processors and web pages leave behind, and changes all of it on the line.
func suspectOdd(d *DAG, t trouble) ([]mend, bool) {
	for _, n := range []int{t.line, t.line - 1, t.line + 1} {
		if n < 1 || n > d.src.count() || d.inBlock(n) {
			continue
		}
		var ms []mend
		l := d.src.line(n)
		for i, r := range l[:textFrom(l)] {
			put := ""
			switch {
			case r == '“' || r == '”':
				put = `"`
			case r == '‘' || r == '’':
				put = "'"
			case oddSpace(r) && structural(l, i):
				put = " "
			default:
				continue
			}
			switch {
			case len(ms) > 0:
			case put == " ":
				d.report(ySpace, Span{n, i + 1, n, i + 2}, "this space is no ordinary one (U+%04X)", r).note("fix", "write an ordinary space").ordinary(d.src.line(n), n)
			default:
				d.report(ySpace, Span{n, i + 1, n, i + 2}, "this is a curly quote; YAML knows only \" and '").note("fix", "write a straight quote").straighten(d.src.line(n), n)
			}
			ms = append(ms, mend{line: n, from: i + 1, to: i + 2, with: put})
		}
		if len(ms) > 0 {
			return ms, true
		}
	}
	return nil, false
}

// columnsWords says an indentation.
func columnsWords(n int) string {
	switch n {
	case 0:
		return "no spaces"
	case 1:
		return "1 space"
	}
	return strconv.Itoa(n) + " spaces"
}
