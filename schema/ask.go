package schema

import (
	"maps"
	"slices"
)

// askWord marks an input of a plugin that is no value, but a bare expression in the DAG's file, with
// the names that it sees beside the usual ones: "x-weft-expr": ["output"].
const askWord = "x-weft-expr"

// An Ask is an input that is a condition on what the plugin gives: an expression that must be true of
// the output, or the attempt has failed. The plugin never gets it.
type Ask struct {
	Path []string // keys of the input, from its root
	Sees []string // names that the expression sees beside the usual ones
}

// Asks returns the inputs that a plugin's schema marks as expressions, in the order of their paths.
// They are found below properties alone: an expression has one place, known when the file is read.
func (c *Checker) Asks() []Ask { return c.asks }

func asksOf(doc any, path []string) []Ask {
	m, _ := doc.(map[string]any)
	if names, ok := m[askWord].([]any); ok {
		ask := Ask{Path: path}
		for _, n := range names {
			if s, ok := n.(string); ok {
				ask.Sees = append(ask.Sees, s)
			}
		}
		return []Ask{ask}
	}
	props, _ := m["properties"].(map[string]any)
	var found []Ask
	for _, key := range slices.Sorted(maps.Keys(props)) {
		found = append(found, asksOf(props[key], append(slices.Clip(path), key))...)
	}
	return found
}
