package spec

import (
	"slices"
	"strings"
)

// Between braces a comma ends a value, and what stands behind it is a key without one: `{run: echo a, b}`.

// fewFields is how many keys a map may have for it to be read once more for each.
const fewFields = 100

// afterComma helps where a key without a colon is the rest of the value before it. told is false where that is another
// mistake; where the rest has several commas only the first is told of.
func (d *DAG) afterComma(field Field, t *table, in *Node) (told bool) {
	all := in.Fields()
	if len(all) > fewFields || !d.bareKey(field) {
		return false
	}
	i := slices.IndexFunc(all, func(f Field) bool { return f.Key == field.Key })
	if i < 1 || len(nearest(field.Key.Text, t.keys)) > 0 {
		return false
	}
	before := all[i-1]
	if d.bareKey(before) && !slices.Contains(t.keys, before.Key.Text) {
		return i > 1
	}
	at, ends := d.span(field.Key), d.span(before.Value)
	if before.Value.Kind != Scalar || before.Value.Quote != Plain || before.Value.Empty() || ends.EndLine != at.Line ||
		strings.TrimSpace(d.src.text(Span{at.Line, ends.EndCol, at.Line, at.Col})) != "," {
		return false
	}
	whole := before.Value.Text
	for _, f := range all[i:] {
		if !d.bareKey(f) || slices.Contains(t.keys, f.Key.Text) {
			break
		}
		whole += ", " + f.Key.Text
	}
	diag := d.report(sUnknownKey, at, "%s has no key %q", t.what, cut(field.Key.Text, 60)).related(ends, "this value ends at the comma")
	if before.Key.Text == "needs" {
		diag.help("a list is written in brackets: `needs: [%s]`", cut(whole, 60))
		return true
	}
	diag.help("between braces a comma ends the value; quote it: `%s: %s`", before.Key.Text, asQuoted(cut(whole, 60)))
	before.Value.bad = slices.Contains(freeText, before.Key.Text)
	return true
}

// bareKey tells whether a key stands without a colon.
func (d *DAG) bareKey(f Field) bool {
	if !f.Value.Empty() || f.Key.Quote != Plain {
		return false
	}
	at := d.span(f.Key)
	for col := at.EndCol; ; col++ {
		if c := d.src.rune(at.EndLine, col); !blank(c) {
			return c != ':'
		}
	}
}
