package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A shape is what of a JSON Schema can be said in words.
type shape struct {
	Type        any               `json:"type"` // a name, or a list of them
	Description string            `json:"description"`
	Properties  members           `json:"properties"`
	Required    []string          `json:"required"`
	Items       *shape            `json:"items"`
	Enum        []json.RawMessage `json:"enum"`
	Const       json.RawMessage   `json:"const"`
	Default     json.RawMessage   `json:"default"`
	Asks        []string          `json:"x-weft-expr"` // it is an expression
	OneOf       []shape           `json:"oneOf"`
	AnyOf       []shape           `json:"anyOf"`
}

// members are an object's properties in the order in which they were written.
type members []member

type member struct {
	name string
	shape
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *members) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil { // {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		f := member{name: name}
		if err := dec.Decode(&f.shape); err != nil {
			f.shape = shape{} // true, false: a property that may be anything
		}
		*m = append(*m, f)
	}
	return nil
}

// describe writes a schema's fields, a row each, separated by tabs; otherwise is said of none.
func describe(w io.Writer, schema json.RawMessage, otherwise string) {
	var s shape
	if json.Unmarshal(schema, &s) != nil || len(schema) == 0 {
		fmt.Fprintf(w, "  %s\n", otherwise)
		return
	}
	if len(s.Properties) == 0 {
		text := s.kind()
		if s.Description != "" {
			text += ": " + s.Description
		}
		if text == "map" || text == "anything" {
			text = otherwise
		}
		fmt.Fprintf(w, "  %s\n", text)
		return
	}
	s.rows(w, "")
}

func (s *shape) rows(w io.Writer, prefix string) {
	for _, m := range s.Properties {
		need := ""
		switch {
		case slices.Contains(s.Required, m.name):
			need = "required"
		case len(m.Default) > 0:
			need = "default " + string(m.Default)
		}
		fmt.Fprintf(w, "  %s%s\t%s\t%s\t%s\n", prefix, m.name, m.kind(), need, m.Description)
		if len(m.Properties) > 0 {
			m.rows(w, prefix+m.name+".")
		}
	}
}

// words are JSON's types as people say them.
var words = map[string]string{
	"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
	"array": "list", "object": "map", "null": "null",
}

// kind is what a value must be, in words.
func (s *shape) kind() string {
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			values = append(values, strings.Trim(string(v), `"`))
		}
		return strings.Join(values, ", ")
	}
	if len(s.Const) > 0 {
		return strings.Trim(string(s.Const), `"`)
	}
	if len(s.Asks) > 0 {
		return "expression"
	}
	var kinds []string
	switch t := s.Type.(type) {
	case string:
		kinds = append(kinds, s.typed(t))
	case []any:
		for _, x := range t {
			if name, ok := x.(string); ok {
				kinds = append(kinds, s.typed(name))
			}
		}
	default:
		for _, alt := range slices.Concat(s.OneOf, s.AnyOf) {
			if k := alt.kind(); !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	if len(kinds) == 0 {
		return "anything"
	}
	return strings.Join(kinds, " or ")
}

func (s *shape) typed(name string) string {
	if name == "array" && s.Items != nil {
		if k := s.Items.kind(); k != "anything" {
			return "list of " + k
		}
	}
	if w := words[name]; w != "" {
		return w
	}
	return name
}
