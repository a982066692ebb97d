package spec

import (
	"regexp"
	"slices"
	"sync"

	"weft/machine"
)

// ours are the names by which weft itself speaks to a process. A task may set other WEFT_ names, for
// a weft that it starts itself; the DAG's env and defaults may set none, for there they are mostly
// meant for this one.
var ours = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^WEFT_(DAG_ID|RUN_ID|TASK_ID|INDEX|ATTEMPT|LOGICAL_DATE|OUTPUT|TMPDIR|IDEMPOTENCY_KEY|X[0-9]+|SECRET_.*)$`)
})

// draftEnv reads environment variables: text, as it is written, so `no`, `010` and `3.10` reach the
// process as those characters. outer tells whether they are the
// DAG's or the defaults', where WEFT_* is refused altogether.
func (d *DAG) draftEnv(t *task, n *Node, path string, outer bool) []machine.Var {
	var vars []machine.Var
	for _, f := range d.named(n, "env") {
		name := f.Key.Text
		switch {
		case !envName.fits(name):
			d.report(nEnv, d.span(f.Key), "%q is no name of an environment variable", cut(name, 40)).help("use %s", envName.words)
			continue
		case ours().MatchString(name) || outer && len(name) > 4 && name[:5] == "WEFT_":
			d.report(nEnv, d.span(f.Key), "%s is a name of weft's own; `env` cannot set it", name)
			continue
		case !d.scalarHere(f.Value, "env."+name, "text"):
			continue
		}
		vars = append(vars, machine.Var{Name: name, Value: f.Value.Text, Pos: f.Value.Pos(), Level: level(t)})
		d.use(&use{
			task: t, where: "env", path: path + "." + name, node: f.Value, form: template,
			edge: t != nil && !outer, outerEnv: outer, dagEnv: n == d.top.get("env"),
		})
	}
	return vars
}

// level is how deep a variable stands: 0 the DAG's, 2 a task's; the defaults' are 1. A value sees the
// levels outside its own.
func level(t *task) int {
	if t == nil {
		return 0
	}
	return 2
}

// draftTaskEnv is `defaults.env` first, then the task's own. A name may stand there twice: the later
// wins, and the earlier is what the later's value sees.
func (d *DAG) draftTaskEnv(t *task) []machine.Var {
	vars := d.defaultEnv
	own := d.draftEnv(t, t.f.get("env"), "env", false)
	t.env = namesOf(vars, own)
	defaultAWS, ownAWS := d.draftTaskAWS(t)
	if len(own)+len(defaultAWS)+len(ownAWS) == 0 {
		return slices.Clip(vars) // one list for all tasks that add nothing
	}
	return slices.Concat(defaultAWS, vars, ownAWS, own)
}

// namesOf are the names of some variables, each once.
func namesOf(lists ...[]machine.Var) []string {
	n := 0
	for _, vars := range lists {
		n += len(vars)
	}
	if n == 0 {
		return nil
	}
	seen, names := make(map[string]bool, n), make([]string, 0, n)
	for _, vars := range lists {
		for _, v := range vars {
			if !seen[v.Name] {
				seen[v.Name] = true
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// draftDefaults checks `defaults` on its own, so that each mistake is reported where it stands and
// whether or not a task uses it. What it says is read again under each task; telling the same thing
// of the same place twice is folded.
func (d *DAG) draftDefaults() {
	n := d.top.get("defaults")
	if n == nil {
		return
	}
	d.defaults = d.fields(n, defaultsKeys, "`defaults`")
	probe := &task{Task: new(machine.Task), d: d}
	d.draftRetries(probe)
	d.draftSlotsOf(probe)
	d.shell(d.defaults.get("shell"))
	d.draftEnv(nil, d.defaults.get("env"), "env", true)
	if n := d.defaults.get("env"); n != nil && n.Kind == Mapping {
		for _, f := range n.Fields() {
			if f.Value.Kind == Scalar && envName.fits(f.Key.Text) {
				d.defaultEnv = append(d.defaultEnv, machine.Var{Name: f.Key.Text, Value: f.Value.Text, Pos: f.Value.Pos(), Level: 1})
			}
		}
	}
	d.draftAWS(nil, d.defaults.get("aws"), "`aws`", 1)
	if s := d.defaults.get("sensor"); s != nil {
		d.fields(s, sensorKeys, "`sensor`")
	}
}

// draftSlotsOf reads the slot keys that defaults may hold.
func (d *DAG) draftSlotsOf(t *task) {
	d.text(t.get("pool"), "pool")
	d.text(t.get("queue"), "queue")
}
