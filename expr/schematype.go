package expr

import (
	"encoding/json"
	"slices"
	"strings"
)

// TypeOfSchema reads a JSON Schema as a type. What it does not understand (allOf, not, if, a reference
// to another document …) is anything: the check may be silent, never wrong.
func TypeOfSchema(schema json.RawMessage) Type {
	doc, err := DecodeJSON(schema)
	if err != nil {
		return Type{}
	}
	return schemaReader{doc}.read(doc, 0)
}

// A schemaReader reads the parts of one document.
type schemaReader struct{ doc any }

// maxSchemaDepth bounds what references that go round, or a hostile file, can make of a schema.
const maxSchemaDepth = 20

func (r schemaReader) read(schema any, depth int) Type {
	s, ok := schema.(map[string]any)
	if !ok || depth > maxSchemaDepth {
		return Type{}
	}
	if ref, ok := s["$ref"].(string); ok { // what stands beside a reference does not count
		return r.read(r.at(ref), depth+1)
	}
	switch kind := schemaKind(s["type"]); {
	case kind == KindArray:
		if items, ok := s["items"].(map[string]any); ok {
			return ListOf(r.read(items, depth+1))
		}
		return Of(KindArray)
	case kind == KindObject:
		return r.object(s, depth)
	case kind == KindString:
		return OneOf(choicesOf(s)...)
	case kind != KindAny || s["type"] != nil:
		return Of(kind)
	}
	if c, ok := s["const"]; ok {
		return typeOfChoices([]any{c})
	}
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		return typeOfChoices(list)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if list, ok := s[key].([]any); ok && len(list) > 0 {
			return r.either(list, depth)
		}
	}
	return Type{}
}

// object reads the members that are declared. Others may be there unless they are ruled out.
func (r schemaReader) object(s map[string]any, depth int) Type {
	props, _ := s["properties"].(map[string]any)
	t := MapOf(make(map[string]Type, len(props)), true)
	for name, sub := range props {
		t.Fields[name] = r.read(sub, depth+1)
	}
	if s["patternProperties"] != nil {
		return t
	}
	switch more := s["additionalProperties"].(type) {
	case bool:
		t.Open = more
	case map[string]any:
		rest := r.read(more, depth+1)
		t.Rest = &rest
	}
	return t
}

// either is a value that fits one of some schemas.
func (r schemaReader) either(list []any, depth int) Type {
	types := make([]Type, len(list))
	for i, sub := range list {
		if types[i] = r.read(sub, depth+1); types[i].Kind == KindAny {
			return Type{}
		}
	}
	return Either(types...)
}

// at follows a reference within the document, nil if it leads out of it.
func (r schemaReader) at(ref string) any {
	if ref == "#" {
		return r.doc
	}
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	at := r.doc
	for _, part := range strings.Split(path, "/") {
		m, _ := at.(map[string]any)
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return at
}

// schemaKind reads "type": one name, or a list of which null says nothing.
func schemaKind(raw any) Kind {
	switch raw := raw.(type) {
	case string:
		return schemaKinds[raw]
	case []any:
		t := Of(KindNull)
		for _, name := range raw {
			s, _ := name.(string)
			k := schemaKinds[s]
			if k == KindAny {
				return KindAny
			}
			if t = join(t, Of(k)); t.Kind == KindAny {
				return KindAny
			}
		}
		return t.Kind
	}
	return KindAny
}

var schemaKinds = map[string]Kind{
	"null": KindNull, "boolean": KindBool, "integer": KindInt, "number": KindNumber,
	"string": KindString, "array": KindArray, "object": KindObject,
}

// choicesOf are the texts that a schema of text admits, nil if they are not listed.
func choicesOf(s map[string]any) []string {
	list, ok := s["enum"].([]any)
	if c, one := s["const"]; one {
		list, ok = []any{c}, true
	}
	var out []string
	for _, v := range list {
		if text, isText := v.(string); isText {
			out = append(out, text)
		}
	}
	if !ok || len(out) == 0 {
		return nil
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// typeOfChoices is the type of a value that is one of some.
func typeOfChoices(list []any) Type {
	types := make([]Type, len(list))
	for i, v := range list {
		types[i] = Of(kindOf(v))
		if text, ok := v.(string); ok {
			types[i] = OneOf(text)
		}
	}
	return Either(types...)
}
