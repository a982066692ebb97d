package machine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weft/expr"
)

// Order returns all that carrying out an attempt needs; ok is false if the key is not outstanding.
func (r *Run) Order(key Key) (o Order, ok bool) {
	n, k, ok := r.find(key)
	if !ok || !n.inst[k].alive() {
		return Order{}, false
	}
	return r.orderOf(n, k), true
}

// Bare is Order without what the task sees of others, for an attempt that has been rendered: a snapshot
// is dear, and never changes.
func (r *Run) Bare(key Key) (o Order, ok bool) {
	n, k, ok := r.find(key)
	if !ok || !n.inst[k].alive() {
		return Order{}, false
	}
	return r.orderSeeing(n, k, nil), true
}

// EvaluateOrder returns what carrying out an Evaluate needs.
func (r *Run) EvaluateOrder(q Evaluate) (o Order, ok bool) {
	if _, open := r.asks[q.ID]; !open {
		return Order{}, false
	}
	n := r.node(q.Key.Task, q.Key.Index)
	if n == nil {
		return Order{}, false
	}
	if len(n.inst) == 0 {
		return r.orderOf(n, -1), true
	}
	k := max(q.Key.Index, 0)
	if n.ti < 0 {
		k = 0
	}
	return r.orderOf(n, k), true
}

// orderOf gathers a node's order; k -1 is the node before it has instances.
func (r *Run) orderOf(n *node, k int) Order { return r.orderSeeing(n, k, r.views(n)) }

// views is what a node sees of other tasks: the same for each of its instances.
func (r *Run) views(n *node) map[string]TaskView {
	out := make(map[string]TaskView, len(n.def.Reads))
	for _, id := range n.def.Reads {
		if u := n.saw[id]; u != nil {
			out[id] = r.view(u, n.hides(id))
		} else if i, ok := r.plan.index[id]; ok {
			out[id] = r.view(r.nodes[i], n.hides(id))
		}
	}
	return out
}

func (r *Run) orderSeeing(n *node, k int, tasks map[string]TaskView) Order {
	o := Order{
		Run: r.Info(), Plan: r.plan, Task: n.def, ID: n.id,
		Key: Key{Task: n.id, Index: -1, Epoch: n.epoch}, Error: n.taskErr, Tasks: tasks,
	}
	if k >= 0 {
		in := &n.inst[k]
		o.Key, o.Since, o.Attempt = n.key(k), in.since, in.tries+1
		if in.since.IsZero() {
			o.Since = in.started
		}
		o.last, o.Remote = &in.result, in.remote.copy()
		if n.list != nil {
			if n.list.ref != nil {
				o.ItemRef = n.list.ref
			} else {
				o.Item, o.HasItem = n.list.items[k], true
			}
			if n.list.keys != nil {
				o.ItemKey = &n.list.keys[k]
			}
		}
	}
	if n.ti < 0 {
		o.RunState = r.state
		if r.decided != nil {
			o.RunState = r.decided.State
		}
		o.RunFailed = r.failedTasks()
	}
	return o
}

func (r *Run) failedTasks() []string {
	out := []string{}
	for _, n := range r.nodes {
		if n.state == Failed {
			out = append(out, n.id)
		}
	}
	return out
}

// hides returns the blind that covers a task, nil if the snapshot sees it whole.
func (n *node) hides(id string) *blind {
	for b := range n.blind {
		if n.blind[b].id == id {
			return &n.blind[b]
		}
	}
	return nil
}

// sees tells whether instance k had finished when the trigger decided.
func (b *blind) sees(k int) bool {
	return k/64 < len(b.seen) && b.seen[k/64]&(1<<(k%64)) != 0
}

// view is a task as an expression sees it; hidden is what the snapshot does not see of it.
func (r *Run) view(u *node, hidden *blind) TaskView {
	v := TaskView{Mapped: u.mapped, Declared: r.declared(u.id)}
	if u.state.Finished() && hidden == nil {
		v.State = u.state
		if u.state == Failed {
			v.Error = u.cause.Text
		}
	}
	if !u.mapped {
		if len(u.inst) == 1 && v.State == Success {
			v.Output, v.Ref, v.Artifacts = u.inst[0].result.Output, u.inst[0].result.Ref, u.inst[0].result.Artifacts
		}
		return v
	}
	v.Instances = make([]InstanceView, len(u.inst))
	for k := range u.inst {
		in := &u.inst[k]
		v.Instances[k].Index = k
		if !in.state.Finished() || (hidden != nil && !hidden.sees(k)) {
			continue
		}
		v.Instances[k].State = in.state
		if in.state == Success {
			v.Instances[k].Output, v.Instances[k].Ref, v.Instances[k].Artifacts = in.result.Output, in.result.Ref, in.result.Artifacts
		}
	}
	return v
}

// spilled tells whether one of the values lies outside the journal.
func spilled(tasks map[string]TaskView) bool {
	for _, v := range tasks {
		if v.Ref != nil {
			return true
		}
		for k := range v.Instances {
			if v.Instances[k].Ref != nil {
				return true
			}
		}
	}
	return false
}

// Vars returns what expressions see: section 4 of the language. Times are time.Time in UTC, all
// else JSON's values. secrets is nil in the machine; env is rendered with it. Spilled outputs must
// have been put in place before (they are null here).
func (o Order) Vars(secrets map[string]any) (map[string]any, error) {
	tasks, err := taskValues(o.Tasks)
	if err != nil {
		return nil, err
	}
	return o.varsWith(tasks, secrets)
}

func taskValues(views map[string]TaskView) (map[string]any, error) {
	tasks := make(map[string]any, len(views))
	for id, v := range views {
		value, err := v.value()
		if err != nil {
			return nil, firstFault(views)
		}
		tasks[id] = value
	}
	return tasks, nil
}

// firstFault is why there are no values: of several faults always that of the first task.
func firstFault(views map[string]TaskView) error {
	for _, id := range slices.Sorted(maps.Keys(views)) {
		if _, err := views[id].value(); err != nil {
			return fmt.Errorf("output of %s: %w", id, err)
		}
	}
	return nil
}

// OwnVars returns what expressions see of the run and the instance themselves: all but tasks, env and
// secrets. A Bare order has it.
func (o Order) OwnVars() (map[string]any, error) {
	params, err := object(o.Run.Params)
	if err != nil {
		return nil, fmt.Errorf("params: %w", err)
	}
	vars, err := object(o.Run.Vars)
	if err != nil {
		return nil, fmt.Errorf("vars: %w", err)
	}
	m := map[string]any{
		"dag":    map[string]any{"id": o.Plan.DAG, "file": o.Plan.File, "tags": texts(o.Plan.Tags)},
		"run":    o.runVars(),
		"params": params, "vars": vars,
	}
	o.instanceVars(m)
	return m, nil
}

func (o Order) varsWith(tasks, secrets map[string]any) (map[string]any, error) {
	m, err := o.OwnVars()
	if err != nil {
		return nil, err
	}
	m["tasks"], m["env"] = tasks, map[string]any{}
	if secrets != nil {
		m["secrets"] = secrets
	}
	env, err := o.env(m)
	if err != nil {
		return nil, err
	}
	m["env"] = env
	return m, nil
}

func (o Order) runVars() map[string]any {
	ts := func(t time.Time) any { return t.UTC() }
	m := map[string]any{
		"id": o.Run.Run, "type": o.Run.RunType,
		"logical_date": ts(o.Run.LogicalDate), "data_interval_start": ts(o.Run.IntervalStart),
		"data_interval_end": ts(o.Run.IntervalEnd), "started_at": ts(o.Run.StartedAt),
		"ds": o.Run.DS, "ds_nodash": strings.ReplaceAll(o.Run.DS, "-", ""),
		"ts":        Timestamp(o.Run.LogicalDate),
		"ts_nodash": o.Run.LogicalDate.UTC().Format("20060102T150405"),
		"epoch":     o.Run.Epoch,
	}
	if o.RunState != "" {
		m["state"], m["failed"] = string(o.RunState), texts(o.RunFailed)
	}
	return m
}

// Timestamp writes a time as run ids and `run.ts` do: RFC 3339 with +00:00, microseconds only
// where they are not zero.
func Timestamp(t time.Time) string {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05") + "+00:00"
	}
	return t.Format("2006-01-02T15:04:05.000000") + "+00:00"
}

func (o Order) instanceVars(m map[string]any) {
	if o.Key.Index >= 0 {
		m["index"] = o.Key.Index
	}
	if o.HasItem {
		m["item"] = o.Item
		if o.ItemKey != nil {
			m["item"] = map[string]any{"key": *o.ItemKey, "value": o.Item}
		}
	}
	if o.Attempt > 0 {
		m["attempt"] = o.Attempt
	}
	switch {
	case o.Error != nil:
		m["error"], m["exit_code"] = errorVar(o.Error.Kind, o.Error.Message, o.Error.Exit), exitVar(o.Error.Exit)
	case o.last != nil && o.last.State == Failed:
		m["error"], m["exit_code"] = errorVar(o.last.Kind, o.last.Error, o.last.Exit), exitVar(o.last.Exit)
	}
}

func errorVar(kind, message string, exit *int) any {
	return map[string]any{"kind": kind, "message": message, "exit_code": exitVar(exit)}
}

func exitVar(code *int) any {
	if code == nil {
		return nil
	}
	return *code
}

// env renders the DAG's env, then the task's; a value sees only the outer level's.
func (o Order) env(m map[string]any) (map[string]any, error) {
	pairs, err := o.renderEnv(m)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(pairs))
	for _, p := range pairs {
		out[p.Name] = p.Value
	}
	return out, nil
}

// Env returns the rendered environment of the DAG and the task, in order; later ones win.
func (o Order) Env(secrets map[string]any) ([]Var, error) {
	m, err := o.Vars(secrets)
	if err != nil {
		return nil, err
	}
	return o.renderEnv(m)
}

func (o Order) renderEnv(m map[string]any) ([]Var, error) {
	var out []Var
	outer, scope, level := map[string]any{}, maps.Clone(m), -1
	for _, list := range [][]Var{o.Plan.Env, o.Task.Env} {
		for _, v := range list {
			if v.Level > level {
				level, scope["env"] = v.Level, maps.Clone(outer)
			}
			val, err := expr.Render(v.Value, scope)
			var text string
			if err == nil {
				text, err = expr.Text(val)
			}
			if err != nil && o.beyond(v.Value, m) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%scannot evaluate env %s: %w", o.Plan.place(v.Pos), v.Name, err)
			}
			outer[v.Name] = text
			out = append(out, Var{Name: v.Name, Value: text, Pos: v.Pos, Level: v.Level})
		}
	}
	return out, nil
}

// beyond tells whether a variable of the environment cannot be known here, by no fault of its own:
// the machine has no secrets, and before for_each is evaluated there is no item. It is null then.
func (o Order) beyond(template string, m map[string]any) bool {
	if _, known := m["secrets"]; !known && mentions(template, "secrets") {
		return true
	}
	mapped := o.Task.ForEach != nil
	return (mapped && !o.HasItem && mentions(template, "item")) || (mapped && o.Key.Index < 0 && mentions(template, "index"))
}

// value is a task as `tasks.X`.
func (v TaskView) value() (map[string]any, error) {
	m := map[string]any{"state": nil, "output": nil, "error": nil, "ref": nil, "artifacts": nil}
	if v.State != None {
		m["state"] = v.State.String()
	}
	if v.Error != "" {
		m["error"] = v.Error
	}
	m["ref"] = refValue(v.Ref)
	if a := v.artifacts(); a != nil {
		m["artifacts"] = a
	}
	if !v.Mapped {
		out, err := decode(v.Output)
		m["output"] = out
		return m, err
	}
	list, outs := make([]any, len(v.Instances)), make([]any, len(v.Instances))
	for k, in := range v.Instances {
		out, err := decode(in.Output)
		if err != nil {
			return nil, err
		}
		var state any
		if in.State != None {
			state = in.State.String()
		}
		one := map[string]any{"index": k, "state": state, "output": out, "ref": refValue(in.Ref)}
		if len(v.Declared) > 0 {
			one["artifacts"] = artifactValues(in.Artifacts)
		}
		list[k] = one
		outs[k] = out
	}
	m["instances"], m["output"] = list, outs
	return m, nil
}

func refValue(r *Ref) any {
	if r == nil {
		return nil
	}
	return map[string]any{"uri": r.URI, "size": int(r.Size), "sha256": r.SHA256}
}

func decode(raw Raw) (any, error) {
	if raw == nil {
		return nil, nil
	}
	return expr.DecodeJSON(raw)
}

func object(raw Raw) (map[string]any, error) {
	v, err := decode(raw)
	if err != nil || v == nil {
		return map[string]any{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("cannot read: not a map")
	}
	return m, nil
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
