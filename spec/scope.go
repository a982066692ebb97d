package spec

import (
	"weft/expr"
)

// scopes hands out what expressions may name, place by place (section 4 of the language).
type scopes struct {
	d      *DAG
	tasks  map[string]expr.TaskScope
	params expr.Type
	vars   expr.Type
}

// newScopes reads the types that are declared: outputs, params, and the names of variables.
func (d *DAG) newScopes() *scopes {
	s := &scopes{d: d, tasks: map[string]expr.TaskScope{}}
	for _, t := range d.tasks {
		ts := expr.TaskScope{Output: expr.TypeOfSchema(t.outputSchema()), Mapped: t.ForEach != nil, Artifacts: []string{}}
		for _, a := range t.Artifacts {
			ts.Artifacts = append(ts.Artifacts, a.Name)
		}
		s.tasks[t.ID] = ts
	}
	fields := map[string]expr.Type{}
	for name, p := range d.params {
		fields[name] = expr.TypeOfSchema(p.Schema)
	}
	s.params = expr.MapOf(fields, false)
	s.vars = expr.Of(expr.KindObject)
	if d.opts.Vars != nil {
		fields := map[string]expr.Type{}
		for name := range d.opts.Vars {
			fields[name] = expr.Type{}
		}
		s.vars = expr.MapOf(fields, false)
	}
	return s
}

// Why names that the language knows are not legal at a place.
const (
	notMapped   = "it is there in tasks with `for_each`"
	notSensor   = "it is there in a sensor's `until` and `fail_when`"
	notRetry    = "it is there in `retry_if`"
	notError    = "it is there in `retry_if`, and in the `on_failure` of a task"
	noSecrets   = "they may stand in `env`, in the text of `run`, and in `with`"
	noTasks     = "the environment of the DAG and of `defaults` is the same for all tasks; set it in the task's `env`"
	noOuterEnv  = "a value of the DAG's `env` sees no other"
	notUpstream = "it is there in `trigger`"
)

// of returns the scope of a use.
func (s *scopes) of(u *use) *expr.Scope {
	sc := &expr.Scope{
		Roots: map[string]expr.Type{
			"dag": expr.DAGType(), "run": expr.RunType(u.task != nil && u.task.callback() && u.task.owner == nil),
			"params": s.params, "vars": s.vars,
		},
		Elsewhere: map[string]string{
			"item": notMapped, "index": notMapped, "output": notSensor, "poke": notSensor, "exit_code": notRetry,
			"attempt": notRetry, "error": notError, "secrets": noSecrets, "upstream": notUpstream,
		},
	}
	s.env(u, sc)
	if !u.outerEnv {
		sc.Tasks = s.tasks
	} else {
		sc.Elsewhere["tasks"] = noTasks
	}
	switch u.where {
	case "env", "run", "with":
		if !u.noSecrets {
			sc.Roots["secrets"] = expr.Of(expr.KindObject)
		}
	case "when", "retry_if":
		sc.Want = expr.KindBool
	case "until", "fail_when":
		sc.Want = expr.KindBool
		sc.Roots["output"] = s.tasks[u.task.ID].Output
		sc.Roots["poke"] = expr.Of(expr.KindInt)
	case "for_each":
		if u.form == bareForm {
			sc.Wants = []expr.Kind{expr.KindArray, expr.KindObject}
		}
	}
	if u.where == "retry_if" {
		sc.Roots["error"], sc.Roots["exit_code"], sc.Roots["attempt"] = expr.ErrorType(), expr.Of(expr.KindInt), expr.Of(expr.KindInt)
	}
	if t := u.task; t != nil {
		if t.callback() && t.owner != nil {
			sc.Roots["error"] = expr.ErrorType()
		}
		if t.ForEach != nil && u.where != "for_each" {
			sc.Roots["item"], sc.Roots["index"] = expr.Type{}, expr.Of(expr.KindInt)
		}
	}
	for name := range sc.Roots {
		delete(sc.Elsewhere, name)
	}
	return sc
}

// env: a value sees only outer levels' variables; everything else of a task sees all of them.
func (s *scopes) env(u *use, sc *expr.Scope) {
	fields := map[string]expr.Type{}
	add := func(names []string) {
		for _, n := range names {
			fields[n] = expr.Of(expr.KindString)
		}
	}
	switch {
	case u.outerEnv && s.d.inDAGEnv(u):
		sc.Elsewhere["env"] = noOuterEnv
		return
	case u.outerEnv:
		add(s.d.envNames)
	case u.where == "env":
		add(s.d.envNames)
		for _, f := range s.d.defaults.get("env").fieldsOrNone() {
			add([]string{f.Key.Text})
		}
	default:
		add(s.d.envNames)
		if u.task != nil {
			add(u.task.env)
		}
	}
	sc.Roots["env"] = expr.MapOf(fields, false)
}

// inDAGEnv tells the DAG's env from that of defaults.
func (d *DAG) inDAGEnv(u *use) bool {
	for _, f := range d.top.get("env").fieldsOrNone() {
		if f.Value == u.node {
			return true
		}
	}
	return false
}

func (n *Node) fieldsOrNone() []Field {
	if n == nil {
		return nil
	}
	return n.Fields
}
