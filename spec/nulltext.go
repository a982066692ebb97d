package spec

import (
	"slices"
	"strings"
)

// nullText warns of a plain null in an input that can only be text: scalars are typed by their place, so it is the four
// letters, and a job would be called "null". want is the JSON Schema of the place.
func (d *DAG) nullText(where, path string, n *Node, want any) {
	if where != "with" || n.Quote != Plain || len(n.Text) != len("null") || !slices.Contains([]string{"null", "Null", "NULL"}, n.Text) ||
		!slices.Equal(admitted(want), []string{"string"}) {
		return
	}
	name := pathWords(strings.Split(strings.TrimPrefix(path, "with."), "."))
	d.reportAs(Warning, sInput, d.span(n), "`%s` is text, and so this is the text %q", name, n.Text).
		help("for no value leave `%s` out; for the text write it in quotes", name)
}
