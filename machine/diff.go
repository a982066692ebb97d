package machine

import (
	"encoding/json"
	"slices"
)

// A PlanDiff says how the tasks of two versions of a DAG differ.
type PlanDiff struct {
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"` // says something else; where it stands in the file does not count
}

// Diff compares a plan with an older version of it, each list in file order.
func (p *Plan) Diff(old *Plan) PlanDiff {
	var d PlanDiff
	for i := range p.Tasks {
		id := p.Tasks[i].ID
		switch at, ok := old.index[id]; {
		case !ok:
			d.Added = append(d.Added, id)
		case p.Tasks[i].text() != old.Tasks[at].text():
			d.Changed = append(d.Changed, id)
		}
	}
	for i := range old.Tasks {
		if _, stays := p.index[old.Tasks[i].ID]; !stays {
			d.Removed = append(d.Removed, old.Tasks[i].ID)
		}
	}
	return d
}

// text is all that a task says, without the places it says it at.
func (t *Task) text() string {
	b, err := json.Marshal(t.placeless())
	if err != nil {
		return "" // a plan that does not marshal has no hash, and is in no run
	}
	return string(b)
}

func (t *Task) placeless() Task {
	c := *t
	c.Pos, c.Places = Pos{}, nil
	c.Trigger.Expr, c.When, c.RetryIf = c.Trigger.Expr.placeless(), c.When.placeless(), c.RetryIf.placeless()
	if t.ForEach != nil {
		c.ForEach = &ForEach{List: t.ForEach.List, Expr: t.ForEach.Expr.placeless()}
	}
	if t.Sensor != nil {
		s := *t.Sensor
		s.Until, s.FailWhen = s.Until.placeless(), s.FailWhen.placeless()
		c.Sensor = &s
	}
	for _, list := range []*[]Var{&c.Env, &c.ScriptEnv, &c.Artifacts, &c.Inputs} {
		*list = slices.Clone(*list)
		for i := range *list {
			(*list)[i].Pos = Pos{}
		}
	}
	c.Asks = slices.Clone(c.Asks)
	for i := range c.Asks {
		c.Asks[i].Expr.Pos = Pos{}
	}
	c.OnFailure = slices.Clone(c.OnFailure)
	for i := range c.OnFailure {
		c.OnFailure[i] = c.OnFailure[i].placeless()
	}
	return c
}

func (e *Expr) placeless() *Expr {
	if e == nil {
		return nil
	}
	return &Expr{Src: e.Src}
}
