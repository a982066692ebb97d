package rehearse

import (
	"encoding/json"
	"slices"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
)

// Where a case gives no output of a task, its success has a sample of what the task, or else its
// plugin, declares: so a case about who runs when need not make values up. A sample decides nothing:
// see lacks.

// sample is the smallest value of a task's output; nil = null.
func (s *Stage) sample(p plugins.Plugin, t *machine.Task) json.RawMessage {
	if len(t.Outputs) == 0 {
		return encoded(smallest(decoded(p.Schema().Output), 0))
	}
	m := make(map[string]any, len(t.Outputs))
	for _, o := range t.Outputs {
		m[o.Name] = smallest(decoded(o.Schema), 0)
	}
	return encoded(m)
}

func decoded(raw json.RawMessage) any {
	v, err := expr.DecodeJSON(raw)
	if err != nil {
		return nil
	}
	return v
}

func encoded(v any) json.RawMessage {
	b, err := expr.EncodeJSON(v)
	if err != nil || v == nil {
		return nil
	}
	return b
}

// deepest bounds a schema that refers to itself.
const deepest = 8

// smallest is the smallest value of a JSON Schema, as far as that is plain: the first of its choices,
// the default, else what is empty or nothing of its type.
func smallest(schema any, depth int) any {
	m, ok := schema.(map[string]any)
	if !ok || depth > deepest {
		return nil
	}
	if v, ok := m["const"]; ok {
		return v
	}
	if v, ok := m["default"]; ok {
		return v
	}
	if list, ok := m["enum"].([]any); ok && len(list) > 0 {
		return list[0]
	}
	kind, _ := m["type"].(string)
	if list, ok := m["type"].([]any); ok && len(list) > 0 && !slices.Contains(list, any("null")) {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "string":
		return ""
	case "integer", "number":
		if least, ok := m["minimum"]; ok {
			return least
		}
		return 0
	case "boolean":
		return false
	case "array":
		return []any{}
	case "object":
		out := map[string]any{}
		props, _ := m["properties"].(map[string]any)
		for name, of := range props {
			out[name] = smallest(of, depth+1)
		}
		return out
	}
	return nil
}
