package spec

import (
	"slices"
	"strings"

	"weft/machine"
)

// A task is one under way from the file to the plan, or a callback. The embedded Task is its draft, a task's in
// the plan itself, which the readers below fill in; the rest is what rules need to know and a plan does not hold.
type task struct {
	*machine.Task
	key   *Node // the id, where it stands
	f     fields
	d     *DAG
	at    int    // position in the file; of no meaning for callbacks
	hook  string // of a callback: on_success, on_failure, on_late
	owner *task  // of a callback: whose it is; nil = the DAG's

	plugin *PluginInfo
	known  bool        // the plugin is
	needs  []*Node     // ids as written; the rule about them drops what is wrong
	refs   []reference // as they were read; each value's in the order of its text
	script *script     // of `run` text
	env    []string    // names that its expressions see: those of defaults, then its own
	plain  bool        // `run` is text, and holds nothing of ours
	broken bool        // is no map: says nothing about itself

	constant bool // its `when` names nothing
}

// A reference is one tasks.X in an expression of a task.
type reference struct {
	id    string
	at    Span
	where string // the key: run, with, env, …
	edge  bool   // makes X upstream
}

// get returns a key's node: the task's own, else that of `defaults`. env, aws and sensor are left out: of
// the first two both count, and a sensor of defaults holds only for tasks that have one.
func (t *task) get(key string) *Node {
	if n := t.f.get(key); n != nil {
		return n
	}
	if slices.Contains(defaultsKeys.keys, key) && key != "env" && key != "aws" && key != "sensor" {
		return t.d.defaults.get(key)
	}
	return nil
}

// callback tells whether the task is one.
func (t *task) callback() bool { return t.hook != "" }

// name is how messages call a task.
func (t *task) name() string {
	if t.callback() {
		return "callback \"" + t.ID + "\""
	}
	return "task \"" + t.ID + "\""
}

// draftTasks reads the tasks in file order. A task whose key is wrong is read all the same: its id
// counts as known, so that whoever needs it is not blamed.
func (d *DAG) draftTasks(n *Node) {
	if n == nil {
		if d.top.lacks("tasks") {
			d.report(sMissing, d.span(d.root), "the DAG has no `tasks`").help("add `tasks:` with at least one task")
		}
		return
	}
	if n.Empty() || n.Kind == Mapping && len(n.Fields()) == 0 {
		d.report(sMissing, d.span(d.top.key("tasks")), "`tasks` is empty; a DAG has at least one task")
		return
	}
	list := d.named(n, "tasks")
	tasks := make([]task, len(list)) // a file may have ten thousand: all at once, and in the plan at once
	d.plan.Tasks, d.tasks = make([]machine.Task, len(list)), make([]*task, 0, len(list))
	for i, f := range list {
		if d.full() {
			return
		}
		d.id(f.Key, "the task id", taskID)
		t := &tasks[i]
		*t = task{Task: &d.plan.Tasks[i], key: f.Key, d: d, at: i, plugin: unknownPlugin}
		t.ID = f.Key.Text
		d.tasks = append(d.tasks, t)
		d.byID[t.ID] = t
		d.draftTask(t, f.Value, taskKeys)
	}
}

// draftHook reads a map of callbacks: tasks without a place in the graph. Their ids are names of their
// own and may be those of tasks: a callback is called by its owner, its hook and its id.
func (d *DAG) draftHook(owner *task, hook string, n *Node) {
	if d.nameless(hook, n) {
		return
	}
	list := d.named(n, hook)
	calls, drafts := make([]task, len(list)), make([]machine.Task, len(list))
	switch {
	case owner != nil:
		owner.OnFailure = drafts
	case hook == "on_success":
		d.plan.OnSuccess = drafts
	case hook == "on_failure":
		d.plan.OnFailure = drafts
	default:
		d.plan.OnLate = drafts
	}
	for i, f := range list {
		d.id(f.Key, "the callback's id", taskID)
		cb := &calls[i]
		*cb = task{Task: &drafts[i], key: f.Key, d: d, hook: hook, owner: owner, plugin: unknownPlugin}
		cb.ID = f.Key.Text
		d.hooks = append(d.hooks, cb)
		d.draftTask(cb, f.Value, callbackKeys)
	}
}

// draftTask reads a task's keys, each by the file that knows it. keys is the table that it is read
// against, a task's or a callback's. What a task does comes first: whether its plugin is a sensor by
// nature is asked by what follows.
func (d *DAG) draftTask(t *task, n *Node, keys *table) {
	t.Pos = t.key.Pos()
	if n.bad {
		t.broken = true
		return
	}
	if n.Kind != Mapping && d.gluedKey(n, keys) {
		t.broken = true
		return
	}
	if n.Kind != Mapping {
		diag := d.report(sType, d.span(t.key), "%s must be a map, not %s", t.name(), n.words())
		switch command := listWords(n); {
		case n.Kind == Scalar && !n.Empty():
			diag.help("for a command write `%s: {run: …}`", t.ID)
		case command != "":
			diag.help("for a command write `%s: {run: %s}`", t.ID, command)
		}
		t.broken = true
		return
	}
	t.f = d.fields(n, keys, t.name())
	d.draftWork(t)
	d.draftFlow(t)
	d.draftRetries(t)
	d.draftSlots(t)
	d.draftSensor(t)
	d.checkRemote(t)
	t.Env = d.draftTaskEnv(t)
	d.draftOutputs(t, t.f.get("outputs"))
	d.draftFiles(t)
	t.Description, _ = d.text(t.f.get("description"), "description")
	t.Group, _ = d.text(t.f.get("group"), "group")
	if wd := t.f.get("workdir"); d.scalarHere(wd, "workdir", "a path") {
		t.Workdir = wd.Text
		d.template(t, "workdir", "workdir", wd)
	}
	if !t.callback() {
		d.draftHook(t, "on_failure", t.f.get("on_failure"))
	}
}

// draftFlow reads what decides whether and how often the task runs.
func (d *DAG) draftFlow(t *task) {
	t.needs = d.oneOrList(t.f.get("needs"), "needs")
	d.draftTrigger(t, t.f.get("trigger"))
	t.When = d.bare(t, "when", t.f.get("when"), true)
	d.draftForEach(t, t.f.get("for_each"))
	if n := t.f.get("max_parallel"); n != nil {
		if v, ok := d.integer(n, "max_parallel", 1); ok {
			t.MaxParallel = v
		}
		if t.f.lacks("for_each") {
			d.reportAs(Warning, sMissing, d.span(t.f.key("max_parallel")), "`max_parallel` bounds the instances of `for_each`, and there is none")
		}
	}
	t.DependsOnPast = d.boolean(t.f.get("depends_on_past"), "depends_on_past")
}

// draftRetries reads what becomes of a failed attempt; every field has its default filled in, so
// that a plan means the same whatever later versions take for a default.
func (d *DAG) draftRetries(t *task) {
	t.RetryDelay, t.RetryBackoff, t.MaxRetryDelay = minutes(5), 1, hours(24)
	t.Retries, _ = d.integer(t.get("retries"), "retries", 0)
	if v, ok := d.duration(t.get("retry_delay"), "retry_delay", true); ok {
		t.RetryDelay = v
	}
	if v, ok := d.decimal(t.get("retry_backoff"), "retry_backoff", 1); ok {
		t.RetryBackoff = v
	}
	if v, ok := d.duration(t.get("max_retry_delay"), "max_retry_delay", true); ok {
		t.MaxRetryDelay = v
		if v < t.RetryDelay {
			d.report(rInterval, d.span(t.get("max_retry_delay")), "`max_retry_delay` is shorter than `retry_delay`")
		}
	}
	if n := t.get("retries"); n == nil && t.f.lacks("retries") {
		d.idleRetryKeys(t)
	}
	t.RetryJitter, _ = d.decimal(t.get("retry_jitter"), "retry_jitter", 0)
	t.RetryIf = d.bare(t, "retry_if", t.f.get("retry_if"), false)
	t.Timeout, _ = d.duration(t.get("timeout"), "timeout", false)
}

// idleRetryKeys warns of keys about retries at a task that has none.
func (d *DAG) idleRetryKeys(t *task) {
	for _, name := range []string{"retry_delay", "retry_backoff", "max_retry_delay", "retry_jitter", "retry_if"} {
		if key := t.f.key(name); key != nil {
			d.reportAs(Warning, sMissing, d.span(key), "`%s` needs `retries`: %s is not tried again", name, t.name()).
				help("say how often: `retries: 3`")
			return
		}
	}
}

// draftSlots reads what the task holds while it runs. Whether the pool exists is a rule.
func (d *DAG) draftSlots(t *task) {
	t.Pool, t.PoolSlots = "default", 1
	if s, ok := d.text(t.get("pool"), "pool"); ok {
		t.Pool = s
	}
	if v, ok := d.integer(t.f.get("pool_slots"), "pool_slots", 1); ok {
		t.PoolSlots = v
	}
	t.Priority, _ = d.integer(t.f.get("priority"), "priority", -1<<31)
	t.Queue, _ = d.text(t.get("queue"), "queue")
}

// draftForEach reads a literal list, whose texts may be templates, or an expression. A literal map is
// refused: its order is that of the file, and the same map as a value has none. Only of a literal is
// the number of instances known here; of an expression it is checked in the run.
func (d *DAG) draftForEach(t *task, n *Node) {
	switch {
	case n == nil:
	case n.Kind == Sequence:
		t.ForEach = &machine.ForEach{List: encode(d.value(n))}
		if most := d.maxInstances(); len(n.Items()) > most {
			d.report(sValue, d.span(t.f.key("for_each")), "`for_each` has %d elements; at most %d are allowed", len(n.Items()), most)
		}
		d.templates(t, "for_each", "for_each", n, nil)
	case n.Kind == Mapping:
		d.report(sType, d.span(n), "`for_each` must be a list or an expression, not a map").
			help("for a literal map write `${{ fromJSON('{…}') }}`, or a list of maps")
	case n.Empty():
		d.report(sType, d.span(t.f.key("for_each")), "`for_each` has no value; it must be a list or an expression")
	default:
		t.ForEach = &machine.ForEach{Expr: d.bare(t, "for_each", n, true)}
	}
}

func (d *DAG) maxInstances() int {
	if d.opts.MaxInstances > 0 {
		return d.opts.MaxInstances
	}
	return 10_000
}

// triggerRules are the named rules of section 5.
var triggerRules = []string{
	"all_success", "all_failed", "all_done", "all_skipped", "one_success", "one_failed", "one_done", "none_failed",
	"none_failed_min_one_success", "none_skipped", "always", "all_done_min_one_success",
}

// foreignRules are words of other tools, and old ones of Airflow's, for rules.
var foreignRules = map[string]string{
	"none_failed_or_skipped": "none_failed_min_one_success", "dummy": "always", "all_finished": "all_done", "success": "all_success",
	"failure": "one_failed", "failed": "one_failed", "any_success": "one_success", "any_failed": "one_failed", "done": "all_done",
	"on_success": "all_success", "on_failure": "one_failed", "completed": "all_done", "succeeded": "all_success",
}

// draftTrigger reads a rule's name or an expression. A single word that is no rule is taken for a
// misspelt one: no expression is a single word.
func (d *DAG) draftTrigger(t *task, n *Node) {
	t.Trigger = machine.Trigger{Rule: "all_success"}
	if n != nil && n.Kind == Sequence && len(n.Items()) == 1 && slices.Contains(triggerRules, n.Items()[0].Text) {
		d.report(sType, d.span(n), "`trigger` must be a rule or an expression, not a list").label("write `%s`", n.Items()[0].Text)
		return
	}
	if n == nil || !d.scalarHere(n, "trigger", "a rule or an expression") {
		return
	}
	if n.Empty() {
		d.report(sType, d.span(t.f.key("trigger")), "`trigger` has no value; it must be a rule or an expression")
		return
	}
	rule := strings.TrimSpace(n.Text)
	dashed := strings.ReplaceAll(strings.ToLower(rule), "-", "_")
	status := statusRules[strings.Trim(rule, "${} ")]
	switch {
	case slices.Contains(triggerRules, rule):
		t.Trigger.Rule = rule
	case slices.Contains(triggerRules, dashed):
		d.report(sValue, d.span(n), "there is no trigger rule %q", rule).instead(rule, dashed)
	case status != "" && status != "all_success":
		d.report(sValue, d.span(n), "%q is another tool's", rule).label("write `%s`", status)
	case envName.fits(rule) && rule != "true" && rule != "false":
		diag := d.report(sValue, d.span(n), "there is no trigger rule %q", rule)
		if here := foreignRules[strings.ToLower(rule)]; here != "" {
			diag.label("write `%s`", here)
		} else {
			diag.suggest(rule, triggerRules)
		}
		diag.note("note", "the rules are %s", joinWords(triggerRules))
	default:
		t.Trigger = machine.Trigger{Expr: d.bare(t, "trigger", n, false)}
	}
}

// draftVerdict reads when a run counts as failed. As with triggers a single word is no expression, so
// it is taken for a misspelt rule.
func (d *DAG) draftVerdict(n *Node) {
	d.plan.Verdict.Rule = "leaves"
	if n == nil || !d.scalarHere(n, "verdict", "`leaves`, `strict` or an expression") {
		return
	}
	switch rule := strings.TrimSpace(n.Text); {
	case rule == "leaves" || rule == "strict":
		d.plan.Verdict.Rule = rule
	case envName.fits(rule) || rule == "":
		d.report(sValue, d.span(n), "`verdict` must be leaves, strict or an expression").suggest(rule, []string{"leaves", "strict"})
	default:
		d.plan.Verdict = machine.Verdict{Expr: d.bare(nil, "verdict", n, false)}
	}
}
