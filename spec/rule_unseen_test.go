package spec

import (
	"fmt"
	"slices"
	"testing"
)

// TestUnseenIsTheTable: a condition on one state of an upstream task is told of where the table of section 5 lets the
// task run in no world with that state, and nowhere else; alone, and beside another upstream task.
func TestUnseenIsTheTable(t *testing.T) {
	told := 0
	for _, rule := range triggerRules {
		for _, up := range []string{"[a]", "[a, b]"} {
			for _, s := range states {
				for _, not := range []string{"", "not "} {
					src := fmt.Sprintf("tasks:\n  a: {run: echo}\n  b: {run: echo}\n  c: {needs: %s, trigger: %s, when: %s(tasks.a.state == %q), run: echo}\n", up, rule, not, s.name)
					_, found := Parse("c.yaml", []byte(src), online())
					got := slices.ContainsFunc(found, func(d Diagnostic) bool { return d.Code == gNever })
					if want := !runsWith(rule, up == "[a, b]", s.of, not != ""); got != want {
						t.Errorf("told of: %t, should be %t:\n%s%s", got, want, src, show(found))
					}
					if got {
						told++
					}
				}
			}
		}
	}
	if told < 40 {
		t.Errorf("only %d were told of", told)
	}
}

// runsWith tells whether a rule says run in some world in which a task is, or is not, in a state. A rule that does not
// wait may have run before it had any, which is then not the one that is asked for.
func runsWith(rule string, two bool, state outcomes, not bool) bool {
	others := []outcomes{0}
	if two {
		others = []outcomes{maySucceed, maySkip, mayFail, mayMiss}
	}
	for _, a := range []outcomes{maySucceed, maySkip, mayFail, mayMiss} {
		if (a == state) == not {
			continue
		}
		for _, b := range others {
			count := func(o outcomes) (n int) {
				for _, x := range []outcomes{a, b} {
					if x == o {
						n++
					}
				}
				return n
			}
			n := 1
			if two {
				n = 2
			}
			if section5[rule].run(n, count(maySucceed), count(maySkip), count(mayFail), count(mayMiss)) {
				return true
			}
		}
	}
	return not && rule == "always" || not && two && slices.Contains([]string{"one_success", "one_failed", "one_done"}, rule)
}
