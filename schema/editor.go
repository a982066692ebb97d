package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What an editor must see otherwise than a validator does: a YAML scalar is typed by its place, and
// an expression may become anything; both would be underlined. And an editor's words come from where
// a keyword stands, so what a schema says by oneOf and not is said by if and then.

// inside lets values inside a plugin's input be what weft takes.
func inside(s map[string]any) {
	for _, key := range []string{"properties", "patternProperties", "definitions"} {
		members, _ := s[key].(map[string]any)
		for name, m := range members {
			if key == "definitions" {
				if def, ok := m.(map[string]any); ok {
					members[name] = lenient(def)
				}
				continue
			}
			members[name] = orExpression(m)
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if m, ok := s[key].(map[string]any); ok {
			s[key] = orExpression(m)
		}
	}
	for _, key := range []string{"oneOf", "anyOf", "allOf"} {
		for i, m := range asList(s[key]) {
			if b, ok := m.(map[string]any); ok {
				s[key].([]any)[i] = lenient(b)
			}
		}
	}
}

// lenient lets a scalar stand where text and no other scalar fits: `python: 3.10` is the text 3.10.
// Text that must look like something which no number does stays text.
func lenient(s map[string]any) map[string]any {
	inside(s)
	types := typesOf(map[string]any{"type": s["type"]})
	is := func(t string) bool { return slices.Contains(types, t) }
	if !is("string") || is("integer") || is("number") || is("boolean") || s["enum"] != nil || !admitsNumbers(s) {
		return s
	}
	s["type"] = list(append(types, "number", "boolean")...)
	return s
}

func admitsNumbers(s map[string]any) bool {
	pattern, has := s["pattern"].(string)
	if !has {
		return true
	}
	re, err := regexp.Compile(pattern)
	return err == nil && slices.ContainsFunc([]string{"5", "3.10", "-1", "true"}, re.MatchString)
}

// orExpression is a value's schema for which an expression may stand. What an editor looks for stands
// outside: description, and types, by which it knows what to insert behind a key.
func orExpression(v any) any {
	s, ok := v.(map[string]any)
	if !ok {
		return v
	}
	s = lenient(s)
	types := typesOf(s)
	switch {
	case anyText(s):
		return s
	case isOnly(s, "description", "default"):
		s["type"] = list("string", "number", "boolean", "object", "array", "null")
		return s
	}
	out := map[string]any{"if": ref("expression"), "else": s}
	for _, key := range []string{"title", "description", "default", "examples"} {
		if x, has := s[key]; has {
			out[key] = x
			delete(s, key)
		}
	}
	if types == nil {
		return out
	}
	if s["enum"] != nil { // values are proposed from a branch of anyOf, and not from an else
		delete(out, "if")
		delete(out, "else")
		out["anyOf"] = []any{s, ref("expression")}
		return out
	}
	delete(s, "type") // it is judged outside, once
	out["type"] = list(types...)
	if !slices.Contains(types, "string") {
		out["type"] = list(append(slices.Clone(types), "string")...)
		out["else"] = map[string]any{
			"if": map[string]any{"type": "string"}, "then": map[string]any{"type": oneOrMore(types)}, "else": s,
		}
	}
	return out
}

// anyText tells whether a schema admits whatever text, and so one that holds an expression.
func anyText(s map[string]any) bool {
	if s["pattern"] != nil || s["enum"] != nil || s["format"] != nil {
		return false
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		for _, b := range asList(s[key]) {
			if branch, ok := b.(map[string]any); ok && anyText(branch) {
				return true
			}
		}
	}
	return slices.Contains(typesOf(map[string]any{"type": s["type"]}), "string")
}

// typesOf are the types that a schema admits, each once, nil if it does not say.
func typesOf(s map[string]any) []string {
	var types []string
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		for _, name := range t {
			types = append(types, name.(string))
		}
		return types
	}
	for _, value := range asList(s["enum"]) {
		if _, ok := value.(string); !ok {
			return nil
		}
		types = []string{"string"}
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		for _, b := range asList(s[key]) {
			branch, _ := b.(map[string]any)
			of := typesOf(branch)
			if of == nil {
				return nil
			}
			for _, name := range of {
				if !slices.Contains(types, name) {
					types = append(types, name)
				}
			}
		}
	}
	return types
}

func oneOrMore(types []string) any {
	if len(types) == 1 {
		return types[0]
	}
	return list(types...)
}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/definitions/" + name} }

func list(names ...string) []any {
	var out []any
	for _, name := range names {
		out = append(out, name)
	}
	return out
}

// isOnly tells whether a schema has no keyword but these.
func isOnly(s map[string]any, keys ...string) bool {
	for key := range s {
		if !slices.Contains(keys, key) {
			return false
		}
	}
	return true
}

// walk calls see for each schema of a document, the inner ones first.
func walk(v any, see func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			walk(x, see)
		}
	case map[string]any:
		for key, x := range v {
			switch key {
			case "enum", "const", "default", "examples", "required", "enumDescriptions":
			case "properties", "patternProperties", "definitions":
				if members, ok := x.(map[string]any); ok {
					for _, m := range members {
						walk(m, see)
					}
				}
			default:
				walk(x, see)
			}
		}
		see(v)
	}
}

// exclude says by if and then, at the second of two keys, what the schemas of a document say by oneOf
// and by not: that keys exclude each other. Any other oneOf becomes anyOf.
func exclude(doc map[string]any) {
	walk(doc, func(s map[string]any) {
		var rules []any
		if names := alternatives(s); names != nil {
			delete(s, "oneOf")
			rules = append(rules, map[string]any{"anyOf": needed(names)})
			for i, name := range names[:len(names)-1] {
				rules = append(rules, without(name, names[i+1:]...))
			}
		}
		if pair := forbidden(s); pair != nil {
			delete(s, "not")
			rules = append(rules, without(pair[0], pair[1]))
		}
		if list, has := s["oneOf"]; has {
			s["anyOf"] = list
			delete(s, "oneOf")
		}
		if len(rules) > 0 {
			s["allOf"] = append(slices.Clone(asList(s["allOf"])), rules...)
		}
	})
}

// alternatives are the keys of a schema whose oneOf asks for just one of them.
func alternatives(s map[string]any) []string {
	var names []string
	for _, b := range asList(s["oneOf"]) {
		branch, _ := b.(map[string]any)
		required := asList(branch["required"])
		if len(required) != 1 || !isOnly(branch, "required") {
			return nil
		}
		names = append(names, required[0].(string))
	}
	return names
}

// forbidden are the two keys that a schema's not forbids together.
func forbidden(s map[string]any) []string {
	not, _ := s["not"].(map[string]any)
	required := asList(not["required"])
	if len(required) != 2 || !isOnly(not, "required") {
		return nil
	}
	return []string{required[0].(string), required[1].(string)}
}

func needed(names []string) []any {
	var out []any
	for _, name := range names {
		out = append(out, map[string]any{
			"required": []any{name}, "errorMessage": fmt.Sprintf("One of %s is missing.", quoted(names, "or")),
		})
	}
	return out
}

// without is "where name is, the others are not".
func without(name string, others ...string) map[string]any {
	props := map[string]any{}
	for _, other := range others {
		props[other] = false
	}
	return map[string]any{
		"if": map[string]any{"required": []any{name}},
		"then": map[string]any{
			"properties":   props,
			"errorMessage": fmt.Sprintf("%s exclude each other: keep one.", quoted(append([]string{name}, others...), "and")),
		},
	}
}

func quoted(names []string, last string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "`" + name + "`"
	}
	return strings.Join(out[:len(out)-1], ", ") + " " + last + " " + out[len(out)-1]
}

// tellBeginnings gives words to the patterns that ask for a beginning alone: "^s3://".
func tellBeginnings(doc map[string]any) {
	walk(doc, func(s map[string]any) {
		if start, ok := beginning(s["pattern"]); ok && s["patternErrorMessage"] == nil {
			s["patternErrorMessage"] = "must begin with " + start
		}
	})
}

// describe gives every key that has a description the same as Markdown, with its default.
func describe(doc map[string]any) {
	walk(doc, func(s map[string]any) {
		text, ok := s["description"].(string)
		if !ok || s["markdownDescription"] != nil {
			return
		}
		text = strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
		if def, has := s["default"]; has {
			text += fmt.Sprintf("\n\nDefault: `%v`", def)
		}
		s["markdownDescription"] = text
	})
}
