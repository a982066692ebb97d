package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed dag.schema.json
var dagSchema []byte

// DAG returns the schema of a DAG file without any plugin's input, as it is written: Compose makes
// of it what editors read.
func DAG() []byte { return bytes.Clone(dagSchema) }

// A Plugin is what Compose needs to know of a plugin.
type Plugin struct {
	Name  string
	Title string          // one line: what it does
	Input json.RawMessage // JSON Schema of `with`; nil = anything
}

// Compose returns the schema of a DAG file with each plugin's input in it, chosen by `uses`, for
// editors: every key has its description as Markdown, and what excludes each other is said by if and
// then, at the key. The same plugins, in any order, give the same bytes.
//
// There is no oneOf in it: under one, an editor would report every plugin's schema for a wrong key,
// or call a whole task wrong for one key too many.
func Compose(plugins []Plugin) ([]byte, error) {
	var doc map[string]any
	if err := decode(dagSchema, &doc); err != nil {
		return nil, fmt.Errorf("cannot compose schema: dag.schema.json: %w", err)
	}
	plugins = slices.Clone(plugins)
	slices.SortFunc(plugins, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	defs := doc["definitions"].(map[string]any)
	body := defs["task_body"].(map[string]any)
	names, titles, choices := []any{}, []any{}, []any{}
	for i, p := range plugins {
		if i > 0 && plugins[i-1].Name == p.Name {
			return nil, fmt.Errorf("cannot compose schema: two plugins are named %q", p.Name)
		}
		input, err := inputOf(p)
		if err != nil {
			return nil, err
		}
		defs["input:"+p.Name] = input
		names, titles = append(names, p.Name), append(titles, p.Title)
		choices = append(choices, choice(p.Name, input))
	}
	uses := body["properties"].(map[string]any)["uses"].(map[string]any)
	uses["enum"], uses["enumDescriptions"] = names, titles
	defs["with"] = map[string]any{"allOf": choices}
	body["allOf"] = []any{map[string]any{"$ref": "#/definitions/with"}}
	closeWords(defs, "param", "output")
	defs["callback"] = callback(defs["callback"].(map[string]any), body)
	exclude(doc)
	tellBeginnings(doc)
	describe(doc)
	return encode(doc)
}

// choice is "if uses is this plugin, with is its input" (and required, if the input has what is).
func choice(name string, input map[string]any) map[string]any {
	then := map[string]any{"properties": map[string]any{"with": map[string]any{"$ref": "#/definitions/" + "input:" + name}}}
	if len(asList(input["required"])) > 0 || len(alternatives(input)) > 0 {
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

// inputOf is a plugin's input schema as an editor should see it.
func inputOf(p Plugin) (map[string]any, error) {
	if len(p.Input) == 0 {
		return map[string]any{"type": "object", "title": p.Name, "description": p.Title}, nil
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
	input["title"] = p.Name
	rebase(input, "#/definitions/input:"+p.Name)
	walk(input, func(s map[string]any) { // what weft alone reads: nobody else knows the word
		if literal, ok := s["x-weft-literal"].(map[string]any); ok { // an editor sees what is written alone
			maps.Copy(s, literal)
		}
		maps.DeleteFunc(s, func(key string, _ any) bool { return strings.HasPrefix(key, "x-weft-") })
	})
	inside(input)
	return input, nil
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

// closeWords gives definitions that are JSON Schemas the keywords of json_schema, and no others.
func closeWords(defs map[string]any, names ...string) {
	words := defs["json_schema"].(map[string]any)["properties"].(map[string]any)
	for _, name := range names {
		def := defs[name].(map[string]any)
		own, _ := def["properties"].(map[string]any)
		all := map[string]any{}
		for word := range words {
			all[word] = map[string]any{"allOf": []any{map[string]any{"$ref": "#/definitions/json_schema/properties/" + word}}}
		}
		for word, s := range own {
			more := s.(map[string]any)
			if had, ok := all[word].(map[string]any); ok {
				maps.Copy(had, more)
				continue
			}
			all[word] = more
		}
		def["properties"], def["additionalProperties"] = all, false
		def["patternProperties"] = map[string]any{"^x-": map[string]any{"description": "Means nothing; a place for YAML anchors."}}
	}
}

// callback is a task's body without the keys that def lists.
func callback(def, body map[string]any) map[string]any {
	out := maps.Clone(body)
	props := maps.Clone(body["properties"].(map[string]any))
	for _, key := range asList(def["without"]) {
		delete(props, key.(string))
	}
	out["properties"], out["title"] = props, def["title"]
	return out
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
