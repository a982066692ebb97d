package spec

import "weft/expr"

// item is the type of one element of a task's for_each: of a literal list from what is written, of an expression
// from what it gives.
func (s *scopes) item(t *task) expr.Type {
	if typ, ok := s.items[t]; ok {
		return typ
	}
	s.items[t] = expr.Type{} // while it is worked out
	typ := s.elementOf(t)
	s.items[t] = typ
	return typ
}

// alike returns the task whose elements stand for a task's: its own, or the first one's where all that is known of
// either is the same kind. So tasks that go through lists of numbers share a scope.
func (s *scopes) alike(t *task) *task {
	typ := s.item(t)
	if typ.Elem != nil || typ.Fields != nil || typ.Rest != nil || typ.Choices != nil || typ.Kind == expr.KindObject {
		return t
	}
	if s.kinds[typ.Kind] == nil {
		s.kinds[typ.Kind] = t
	}
	return s.kinds[typ.Kind]
}

func (s *scopes) elementOf(t *task) expr.Type {
	if t.ForEach.Expr == nil {
		return elementOf(s.d, t)
	}
	u := s.d.lists[t]
	if u == nil {
		return expr.Type{}
	}
	info, problems := s.d.check(question{u.src, s.of(u), false})
	if certain(problems) {
		return expr.Type{}
	}
	switch list := info.Type; {
	case list.Kind == expr.KindArray && list.Elem != nil:
		return *list.Elem
	case list.Kind == expr.KindObject: // its members, by key
		value := expr.Type{}
		switch {
		case list.Rest != nil && len(list.Fields) == 0:
			value = *list.Rest
		case !list.Open && len(list.Fields) > 0:
			var types []expr.Type
			for _, f := range list.Fields {
				types = append(types, f)
			}
			value = expr.Either(types...)
		}
		return expr.MapOf(map[string]expr.Type{"key": expr.Of(expr.KindString), "value": value}, false)
	}
	return expr.Type{}
}

// maxTyped bounds how many elements of a literal list are looked at: of a longer one nothing is known.
const maxTyped = 200

func elementOf(d *DAG, t *task) expr.Type {
	n := t.f.get("for_each")
	if n == nil || len(n.Items()) == 0 || len(n.Items()) > maxTyped {
		return expr.Type{}
	}
	types := make([]expr.Type, len(n.Items()))
	for i, it := range n.Items() {
		types[i] = d.written(it)
	}
	return expr.Either(types...)
}

// written is the type of a value as it stands in the file, where any type fits. What an expression will give is
// anything; a text that holds one is a text.
func (d *DAG) written(n *Node) expr.Type {
	switch {
	case n.bad:
		return expr.Type{}
	case n.Kind == Mapping:
		fields := make(map[string]expr.Type, len(n.Fields()))
		for _, f := range n.Fields() {
			fields[f.Key.Text] = d.written(f.Value)
		}
		return expr.MapOf(fields, false)
	case n.Kind == Sequence:
		types := make([]expr.Type, len(n.Items()))
		for i, it := range n.Items() {
			types[i] = d.written(it)
		}
		if len(types) == 0 {
			return expr.Of(expr.KindArray)
		}
		return expr.ListOf(expr.Either(types...))
	case isWhole(n.Text):
		return expr.Type{}
	case expr.HasExpr(n.Text) || n.Quote != Plain:
		return expr.Of(expr.KindString)
	}
	return expr.TypeOf(d.scalar(n))
}
