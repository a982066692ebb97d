package spec

import "strings"

// Edits for what YAML could not read. The suspects only guess at what is wrong, so settle tries each: an
// edit after which the file is not read any farther is none.

// quote puts quotes about the plain value that begins at a place, to the end of its line or to a comment.
// What ends like a value between brackets may be one, and then ends sooner; what goes on below is left.
func (d *Diagnostic) quote(s *source, line, col int) *Diagnostic {
	d.note("fix", "quote the value")
	l := s.line(line)
	if col < 1 || col > len(l) {
		return d
	}
	value, _, _ := strings.Cut(string(l[col-1:]), " #")
	value = strings.TrimRight(value, " \t")
	if value == "" || strings.ContainsAny(value[len(value)-1:], ",]}") || indentOf(s.line(line+1)) > indentOf(l) {
		return d
	}
	return d.edit(Span{line, col, line, col + len([]rune(value))}, asQuoted(value))
}

// asQuoted writes a text as a quoted scalar that needs no escape.
func asQuoted(text string) string {
	if strings.ContainsAny(text, `"\`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}

// indentOf counts the blanks that a line begins with, -1 if there is nothing else.
func indentOf(l []rune) int {
	for i, r := range l {
		if !blank(r) {
			return i
		}
	}
	return -1
}

// untab puts spaces in the place of the tabs that lines begin with: as many as the file indents by, or as
// many as it takes for what stands below a key to be deeper than it. A tab behind spaces is left: in a
// script it may be meant.
func (d *Diagnostic) untab(s *source) *Diagnostic {
	d.note("fix", "indent with spaces")
	unit := 2
	for _, l := range s.lines {
		if in := indentOf(l); in > 0 && l[0] == ' ' {
			unit = min(in, 8)
			break
		}
	}
	for !s.nests(unit) && unit < 8 {
		unit *= 2
	}
	for i, l := range s.lines {
		if tabs := tabsOf(l); tabs > 0 && indentOf(l) >= 0 {
			d.edit(Span{i + 1, 1, i + 1, tabs + 1}, strings.Repeat(" ", tabs*unit))
		}
	}
	return d
}

func tabsOf(l []rune) int {
	n := 0
	for n < len(l) && l[n] == '\t' {
		n++
	}
	return n
}

// nests tells whether every line that begins with tabs is deeper than the key that opens it, if a tab is
// that many spaces.
func (s *source) nests(unit int) bool {
	above, opens := 0, false
	for _, l := range s.lines {
		in := indentOf(l)
		if in < 0 {
			continue
		}
		tabs := tabsOf(l)
		in += tabs * (unit - 1)
		if tabs > 0 && opens && in <= above {
			return false
		}
		above, opens = in, strings.HasSuffix(strings.TrimRight(string(l), " \t"), ":")
	}
	return true
}

// straighten puts straight quotes in the place of the curly ones about a whole value.
func (d *Diagnostic) straighten(l []rune, line, i int) *Diagnostic {
	d.note("fix", "write a straight quote")
	closes, double := map[rune]rune{'“': '”', '‘': '’'}[l[i]], l[i] == '“'
	if closes == 0 || !opensValue(l, i) {
		return d
	}
	straight := "'"
	if double {
		straight = `"`
	}
	for k := i + 1; k < len(l); k++ {
		switch {
		case l[k] == closes:
			rest := strings.TrimLeft(string(l[k+1:]), " ")
			if rest != "" && !strings.ContainsAny(rest[:1], ",]}#:") {
				return d
			}
			return d.edit(Span{line, i + 1, line, i + 2}, straight).edit(Span{line, k + 1, line, k + 2}, straight)
		case string(l[k]) == straight || l[k] == '\\':
			return d
		}
	}
	return d
}

// quoteExpression puts quotes about an expression that is a whole value between brackets.
func (d *Diagnostic) quoteExpression(l []rune, line, i int) *Diagnostic {
	text := string(l[i:])
	end := strings.Index(text, "}}")
	if !opensValue(l, i) || end < 0 {
		return d
	}
	whole := text[:end+2]
	if more := strings.Index(text[end+2:], "${{"); more >= 0 { // YAML names the first; all must go for it to be read on
		k := i + len([]rune(text[:end+2+more]))
		d.quoteExpression(l, line, k)
	}
	if rest := strings.TrimLeft(text[end+2:], " "); rest != "" && !strings.ContainsAny(rest[:1], ",]}") {
		return d
	}
	return d.edit(Span{line, i + 1, line, i + 1 + len([]rune(whole))}, asQuoted(whole))
}

// ordinary is what stands for an odd space: those without a width are nothing.
func ordinary(r rune) string {
	if r == '\u200b' || r == '\ufeff' {
		return ""
	}
	return " "
}
