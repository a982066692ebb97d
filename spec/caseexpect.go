package spec

import (
	"slices"
	"time"

	"weft/expr"
)

var (
	wantKeys = &table{"what is expected of a task", []string{
		"state", "reason", "attempts", "attempts_at", "pokes", "starts", "ends", "starts_before", "starts_after",
		"output", "with", "env", "run", "sees", "size", "instances",
	}}
	verdictKeys = &table{"`verdict`", []string{"state", "reason", "takes"}}
	runStates   = []string{"success", "failed", "cancelled", "running"}
	// expectedStates are all that a task can be in when nothing happens any more.
	expectedStates = []string{"success", "failed", "skipped", "upstream_failed", "none", "scheduled", "queued", "running", "up_for_reschedule", "up_for_retry"}
)

// expect reads what a case expects of tasks, callbacks and the run. A case that expects nothing passes
// whatever happens, so it is none.
func (r *caseReader) expect(c *Case, own fields) {
	for _, f := range r.named(own.get("expect"), "expect") {
		t := r.taskNamed(f.Key)
		if t == nil {
			continue
		}
		e := Expectation{Task: f.Key.Text, At: r.span(f.Key)}
		r.wants(&e, t, f, "")
		c.Expect = append(c.Expect, e)
	}
	r.verdictOf(c, own)
	if len(c.Expect) == 0 && own.lacks("expect") && own.lacks("verdict") && own.node != nil && own.node.Kind == Mapping {
		r.report(sMissing, c.At, "the case %s expects nothing", quotedCut(c.Name)).help("add `expect:` with the state of a task, or `verdict:`")
	}
}

func (r *caseReader) verdictOf(c *Case, own fields) {
	n := own.get("verdict")
	if n == nil {
		return
	}
	e := Expectation{At: r.span(own.key("verdict"))}
	state := n
	if n.Kind == Mapping {
		f := r.caseFields(n, verdictKeys, "`verdict`")
		state = f.get("state")
		r.wantText(&e, "reason", "", f.get("reason"))
		r.wantDuration(&e, "takes", "", f.get("takes"))
	}
	if s, ok := r.choice(state, "verdict", runStates...); ok {
		e.add(Want{Key: "state", Value: s, At: r.span(state)})
	}
	c.Expect = append(c.Expect, e)
}

func (e *Expectation) add(w Want) { e.Checks = append(e.Checks, w) }

// wants reads what is expected of a task, or, with an index, of one of its instances.
func (r *caseReader) wants(e *Expectation, t *task, f Field, index string) {
	n := f.Value
	if n.Kind != Mapping {
		if s, ok := r.choice(n, f.Key.Text, expectedStates...); ok {
			e.add(Want{Key: "state", Index: index, Value: s, At: r.span(n)})
		}
		return
	}
	fs := r.caseFields(n, wantKeys, f.Key.Text)
	if s, ok := r.choice(fs.get("state"), "state", expectedStates...); ok {
		e.add(Want{Key: "state", Index: index, Value: s, At: r.span(fs.get("state"))})
	}
	r.wantText(e, "reason", index, fs.get("reason"))
	for _, key := range []string{"attempts", "pokes", "size"} {
		if v, ok := r.integer(fs.get(key), key, 0); ok {
			e.add(Want{Key: key, Index: index, Value: v, At: r.span(fs.get(key))})
		}
	}
	for _, key := range []string{"starts", "ends"} {
		r.wantDuration(e, key, index, fs.get(key))
	}
	r.wantTimes(e, index, fs.get("attempts_at"))
	for _, key := range []string{"starts_before", "starts_after"} {
		for _, other := range r.oneOrList(fs.get(key), key) {
			if r.taskNamed(other) != nil {
				e.add(Want{Key: key, Index: index, Name: other.Text, At: r.span(other)})
			}
		}
	}
	r.wantValues(e, t, fs, index)
	r.wantInstances(e, t, fs, index)
}

func (r *caseReader) wantText(e *Expectation, key, index string, n *Node) {
	if s, ok := r.text(n, key); ok {
		e.add(Want{Key: key, Index: index, Value: s, At: r.span(n)})
	}
}

func (r *caseReader) wantDuration(e *Expectation, key, index string, n *Node) {
	if d, ok := r.duration(n, key, true); ok {
		e.add(Want{Key: key, Index: index, Value: time.Duration(d), At: r.span(n)})
	}
}

// wantTimes reads when each attempt starts, from the start of the run.
func (r *caseReader) wantTimes(e *Expectation, index string, n *Node) {
	if n == nil {
		return
	}
	var list []time.Duration
	for _, it := range r.list(n, "attempts_at") {
		d, ok := r.duration(it, "attempts_at", true)
		if !ok {
			return
		}
		list = append(list, time.Duration(d))
	}
	if n.Kind == Sequence && len(list) == len(n.Items()) {
		e.add(Want{Key: "attempts_at", Index: index, Value: list, At: r.span(n)})
	}
}

// wantValues reads what a task gives and is given. Values are typed as the places that they come from.
func (r *caseReader) wantValues(e *Expectation, t *task, fs fields, index string) {
	if out := fs.field("output"); out.Key != nil {
		schema := r.outputOf(t)
		if t.ForEach != nil && index == "" {
			schema = map[string]any{"items": schema}
		}
		e.add(Want{Key: "output", Index: index, Value: r.valueAs(out.Value, schema), At: r.span(out.Value)})
	}
	input := schemaValue(t.plugin.Input)
	for _, f := range r.named(fs.get("with"), "with") {
		if p, known := properties(input); known && !slices.Contains(p, f.Key.Text) {
			r.report(sInputName, r.span(f.Key), "%s has no input %q", t.Uses, cut(f.Key.Text, 60)).suggest(f.Key.Text, p)
			continue
		}
		e.add(Want{Key: "with", Index: index, Name: f.Key.Text, Value: r.valueAs(f.Value, member(input, input, f.Key.Text)), At: r.span(f.Value)})
	}
	for _, f := range r.named(fs.get("env"), "env") {
		if s, ok := r.text(f.Value, "env."+f.Key.Text); ok {
			e.add(Want{Key: "env", Index: index, Name: f.Key.Text, Value: s, At: r.span(f.Value)})
		}
	}
	if n := fs.get("run"); n != nil {
		r.wantArgv(e, t, n, index)
	}
	for _, f := range r.named(fs.get("sees"), "sees") {
		if r.seen(t, f.Key) {
			e.add(Want{Key: "sees", Index: index, Name: f.Key.Text, Value: r.value(f.Value), At: r.span(f.Value)})
		}
	}
}

// properties are the names that a plugin's input has; known is false if it may have any.
func properties(input any) (names []string, known bool) {
	m, _ := input.(map[string]any)
	props, _ := m["properties"].(map[string]any)
	for name := range props {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, m["additionalProperties"] == false
}

// wantArgv reads the argv that a `run` list comes to. Of a script the text never changes: what its
// expressions give is asked for by `sees`.
func (r *caseReader) wantArgv(e *Expectation, t *task, n *Node, index string) {
	if run := t.f.get("run"); run == nil || run.Kind != Sequence {
		r.report(sExclusive, r.span(n), "%s has no `run` that is a list; no expression changes anything else", t.name()).
			help("`sees: {EXPRESSION: value}` asks what an expression of a script gives")
		return
	}
	var argv []any
	for _, it := range r.list(n, "run") {
		argv = append(argv, it.Text)
	}
	if n.Kind == Sequence && len(argv) == len(n.Items()) {
		e.add(Want{Key: "run", Index: index, Value: argv, At: r.span(n)})
	}
}

// seen checks an expression of `sees` as one that stands in the task.
func (r *caseReader) seen(t *task, key *Node) bool {
	u := &use{task: t, where: "with", node: key, form: bareForm}
	info, problems := expr.Check(key.Text, r.dag.scope().of(u))
	for _, p := range problems {
		r.exprProblem(u, 0, p)
	}
	ok := len(problems) == 0
	for _, ref := range info.Refs {
		if r.dag.byID[ref.Task] != nil && !slices.Contains(t.Reads, ref.Task) {
			r.report(gNotUpstream, r.within(key, ref.Offset, ref.Len), "%s reads nothing of %q", t.name(), ref.Task).
				help("a task sees those tasks alone that its own expressions name")
			ok = false
		}
	}
	return ok
}

// wantInstances reads what is expected of single instances of a mapped task.
func (r *caseReader) wantInstances(e *Expectation, t *task, fs fields, index string) {
	for _, key := range []string{"size", "instances"} {
		switch at := fs.key(key); {
		case at == nil:
		case index != "":
			r.report(sWrongPlace, r.span(at), "an instance has no instances")
			return
		case !t.mapped():
			r.report(sExclusive, r.span(at), "%s has no `for_each`, so it has no instances", t.name())
			return
		}
	}
	for _, f := range r.named(fs.get("instances"), "instances") {
		if f.Key.Text != "" { // an index, or a key of the map
			r.wants(e, t, f, f.Key.Text)
		}
	}
}
