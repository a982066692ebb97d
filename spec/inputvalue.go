package spec

import (
	"slices"

	"weft/expr"
)

// inputValue checks what a whole expression of `inputs` gives, as far as its type is declared: an
// artifact, a `.ref`, a list of them, or the text of a path. Anything else would fail each time.
func (d *DAG) inputValue(u *use, t expr.Type) {
	if t.Kind == expr.KindArray && t.Elem != nil {
		t = *t.Elem
	}
	switch t.Kind {
	case expr.KindAny, expr.KindNull, expr.KindString, expr.KindArray:
		return
	case expr.KindObject:
		if t.Open || !slices.ContainsFunc([]string{"uri", "size", "sha256"}, func(name string) bool { _, ok := t.Fields[name]; return !ok }) {
			return
		}
	}
	d.report(eType, d.span(u.node), "`inputs` takes files, and the expression gives %s", t.Kind).
		help("name an artifact (tasks.X.artifacts.NAME), a tasks.X.ref, a list of these, or the path of a file")
}
