package spec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weft/machine"
)

// TestCheckParams: params as a DAG declares them, what is given, and what a run gets or is told.
func TestCheckParams(t *testing.T) {
	const decl = `
  day: {type: string}
  n: {type: integer, minimum: 1, default: 10}
  tags: {type: array, items: {type: string}, default: [a]}
  either: {type: [string, integer], default: 010}
  free: {default: null}
`
	d, found := Parse("p.yaml", []byte("params:"+decl+"tasks:\n  a: {run: 'echo ${{ toJSON(params) }}'}\n"), online())
	if len(found) > 0 {
		t.Fatal(show(found))
	}
	plan, err := d.Plan()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, json, text, want string }{
		{"defaults are filled in", `{"day":"x"}`, ``, `{"day":"x","either":"010","free":null,"n":10,"tags":["a"]}`},
		{"text is text where the schema admits it", ``, `day=7 either=8`, `{"day":"7","either":"8","free":null,"n":10,"tags":["a"]}`},
		{"else it is JSON", ``, `day=x n=3 tags=["b"]`, `{"day":"x","either":"010","free":null,"n":3,"tags":["b"]}`},
		{"text goes before JSON", `{"day":"x","n":1}`, `n=2`, `{"day":"x","either":"010","free":null,"n":2,"tags":["a"]}`},
		{"a missing one", ``, ``, `param "day" is missing: it has no default`},
		{"an undeclared one", `{"day":"x"}`, `dya=x`, `param "dya" is not declared by this DAG; did you mean "day"?`},
		{"a wrong one", `{"day":"x"}`, `n=three`, `param "n" must be a whole number, not text`},
		{"two wrong ones", `{"day":1}`, `n=0`, `param "day" must be text, not 1; param "n" must be at least 1`},
		{"deep inside", `{"day":"x","tags":["a",1]}`, ``, "param \"tags\" at `1` must be text, not 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := checkParams(t, plan, row.json, row.text); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func checkParams(t *testing.T, plan *machine.Plan, given, text string) string {
	t.Helper()
	var values map[string]any
	if given != "" {
		if err := json.Unmarshal([]byte(given), &values); err != nil {
			t.Fatal(err)
		}
	}
	texts := map[string]string{}
	for _, kv := range strings.Fields(text) {
		k, v, _ := strings.Cut(kv, "=")
		texts[k] = v
	}
	got, problems := CheckParams(plan, values, texts)
	if len(problems) > 0 {
		var all []string
		for _, p := range problems {
			all = append(all, p.String())
		}
		return strings.Join(all, "; ")
	}
	b, err := json.Marshal(got)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}
