package spec

import (
	"maps"
	"slices"

	"weft/machine"
	"weft/schema"
)

// ruleDeclared holds the outputs that a task declares against what its plugin says that it gives: one that never comes
// fails the task each time, at its end.
func ruleDeclared(d *DAG) {
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		if !t.known || len(t.Outputs) == 0 || len(t.plugin.Output) == 0 {
			continue
		}
		gives, _ := schemaValue(t.plugin.Output).(map[string]any)
		props, _ := gives["properties"].(map[string]any)
		switch kinds := admitted(gives); {
		case slices.Equal(kinds, []string{"object"}):
			d.declaredMembers(t, props, gives["additionalProperties"] == false)
		case kinds == nil || slices.Contains(kinds, "object") || slices.Contains(kinds, "null"):
		default:
			d.report(sType, d.span(t.f.key("outputs")), "`outputs` declares the members of a map, and %s gives %s", t.Uses, schema.TypeWords(kinds...)).
				help("leave `outputs` out")
		}
	}
}

// declaredMembers checks each output that a task declares; props is what its plugin gives, closed that it gives nothing
// else.
func (d *DAG) declaredMembers(t *task, props map[string]any, closed bool) {
	for _, f := range t.f.get("outputs").fieldsOrNone() {
		given, there := props[f.Key.Text]
		if !there {
			if closed && !f.Key.bad {
				d.report(sUnknownKey, d.span(f.Key), "the output of %s has no %q", t.Uses, f.Key.Text).
					suggest(f.Key.Text, slices.Sorted(maps.Keys(props))).unlessTaken(t.f.get("outputs"))
			}
			continue
		}
		i := slices.IndexFunc(t.Outputs, func(o machine.Output) bool { return o.Name == f.Key.Text })
		if i < 0 {
			continue
		}
		wants, gives := admitted(schemaValue(t.Outputs[i].Schema)), admitted(given)
		if wants == nil || gives == nil || slices.ContainsFunc(gives, func(g string) bool { return agree(g, wants) }) {
			continue
		}
		d.report(sValue, d.span(f.Value), "%s gives %q as %s, and never as %s", t.Uses, f.Key.Text, schema.TypeWords(gives...), schema.TypeWords(wants...))
	}
}

// agree tells whether a value of one type may be of one of others.
func agree(kind string, others []string) bool {
	return slices.ContainsFunc(others, func(o string) bool {
		return o == kind || o == "integer" && kind == "number" || o == "number" && kind == "integer"
	})
}
