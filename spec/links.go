package spec

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Links is what a file says of other DAGs, and what they may say of it: that can be held against each
// other only where all the files are known. It outlives the file's tree, and so is small.
type Links struct {
	Calls  []Call       `json:"calls,omitempty"`
	Params []LinkedNeed `json:"params,omitempty"`
	Tasks  []string     `json:"tasks,omitempty"`
}

// A Call is where a task starts another DAG or waits for one. What only an expression gives is not known
// here, and not in it.
type Call struct {
	Uses string `json:"uses"` // dag.run, dag.wait
	DAG  string `json:"dag"`
	At   Span   `json:"at"` // of the id
	Task string `json:"task,omitempty"`
	Of   Span   `json:"of,omitzero"` // of the task's id, in a dag.wait for one
	// Waits tells that a dag.run waits for the end of the run, in a task that nothing in its file skips.
	Waits bool `json:"waits,omitempty"`
	// Given are the params of a dag.run; GivenAt is where one that is missing belongs, zero where an
	// expression gives them.
	Given   []LinkedParam `json:"given,omitempty"`
	GivenAt Span          `json:"given_at,omitzero"`
}

// A LinkedParam is a param that is given.
type LinkedParam struct {
	Name  string          `json:"name"`
	At    Span            `json:"at"`              // of the name
	Value json.RawMessage `json:"value,omitempty"` // nil = an expression's
}

// A LinkedNeed is a param that a DAG has.
type LinkedNeed struct {
	Name     string          `json:"name"`
	Schema   json.RawMessage `json:"schema"`
	Optional bool            `json:"optional,omitempty"`
}

// The plugins that name DAGs.
const (
	dagRun  = "dag.run"
	dagWait = "dag.wait"
)

// Links returns what the file says of other DAGs, and they may say of it.
func (d *DAG) Links() *Links {
	l := &Links{}
	for _, p := range d.plan.Params {
		l.Params = append(l.Params, LinkedNeed{Name: p.Name, Schema: p.Schema, Optional: p.Default != nil})
	}
	for _, f := range d.root.Get("tasks").Fields() { // whether or not it was read
		l.Tasks = append(l.Tasks, f.Key.Text)
	}
	sure := surely{known: map[*task]bool{}}
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		if t.Uses != dagRun && t.Uses != dagWait {
			continue
		}
		if c, ok := d.call(t, sure); ok {
			l.Calls = append(l.Calls, c)
		}
	}
	return l
}

// call reads what a task says of another DAG; false if only an expression says which.
func (d *DAG) call(t *task, sure surely) (c Call, ok bool) {
	with := t.f.get("with")
	id := with.Get("id")
	if !literalText(id) {
		return c, false
	}
	c = Call{Uses: t.Uses, DAG: id.Text, At: d.span(id)}
	if c.Uses == dagWait {
		if n := with.Get("task"); literalText(n) {
			c.Task, c.Of = n.Text, d.span(n)
		}
		return c, true
	}
	if n := with.Get("wait"); n != nil && n.Kind == Scalar && n.Text == "true" {
		c.Waits = !t.callback() && sure.runs(d, t)
	}
	params := with.Get("params")
	if params != nil && params.Kind != Mapping {
		return c, true
	}
	c.GivenAt = c.At
	var values struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	_ = json.Unmarshal(t.With, &values) // of an input that is wrong, which is reported, no value is known
	for _, f := range params.fieldsOrNone() {
		given := LinkedParam{Name: f.Key.Text, At: d.span(f.Key)}
		if v := values.Params[given.Name]; v != nil && !bytes.Contains(v, []byte("${{")) {
			given.Value = v
		}
		c.Given = append(c.Given, given)
	}
	return c, true
}

func literalText(n *Node) bool {
	return n != nil && n.Kind == Scalar && n.Text != "" && !bytes.Contains([]byte(n.Text), []byte("${{"))
}

// surely tells of tasks that nothing in their file skips: neither `when`, nor `for_each`, nor a trigger
// that does not want all of its upstream. That a task fails, or skips itself, no file says.
type surely struct{ known map[*task]bool }

func (s surely) runs(d *DAG, t *task) bool {
	if sure, known := s.known[t]; known {
		return sure
	}
	s.known[t] = true // of a cycle, which is reported
	sure := t.When == nil && t.ForEach == nil && t.Trigger.Expr == nil
	switch t.Trigger.Rule {
	case "all_done", "always":
		s.known[t] = sure
		return sure
	case "all_success", "":
	default:
		sure = false
	}
	for _, n := range t.needs {
		up := d.byID[n.Text]
		sure = sure && up != nil && s.runs(d, up)
	}
	for _, r := range t.refs {
		up := d.byID[r.id]
		sure = sure && (!r.edge || up != nil && s.runs(d, up))
	}
	s.known[t] = sure
	return sure
}
