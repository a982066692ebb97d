package spec

import (
	"bytes"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Edits for what YAML could not read. The suspects only guess at what is wrong, so each is tried: edits
// after which the file is not read any farther are none.

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
	whole := strings.HasSuffix(value, "}}") && strings.Contains(value, "${{") && plainFrom(l) == col-1
	if value == "" || strings.ContainsAny(value[len(value)-1:], ",]}") && !whole || indentOf(s.line(line+1)) > indentOf(l) {
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

// mends makes edits of how reading went on.
func (d *Diagnostic) mends(ms []mend) {
	for _, m := range ms {
		d.edit(Span{m.line, m.from, m.line, m.to}, m.with)
	}
}

// straighten puts straight quotes in the place of the curly ones of a line, if each pair is about a whole
// value: elsewhere they may be letters of a text.
func (d *Diagnostic) straighten(l []rune, line int) *Diagnostic {
	var edits []Edit
	for i := 0; i < len(l); i++ {
		if !strings.ContainsRune("“”‘’", l[i]) {
			continue
		}
		end := closesCurly(l, i)
		if end < 0 || !opensValue(l, i) {
			return d
		}
		straight := map[rune]string{'“': `"`, '‘': "'"}[l[i]]
		edits = append(edits, Edit{line, i + 1, line, i + 2, straight}, Edit{line, end + 1, line, end + 2, straight})
		i = end
	}
	d.Edits = edits
	return d
}

// closesCurly is where the curly quote at an index of a line is closed, and with it the value; -1 if it is not.
func closesCurly(l []rune, i int) int {
	closes, straight := map[rune]rune{'“': '”', '‘': '’'}[l[i]], map[rune]rune{'“': '"', '‘': '\''}[l[i]]
	for k := i + 1; k < len(l); k++ {
		switch l[k] {
		case straight, '\\':
			return -1
		case closes:
			if rest := strings.TrimLeft(string(l[k+1:]), " "); rest != "" && !strings.ContainsAny(rest[:1], ",]}#:") {
				return -1
			}
			return k
		}
	}
	return -1
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

// ordinary puts ordinary spaces in the place of the odd ones of a line; those without a width are left out.
func (d *Diagnostic) ordinary(l []rune, line int) *Diagnostic {
	for i, r := range l {
		switch {
		case len(d.Edits) >= maxSpaces:
			return d
		case !structural(l, i):
		case r == '\u200b' || r == '\ufeff':
			d.edit(Span{line, i + 1, line, i + 2}, "")
		case oddSpace(r):
			d.edit(Span{line, i + 1, line, i + 2}, " ")
		}
	}
	return d
}

// tried drops the edits of syntax errors, told of since before, that do not lead on: src is the text that could
// not be read, and err the reason.
func (d *DAG) tried(src []byte, err error, before int) {
	for _, diag := range d.diags[before:] {
		if diag.Fixable() && !readsOn(src, err, diag) {
			diag.Edits = nil
		}
	}
}

// readsOn tells whether the edits of a diagnostic help: nothing is wrong after them, or something else, elsewhere.
func readsOn(src []byte, was error, diag *Diagnostic) bool {
	fixed, n := Fix(src, []Diagnostic{*diag})
	if n == 0 {
		return false
	}
	_, err := next(yaml.NewDecoder(bytes.NewReader(ended(fixed))))
	if err == nil {
		return true
	}
	m := yamlLine().FindStringSubmatch(err.Error())
	return m != nil && err.Error() != was.Error() && m[1] != strconv.Itoa(diag.Line)
}
