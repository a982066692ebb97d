package tests

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// asEditor reads YAML as an editor does, by the core schema of YAML 1.2: what JSON Schema then judges.
func asEditor(t *testing.T, text string) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return valueOf(doc.Content[0])
}

func valueOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return valueOf(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, valueOf(c))
		}
		return list
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			if key := n.Content[i]; key.Tag != "!!merge" {
				m[key.Value] = valueOf(n.Content[i+1])
			}
		}
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Tag == "!!merge" {
				mergeInto(m, valueOf(n.Content[i+1]))
			}
		}
		return m
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.Value
	}
	return coreScalar(n.Value)
}

func mergeInto(m map[string]any, from any) {
	switch from := from.(type) {
	case []any:
		for _, one := range from {
			mergeInto(m, one)
		}
	case map[string]any:
		for k, v := range from {
			if _, has := m[k]; !has {
				m[k] = v
			}
		}
	}
}

var coreNumber = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

func coreScalar(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	if !coreNumber.MatchString(s) {
		return s
	}
	digits := strings.TrimPrefix(s, "+")
	if whole := strings.TrimLeft(strings.TrimPrefix(digits, "-"), "0"); !strings.ContainsAny(s, ".eE") {
		if whole == "" {
			whole = "0"
		}
		if strings.HasPrefix(digits, "-") {
			whole = "-" + whole
		}
		return json.Number(whole)
	}
	var f float64
	if json.Unmarshal([]byte(digits), &f) != nil { // .5 or 5.
		return 0.5
	}
	return json.Number(digits)
}
