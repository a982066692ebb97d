package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"weft/expr"
	"weft/machine"
	"weft/schema"
)

// A ParamProblem is one thing wrong with the params given to a run.
type ParamProblem struct {
	Name    string
	Message string   // "is not a param of this DAG", to follow the name
	Suggest []string // for a name that is not declared
}

func (p ParamProblem) String() string {
	s := fmt.Sprintf("param %q %s", p.Name, p.Message)
	if len(p.Suggest) > 0 {
		s += "; did you mean " + orWords(quoted(p.Suggest)) + "?"
	}
	return s
}

// CheckParams makes a run's params of what was given: given are JSON values, text is text that the
// param's schema types (text if the schema admits a string, else JSON). Defaults are filled in. It
// returns every problem, by name in the order of the DAG, undeclared ones first.
func CheckParams(p *machine.Plan, given map[string]any, text map[string]string) (map[string]any, []ParamProblem) {
	declared := make(map[string]bool, len(p.Params))
	names := make([]string, 0, len(p.Params))
	for _, prm := range p.Params {
		declared[prm.Name] = true
		names = append(names, prm.Name)
	}
	var problems []ParamProblem
	all := map[string]bool{}
	for name := range given {
		all[name] = true
	}
	for name := range text {
		all[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !declared[name] {
			problems = append(problems, ParamProblem{name, "is not declared by this DAG", nearest(name, names)})
		}
	}
	values := make(map[string]any, len(p.Params))
	for _, prm := range p.Params {
		v, bad := paramValue(prm, given, text)
		problems = append(problems, bad...)
		if len(bad) == 0 {
			values[prm.Name] = v
		}
	}
	return values, problems
}

// paramValue finds and checks one param: text goes before JSON, JSON before the default. A default
// is not checked again: that was done when the file was read, and its plan is the one in force. The
// errors of reading a plan's own schema are reported as problems of the param, for they mean that the
// plan was written by another version, and the run cannot begin either way.
func paramValue(prm machine.Param, given map[string]any, text map[string]string) (any, []ParamProblem) {
	v, has := given[prm.Name]
	if s, ok := text[prm.Name]; ok {
		v, has = textParam(prm.Schema, s), true
	}
	if !has {
		if prm.Default == nil {
			return nil, []ParamProblem{{Name: prm.Name, Message: "is missing: it has no default"}}
		}
		v, err := expr.DecodeJSON(prm.Default)
		if err != nil {
			return nil, []ParamProblem{{Name: prm.Name, Message: "has a default that cannot be read"}}
		}
		return wholeNumber(prm, v)
	}
	c, err := schema.Compile(prm.Schema)
	if err != nil {
		return nil, []ParamProblem{{Name: prm.Name, Message: "has a schema that cannot be used"}}
	}
	var bad []ParamProblem
	for _, viol := range c.Check(v) {
		bad = append(bad, ParamProblem{Name: prm.Name, Message: ofPathPrefix(viol.Path) + viol.Message})
	}
	if len(bad) > 0 {
		return v, bad
	}
	return wholeNumber(prm, v)
}

// wholeNumber makes an int of what a param that is declared integer was given as 3.0, and refuses
// what has more than 64 bits: it would arrive as another number.
func wholeNumber(prm machine.Param, v any) (any, []ParamProblem) {
	f, ok := v.(float64)
	if !ok || expr.TypeOfSchema(prm.Schema).Kind != expr.KindInt {
		return v, nil
	}
	if math.Abs(f) > 1<<53 {
		return v, []ParamProblem{{Name: prm.Name, Message: "is too large: a whole number has 64 bits"}}
	}
	return int(f), nil
}

// textParam types `-p k=v`. A schema that says nothing of the type takes text, as the command line
// gives it: `-p day=2026-01-02` never becomes a date, nor `-p id=007` a seven. Text that is no JSON where JSON is wanted stays text, for the check to
// say what was wanted.
func textParam(raw json.RawMessage, s string) any {
	types := scalarTypes(schemaValue(raw))
	m, _ := schemaValue(raw).(map[string]any)
	if m["type"] == nil && types == nil || slices.Contains(types, "string") {
		return s
	}
	v, err := expr.DecodeJSON([]byte(s))
	if err != nil {
		return s
	}
	return v
}
