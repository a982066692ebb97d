package spec

import (
	"slices"
	"strings"
)

// A table is the keys that a mapping may have, in the order of the language's page. The same keys
// stand in schema/dag.schema.json for editors; a test holds the two to each other. A key is added
// here, in the schema, and where it is read.
type table struct {
	what string // whose keys: "a task"
	keys []string
}

var (
	dagKeys = &table{"a DAG", []string{
		"id", "weft", "description", "owner", "tags", "schedule", "paused", "params", "env", "aws", "defaults",
		"max_active_runs", "max_active_tasks", "timeout", "handoff", "verdict", "deadline",
		"on_success", "on_failure", "on_late", "tasks",
	}}
	taskKeys = &table{"a task", []string{
		"run", "shell", "uses", "with", "needs", "trigger", "when", "for_each", "max_parallel", "sensor",
		"retries", "retry_delay", "retry_backoff", "max_retry_delay", "retry_jitter", "retry_if", "timeout",
		"env", "aws", "workdir", "outputs", "artifacts", "inputs", "pool", "pool_slots", "priority", "queue",
		"depends_on_past", "on_failure", "group", "description",
	}}
	defaultsKeys = &table{"`defaults`", []string{
		"retries", "retry_delay", "retry_backoff", "retry_jitter", "max_retry_delay", "timeout", "shell", "pool",
		"queue", "env", "aws", "sensor",
	}}
	sensorKeys = &table{"`sensor`", []string{
		"until", "fail_when", "poke_interval", "timeout", "soft_fail", "on_error", "exponential_backoff", "max_wait",
	}}
	scheduleKeys = &table{"`schedule`", []string{
		"cron", "every", "at", "timezone", "start", "end", "catchup", "interval", "dst", "jitter",
	}}
	catchupKeys = &table{"`catchup`", []string{"max"}}
	awsKeys     = &table{"`aws`", []string{"profile", "region", "role_arn", "external_id", "role_session_name"}}
	dstKeys     = &table{"`dst`", []string{"gap", "fold"}}
	paramKeys   = &table{"a param", append([]string{"default"}, schemaWords...)}
	outputKeys  = &table{"an output", schemaWords}
	schemaKeys  = &table{"a schema", append([]string{"default"}, schemaWords...)}
)

// callbackKeys are a task's, but for those in notInCallbacks.
var callbackKeys = &table{"a callback", slices.DeleteFunc(slices.Clone(taskKeys.keys), func(k string) bool {
	return slices.Contains(notInCallbacks, k)
})}

// notInCallbacks are a task's keys that a callback lacks: it has no place in the graph.
var notInCallbacks = []string{"needs", "trigger", "for_each", "max_parallel", "depends_on_past", "on_failure"}

// schemaWords are the keywords of JSON Schema, draft-07. A schema ignores what it does not know, so
// a misspelt `default` would make a param required in silence: here it is an unknown key.
var schemaWords = []string{
	"type", "description", "title", "enum", "const", "examples", "format", "pattern", "minLength", "maxLength",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "items", "additionalItems",
	"minItems", "maxItems", "uniqueItems", "contains", "properties", "required", "additionalProperties",
	"patternProperties", "propertyNames", "minProperties", "maxProperties", "dependencies", "if", "then", "else",
	"allOf", "anyOf", "oneOf", "not", "definitions", "$ref", "$schema", "$id", "$comment", "readOnly", "writeOnly",
	"contentEncoding", "contentMediaType",
}

// homes are the tables that a key may belong to, in the order in which they are named to a user.
var homes = []struct {
	table *table
	say   string
}{
	{taskKeys, "it is a key of a task, under `tasks`"},
	{sensorKeys, "it belongs under `sensor`"},
	{dagKeys, "it is a key of the DAG, at the top of the file"},
	{scheduleKeys, "it belongs under `schedule`"},
	{awsKeys, "it belongs under `aws`"},
}

// elsewhere are words of other tools and what they are here. They are no aliases: a file that is
// accepted has one way to say a thing.
var elsewhere = map[string]string{
	"depends_on": "needs", "dependencies": "needs", "upstream": "needs", "depends": "needs", "after": "needs",
	"command": "run", "cmd": "run", "script": "run", "bash_command": "run", "bash": "run", "exec": "run",
	"operator": "uses", "plugin": "uses", "action": "uses", "executor": "uses",
	"schedule_interval": "schedule", "cron": "schedule", "trigger_rule": "trigger", "if": "when", "condition": "when",
	"strategy": "for_each", "matrix": "for_each", "expand": "for_each", "max_active_tis_per_dag": "max_parallel",
	"timeout_minutes": "timeout", "timeout-minutes": "timeout", "execution_timeout": "timeout", "dagrun_timeout": "timeout",
	"retry": "retries", "working_directory": "workdir", "working-directory": "workdir", "cwd": "workdir", "dir": "workdir",
	"environment": "env", "steps": "tasks", "jobs": "tasks", "name": "id", "dag_id": "id", "default_args": "defaults",
	"priority_weight": "priority", "task_group": "group", "on_failure_callback": "on_failure",
	"on_success_callback": "on_success", "is_paused_upon_creation": "paused",
	"task_concurrency": "max_parallel", "max_active_tis_per_dagrun": "max_parallel", "concurrency": "max_active_tasks",
	"tz": "timezone", "time_zone": "timezone", "crontab": "cron", "expression": "cron", "interval_seconds": "every",
	"doc_md": "description", "doc": "description", "sla_miss_callback": "on_late",
}

// otherValues are the words of elsewhere whose values look different there: a name alone is no fix.
var otherValues = []string{
	"operator", "action", "executor", "strategy", "matrix", "expand", "timeout_minutes", "timeout-minutes", "execution_timeout",
	"dagrun_timeout", "retry", "steps", "jobs", "name", "default_args", "interval_seconds", "task_group", "on_failure_callback",
	"on_success_callback", "sla_miss_callback",
}

// statusRules are GitHub Actions' conditions on what went before, and the rules that say so here.
var statusRules = map[string]string{"always()": "all_done", "!cancelled()": "all_done", "failure()": "one_failed", "success()": "all_success"}

// fields is a mapping read against its table. It gives legal keys alone, so whoever reads a key by its
// name needs no check, and one that is misspelt is reported once, here. The zero value has no keys.
type fields struct {
	node  *Node
	of    *table   // nil: it could not be read, and has no keys
	meant []string // keys that misspelt ones may have meant: that they are missing is no news
}

// field returns a key and its value, both nil if it is absent.
func (f fields) field(key string) Field {
	if f.of == nil {
		return Field{}
	}
	for _, field := range f.node.Fields() { // there are a few
		if field.Key.Text == key && slices.Contains(f.of.keys, key) {
			return field
		}
	}
	return Field{}
}

// lacks tells whether a key is absent, and no misspelt one may have meant it.
func (f fields) lacks(key string) bool {
	if f.node != nil && f.node.bad { // it could not be read whole
		return false
	}
	return f.key(key) == nil && !slices.Contains(f.meant, key)
}

// get returns a key's value, nil if it is absent.
func (f fields) get(key string) *Node { return f.field(key).Value }

// key returns where a key stands.
func (f fields) key(key string) *Node { return f.field(key).Key }

// fields reads a mapping: keys that the table lacks are reported, `x-…` passed over. If the node
// is no mapping that is reported too, and there are no fields.
func (d *DAG) fields(n *Node, t *table, name string) fields {
	f := fields{node: n}
	if n == nil || n.bad {
		return f
	}
	if n.Kind != Mapping {
		d.report(sType, d.span(n), "%s must be a map, not %s", name, n.words())
		return f
	}
	f.of = t
	for _, field := range n.Fields() {
		if d.full() {
			break
		}
		key := field.Key.Text
		switch {
		case slices.Contains(t.keys, key):
		case strings.HasPrefix(key, "x-"):
		default:
			f.meant = append(f.meant, d.unknownKey(field, t, f)...)
		}
	}
	return f
}

// unknownKey says what was meant: a near key, a key of another place, or another tool's word. It
// returns the keys of this place that may have been meant.
func (d *DAG) unknownKey(field Field, t *table, in fields) []string {
	key := field.Key
	at := d.span(key)
	if meant, ok := d.gluedField(field, t); ok {
		return []string{meant}
	}
	if d.afterComma(field, t, in.node) {
		return nil
	}
	if rule := statusRules[strings.Trim(field.Value.Text, "${} ")]; rule != "" && (key.Text == "if" || key.Text == "when") && t == taskKeys {
		d.report(sUnknownKey, at, "%s has no key %q", t.what, key.Text).label("write `trigger: %s`", rule)
		return nil
	}
	if d.strayInput(field, t, in) {
		return nil
	}
	here, ok := elsewhere[key.Text]
	if t == scheduleKeys && strings.HasSuffix(key.Text, "_date") {
		here, ok = strings.TrimSuffix(key.Text, "_date"), true
	}
	if ok && slices.Contains(t.keys, here) {
		diag := d.report(sUnknownKey, at, "%s has no key %q", t.what, key.Text).label("write `%s`", here)
		if !slices.Contains(otherValues, key.Text) {
			diag.instead(key.Text, here).unlessTaken(in.node, in.meant...)
		}
		return []string{here}
	}
	if instead, ok := airflowKeys[key.Text]; ok && !slices.Contains(schemaWords, t.keys[0]) {
		d.report(sUnknownKey, at, "%s has no key %q", t.what, key.Text).help("%s", instead)
		return nil
	}
	near := nearest(key.Text, t.keys)
	if len(near) == 0 && (t == taskKeys || t == callbackKeys) && d.opts.Plugins != nil {
		if _, ok := d.opts.Plugins.Plugin(key.Text); ok {
			d.report(sUnknownKey, at, "%s has no key %q", t.what, key.Text).help("%s", pluginAsKey(field))
			return []string{"run", "uses"}
		}
	}
	if len(near) == 0 || t.what == "`sensor`" && slices.Contains(taskKeys.keys, key.Text) {
		for _, h := range homes {
			if h.table != t && slices.Contains(h.table.keys, key.Text) {
				d.report(sWrongPlace, at, "%s has no key %q", t.what, key.Text).label("not here").help("%s", h.say)
				return nil
			}
		}
	}
	d.report(sUnknownKey, at, "%s has no key %q", t.what, key.Text).suggest(key.Text, t.keys).
		unlessTaken(in.node, in.meant...)
	return near
}
