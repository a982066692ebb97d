package spec

import (
	"slices"
	"strings"

	"weft/expr"
	"weft/schema"
)

// A value that is one whole ${{ }} keeps the type that the expression gives. Where that type and the
// type that the place wants are both declared, and nothing could be both, the task would fail each
// time it ran; so that is an error here. Whatever is not declared may be right, and nothing is said.

// jsonTypes are the names that JSON Schema has for what an expression gives. A time or a duration
// reaches a plugin as text. Of null nothing is said: it stands for what is not there yet.
var jsonTypes = map[expr.Kind][]string{
	expr.KindBool: {"boolean"}, expr.KindInt: {"integer", "number"}, expr.KindNumber: {"number", "integer"},
	expr.KindString: {"string"}, expr.KindTime: {"string"}, expr.KindDuration: {"string"},
	expr.KindArray: {"array"}, expr.KindObject: {"object"},
}

// wholeValue checks the type of a whole value against its place.
func (d *DAG) wholeValue(u *use, t expr.Type) {
	if u.where == "inputs" {
		d.inputValue(u, t)
		return
	}
	if u.want == nil {
		if list := t.Kind == expr.KindArray; list || t.Kind == expr.KindObject {
			d.notText(u, t)
		}
		return
	}
	want := resolveRef(u.want, u.want)
	name := "`" + pathWords(strings.Split(strings.TrimPrefix(u.path, "with."), ".")) + "`"
	if d.mismatch(u, name, t, want) || t.Kind != expr.KindArray || t.Elem == nil {
		return
	}
	items := member(u.want, want, "items")
	d.mismatch(u, "each element of "+name, *t.Elem, resolveRef(items, items))
}

// mismatch reports a type that a schema never admits.
func (d *DAG) mismatch(u *use, name string, t expr.Type, want any) bool {
	wants, gives := admitted(want), jsonTypes[t.Kind]
	if wants == nil || gives == nil || slices.ContainsFunc(gives, func(g string) bool { return slices.Contains(wants, g) }) {
		return false
	}
	diag := d.report(sInput, d.span(u.node), "%s must be %s, and the expression gives %s", name, schema.TypeWords(wants...), schema.TypeWords(gives[0])).
		note("note", "a value that is one whole ${{ }} keeps its type")
	switch written := strings.TrimSpace(u.expressions()[0].Text); {
	case strings.HasPrefix(name, "each"):
	case slices.Contains(wants, "string"):
		diag.help("for its text write `${{ toJSON(%s) }}`", written)
	case t.Kind == expr.KindString:
		diag.help("for the value that the text holds write `${{ fromJSON(%s) }}`", written)
	}
	return true
}

// notText: where only text can stand, a list or a map is refused, as it is in the middle of a text.
// Numbers and truths have a plain text, which is what arrives.
func (d *DAG) notText(u *use, t expr.Type) {
	switch u.where {
	case "env", "workdir", "run", "artifacts":
		d.report(expr.CodeInText, d.span(u.node), "`%s` holds text, and the expression gives %s", u.where, t.Kind).
			help("%s", expr.InText(t, u.expressions()[0].Text))
	}
}

// admitted returns the types that a schema lets a value have, nil = any or not known.
func admitted(s any) []string {
	m, _ := s.(map[string]any)
	var out []string
	switch t := m["type"].(type) {
	case string:
		return []string{t}
	case []any:
		for _, x := range t {
			name, _ := x.(string)
			out = append(out, name)
		}
		return out
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		list, _ := m[key].([]any)
		for _, branch := range list {
			types := admitted(branch)
			if types == nil {
				return nil
			}
			out = append(out, types...)
		}
		if out != nil {
			break
		}
	}
	if choices, ok := m["enum"].([]any); ok && out == nil {
		for _, c := range choices {
			out = append(out, typeName(c))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// typeName is what JSON Schema calls the type of a value as encoding/json reads it.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
