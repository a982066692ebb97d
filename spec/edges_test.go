package spec

import (
	"fmt"
	"strings"
	"testing"
)

// TestEdges: each task as "id: needs | refs | reads", from sketches "id needs… @refs…".
func TestEdges(t *testing.T) {
	for _, row := range []struct{ name, sketch, want string }{
		{"a reference makes an edge", "a; b @a", "a: | | ; b: | a | a"},
		{"not to what is needed already", "a; b a @a", "a: | | ; b: a | | a"},
		{"nor to an ancestor", "a; b a; c b @a", "a: | | ; b: a | | ; c: b | | a"},
		{"nor to an ancestor by references", "a; b @a; c @b @a", "a: | | ; b: | a | a ; c: | b | a b"},
		{"whatever the order in the file", "c @b @a; b @a; a", "c: | b | b a ; b: | a | a ; a: | |"},
		{"siblings stay", "a; b; c @a @b", "a: | | ; b: | | ; c: | a b | a b"},
		{"one edge a pair", "a; b @a @a", "a: | | ; b: | a | a"},
		{"needs keep their order", "a; b; c b a", "a: | | ; b: | | ; c: b a | |"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d, found := Parse("e.yaml", []byte(sketched(row.sketch)), online())
			if len(found) > 0 {
				t.Fatal(show(found))
			}
			plan, err := d.Plan()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, task := range plan.Tasks {
				got = append(got, fmt.Sprintf("%s: %s | %s | %s", task.ID, strings.Join(task.Needs, " "), strings.Join(task.Refs, " "), strings.Join(task.Reads, " ")))
			}
			if line := squeeze(strings.Join(got, " ; ")); line != squeeze(row.want) {
				t.Errorf("got  %s\nwant %s", line, squeeze(row.want))
			}
		})
	}
}

func sketched(sketch string) string {
	var b strings.Builder
	b.WriteString("tasks:\n")
	for _, task := range strings.Split(sketch, ";") {
		words := strings.Fields(task)
		var needs, refs []string
		for _, w := range words[1:] {
			if r, ok := strings.CutPrefix(w, "@"); ok {
				refs = append(refs, "${{ tasks."+r+".output }}")
			} else {
				needs = append(needs, w)
			}
		}
		fmt.Fprintf(&b, "  %s: {needs: [%s], run: \"echo %s\"}\n", words[0], strings.Join(needs, ", "), strings.Join(refs, " "))
	}
	return b.String()
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
