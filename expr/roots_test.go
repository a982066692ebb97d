package expr

import (
	"slices"
	"testing"
)

func TestTheRootsThatAnExpressionReads(t *testing.T) {
	for src, want := range map[string][]string{
		"true":                                   nil,
		"output.exists":                          {"output"},
		"len(output) > 3":                        {"output"},
		`output["a"].b?.c == params.x ?? run.ds`: {"output", "params", "run"},
		"output[index]":                          {"output", "index"},
		`filter(output.rows, .n > poke)`:         {"output", "poke"},
		`any([env, {"k": item}], # != tasks.a.output)`:               {"env", "item", "tasks"},
		"${{ output.n > 1 ? vars.a : !secrets.B }}":                  {"output", "vars", "secrets"},
		`"tasks.x" + output.tasks.params`:                            {"output"},
		"min(output.a, dag.n)[1:poke] == sort(run.list, item.value)": {"output", "dag", "poke", "run", "item"},
	} {
		if got, ok := RootsOf(src); !ok || !slices.Equal(got, want) {
			t.Errorf("%s reads %q, %v; want %q", src, got, ok, want)
		}
	}
	for _, src := range []string{"", "output +", "a b", "${{ x"} {
		if got, ok := RootsOf(src); ok {
			t.Errorf("%s cannot be read, and reads %q", src, got)
		}
	}
}
