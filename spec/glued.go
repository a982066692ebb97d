package spec

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A space that is missing behind a colon or a dash makes a text or a name of what was meant as a key or an item. Where that
// is YAML all the same, it is found by what stands there: an id holds no colon and begins with no dash.

// gluedKey reports a text that is a key of the language with its value: run:echo. It is said of the value of name.
func (d *DAG) gluedKey(n *Node, of *table) bool {
	if n.Kind != Scalar || n.Quote != Plain {
		return false
	}
	key, value, ok := strings.Cut(n.Text, ":")
	if !ok || value == "" || !slices.Contains(of.keys, key) {
		return false
	}
	d.noSpaceAt(n, utf8.RuneCountInString(key))
	return true
}

// gluedField is gluedKey between braces, where the whole is a key without a value.
func (d *DAG) gluedField(f Field, of *table) (key string, ok bool) {
	if f.Value.Empty() && d.gluedKey(f.Key, of) {
		key, _, _ = strings.Cut(f.Key.Text, ":")
		return key, true
	}
	return "", false
}

func (d *DAG) noSpaceAt(n *Node, colon int) {
	at := d.within(n, colon, 1)
	d.report(yNoSpace, at, "a space is missing after this colon").note("fix", "put a space after `:`").
		edit(Span{at.Line, at.EndCol, at.Line, at.EndCol}, " ")
}

// gluedItem reports a need that begins with a dash: an item of a list that lacks its space. Several such lines are one text.
func (d *DAG) gluedItem(n *Node) bool {
	if n.Quote != Plain || len(n.Text) < 2 || n.Text[0] != '-' {
		return false
	}
	words := strings.Fields(n.Text)
	if slices.ContainsFunc(words, func(w string) bool { return w[0] != '-' || d.byID[w[1:]] == nil }) {
		return false
	}
	at := d.span(n)
	diag := d.report(yNoSpace, Span{at.Line, at.Col, at.Line, at.Col + 1}, "a space is missing after this dash").note("fix", "put a space after `-`")
	for i, w := range words {
		line := at.Line + i
		if l := d.src.lineText(line); strings.TrimSpace(l) != w || i > 0 && indentOf(d.src.line(line))+1 != at.Col {
			diag.Edits = nil
			return true
		}
		diag.edit(Span{line, at.Col + 1, line, at.Col + 1}, " ")
	}
	return true
}

// suspectGluedDash finds items that lack the space behind their dash, where they make no YAML.
func suspectGluedDash(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "could not find expected ':'") && !strings.Contains(t.msg, "expected key") {
		return nil, false
	}
	for _, n := range []int{t.from, t.line, d.writtenBefore(t.line)} {
		if n < 1 || n > d.src.count() || !glued().MatchString(d.src.lineText(n)) || d.inBlock(n) {
			continue
		}
		in := indentOf(d.src.line(n))
		above := d.writtenBefore(n)
		for glued().MatchString(d.src.lineText(above)) && indentOf(d.src.line(above)) == in {
			n, above = above, d.writtenBefore(above)
		}
		up := strings.TrimSpace(d.src.lineText(above))
		if !strings.HasSuffix(up, ":") && !strings.HasPrefix(up, "- ") {
			continue
		}
		diag := d.report(yNoSpace, Span{n, in + 1, n, in + 2}, "a space is missing after this dash").note("fix", "put a space after `-`")
		var ms []mend
		for ; n <= d.src.count() && glued().MatchString(d.src.lineText(n)) && indentOf(d.src.line(n)) == in; n++ {
			ms = append(ms, mend{line: n, from: in + 2, to: in + 2, with: " "})
		}
		diag.mends(ms)
		return ms, true
	}
	return nil, false
}

// glued is an item without its space, and no number or option.
var glued = looks(`^ *-[A-Za-z_"'{\[]`)
