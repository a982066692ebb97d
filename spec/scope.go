package spec

import (
	"strings"

	"weft/expr"
)

// scopes hands out what expressions may name, place by place (section 4 of the language). It is made
// once a file, when all keys are read: declared types do not change after that.
type scopes struct {
	d       *DAG
	tasks   map[string]*expr.TaskScope
	params  expr.Type
	vars    expr.Type
	dag     expr.Type
	run     expr.Type
	runDone expr.Type // in a callback of the DAG: with state and failed
	made    map[sight]*expr.Scope
	envs    map[string]int // lists of names of variables, by their names
	last    *task          // whose list was asked for last,
	lastEnv int            // and which it is
	items   map[*task]expr.Type
	kinds   map[expr.Kind]*task // the first task whose elements are nothing but of a kind
}

// A sight is all that the scope of a use depends on. Most uses of a file share a few of them, and a
// scope is three maps, so they are made once each; no check changes one.
type sight struct {
	where               string
	bare                bool
	noSecrets, outerEnv bool
	dagEnv              bool
	mapped, callback    bool
	ofDAG               bool  // the DAG's own callback
	ofMapped            bool  // a callback of a task with instances
	env                 int   // which names of the task's variables, 0 = none
	output              *task // whose output `output` is
	item                *task // whose element `item` is, or is like, where something is known of it
	asks                bool  // … as its plugin gives it
}

// scope returns the file's scopes. The first rule that asks makes them: all keys are read by then.
func (d *DAG) scope() *scopes {
	if d.seen == nil {
		d.seen = newScopes(d)
	}
	return d.seen
}

// newScopes reads the types that are declared: outputs, params, and the names of variables.
func newScopes(d *DAG) *scopes {
	s := &scopes{
		d: d, tasks: make(map[string]*expr.TaskScope, len(d.tasks)), made: map[sight]*expr.Scope{}, envs: map[string]int{}, items: map[*task]expr.Type{}, kinds: map[expr.Kind]*task{},
		dag: expr.DAGType(), run: expr.RunType(false), runDone: expr.RunType(true),
	}
	type kind struct {
		plugin *PluginInfo
		mapped bool
	}
	alike := map[kind]*expr.TaskScope{} // those that declare nothing
	for _, t := range d.tasks {
		of, plain := kind{t.plugin, t.ForEach != nil}, len(t.Outputs)+len(t.Artifacts) == 0
		ts := alike[of]
		if ts == nil || !plain {
			ts = &expr.TaskScope{Output: schemaType(t.outputSchema()), Mapped: of.mapped, Artifacts: []string{}}
			for _, a := range t.Artifacts {
				ts.Artifacts = append(ts.Artifacts, a.Name)
			}
		}
		if plain {
			alike[of] = ts
		}
		s.tasks[t.ID] = ts
	}
	fields := make(map[string]expr.Type, len(d.params))
	for name, p := range d.params {
		fields[name] = schemaType(p.Schema)
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

// Why names that the language knows are not legal at a place. They follow "… is not known here", so
// that a name in the wrong place is told apart from one that does not exist.
const (
	notMapped   = "it is there in tasks with `for_each`"
	notSensor   = "it is there in a sensor's `until` and `fail_when`"
	notRetry    = "it is there in `retry_if`"
	notError    = "it is there in `retry_if`, and in the `on_failure` of a task"
	noSecrets   = "they may stand in `env`, in the text of `run`, in `with`, `until` and `fail_when`"
	ofError     = "in a callback it is error.exit_code"
	ofInstance  = "a callback of a task with `for_each` has none; which instance failed a script reads in $WEFT_INDEX"
	noTasks     = "the environment of the DAG and of `defaults` is the same for all tasks; set it in the task's `env`"
	noOuterEnv  = "a value of the DAG's `env` sees no other"
	notUpstream = "it is there in `trigger`"
)

// of returns the scope of a use.
func (s *scopes) of(u *use) *expr.Scope {
	key := sight{where: u.where, bare: u.form == bareForm, noSecrets: u.noSecrets, outerEnv: u.outerEnv}
	key.dagEnv = u.outerEnv && u.dagEnv
	if t := u.task; t != nil {
		key.mapped, key.callback, key.ofDAG = t.hasList(), t.callback(), t.callback() && t.owner == nil
		key.ofMapped = t.callback() && t.owner != nil && t.owner.hasList()
		key.env = s.envOf(u)
		if t.ForEach != nil && u.where != "for_each" && s.item(t).Kind != expr.KindAny {
			key.item = s.alike(t)
		}
		if u.where == "until" || u.where == "fail_when" || u.asks {
			key.output, key.asks = t, u.asks
		}
	}
	sc, ok := s.made[key]
	if !ok {
		if len(s.made) >= maxKept {
			clear(s.made)
		}
		sc = s.make(u, key)
		s.made[key] = sc
	}
	return sc
}

// hasList tells whether a task has instances, or would have if its list could be read.
func (t *task) hasList() bool { return t.ForEach != nil || t.f.get("for_each") != nil }

// make makes the scope of a sight; of u it asks what the sight says alone.
func (s *scopes) make(u *use, key sight) *expr.Scope {
	sc := &expr.Scope{
		Compare: s.d.compare,
		Roots:   map[string]expr.Type{"dag": s.dag, "run": s.run, "params": s.params, "vars": s.vars},
		Elsewhere: map[string]string{
			"item": notMapped, "index": notMapped, "output": notSensor, "poke": notSensor, "exit_code": notRetry,
			"attempt": notRetry, "error": notError, "secrets": noSecrets, "upstream": notUpstream,
		},
	}
	if key.ofDAG {
		sc.Roots["run"] = s.runDone
	}
	s.env(u, key, sc)
	if !key.outerEnv {
		sc.Tasks = s.tasks
	} else {
		sc.Elsewhere["tasks"] = noTasks
	}
	s.own(key, sc)
	if key.callback && !key.ofDAG {
		sc.Roots["error"] = expr.ErrorType()
		sc.Elsewhere["exit_code"] = ofError
	}
	if key.ofMapped {
		sc.Elsewhere["item"], sc.Elsewhere["index"] = ofInstance, ofInstance
	}
	if key.mapped && key.where != "for_each" {
		sc.Roots["item"], sc.Roots["index"] = expr.Type{}, expr.Of(expr.KindInt)
		if key.item != nil {
			sc.Roots["item"] = s.item(key.item)
		}
	}
	for name := range sc.Roots {
		delete(sc.Elsewhere, name)
	}
	return sc
}

// own adds what a key has of its own, and what it asks for. Keys that the run decides by (when,
// for_each, retry_if) see no secret: what they see is kept with the run.
func (s *scopes) own(key sight, sc *expr.Scope) {
	if key.asks { // whatever its plugin calls it
		sc.Want = expr.KindBool
		sc.Roots["output"] = schemaType(key.output.plugin.Output)
		return
	}
	switch key.where {
	case "env", "run", "with":
		if !key.noSecrets {
			sc.Roots["secrets"] = expr.Of(expr.KindObject)
		}
	case "when":
		sc.Want = expr.KindBool
	case "retry_if":
		sc.Want = expr.KindBool
		sc.Roots["error"], sc.Roots["exit_code"], sc.Roots["attempt"] = expr.ErrorType(), expr.Of(expr.KindInt), expr.Of(expr.KindInt)
	case "until", "fail_when":
		sc.Want = expr.KindBool
		sc.Roots["secrets"] = expr.Of(expr.KindObject)
		sc.Roots["output"] = schemaType(key.output.outputSchema())
		sc.Roots["poke"] = expr.Of(expr.KindInt)
	case "for_each":
		if key.bare {
			sc.Wants = []expr.Kind{expr.KindArray, expr.KindObject}
		}
	}
}

// env: a value sees only outer levels' variables; everything else of a task sees all of them. So the
// order of variables within one level means nothing, and none can refer to itself. Expressions see
// what the file sets, never what the process inherits: that differs from one machine to the next.
func (s *scopes) env(u *use, key sight, sc *expr.Scope) {
	fields := map[string]expr.Type{}
	add := func(names []string) {
		for _, n := range names {
			fields[n] = expr.Of(expr.KindString)
		}
	}
	switch {
	case key.dagEnv:
		sc.Elsewhere["env"] = noOuterEnv
		return
	case key.outerEnv:
		add(s.d.envNames)
	case key.where == "env":
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

// envOf numbers the names that a use's scope has of its task's variables. A task may have very many, and many
// uses: what was asked for last is kept.
func (s *scopes) envOf(u *use) int {
	if u.where == "env" || len(u.task.env) == 0 { // see env: it does not depend on them
		return 0
	}
	if s.last == u.task {
		return s.lastEnv
	}
	names := strings.Join(u.task.env, " ")
	n := s.envs[names]
	if n == 0 {
		n = len(s.envs) + 1
		s.envs[names] = n
	}
	s.last, s.lastEnv = u.task, n
	return n
}

func (n *Node) fieldsOrNone() []Field {
	if n == nil {
		return nil
	}
	return n.Fields()
}
