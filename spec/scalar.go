package spec

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"weft/expr"
)

// jsonNumber is JSON's grammar; nothing else is a number: not 010, 0x1F, 1_000, .5 or .inf.
var jsonNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`) })

// Where values of any type may stand, in plugins' inputs and params' defaults, the text of a scalar
// must be typed somehow, and YAML's own rules are the trap this language exists to avoid. Here the
// schema of the place decides if it leaves no choice; otherwise JSON's literals are what they look
// like, and everything else is text.

// value makes a JSON value of a node where any type fits: JSON's null, true, false and numbers are
// those, everything else and everything quoted is text.
func (d *DAG) value(n *Node) any { return d.valueAs(n, nil) }

// valueAs makes a JSON value of a node whose place has a JSON Schema: where that wants text and
// nothing else that a scalar can be, a scalar is its source text.
func (d *DAG) valueAs(n *Node, schema any) any {
	s := resolveRef(schema, schema)
	switch n.Kind {
	case Mapping:
		m := make(map[string]any, len(n.Fields()))
		for _, f := range n.Fields() {
			m[f.Key.Text] = d.valueAs(f.Value, member(schema, s, f.Key.Text))
		}
		return m
	case Sequence:
		list := make([]any, len(n.Items()))
		for i, it := range n.Items() {
			list[i] = d.valueAs(it, member(schema, s, "items"))
		}
		return list
	}
	if n.Quote != Plain {
		return n.Text
	}
	want := scalarTypes(s)
	if len(want) == 1 && want[0] == "string" && n.Text != "" {
		return n.Text
	}
	if want == nil || slices.Contains(want, "string") {
		d.shortened(n)
	}
	return d.scalar(n)
}

// scalar types a plain scalar by its text. A number that would not survive as one is reported: an
// account's number of 30 digits must not lose the last ones in silence.
func (d *DAG) scalar(n *Node) any {
	switch n.Text {
	case "", "null":
		return nil
	case "true":
		return true
	case "false":
		return false
	}
	if c := n.Text[0]; c != '-' && (c < '0' || c > '9') || !jsonNumber().MatchString(n.Text) {
		return n.Text
	}
	if i, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
		return int(i)
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	if err != nil || !strings.ContainsAny(n.Text, ".eE") {
		d.report(yNumber, d.span(n), "%s is too large to be kept as a number", cut(n.Text, 30)).help("quote it if it is text")
	}
	if err != nil {
		return n.Text
	}
	return f
}

// shortened tells of 3.10 where any type fits: a version's last zero is lost in the number 3.1.
func (d *DAG) shortened(n *Node) {
	whole, fraction, ok := strings.Cut(n.Text, ".")
	if ok && len(whole) <= 4 && len(fraction) == 2 && fraction[1] == '0' && fraction[0] != '0' && jsonNumber().MatchString(n.Text) {
		d.reportAs(Info, yNumber, d.span(n), "%s is a number here, %s.%s; quote it if it is text", n.Text, whole, fraction[:1])
	}
}

// A place is a schema inside a document; root is for its references.
type place struct{ root, at any }

// member returns the schema of a mapping's key, or of a list's "items".
func member(schema, at any, key string) any {
	root := schema
	if p, ok := schema.(place); ok {
		root = p.root
	}
	m, _ := at.(map[string]any)
	if m["items"] == nil && m["properties"] == nil && m["additionalProperties"] == nil {
		m = onlyBranch(root, m, key == "items")
	}
	if key == "items" {
		if m["items"] != nil {
			return place{root, m["items"]}
		}
	}
	if props, ok := m["properties"].(map[string]any); ok && props[key] != nil {
		return place{root, props[key]}
	}
	if more, ok := m["additionalProperties"].(map[string]any); ok && m["patternProperties"] == nil {
		return place{root, more}
	}
	return nil
}

// onlyBranch returns the one branch of a schema's anyOf or oneOf that a list, or a map, can be, else the schema itself.
func onlyBranch(root any, m map[string]any, list bool) map[string]any {
	want, found := "object", m
	if list {
		want = "array"
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		branches, _ := m[key].([]any)
		fit := 0
		for _, b := range branches {
			branch, _ := resolveRef(place{root, b}, nil).(map[string]any)
			if types := admitted(branch); types == nil || slices.Contains(types, want) {
				found = branch
				fit++
			}
		}
		switch {
		case fit == 1:
			return found
		case branches != nil:
			return m
		}
	}
	return m
}

// resolveRef follows $ref inside the document.
func resolveRef(schema, root any) any {
	if p, ok := schema.(place); ok {
		schema, root = p.at, p.root
	}
	for range 10 { // a schema whose references go round compiles; nobody writes a chain of ten
		m, ok := schema.(map[string]any)
		ref, isRef := m["$ref"].(string)
		if !ok || !isRef || !strings.HasPrefix(ref, "#/") {
			return schema
		}
		at := root
		for _, part := range strings.Split(ref[2:], "/") {
			mm, _ := at.(map[string]any)
			at = mm[part]
		}
		schema = at
	}
	return schema
}

// scalarTypes returns which types of scalars a schema admits, nil = any. Lists and maps are left out:
// a scalar cannot be one, so `type: [string, array]` leaves no choice for it.
func scalarTypes(s any) []string {
	m, _ := s.(map[string]any)
	var out []string
	switch t := m["type"].(type) {
	case string:
		out = []string{t}
	case []any:
		for _, x := range t {
			if name, ok := x.(string); ok {
				out = append(out, name)
			}
		}
	default:
		for _, key := range []string{"anyOf", "oneOf"} {
			list, _ := m[key].([]any)
			for _, b := range list {
				types := scalarTypes(b)
				if types == nil {
					return nil
				}
				out = append(out, types...)
			}
		}
	}
	out = slices.DeleteFunc(out, func(t string) bool { return t == "array" || t == "object" })
	slices.Sort(out)
	return slices.Compact(out)
}

// encode writes a JSON value in its one form: keys sorted, no escaping for HTML.
func encode(v any) json.RawMessage {
	b, err := expr.EncodeJSON(v)
	if err != nil { // only numbers that JSON lacks, which nothing here makes
		b, _ = json.Marshal(nil)
	}
	return bytes.Clone(b)
}
