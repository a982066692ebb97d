package expr

import (
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
	Kind    Kind
	Open    bool            // of KindObject: others than Fields may be there
	Elem    *Type           // of KindArray; nil = anything
	Fields  map[string]Type // of KindObject: the members that are known
	Rest    *Type           // of an open KindObject: what the others are; nil = anything
	Choices []string        // of KindString: it is one of these; nil = any text
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

// OneOf is a text that is one of some.
func OneOf(choices ...string) Type { return Type{Kind: KindString, Choices: choices} }

func (t Type) isNumber() bool { return t.Kind == KindInt || t.Kind == KindNumber }

// names returns the members that are known, sorted.
func (t Type) names() []string { return slices.Sorted(maps.Keys(t.Fields)) }

// truths returns the members that are booleans, sorted.
func (t Type) truths() []string {
	return slices.DeleteFunc(t.names(), func(name string) bool { return t.Fields[name].Kind != KindBool })
}

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
		return joinObjects(a, b)
	case a.Kind == KindString && (a.Choices == nil || b.Choices == nil):
		return Of(KindString)
	case a.Kind == KindString:
		choices := slices.Concat(a.Choices, b.Choices)
		slices.Sort(choices)
		return OneOf(slices.Compact(choices)...)
	}
	return a
}

// joinObjects knows the members of both. One that a map alone has may be missing, and that is null.
func joinObjects(a, b Type) Type {
	t := MapOf(make(map[string]Type, len(a.Fields)+len(b.Fields)), a.Open || b.Open)
	for _, name := range slices.Concat(a.names(), b.names()) {
		in, inA := a.Fields[name]
		also, inB := b.Fields[name]
		switch {
		case inA && inB:
			t.Fields[name] = join(in, also)
		case inA && !b.Open:
			t.Fields[name] = in
		case inB && !a.Open:
			t.Fields[name] = also
		default: // the open one may have it, as whatever
			t.Fields[name] = Type{}
		}
	}
	if a.Open && b.Open && a.Rest != nil && b.Rest != nil {
		rest := join(*a.Rest, *b.Rest)
		t.Rest = &rest
	}
	return t
}

// TypeOf is the type of a JSON value, all of which is known.
func TypeOf(v any) Type {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return Of(KindArray)
		}
		elem := TypeOf(v[0])
		for _, e := range v[1:] {
			elem = join(elem, TypeOf(e))
		}
		return ListOf(elem)
	case map[string]any:
		fields := make(map[string]Type, len(v))
		for name, e := range v {
			fields[name] = TypeOf(e)
		}
		return MapOf(fields, false)
	}
	return Of(kindOf(v))
}

// Either is the type of a value that has one of some types.
func Either(types ...Type) Type {
	if len(types) == 0 {
		return Type{}
	}
	t := types[0]
	for _, other := range types[1:] {
		t = join(t, other)
	}
	return t
}
