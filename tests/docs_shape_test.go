package tests

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// A shape is what docs/plugins.md tells of a JSON Schema.
type shape struct {
	Type        any             `json:"type"` // a name, or a list of them
	Description string          `json:"description"`
	Properties  properties      `json:"properties"`
	Required    []string        `json:"required"`
	Items       *shape          `json:"items"`
	Enum        []any           `json:"enum"`
	Default     json.RawMessage `json:"default"`
	OneOf       []shape         `json:"oneOf"`
}

// properties are an object's members in the order in which they were written.
type properties []property

type property struct {
	name string
	shape
}

// UnmarshalJSON implements json.Unmarshaler.
func (ps *properties) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil { // {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		p := property{name: key.(string)}
		if err := dec.Decode(&p.shape); err != nil {
			return err
		}
		*ps = append(*ps, p)
	}
	return nil
}

var kindWords = map[string]string{
	"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "object": "map",
	"array": "list", "null": "null",
}

// kind says a type in the words of the language's page.
func (s shape) kind() string {
	var parts []string
	switch t := s.Type.(type) {
	case string:
		parts = append(parts, kindWords[t])
	case []any:
		for _, name := range t {
			parts = append(parts, kindWords[name.(string)])
		}
	}
	if len(s.Enum) > 0 {
		parts = nil
		for _, e := range s.Enum {
			word, _ := json.Marshal(e)
			parts = append(parts, "`"+strings.Trim(string(word), `"`)+"`")
		}
	}
	if s.Items != nil && len(parts) == 1 {
		parts[0] = "list of " + s.Items.kind()
	}
	for _, one := range s.OneOf {
		if k := one.kind(); len(s.Properties) == 0 && k != "anything" {
			parts = append(parts, k)
		}
	}
	if len(parts) == 0 {
		return "anything"
	}
	return strings.Join(parts, " or ")
}

// otherwise says what holds of an input that is not given.
func (s shape) otherwise(p property) string {
	inOne := func(one shape) bool { return slices.Contains(one.Required, p.name) }
	switch {
	case slices.Contains(s.Required, p.name):
		return "required"
	case slices.ContainsFunc(s.OneOf, inOne):
		return "one of these is required"
	case p.Default != nil:
		return "`" + string(p.Default) + "`"
	}
	return ""
}

// output says what a plugin gives.
func (s shape) output() string {
	if len(s.Properties) == 0 {
		if s.Description == "" {
			return s.kind() + "."
		}
		return s.kind() + ", " + s.Description + "."
	}
	var b strings.Builder
	b.WriteString("a map.\n\n| member | type | |\n|---|---|---|\n")
	for _, p := range s.Properties {
		b.WriteString("| `" + p.name + "` | " + p.kind() + " | " + cell(p.Description) + " |\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// cell makes a text fit into a table.
func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", "<br>") }
