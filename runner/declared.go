package runner

import (
	"encoding/json"
	"fmt"
	"strings"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/schema"
)

// declared compares an output with the task's `outputs`: an object that has every name, each of
// its type. Values that came as text are typed on the way: text where the type admits it, else
// JSON. changed tells that one became something else.
func (a *attempt) declared(out *output, text bool) (changed bool, err error) {
	outputs := a.o.Task.Outputs
	if len(outputs) == 0 {
		return false, nil
	}
	m, ok := out.value.(map[string]any)
	if !ok {
		out.wrong = fmt.Errorf("outputs declares %s, but the task gave %s", namesOf(outputs), describe(out.value))
		return false, nil
	}
	var wrong []string
	for _, o := range outputs {
		check, err := a.x.checkers.of(outputSchema(o.Schema))
		if err != nil {
			return false, plugins.Errorf(plugins.BadInput, "cannot check output %s: %w", o.Name, err)
		}
		v, given := m[o.Name]
		if !given {
			wrong = append(wrong, o.Name+" is declared in outputs, but missing")
			continue
		}
		typed, bad := typeText(check, v, text)
		if s, was := v.(string); was && typed != any(s) {
			m[o.Name], changed = typed, true
		}
		if len(bad) > 0 {
			name := o.Name
			wrong = append(wrong, violations(bad, func(path string) string { return join(name, path) }))
		}
	}
	if len(wrong) > 0 {
		out.wrong = fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return changed, nil
}

// typeText finds what a value means under its schema. What is wrong is said of the value as it came.
func typeText(check *schema.Checker, v any, text bool) (any, []schema.Violation) {
	bad := check.Check(v)
	s, isText := v.(string)
	if len(bad) == 0 || !isText || !text {
		return v, bad
	}
	other, err := expr.DecodeJSON([]byte(s))
	if err != nil || len(check.Check(other)) > 0 {
		return v, bad
	}
	return other, nil
}

// outputSchema reads the short form too: a type's name, or any.
func outputSchema(raw json.RawMessage) json.RawMessage {
	switch s := strings.TrimSpace(string(raw)); {
	case s == `"any"`:
		return nil
	case strings.HasPrefix(s, `"`):
		return json.RawMessage(`{"type":` + s + `}`)
	}
	return raw
}

func namesOf(outputs []machine.Output) string {
	names := make([]string, len(outputs))
	for i, o := range outputs {
		names[i] = o.Name
	}
	return strings.Join(names, ", ")
}

// describe says what a value is that is no object, in few words.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "no output"
	case string:
		if r := []rune(v); len(r) > 40 {
			return fmt.Sprintf("the text %q…", string(r[:40]))
		}
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case []any:
		return "a list"
	}
	return "a number"
}
