package expr

import (
	"encoding/json"
	"maps"
	"slices"
)

// A Kind is what sort of value a Type tells of.
type Kind uint8

// The kinds. KindAny is not known before the run; KindNumber is an integer or has a fraction.
const (
	KindAny Kind = iota
	KindNull
	KindBool
	KindInt
	KindNumber
	KindString
	KindArray
	KindObject
	KindTime
	KindDuration
)

var kindNames = [...]string{"anything", "null", "a boolean", "an integer", "a number", "a text", "a list", "a map", "a time", "a duration"}

func (k Kind) String() string { return kindNames[k] }

// A Type is what is known of a value before any run. It says nothing of null: whatever a task has
// not given yet is null, whatever its type.
type Type struct {
	Kind   Kind
	Elem   *Type           // of KindArray; nil = anything
	Fields map[string]Type // of KindObject: the members that are known
	Open   bool            // of KindObject: others may be there
}

// Of is a type that is nothing but its kind; of KindObject an open one.
func Of(k Kind) Type { return Type{Kind: k, Open: k == KindObject} }

// ListOf is a list of elements of that type.
func ListOf(elem Type) Type { return Type{Kind: KindArray, Elem: &elem} }

// MapOf is a map with those members and, if open, others.
func MapOf(fields map[string]Type, open bool) Type {
	return Type{Kind: KindObject, Fields: fields, Open: open}
}

func (t Type) elem() Type {
	if t.Elem == nil {
		return Type{}
	}
	return *t.Elem
}

func (t Type) isNumber() bool { return t.Kind == KindInt || t.Kind == KindNumber }

// names returns the members that are known, sorted.
func (t Type) names() []string { return slices.Sorted(maps.Keys(t.Fields)) }

// join is the type of a value that is either of two.
func join(a, b Type) Type {
	switch {
	case a.Kind == KindNull:
		return b
	case b.Kind == KindNull:
		return a
	case a.isNumber() && b.isNumber() && a.Kind != b.Kind:
		return Of(KindNumber)
	case a.Kind != b.Kind:
		return Type{}
	case a.Kind == KindArray:
		return ListOf(join(a.elem(), b.elem()))
	case a.Kind == KindObject:
		fields := make(map[string]Type, len(a.Fields)+len(b.Fields))
		for name, t := range a.Fields {
			if other, ok := b.Fields[name]; ok {
				fields[name] = join(t, other)
			}
		}
		return MapOf(fields, true)
	}
	return a
}

// TypeOfSchema reads a fragment of JSON Schema as a type. What it does not understand ($ref,
// anyOf …) is anything: the check may be silent, never wrong.
func TypeOfSchema(schema json.RawMessage) Type { return typeOfSchema(schema, 0) }

func typeOfSchema(schema json.RawMessage, depth int) Type {
	var s struct {
		Type       json.RawMessage            `json:"type"`
		Items      json.RawMessage            `json:"items"`
		Properties map[string]json.RawMessage `json:"properties"`
		Additional json.RawMessage            `json:"additionalProperties"`
		Patterns   json.RawMessage            `json:"patternProperties"`
		Enum       []json.RawMessage          `json:"enum"`
		Const      json.RawMessage            `json:"const"`
	}
	if depth > 20 || json.Unmarshal(schema, &s) != nil {
		return Type{}
	}
	switch kind := schemaKind(s.Type); {
	case kind == KindArray:
		return ListOf(typeOfSchema(s.Items, depth+1))
	case kind == KindObject:
		fields := make(map[string]Type, len(s.Properties))
		for name, sub := range s.Properties {
			fields[name] = typeOfSchema(sub, depth+1)
		}
		return MapOf(fields, string(s.Additional) != "false" || s.Patterns != nil)
	case kind != KindAny || s.Type != nil:
		return Of(kind)
	case s.Const != nil:
		return typeOfValue(s.Const)
	}
	if len(s.Enum) == 0 {
		return Type{}
	}
	t := typeOfValue(s.Enum[0])
	for _, v := range s.Enum[1:] {
		t = join(t, typeOfValue(v))
	}
	return t
}

// schemaKind reads "type": one name, or a list of which null says nothing.
func schemaKind(raw json.RawMessage) Kind {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return schemaKinds[one]
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return KindAny
	}
	t := Of(KindNull)
	for _, name := range many {
		k := schemaKinds[name]
		if k == KindAny {
			return KindAny
		}
		if t = join(t, Of(k)); t.Kind == KindAny {
			return KindAny
		}
	}
	return t.Kind
}

var schemaKinds = map[string]Kind{
	"null": KindNull, "boolean": KindBool, "integer": KindInt, "number": KindNumber,
	"string": KindString, "array": KindArray, "object": KindObject,
}

func typeOfValue(raw json.RawMessage) Type {
	v, err := DecodeJSON(raw)
	if err != nil {
		return Type{}
	}
	return Of(kindOf(v))
}
