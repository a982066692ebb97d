package graph

import (
	"os"
	"strings"
	"testing"

	"weft/machine"
)

// readTasks reads a plan from a file of lines "id <- needs (reference) | key=value key": enough of
// a DAG to draw it. A value goes on to the next key.
func readTasks(t *testing.T, file string) (*machine.Plan, map[string]machine.State) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, states := &machine.Plan{}, map[string]machine.State{}
	for line := range strings.Lines(string(body)) {
		head, opts, _ := strings.Cut(strings.TrimSpace(line), " | ")
		id, up, _ := strings.Cut(head, " <- ")
		kind, name, two := strings.Cut(id, " ")
		task := machine.Task{ID: id, Uses: "shell", Trigger: machine.Trigger{Rule: "all_success"}}
		for _, u := range strings.Fields(up) {
			if r, ok := strings.CutPrefix(u, "("); ok {
				task.Refs = append(task.Refs, strings.TrimSuffix(r, ")"))
			} else {
				task.Needs = append(task.Needs, u)
			}
		}
		readOptions(t, &task, opts, states)
		switch {
		case two && kind == "dag":
			p.DAG = name
		case two && kind == "on_failure":
			task.ID = name
			p.OnFailure = append(p.OnFailure, task)
		default:
			p.Tasks = append(p.Tasks, task)
		}
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p, states
}

func readOptions(t *testing.T, task *machine.Task, opts string, states map[string]machine.State) {
	t.Helper()
	keys := []string{"uses", "group", "trigger", "when", "state", "callback", "description", "sensor", "for_each"}
	values, last := map[string]string{}, ""
	for _, word := range strings.Fields(opts) {
		key, value, _ := strings.Cut(word, "=")
		known := false
		for _, k := range keys {
			known = known || k == key
		}
		if known {
			last, values[key] = key, value
		} else {
			values[last] += " " + word
		}
	}
	for key, value := range values {
		switch key {
		case "uses":
			task.Uses = value
		case "group":
			task.Group = value
		case "description":
			task.Description = value
		case "sensor":
			task.Sensor = &machine.Sensor{}
		case "for_each":
			task.ForEach = &machine.ForEach{}
		case "when":
			task.When = &machine.Expr{Src: value}
		case "callback":
			task.OnFailure = []machine.Task{{ID: value, Uses: "shell"}}
		case "trigger":
			task.Trigger = machine.Trigger{Rule: value}
			if strings.ContainsAny(value, "( ") {
				task.Trigger = machine.Trigger{Expr: &machine.Expr{Src: value}}
			}
		case "state":
			var s machine.State
			if err := s.UnmarshalText([]byte(value)); err != nil {
				t.Fatal(err)
			}
			states[task.ID] = s
		}
	}
}
