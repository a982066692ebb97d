package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed dag.schema.json
var dagSchema []byte

// DAG returns the schema of a DAG file without any plugin's input.
func DAG() []byte { return bytes.Clone(dagSchema) }

// A Plugin is what Compose needs to know of a plugin.
type Plugin struct {
	Name  string
	Title string          // one line: what it does
	Input json.RawMessage // JSON Schema of `with`; nil = anything
}

// Compose returns the schema of a DAG file with each plugin's input in it, chosen by `uses`.
// The same plugins, in any order, give the same bytes.
//
// Inputs are chosen by if and then, one a plugin: under a oneOf an editor would report every
// plugin's schema for one wrong key.
func Compose(plugins []Plugin) ([]byte, error) {
	var doc map[string]any
	if err := decode(dagSchema, &doc); err != nil {
		return nil, fmt.Errorf("cannot compose schema: dag.schema.json: %w", err)
	}
	plugins = slices.Clone(plugins)
	slices.SortFunc(plugins, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	defs := doc["definitions"].(map[string]any)
	body := defs["task_body"].(map[string]any)
	names, choices := []any{}, []any{}
	for i, p := range plugins {
		if i > 0 && plugins[i-1].Name == p.Name {
			return nil, fmt.Errorf("cannot compose schema: two plugins are named %q", p.Name)
		}
		input, err := lenient(p)
		if err != nil {
			return nil, err
		}
		defs["input:"+p.Name] = input
		names = append(names, p.Name)
		choices = append(choices, choice(p.Name, input))
	}
	uses := body["properties"].(map[string]any)["uses"].(map[string]any)
	uses["enum"] = names
	body["allOf"] = append(asList(body["allOf"]), choices...)
	return encode(doc)
}

// choice is "if uses is this plugin, with is its input" (and required, if the input has what is).
func choice(name string, input map[string]any) map[string]any {
	then := map[string]any{"properties": map[string]any{"with": map[string]any{"$ref": "#/definitions/" + "input:" + name}}}
	if len(asList(input["required"])) > 0 {
		then["required"] = []any{"with"}
	}
	return map[string]any{
		"if": map[string]any{
			"properties": map[string]any{"uses": map[string]any{"const": name}},
			"required":   []any{"uses"},
		},
		"then": then,
	}
}

// A value that is one whole ${{ }} is text to an editor and may become any type. Without this each
// would be underlined.

// lenient returns a plugin's input schema as an editor should see it: any value that is no text
// may also be one whole ${{ expression }}.
func lenient(p Plugin) (map[string]any, error) {
	if len(p.Input) == 0 {
		return map[string]any{"type": "object", "description": p.Title}, nil
	}
	if _, err := Compile(p.Input); err != nil {
		return nil, fmt.Errorf("cannot compose schema: input of plugin %q: %w", p.Name, err)
	}
	var input map[string]any
	if err := decode(p.Input, &input); err != nil {
		return nil, fmt.Errorf("cannot compose schema: input of plugin %q is no map: %w", p.Name, err)
	}
	delete(input, "$schema")
	delete(input, "$id")
	if _, has := input["description"]; !has && p.Title != "" {
		input["description"] = p.Title
	}
	rebase(input, "#/definitions/input:"+p.Name)
	if props, ok := input["properties"].(map[string]any); ok {
		for name, s := range props {
			props[name] = orExpression(s)
		}
	}
	return input, nil
}

// orExpression lets a whole expression stand where a schema wants something else than text.
func orExpression(s any) any {
	m, ok := s.(map[string]any)
	if !ok {
		return s
	}
	if t, ok := m["type"].(string); ok && t == "string" && m["pattern"] == nil && m["format"] == nil && m["enum"] == nil {
		return s
	}
	out := map[string]any{"anyOf": []any{m, map[string]any{"$ref": "#/definitions/expression"}}}
	if d, ok := m["description"]; ok {
		out["description"] = d
	}
	return out
}

// A plugin's schema is a document, and "#" in it is its root; in the composed one that is another.

// rebase moves references of a schema that was a document of its own to its new place.
func rebase(v any, base string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && k == "$ref" && strings.HasPrefix(s, "#") {
				v[k] = base + strings.TrimPrefix(s, "#")
				continue
			}
			rebase(x, base)
		}
	case []any:
		for _, x := range v {
			rebase(x, base)
		}
	}
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func decode(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

// encode writes JSON for people and diffs: keys sorted, two spaces, a final newline.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
