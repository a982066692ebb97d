package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A teller turns what the validator found into violations in the user's words. The validator's
// own messages are not used: they change with its version and speak of "properties".
//
// What it goes by is the place of a failed keyword in the schema and the place of the value: both are
// JSON pointers, and the rest is looked up in doc and root. Causes come in the order of maps; callers
// sort.
type teller struct{ doc, root any }

// tell flattens a tree of causes. Branches of anyOf and oneOf are folded into one violation.
func (t teller) tell(e *jsonschema.ValidationError) []Violation {
	if e.Message == "" && len(e.Causes) > 0 { // only holds several together
		return t.all(e.Causes)
	}
	keyword, at := t.keyword(e)
	switch keyword {
	case "anyOf", "oneOf":
		return t.branches(e, keyword, at)
	case "additionalProperties", "required":
		if len(e.Causes) == 0 {
			return t.names(e, keyword, at)
		}
	case "propertyNames": // the instance location of its causes is the name itself
		path := pointer(e.InstanceLocation)
		return []Violation{{Path: path, Keyword: keyword, Message: "has a name that is not allowed"}}
	}
	if len(e.Causes) > 0 && keyword != "contains" {
		return t.all(e.Causes)
	}
	return []Violation{t.one(e, keyword, at)}
}

func (t teller) all(causes []*jsonschema.ValidationError) []Violation {
	var all []Violation
	for _, c := range causes {
		all = append(all, t.tell(c)...)
	}
	return all
}

// keyword returns the last keyword of an error's place in the schema, and the schema it stands in. A
// place in a list of schemas (anyOf/1) belongs to the list's keyword.
func (t teller) keyword(e *jsonschema.ValidationError) (string, map[string]any) {
	_, frag, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	parts := pointer(frag)
	for len(parts) > 0 && digits(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 0 {
		return "", nil
	}
	last := len(parts) - 1
	at, _ := resolve(t.doc, parts[:last]).(map[string]any)
	if last > 0 && parts[last-1] == "dependencies" && !(last > 1 && namesFollow[parts[last-2]]) { // dependencies/NAME/0
		return "dependencies", map[string]any{"dependencies": []any{parts[last], at[parts[last]]}}
	}
	return parts[last], at
}

// namesFollow are the keywords under which names stand that may look like keywords.
var namesFollow = map[string]bool{"properties": true, "patternProperties": true, "definitions": true}

// names is one violation for each key that is missing or one too many, with the keys that would be
// right: the validator lists them in one message.
func (t teller) names(e *jsonschema.ValidationError, keyword string, at map[string]any) []Violation {
	path := pointer(e.InstanceLocation)
	have, _ := resolve(t.root, path).(map[string]any)
	props, _ := at["properties"].(map[string]any)
	choices := sortedKeys(props)
	var out []Violation
	if keyword == "required" {
		want, _ := at["required"].([]any)
		for _, w := range want {
			name, _ := w.(string)
			if _, ok := have[name]; !ok {
				out = append(out, Violation{Path: path, Keyword: keyword, Name: name, Message: fmt.Sprintf("needs %q", name)})
			}
		}
		return out
	}
	for _, name := range sortedKeys(have) {
		if _, ok := props[name]; ok || matchesPattern(at, name) {
			continue
		}
		out = append(out, Violation{
			Path: append(slices.Clone(path), name), Keyword: keyword, Name: name, Choices: choices,
			Message: fmt.Sprintf("has no %q", name),
		})
	}
	return out
}

// one is a single violation that needs no names. Its message follows the name of a place: "`max` must
// be at most 5". Of a keyword that is not here it says no more than that something is wrong.
func (t teller) one(e *jsonschema.ValidationError, keyword string, at map[string]any) Violation {
	v := Violation{Path: pointer(e.InstanceLocation), Keyword: keyword}
	value := resolve(t.root, v.Path)
	limit := at[keyword]
	switch keyword {
	case "type":
		v.Message = "must be " + typeWords(limit) + ", not " + valueWords(value)
	case "enum":
		v.Choices = choiceWords(limit)
		v.Message = "must be " + orList(quoteAll(v.Choices))
	case "const":
		v.Choices = choiceWords([]any{limit})
		v.Message = "must be " + orList(quoteAll(v.Choices))
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
		v.Message = "must be " + boundWords[keyword] + " " + show(limit)
	case "minLength", "minItems", "minProperties":
		v.Message = "must not be empty"
		if show(limit) != "1" {
			v.Message = "must have at least " + show(limit) + " " + sizeWords[keyword]
		}
	case "maxLength", "maxItems", "maxProperties":
		v.Message = "must have at most " + show(limit) + " " + sizeWords[keyword]
	case "pattern":
		v.Message = "does not match the pattern " + show(limit)
		if start, ok := beginning(limit); ok {
			v.Message = "must begin with " + show(start)
		}
		if say, ok := at["patternErrorMessage"].(string); ok { // the word of editors for it
			v.Message = say
		}
		if text, ok := value.(string); ok && len(text) <= maxGot {
			v.Got = text
		}
	case "format":
		v.Message = "must be " + formatWords(limit)
	case "uniqueItems":
		v.Message = "holds the same value twice"
	case "additionalItems":
		v.Message = "has too many items"
	case "not":
		v.Message = notWords(limit)
		if say, ok := at["errorMessage"].(string); ok { // the word of editors for it
			v.Message = say
		}
	case "dependencies":
		pair := limit.([]any)
		v.Message = fmt.Sprintf("has %q, and so needs %s", pair[0], strings.Join(quoteAll(choiceWords(pair[1])), " and "))
	case "contains":
		v.Message = "lacks an item that it must have"
	default:
		v.Message = "is not allowed here"
	}
	return v
}

// maxGot is the longest text that is told of.
const maxGot = 200

// beginning tells whether a pattern asks for nothing but how a text begins: "^s3://".
func beginning(pattern any) (string, bool) {
	text, _ := pattern.(string)
	start, ok := strings.CutPrefix(text, "^")
	return start, ok && start != "" && regexp.QuoteMeta(start) == start
}

var boundWords = map[string]string{
	"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than",
	"exclusiveMaximum": "less than", "multipleOf": "a multiple of",
}

var sizeWords = map[string]string{
	"minLength": "characters", "maxLength": "characters", "minItems": "items", "maxItems": "items",
	"minProperties": "entries", "maxProperties": "entries",
}

var typeNames = map[string]string{
	"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
	"array": "a list", "object": "a map", "null": "null",
}

// TypeWords says a JSON Schema `type` (a name or a list of names) in words: "text or a list".
func TypeWords(names ...string) string {
	words := make([]string, 0, len(names))
	for _, n := range names {
		words = append(words, typeNames[n])
	}
	return orList(words)
}

func typeWords(t any) string {
	if s, ok := t.(string); ok {
		return TypeWords(s)
	}
	list, _ := t.([]any)
	names := make([]string, 0, len(list))
	for _, x := range list {
		if s, ok := x.(string); ok {
			names = append(names, s)
		}
	}
	return TypeWords(names...)
}

// valueWords says what a value is: its kind, and itself where it is short and no text. It
// never shows a text: that may be long, and it may be a secret.
func valueWords(v any) string {
	switch v := v.(type) {
	case nil:
		return "empty"
	case bool:
		return strconv.FormatBool(v)
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return show(v)
}

// formatWords says a format by an example. The draft's other formats are rare in what people write here.
func formatWords(f any) string {
	switch f {
	case "date":
		return "a date like 2026-01-31"
	case "date-time":
		return "a time like 2026-01-31T12:00:00Z"
	case "uri":
		return "a URI"
	case "email":
		return "an e-mail address"
	}
	return "a valid " + strings.Trim(show(f), `"`)
}

// notWords knows the one `not` that schemas of ours use: keys that exclude each other.
func notWords(not any) string {
	m, _ := not.(map[string]any)
	if names, ok := m["required"].([]any); ok && len(names) > 1 {
		return "may have only one of " + strings.Join(quoteAll(choiceWords(names)), ", ")
	}
	return "is not allowed here"
}

func choiceWords(list any) []string {
	items, _ := list.([]any)
	out := make([]string, 0, len(items))
	for _, it := range items {
		if s, ok := it.(string); ok {
			out = append(out, s)
		} else {
			out = append(out, show(it))
		}
	}
	return out
}

// show writes a value of a schema for a message: numbers without an exponent, texts in quotes.
func show(v any) string {
	if f, ok := v.(float64); ok {
		if r := new(big.Rat).SetFloat64(f); r != nil && r.IsInt() {
			return r.Num().String()
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "a value"
	}
	return string(b)
}

func quoteAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return out
}

// orList joins words as people do: "a, b or c".
func orList(words []string) string {
	switch n := len(words); n {
	case 0:
		return "something else"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
}

// pointer splits a JSON pointer, which the validator also escapes as a URL.
func pointer(p string) []string {
	p = strings.TrimPrefix(p, "/")
	if p == "" {
		return nil
	}
	parts := strings.Split(p, "/")
	for i, s := range parts {
		if u, err := url.PathUnescape(s); err == nil {
			s = u
		}
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return parts
}

// resolve walks down a value by keys and indexes; nil if there is nothing.
func resolve(v any, path []string) any {
	for _, p := range path {
		switch c := v.(type) {
		case map[string]any:
			v = c[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i < 0 || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}
