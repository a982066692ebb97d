package spec

import (
	"path"
	"slices"
	"strings"
)

// A list, or a text, where a map must stand is mostly the way that another tool writes the same thing. What is said
// then is the map made of what stands there, as far as it can be made in a line.

// maxShown bounds how many members of such a map are shown.
const maxShown = 4

// asMap says what to write for a value of a key that must be a map of names; "" if nobody knows.
func asMap(key string, n *Node) string {
	switch {
	case strings.HasPrefix(key, "on_") && n.Kind == Scalar && !n.Empty():
		return "a callback has a name: `" + key + ": {notify: {run: " + oneLine(n) + "}}`"
	case strings.HasPrefix(key, "on_"):
		return "a callback has a name: `" + key + ": {notify: {run: …}}`"
	case n.Kind == Sequence && len(n.Items()) > 0 && key == "tasks":
		return taskAsKey(n.Items()[0])
	}
	items := n.Items()
	if n.Kind == Scalar && !n.Empty() {
		items = []*Node{n}
	}
	var members []string
	for _, it := range items[:min(maxShown, len(items))] {
		name, value := asMember(key, it)
		if name == "" {
			return ""
		}
		members = append(members, name+": "+value)
	}
	switch {
	case len(items) == 0:
		return ""
	case len(items) > maxShown:
		members = append(members, "…")
	}
	return "write `" + key + ": {" + joinWords(members) + "}`"
}

// taskAsKey shows the first task of a list under its id.
func taskAsKey(first *Node) string {
	id, work := "a", "run: …"
	for _, key := range []string{"id", "name", "task_id", "task"} {
		if n := first.Get(key); n != nil && n.Kind == Scalar && taskID.fits(n.Text) {
			id = cut(n.Text, 40)
			break
		}
	}
	if n := first.Get("uses"); n != nil && n.Kind == Scalar {
		work = "uses: " + oneLine(n)
	} else if n := first.Get("run"); n != nil && n.Kind == Scalar {
		work = "run: " + oneLine(n)
	}
	return "a task's id is its key: `" + id + ": {" + work + "}`"
}

// asMember makes a name and its value of an item; no name if none can be made.
func asMember(key string, it *Node) (name, value string) {
	named := it.Get("name")
	switch {
	case named != nil && named.Kind == Scalar: // - {name: A, value: 1}
		name, value = named.Text, "…"
		if v := it.Get("value"); v != nil && v.Kind == Scalar {
			value = oneLine(v)
		}
	case it.Kind == Mapping && len(it.Fields()) == 1 && it.Fields()[0].Value.Kind == Scalar: // - A: 1
		name, value = it.Fields()[0].Key.Text, oneLine(it.Fields()[0].Value)
	case it.Kind == Mapping:
		return "", ""
	case it.Kind == Sequence:
		return "", ""
	default:
		name = it.Text
	}
	if it.Kind == Scalar {
		switch key {
		case "env":
			k, v, _ := strings.Cut(it.Text, "=")
			name, value = k, "\""+cut(v, 40)+"\""
		case "outputs":
			value = "any"
		case "params":
			value = "{type: string}"
		case "artifacts":
			name, value = strings.TrimSuffix(path.Base(it.Text), path.Ext(it.Text)), oneLine(it)
		case "inputs":
			return path.Base(it.Text), oneLine(it)
		default:
			return "", ""
		}
	}
	if !taskID.fits(name) || len(name) > 40 {
		return "", ""
	}
	return name, value
}

// oneLine is a scalar as it may stand in a message: its first line, in quotes if it is no plain word.
func oneLine(n *Node) string {
	first, _, more := strings.Cut(strings.TrimSpace(n.Text), "\n")
	first = cut(first, 40)
	switch {
	case more:
		return "…"
	case first == "" || n.Quote != Plain || strings.ContainsAny(first, ",[]{}?") || first == "-" || strings.HasSuffix(first, ":"):
		if strings.ContainsAny(first, "\"\\") {
			return "'" + strings.ReplaceAll(first, "'", "''") + "'"
		}
		return "\"" + first + "\""
	}
	return first
}

// listWords shows a list of scalars as one is written; "" if it is none, or a long one.
func listWords(n *Node) string {
	if n.Kind != Sequence || len(n.Items()) == 0 || len(n.Items()) > 2*maxShown || slices.ContainsFunc(n.Items(), func(it *Node) bool { return it.Kind != Scalar }) {
		return ""
	}
	words := make([]string, len(n.Items()))
	for i, it := range n.Items() {
		words[i] = oneLine(it)
	}
	return "[" + joinWords(words) + "]"
}

// commandKeys are what other tools call a command inside a step.
var commandKeys = []string{"cmd", "command", "script", "run", "exec", "bash_command"}

// runIsMap reports a map where a script must stand.
func (d *DAG) runIsMap(run *Node) {
	diag := d.report(sType, d.span(run), "`run` must be a script or a list, not a map")
	for _, key := range commandKeys {
		switch n := run.Get(key); {
		case n == nil || n.Empty():
		case n.Kind == Scalar:
			diag.help("write `run: %s`", oneLine(n))
			return
		case listWords(n) != "":
			diag.help("write `run: %s`", listWords(n))
			return
		}
	}
}

// nameless reports a callback that stands where a map of callbacks must: its name was forgotten.
func (d *DAG) nameless(hook string, n *Node) bool {
	for _, key := range []string{"run", "uses"} {
		f := slices.IndexFunc(fieldsOf(n), func(f Field) bool { return f.Key.Text == key && f.Value.Kind != Mapping && !f.Value.bad })
		if f < 0 {
			continue
		}
		value := oneLine(n.Fields()[f].Value)
		if words := listWords(n.Fields()[f].Value); words != "" {
			value = words
		}
		d.report(sType, d.span(n.Fields()[f].Key), "`%s` holds callbacks by their names, and `%s` is a key of one", hook, key).
			help("a callback has a name: `%s: {notify: {%s: %s}}`", hook, key, value)
		return true
	}
	return false
}

func fieldsOf(n *Node) []Field {
	if n == nil {
		return nil
	}
	return n.Fields()
}

// pluginAsKey says how the plugin is used that stands as a key of a task.
func pluginAsKey(f Field) string {
	name := f.Key.Text
	switch {
	case f.Value.Kind != Mapping && name == "python":
		return "write `uses: " + name + ", with: {code: …}`"
	case f.Value.Kind == Mapping && len(f.Value.Fields()) > 0:
		return "write `uses: " + name + ", with: {" + cut(f.Value.Fields()[0].Key.Text, 40) + ": …}`"
	}
	return "write `uses: " + name + "`, and its input under `with`"
}
