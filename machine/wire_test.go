package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestOrdersTravel: every order of random runs, written and read again with what it sees of other tasks, renders
// what it rendered before.
func TestOrdersTravel(t *testing.T) {
	orders, callbacks, items, old := 0, 0, 0, 0
	for seed := uint64(1); seed <= 150; seed++ {
		w := newWorld(seed)
		if err := w.live(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r := New(w.find)
		for _, ev := range w.events {
			for _, cmd := range r.Step(ev) {
				o, ok := orderFor(r, cmd)
				if !ok {
					continue
				}
				orders++
				if strings.Contains(o.ID, ".") {
					callbacks++
				}
				if o.HasItem {
					items++
				}
				if o.Task != o.Plan.Task(o.ID) {
					old++
				}
				if err := travels(o); err != nil {
					t.Fatalf("seed %d, %s: %v", seed, o.Key, err)
				}
			}
		}
	}
	t.Logf("%d orders, %d of callbacks, %d with an item, %d of an earlier plan", orders, callbacks, items, old)
	if orders < 1000 || callbacks == 0 || items == 0 || old == 0 {
		t.Error("the generator is too tame")
	}
}

func orderFor(r *Run, cmd Command) (Order, bool) {
	switch cmd := cmd.(type) {
	case StartAttempt:
		return r.Order(cmd.Key)
	case SubmitRemote:
		return r.Order(cmd.Key)
	case WatchRemote:
		return r.Order(cmd.Key)
	case StopAttempt:
		return r.DrainOrder(cmd.Key)
	case Evaluate:
		return r.EvaluateOrder(cmd)
	}
	return Order{}, false
}

func travels(o Order) error {
	got, err := sent(o)
	if err != nil {
		return err
	}
	want, wantErr := o.Vars(nil)
	have, haveErr := got.Vars(nil)
	if fmt.Sprint(wantErr) != fmt.Sprint(haveErr) || !reflect.DeepEqual(want, have) {
		return fmt.Errorf("expressions saw\n%#v %v\nand see\n%#v %v", want, wantErr, have, haveErr)
	}
	if !reflect.DeepEqual(got.Task, o.Task) || !reflect.DeepEqual(got.Run, o.Run) || !got.Since.Equal(o.Since) || !reflect.DeepEqual(got.Remote, o.Remote) {
		return fmt.Errorf("%+v came as %+v", o, got)
	}
	got.Tasks, o.Tasks = nil, nil // compared as expressions see them
	if got.RunFailed == nil && len(o.RunFailed) == 0 {
		got.RunFailed = o.RunFailed
	}
	if o.last != nil {
		last := *o.last
		last.Output, last.Ref, last.Artifacts = nil, nil, nil
		o.last = &last
	}
	if !reflect.DeepEqual(got, o) {
		return fmt.Errorf("%+v came as %+v", o, got)
	}
	return nil
}

// sent is an order after its way to another process.
func sent(o Order) (Order, error) {
	body, err := o.Encode()
	if err != nil {
		return o, err
	}
	seen, err := json.Marshal(o.Tasks)
	if err != nil {
		return o, err
	}
	var tasks map[string]TaskView
	if err := json.Unmarshal(seen, &tasks); err != nil {
		return o, err
	}
	return DecodeOrder(body, o.Plan, tasks)
}

// TestOrderOnItsWay: what a journal's JSON would lose is kept.
func TestOrderOnItsWay(t *testing.T) {
	exit, key := 3, "k"
	plan := &Plan{Format: PlanFormat, DAG: "d", Tasks: []Task{{ID: "a"}}}
	if err := plan.Seal(); err != nil {
		t.Fatal(err)
	}
	base := Order{Plan: plan, Task: &plan.Tasks[0], ID: "a", Key: Key{Task: "a", Index: 2, Attempt: 1}, Attempt: 1}
	cases := map[string]func(*Order){
		"an item that is null is no missing item": func(o *Order) { o.HasItem = true },
		"whole numbers stay whole, others do not become so": func(o *Order) {
			o.HasItem, o.Item = true, []any{1, 1.5, 1e21, "1", true, nil, map[string]any{"x": 9007199254740993}}
		},
		"an element of a map":                        func(o *Order) { o.HasItem, o.Item, o.ItemKey = true, "<v>&", &key },
		"an element of a spilled list":               func(o *Order) { o.ItemRef = &Ref{URI: "s3://b/l", Size: 7, SHA256: "00"} },
		"an output that is null is not missing":      func(o *Order) { o.Tasks = map[string]TaskView{"u": {State: Success, Output: Raw("null")}} },
		"a task that has not finished has no output": func(o *Order) { o.Tasks = map[string]TaskView{"u": {}} },
		"a mapped one without instances":             func(o *Order) { o.Tasks = map[string]TaskView{"u": {State: Skipped, Mapped: true}} },
		"instances, one of which has not finished": func(o *Order) {
			o.Tasks = map[string]TaskView{"u": {Mapped: true, Declared: []string{"f"}, Instances: []InstanceView{
				{Index: 0},
				{Index: 1, State: Success, Output: Raw("[1,2.5]"), Artifacts: []Artifact{{Name: "f", Ref: Ref{URI: "file:///x/"}, Files: 2}}},
				{Index: 2, State: Success, Ref: &Ref{URI: "file:///y", Size: 1}},
			}}}
		},
		"how the attempt before failed": func(o *Order) { o.last = &Outcome{State: Failed, Kind: "temporary", Error: "exit 3", Exit: &exit} },
		"a sensor's first poke":         func(o *Order) { o.Since = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC) },
		"a submission whose handle is not known": func(o *Order) {
			o.Remote = &Remote{Token: "weft-1", Intended: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Target: Raw(`{"job":"j"}`)}
		},
		"why a task failed, for its callback": func(o *Order) { o.Error = &TaskError{Kind: "timeout", Message: "late"} },
		"how the run stands, for its callback": func(o *Order) {
			o.RunState, o.RunFailed = RunFailed, []string{"a"}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			o := base
			change(&o)
			if err := travels(o); err != nil {
				t.Fatal(err)
			}
			got, err := sent(o)
			if err != nil {
				t.Fatal(err)
			}
			for id, v := range o.Tasks {
				if (v.Output == nil) != (got.Tasks[id].Output == nil) {
					t.Errorf("output %q came as %q", v.Output, got.Tasks[id].Output)
				}
			}
		})
	}
	if _, err := DecodeOrder(Raw(`{"id":"gone"}`), plan, nil); err == nil {
		t.Error("an order of a task that the plan does not have was read")
	}
	if _, err := DecodeOrder(Raw(`{`), plan, nil); errors.Unwrap(err) == nil {
		t.Errorf("half an order was read: %v", err)
	}
}
