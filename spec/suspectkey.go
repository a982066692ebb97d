package spec

import (
	"slices"
	"strings"
	"unicode"
)

// keyInValue helps where a second key stands on the line of one that wants a map: `load: run: make load`. Quotes about it
// would make a text of what must be none. nil: the value may be a text.
func (d *DAG) keyInValue(diag *Diagnostic, line, from, colon int) []mend {
	l := d.src.line(line)
	m := keyLine().FindStringSubmatch(string(l))
	if m == nil {
		return nil
	}
	key := strings.Trim(strings.TrimSpace(m[2]), `"'`)
	inner := strings.TrimSpace(string(l[from-1 : colon-1]))
	switch roomOf(d.parents(line, len([]rune(m[1]))), key) {
	case anything:
		return nil
	case aWord:
		diag.help("leave out what stands behind `%s`; or write it on a line of its own", cut(inner, 40))
		return []mend{{line: line, from: from, to: len(l) + 1, with: "x", quiet: true, guess: true}}
	}
	if !dagID.fits(inner) {
		diag.help("`%s` holds keys: put each on a line of its own below it", cut(key, 40))
		return []mend{{line: line, from: from, to: len(l) + 1, with: "x", quiet: true, guess: true}}
	}
	diag.label("a second key on this line").help("write `%s: {%s: …}`, or put `%s` on the line below, indented", cut(key, 40), cut(inner, 40), cut(inner, 40))
	value, _, _ := strings.Cut(string(l[from-1:]), " #")
	value = strings.TrimRight(value, " \t")
	rest := strings.TrimSpace(value[len(string(l[from-1:colon])):])
	end := from + len([]rune(value))
	if rest == "" || strings.ContainsAny(rest, ",[]{}") || strings.Contains(rest, ": ") || strings.HasSuffix(rest, ":") {
		return []mend{{line: line, from: from, to: end, with: "{}", quiet: true, guess: true}}
	}
	return []mend{{line: line, from: end, to: end, with: "}", quiet: true}, {line: line, from: from, to: from, with: "{", quiet: true}}
}

// textFrom is the index from which a line is a plain text, in which curly quotes and spaces of other kinds may be meant:
// behind the first character of its value. What the text begins with is none of it.
func textFrom(l []rune) int {
	as := slices.Clone(l)
	for i, r := range as {
		if oddSpace(r) {
			as[i] = ' '
		}
	}
	return min(plainFrom(as)+1, len(l))
}

// oddSpace tells whether a character looks like a space, or like nothing, and is no space to YAML and to a shell.
func oddSpace(r rune) bool {
	return r != ' ' && r != '\t' && unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff'
}
