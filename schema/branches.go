package schema

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A validator reports of anyOf and oneOf why each branch failed, which is noise: `path: 3` is no list,
// and no map either, and neither is what its author wanted to hear. The branches that want another
// type altogether were not meant; what is left is mostly one.

// branches folds the alternatives of anyOf and oneOf into what a person wants to hear: the
// branch that was plainly meant if there is one, else what would have been right.
func (t teller) branches(e *jsonschema.ValidationError, keyword string, at map[string]any) []Violation {
	path := pointer(e.InstanceLocation)
	alternatives, _ := at[keyword].([]any)
	if len(e.Causes) == 0 { // oneOf: more than one holds
		v := Violation{Path: path, Keyword: keyword, Message: "fits more than one of its forms"}
		if names := requiredNames(alternatives); len(names) > 0 {
			v.Choices = names
			v.Message = "may have only one of " + strings.Join(quoteAll(names), ", ")
		}
		return []Violation{v}
	}
	var kinds []string // types that some branch wants here
	var meant [][]Violation
	for _, c := range e.Causes {
		found := t.tell(c)
		if want, here := t.typeHere(c, path); here {
			kinds = append(kinds, want...)
			continue
		}
		meant = append(meant, found)
	}
	switch {
	case len(meant) == 1:
		return meant[0]
	case len(meant) == 0:
		slices.Sort(kinds)
		kinds = slices.Compact(kinds)
		value := resolve(t.root, path)
		return []Violation{{Path: path, Keyword: "type", Message: "must be " + TypeWords(kinds...) + ", not " + valueWords(value)}}
	}
	if names := requiredNames(alternatives); len(names) > 0 {
		return []Violation{{Path: path, Keyword: keyword, Choices: names, Message: "needs one of " + strings.Join(quoteAll(names), ", ")}}
	}
	if all := merged(meant, path); all != nil {
		return all
	}
	return []Violation{{Path: path, Keyword: keyword, Message: "fits none of its forms: " + meant[0][0].Message}}
}

// typeHere tells which types a branch asks of the value itself, if that is what failed. Such a branch
// was not meant; one that fails deeper down may have been.
func (t teller) typeHere(e *jsonschema.ValidationError, path []string) ([]string, bool) {
	for len(e.Causes) == 1 {
		e = e.Causes[0]
	}
	keyword, at := t.keyword(e)
	if keyword == "anyOf" && len(e.Causes) > 0 { // a choice within a branch
		var all []string
		for _, c := range e.Causes {
			names, here := t.typeHere(c, path)
			if !here {
				return nil, false
			}
			all = append(all, names...)
		}
		return all, true
	}
	if keyword != "type" || !slices.Equal(pointer(e.InstanceLocation), path) {
		return nil, false
	}
	switch want := at["type"].(type) {
	case string:
		return []string{want}, true
	case []any:
		var names []string
		for _, w := range want {
			if s, ok := w.(string); ok {
				names = append(names, s)
			}
		}
		return names, true
	}
	return nil, false
}

// merged joins branches that are all choices of the same value, into one list of what is right; nil if
// any branch complains of something else.
func merged(meant [][]Violation, path []string) []Violation {
	var choices []string
	for _, m := range meant {
		if len(m) != 1 || !slices.Equal(m[0].Path, path) || len(m[0].Choices) == 0 || m[0].Name != "" {
			return nil
		}
		choices = append(choices, m[0].Choices...)
	}
	return []Violation{{Path: path, Keyword: "enum", Choices: choices, Message: "must be " + orList(quoteAll(choices))}}
}

// requiredNames returns the keys of alternatives that each are just {required: [one key]}, the way in
// which a plugin says "one of these inputs"; nil if any alternative asks for something else.
func requiredNames(alternatives []any) []string {
	var names []string
	for _, a := range alternatives {
		m, _ := a.(map[string]any)
		req, _ := m["required"].([]any)
		if len(req) != 1 {
			return nil
		}
		name, _ := req[0].(string)
		names = append(names, name)
	}
	return names
}

// matchesPattern tells whether a schema admits a key by its form.
func matchesPattern(at map[string]any, name string) bool {
	patterns, _ := at["patternProperties"].(map[string]any)
	for p := range patterns {
		if re, err := regexp.Compile(p); err == nil && re.MatchString(name) {
			return true
		}
	}
	return false
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
