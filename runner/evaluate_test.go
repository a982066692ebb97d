package runner_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weft/machine"
)

func TestQuestionsOfTheMachine(t *testing.T) {
	b := newBench(t, nil)
	put, _ := spills(b)
	views := map[string]machine.TaskView{"a": {State: machine.Success, Ref: put("d/r/a/-/1/output.json", `{"rows": [3, 4], "ok": true, "m": {"y": 1, "x": 2}}`)}}
	forEach := func(src string) machine.Task { return machine.Task{ForEach: &machine.ForEach{Expr: ask(src)}} }
	for _, c := range []struct {
		what, ask string
		task      machine.Task
		want      machine.Evaluated
	}{
		{"when", "when", machine.Task{When: ask("tasks.a.output.ok")}, machine.Evaluated{Value: machine.Raw("true")}},
		{"when, false", "when", machine.Task{When: ask("len(tasks.a.output.rows) > 2")}, machine.Evaluated{Value: machine.Raw("false")}},
		{"retry_if", "retry_if", machine.Task{RetryIf: ask("attempt < 2 && tasks.a.output.ok")}, machine.Evaluated{Value: machine.Raw("true")}},
		{"a list", "for_each", forEach("tasks.a.output.rows"), machine.Evaluated{Value: machine.Raw("[3,4]"), Len: 2}},
		{"a map", "for_each", forEach("tasks.a.output.m"), machine.Evaluated{Value: machine.Raw(`{"x":2,"y":1}`), Len: 2}},
		{"null", "for_each", forEach("tasks.a.output.none"), machine.Evaluated{Value: machine.Raw("null")}},
		{"a literal list", "for_each", machine.Task{ForEach: &machine.ForEach{List: machine.Raw(`["${{ tasks.a.output.rows[0] }}", "x"]`)}}, machine.Evaluated{Value: machine.Raw(`[3,"x"]`), Len: 2}},
		{"neither", "for_each", forEach("tasks.a.output.ok"), machine.Evaluated{Error: "it gives neither a list nor a map"}},
		{"no truth", "when", machine.Task{When: ask("tasks.a.output.rows")}, machine.Evaluated{Error: "*"}},
		{"an error", "for_each", forEach("tasks.a.output.rows / 2"), machine.Evaluated{Error: "*"}},
		{"not asked", "when", machine.Task{}, machine.Evaluated{Error: "the task has no when"}},
	} {
		o := order(c.task)
		o.Tasks, o.Key.Attempt = views, 0
		got := b.Evaluate(t.Context(), o, machine.Evaluate{ID: "q", Key: o.Key, What: c.ask, Index: -1})
		if c.want.Error == "*" && got.Error != "" && !strings.Contains(got.Error, "\n") {
			c.want.Error = got.Error
		}
		c.want.ID = "q"
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(c.want)
		if string(g) != string(w) {
			t.Errorf("%s:\n got %s\nwant %s", c.what, g, w)
		}
	}
}

func TestALargeListStaysOutside(t *testing.T) {
	b := newBench(t, echo)
	put, _ := spills(b)
	var list []string
	for i := range 5000 {
		list = append(list, fmt.Sprintf(`"element %05d"`, i))
	}
	o := order(machine.Task{ForEach: &machine.ForEach{Expr: ask("tasks.a.output")}, With: machine.Raw(`{"v": "${{ item }}"}`)})
	o.Tasks = map[string]machine.TaskView{"a": {State: machine.Success, Ref: put("d/r/a/-/1/output.json", "["+strings.Join(list, ",")+"]")}}
	o.Key.Attempt, o.Key.Epoch = 0, 3
	got := b.Evaluate(t.Context(), o, machine.Evaluate{ID: "q", Key: o.Key, What: "for_each", Index: -1})
	if got.Error != "" || got.Value != nil || got.Ref == nil || got.Len != 5000 {
		t.Fatalf("answer %+v", got)
	}
	if want := "/count/-/0/for_each.3.json"; !strings.HasSuffix(got.Ref.URI, want) {
		t.Errorf("uri %s, want …%s", got.Ref.URI, want)
	}
	o.Key.Index, o.Key.Attempt, o.ItemRef = 4321, 1, got.Ref
	if out := b.attempt(o); string(out.Output) != `{"v":"element 04321"}` {
		t.Errorf("instance 4321: %s %s", out.Output, out.Error)
	}
}
