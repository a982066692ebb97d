package sim

import (
	"testing"

	"weft/machine"
)

// The oracle is held against a few rows of the language's table by hand: a judge that lets
// everything pass would make every story green.
func TestTheOracleKnowsTheTable(t *testing.T) {
	const S, K, F, U = machine.Success, machine.Skipped, machine.Failed, machine.UpstreamFailed
	for _, row := range []struct {
		rule   string
		a, b   machine.State
		may    []machine.State
		mayNot []machine.State
	}{
		{"all_success", S, S, []machine.State{S, F, K}, []machine.State{U}},
		{"all_success", S, F, []machine.State{U}, []machine.State{S, F, K}},
		{"all_success", K, F, []machine.State{U}, []machine.State{K}}, // ★: not by who came first
		{"all_success", K, S, []machine.State{K}, []machine.State{U, S}},
		{"all_failed", F, U, []machine.State{S}, []machine.State{U}},
		{"all_failed", F, S, []machine.State{K}, []machine.State{U, S}},
		{"one_success", K, F, []machine.State{U}, []machine.State{K, S}},
		{"one_success", K, K, []machine.State{K}, []machine.State{U}},
		{"one_failed", U, S, []machine.State{S}, []machine.State{U}},
		{"one_done", K, U, []machine.State{K}, []machine.State{U, S}},
		{"none_failed_min_one_success", K, S, []machine.State{S}, []machine.State{U}},
		{"none_failed_min_one_success", K, K, []machine.State{K}, []machine.State{U, S}},
		{"none_skipped", F, U, []machine.State{S}, []machine.State{U}},
		{"all_done_min_one_success", F, U, []machine.State{U}, []machine.State{K, S}},
		{"always", F, F, []machine.State{S, F}, []machine.State{U}},
	} {
		judge := func(z machine.State) error {
			d := &dag{plan: plan(t, machine.Task{ID: "a"}, machine.Task{ID: "b"}, machine.Task{ID: "z", Needs: []string{"a", "b"}}), traits: map[string]*traits{"a": {}, "b": {}, "z": {}}}
			d.plan.Tasks[2].Trigger.Rule = row.rule
			o := &oracle{d: d, states: map[string]machine.State{"a": row.a, "b": row.b}}
			return o.task(&d.plan.Tasks[2], machine.TaskSummary{State: z})
		}
		for _, z := range row.may {
			if err := judge(z); err != nil {
				t.Errorf("%s after %s, %s: %s is refused: %v", row.rule, row.a, row.b, z, err)
			}
		}
		for _, z := range row.mayNot {
			if judge(z) == nil {
				t.Errorf("%s after %s, %s: %s passes", row.rule, row.a, row.b, z)
			}
		}
	}
}

func TestTheOracleKnowsTheVerdicts(t *testing.T) {
	d := &dag{plan: plan(t, machine.Task{ID: "a"}, machine.Task{ID: "z", Needs: []string{"a"}})}
	states := map[string]machine.State{"a": machine.Failed, "z": machine.Success}
	if got := d.verdictOf(states); got != machine.RunSuccess {
		t.Errorf("leaves: a failure above a leaf that succeeded gives %s", got)
	}
	d.plan.Verdict.Rule = "strict"
	if got := d.verdictOf(states); got != machine.RunFailed {
		t.Errorf("strict: a failure gives %s", got)
	}
}
