package spec

import (
	"maps"
	"slices"
	"time"

	"weft/machine"
)

// A test file (NAME.test.yaml, beside NAME.yaml) says of a DAG what is given and what is expected. It is
// read by the readers of a DAG file, and against the DAG: its tasks, params, outputs and inputs.

// Cases is a test file that was read.
type Cases struct {
	File string
	List []Case // file order
}

// A Case is a run that is played: how its tasks go, and what shall become of it.
type Case struct {
	Name    string
	At      Span           // of the name
	Params  map[string]any // checked, defaults filled in
	Vars    map[string]any
	Secrets map[string]string
	Run     CaseRun
	Given   map[string]*Given        // by task, or callback as machine.CallbackID names it
	Past    map[string]machine.State // of the run before, by task; empty = there is none
	Cancel  *time.Duration           // after the start; nil = nobody cancels
	Expect  []Expectation            // file order; that of the run itself has no Task
}

// A CaseRun is what `run.*` is in a case.
type CaseRun struct {
	ID, Type                                       string
	LogicalDate, IntervalStart, IntervalEnd, Start time.Time
}

// Given is how a task goes: attempt by attempt, the last one goes on. Nothing said is a success.
type Given struct {
	Attempts  []Step
	Instances map[string]*Given // of a mapped task, by index or by the key of a map
	Named     map[string]Span   // where a case of its own names these
}

// A Step is how one attempt goes, or one poke of a sensor.
type Step struct {
	State     machine.State
	Exit      *int
	Kind      string // of a failure; "" = what the plugin's failures mostly are
	Error     string
	Output    any
	HasOutput bool
	Takes     time.Duration
	Pokes     []Step // of a sensor, poke by poke; the last one goes on

	timed bool // the file says how long it takes
}

// An Expectation is all that a case says of one task, callback, or, without Task, the run.
type Expectation struct {
	Task   string
	At     Span // of the name
	Checks []Want
}

// A Want is one thing that is expected. Its Value is a text, an int, a time.Duration, a list of
// durations, or a JSON value, as its key in the table wantKeys has it.
type Want struct {
	Key   string // state, reason, output …
	Index string // of an instance: its index, or the key of a map; "" = the task as a whole
	Name  string // of with and env: the input, the variable; of sees: the expression; else ""
	Value any
	At    Span // of the value
}

// Codes of what a test finds; those of a wrong test file are the validator's.
const (
	CaseFails   = "C701" // something is not as expected
	CaseLacks   = "C702" // a case does not give an output that its run hangs on
	CaseNoDAG   = "C703" // there is no DAG beside a test file, or it has errors
	CaseEndless = "C704" // a case's run goes on for ever
)

var (
	casesKeys   = &table{"a test file", append([]string{"cases"}, sharedKeys...)}
	caseKeys    = &table{"a case", append([]string{"cancel", "expect", "verdict"}, sharedKeys...)}
	sharedKeys  = []string{"description", "params", "vars", "secrets", "run", "given", "past"}
	caseRunKeys = &table{"`run`", []string{"id", "type", "logical_date", "data_interval_start", "data_interval_end", "started_at"}}
)

// A caseReader reads a test file; the DAG that it embeds is the file's own, dag the tested one.
type caseReader struct {
	*DAG
	dag    *DAG
	tested *machine.Plan
	known  map[string]*task // tasks and callbacks of the tested DAG
	ids    []string         // their ids, file order
	gives  map[*task]any    // JSON Schema of a task's output
}

// ParseCases reads a test file against its DAG, which has no errors. The diagnostics are all that was
// found, sorted; cases whose file has errors are nil.
func ParseCases(file string, src []byte, dag *DAG) (*Cases, []Diagnostic) {
	plan, err := dag.Plan()
	if err != nil {
		return nil, []Diagnostic{{
			Code: CaseNoDAG, Severity: Error, File: file, Line: 1, Column: 1, EndLine: 1, EndColumn: 2,
			Message: "the DAG " + dag.file + " has errors: it cannot be tested",
		}}
	}
	r := &caseReader{
		DAG: &DAG{
			file: file, opts: dag.opts, src: newSource(nil), once: map[telling]bool{},
			answers: map[question]answer{},
		},
		dag: dag, tested: plan, known: map[string]*task{}, gives: map[*task]any{},
	}
	r.knowTasks()
	if !r.read(src) {
		return nil, r.reworded()
	}
	out := &Cases{File: file, List: r.cases()}
	if r.failed {
		out = nil
	}
	return out, sorted(r.diags)
}

// reworded says of a file of which nothing can be made what a test file is.
func (r *caseReader) reworded() []Diagnostic {
	for _, d := range r.diags {
		switch d.Code {
		case yEmpty:
			d.Notes = nil
			d.help("a test file has at least `cases:` with one case")
		case yDocuments:
			d.Message, d.Notes = "a test file is one document; a second one begins here", nil
		case sType:
			d.Message = "a test file is a map with `cases:`, this is " + r.root.words()
		}
	}
	return sorted(r.diags)
}

func (r *caseReader) knowTasks() {
	for _, t := range r.dag.tasks {
		r.known[t.ID] = t
		r.ids = append(r.ids, t.ID)
	}
	for _, cb := range r.dag.hooks {
		owner := ""
		if cb.owner != nil {
			owner = cb.owner.ID
		}
		id := machine.CallbackID(owner, cb.hook, cb.ID)
		r.known[id] = cb
		r.ids = append(r.ids, id)
	}
}

// outputOf is the JSON Schema of a task's output, nil = anything.
func (r *caseReader) outputOf(t *task) any {
	s, known := r.gives[t]
	if !known {
		s = schemaValue(t.outputSchema())
		r.gives[t] = s
	}
	return s
}

func (r *caseReader) cases() (list []Case) {
	top := r.caseFields(r.root, casesKeys, "the file")
	_, _ = r.text(top.get("description"), "description")
	n := top.get("cases")
	if n == nil {
		if top.lacks("cases") {
			r.report(sMissing, r.span(r.root), "the file has no `cases`").help("add `cases:` with a name and what is expected")
		}
		return nil
	}
	if n.Empty() || n.Kind == Mapping && len(n.Fields()) == 0 {
		r.report(sMissing, r.span(top.key("cases")), "`cases` is empty; a test file has at least one")
		return nil
	}
	all := Case{Given: map[string]*Given{}, Past: map[string]machine.State{}, Vars: map[string]any{}, Secrets: map[string]string{}}
	r.shared(&all, top)
	for _, g := range all.Given { // what is given for all cases need not be there in each
		g.Named = nil
	}
	for _, f := range r.named(n, "cases") {
		list = append(list, r.aCase(f, top, all))
	}
	return list
}

// aCase reads one case over what the file says for all of them.
func (r *caseReader) aCase(f Field, top fields, all Case) Case {
	c := Case{
		Name: f.Key.Text, At: r.span(f.Key), Given: maps.Clone(all.Given), Past: maps.Clone(all.Past),
		Vars: maps.Clone(all.Vars), Secrets: maps.Clone(all.Secrets),
	}
	own := r.caseFields(f.Value, caseKeys, "the case "+quotedCut(f.Key.Text))
	_, _ = r.text(own.get("description"), "description")
	r.shared(&c, own)
	both := []fields{top, own}
	c.Params, c.Run = r.caseParams(c, both), r.caseRun(both)
	if d, ok := r.duration(own.get("cancel"), "cancel", true); ok {
		after := time.Duration(d)
		c.Cancel = &after
	}
	r.expect(&c, own)
	return c
}

// shared reads what may stand in a case, and beside the cases for all of them, name by name.
func (r *caseReader) shared(c *Case, from fields) {
	for _, v := range r.named(from.get("vars"), "vars") {
		c.Vars[v.Key.Text] = r.value(v.Value)
	}
	for _, v := range r.named(from.get("secrets"), "secrets") {
		if s, ok := r.text(v.Value, "secrets."+v.Key.Text); ok {
			c.Secrets[v.Key.Text] = s
		}
	}
	for _, g := range r.named(from.get("given"), "given") {
		if t := r.taskNamed(g.Key); t != nil {
			c.Given[g.Key.Text] = r.given(t, g, true)
		}
	}
	for _, p := range r.named(from.get("past"), "past") {
		if s, ok := r.choice(p.Value, "past."+p.Key.Text, finishedStates...); ok && r.pastOf(p.Key) {
			c.Past[p.Key.Text] = stateNamed(s)
		}
	}
}

// pastOf takes tasks alone, and those that ask about the past.
func (r *caseReader) pastOf(key *Node) bool {
	t := r.taskNamed(key)
	if t == nil {
		return false
	}
	if !t.DependsOnPast {
		r.report(sExclusive, r.span(key), "%s does not ask about the run before", t.name()).
			help("it does with `depends_on_past: true`")
		return false
	}
	return true
}

// caseFields is fields for the keys of a test file: hints about a DAG's keys would lead astray.
func (r *caseReader) caseFields(n *Node, t *table, name string) fields {
	f := fields{node: n}
	if n == nil || n.bad {
		return f
	}
	if n.Kind != Mapping {
		r.report(sType, r.span(n), "%s must be a map, not %s", name, n.words())
		return f
	}
	f.of = t
	for _, field := range n.Fields() {
		key := field.Key.Text
		switch {
		case slices.Contains(t.keys, key):
		case len(key) > 1 && key[:2] == "x-":
		default:
			f.meant = append(f.meant, nearest(key, t.keys)...)
			diag := r.report(sUnknownKey, r.span(field.Key), "%s has no key %q", t.what, cut(key, 60))
			if t == caseKeys && r.known[key] != nil {
				diag.help("how a task goes stands under `given`, what becomes of it under `expect`")
				continue
			}
			diag.suggest(key, t.keys)
		}
	}
	return f
}

// taskNamed finds the task or callback that a key names, or says that there is none.
func (r *caseReader) taskNamed(key *Node) *task {
	t := r.known[key.Text]
	if t == nil {
		r.report(gUnknown, r.span(key), "there is no task or callback %q in %s", cut(key.Text, 60), r.dag.file).
			suggest(key.Text, r.ids)
	}
	return t
}

// caseParams reads the params of a case, typed as the DAG declares them, and checks all of them.
func (r *caseReader) caseParams(c Case, both []fields) map[string]any {
	given, at := map[string]any{}, map[string]*Node{}
	var names []string
	for _, p := range r.tested.Params {
		names = append(names, p.Name)
	}
	for _, from := range both {
		for _, f := range r.named(from.get("params"), "params") {
			p := r.dag.params[f.Key.Text]
			if p == nil {
				r.report(sUnknownKey, r.span(f.Key), "the DAG has no param %q", cut(f.Key.Text, 60)).suggest(f.Key.Text, names)
				continue
			}
			given[f.Key.Text], at[f.Key.Text] = r.valueAs(f.Value, schemaValue(p.Schema)), f.Value
		}
	}
	values, problems := CheckParams(r.tested, given, nil)
	for _, p := range problems {
		code, where := sMissing, c.At
		if n := at[p.Name]; n != nil {
			code, where = sValue, r.span(n)
		}
		r.report(code, where, "param %q %s", p.Name, p.Message)
	}
	return values
}

// caseStart is when a case's run begins unless it says otherwise. It is fixed: a test has no clock.
var caseStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// caseRun reads what `run.*` shall be. Each moment that is not said is the one before it.
func (r *caseReader) caseRun(both []fields) CaseRun {
	run := CaseRun{ID: "test", Type: "manual", LogicalDate: caseStart}
	said := map[string]time.Time{}
	for _, from := range both {
		f := r.caseFields(from.get("run"), caseRunKeys, "`run`")
		if id, ok := r.text(f.get("id"), "run.id"); ok && id != "" {
			run.ID = id
		}
		if kind, ok := r.choice(f.get("type"), "run.type", "manual", "scheduled", "backfill"); ok {
			run.Type = kind
		}
		for _, key := range caseRunKeys.keys[2:] {
			if t, _, ok := r.moment(f.get(key), "run."+key); ok { // without an offset it is UTC
				said[key] = t.UTC().Truncate(time.Microsecond)
			}
		}
	}
	last := run.LogicalDate
	for i, to := range []*time.Time{&run.LogicalDate, &run.IntervalStart, &run.IntervalEnd, &run.Start} {
		if t, ok := said[caseRunKeys.keys[2+i]]; ok {
			last = t
		}
		*to = last
	}
	return run
}

func quotedCut(s string) string { return quoted([]string{cut(s, 60)})[0] }
