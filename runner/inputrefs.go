package runner

import (
	"maps"
	"strings"

	"weft/handoff"
	"weft/machine"
)

// inputVars are what expressions of `inputs` see: as elsewhere, but for the `.ref` of an output that
// is kept with the run, which holds the value itself. So a small output and a large one are laid out
// by the same words.
func (a *attempt) inputVars() map[string]any {
	reads := false
	for _, v := range a.o.Task.Inputs {
		reads = reads || strings.Contains(v.Value, "ref")
	}
	tasks, ok := a.vars["tasks"].(map[string]any)
	if !reads || !ok {
		return a.vars
	}
	vars, withRefs := maps.Clone(a.vars), maps.Clone(tasks)
	for id, view := range a.views {
		seen, ok := tasks[id].(map[string]any)
		if !ok {
			continue
		}
		seen = maps.Clone(seen) // others of the attempt's expressions see the original
		if ref := inlineRef(view.Output, view.Ref); ref != nil && !view.Mapped {
			seen["ref"] = ref
		}
		if list, ok := seen["instances"].([]any); ok {
			seen["instances"] = instancesWithRefs(list, view.Instances)
		}
		withRefs[id] = seen
	}
	vars["tasks"] = withRefs
	return vars
}

// instancesWithRefs does the same for each instance of a mapped task; the list itself has no one output.
func instancesWithRefs(list []any, views []machine.InstanceView) []any {
	out := make([]any, len(list))
	for i, one := range list {
		out[i] = one
		m, ok := one.(map[string]any)
		if !ok || i >= len(views) {
			continue
		}
		if ref := inlineRef(views[i].Output, views[i].Ref); ref != nil {
			m = maps.Clone(m)
			m["ref"], out[i] = ref, m
		}
	}
	return out
}

// inlineRef makes the `.ref` of an output that has none; nil where there is no output either.
func inlineRef(raw machine.Raw, ref *machine.Ref) any {
	if raw == nil || ref != nil {
		return nil
	}
	return machine.Artifact{Ref: handoff.Inline(raw)}.Value()
}
