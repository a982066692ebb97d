package spec

import (
	"slices"
	"strings"
)

// ruleNeeds resolves `needs`: each entry another task of this DAG, once. It runs first: the rules
// after it take for granted that what a task needs exists.
func ruleNeeds(d *DAG) {
	ids := d.ids()
	for _, t := range d.tasks { // a need that is wrong is dropped, so that nothing follows from it
		seen := map[string]*Node{}
		kept := t.needs[:0]
		for _, n := range t.needs {
			at := d.span(n.node)
			first := seen[n.id]
			switch {
			case n.id == t.ID:
				d.report(gSelf, at, "task %q needs itself", t.ID)
			case d.byID[n.id] == nil:
				diag := d.report(gUnknown, at, "task %q needs %q, which does not exist", t.ID, n.id)
				if list := d.listInText(n.id); list != "" {
					diag.label("write `%s`", list)
					continue
				}
				diag.suggest(n.id, without(ids, t.ID))
				if near := nearest(n.id, without(ids, t.ID)); len(near) == 1 {
					diag.related(d.span(d.byID[near[0]].key), "%q is defined here", near[0])
				}
			case first != nil:
				d.report(gTwice, at, "task %q needs %q twice", t.ID, n.id).related(d.span(first), "the first time").
					dropItem(d, t.f.get("needs"), n.node)
			default:
				seen[n.id] = n.node
				kept = append(kept, n)
			}
		}
		t.needs = kept
	}
}

// ids returns the tasks' ids in file order.
func (d *DAG) ids() []string {
	ids := make([]string, len(d.tasks))
	for i, t := range d.tasks {
		ids[i] = t.ID
	}
	return ids
}

func without(ids []string, id string) []string {
	out := make([]string, 0, len(ids))
	for _, x := range ids {
		if x != id {
			out = append(out, x)
		}
	}
	return out
}

// listInText reads what is meant as several tasks in one text: "a, b", "a b", "[a, b]", "a >> b".
func (d *DAG) listInText(text string) string {
	if !strings.ContainsAny(text, ", >&") {
		return ""
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", >&[]'\"", r) })
	if len(parts) < 2 || slices.ContainsFunc(parts, func(id string) bool { return d.byID[id] == nil }) {
		return ""
	}
	return "[" + joinWords(parts) + "]"
}
