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
			if d.full() {
				if d.byID[n.Text] != nil && n.Text != t.ID {
					kept = append(kept, n)
				}
				continue
			}
			at := d.span(n)
			first := seen[n.Text]
			switch {
			case n.Text == t.ID:
				d.report(gSelf, at, "task %q needs itself", t.ID)
			case d.byID[n.Text] == nil && d.gluedItem(n):
			case d.byID[n.Text] == nil:
				like, looks := d.isLookAlike(n.Text)
				if looks && latin(like) == n.Text { // the task's id is what is wrong, and reported
					continue
				}
				diag := d.report(gUnknown, at, "task %q needs %q, which does not exist", t.ID, n.Text)
				if looks && diag.lookAlike(d, at, n.Text, func(string) bool { return false }) {
					diag.related(d.span(d.byID[like].key), "%q is defined here", like)
					continue
				}
				if id := d.idOf(n.Text); id != "" {
					diag.instead(n.Text, id)
					continue
				}
				if list := d.listInText(n.Text); list != "" {
					diag.label("write `%s`", list)
					continue
				}
				if !d.compare(len(ids)) {
					continue
				}
				others := without(ids, t.ID)
				diag.suggest(n.Text, others)
				if near := nearest(n.Text, others); len(near) == 1 {
					diag.related(d.span(d.byID[near[0]].key), "%q is defined here", near[0])
				}
			case first != nil:
				d.report(gTwice, at, "task %q needs %q twice", t.ID, n.Text).related(d.span(first), "the first time").
					dropItem(d, t.f.get("needs"), n)
			default:
				seen[n.Text] = n
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

// idOf reads a task that is named as expressions name it: tasks.a, tasks.a.output, a.output.
func (d *DAG) idOf(text string) string {
	id, field, _ := strings.Cut(strings.TrimPrefix(text, "tasks."), ".")
	if d.byID[id] == nil || id == text || !slices.Contains([]string{"", "output", "outputs", "state", "ref"}, field) {
		return ""
	}
	return id
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
