package spec

import (
	"slices"
	"strings"
)

// A file can be YAML and its keys stand on the wrong level: tasks beside `tasks`, a task's keys beside the task. Each is one
// slip of the hand; the keys are read where they belong, so that nothing else is said of them.

// levels puts such keys where they belong, each with one report.
func (d *DAG) levels() {
	d.tasksAtMargin()
	if at := slices.IndexFunc(d.root.Fields(), func(f Field) bool { return f.Key.Text == "tasks" }); at >= 0 {
		d.keysBesideTasks(&d.root.Fields()[at])
	}
}

// tasksAtMargin finds tasks that stand at the file's margin below an empty `tasks:`.
func (d *DAG) tasksAtMargin() {
	all := d.root.Fields()
	at := slices.IndexFunc(all, func(f Field) bool { return f.Key.Text == "tasks" })
	if at < 0 || !all[at].Value.Empty() {
		return
	}
	end := at + 1
	for end < len(all) && taskID.fits(all[end].Key.Text) && !slices.Contains(dagKeys.keys, all[end].Key.Text) && !strings.HasPrefix(all[end].Key.Text, "x-") && works(all[end].Value) && all[end].Key.col == all[at].Key.col {
		end++
	}
	moved := all[at+1 : end]
	if len(moved) == 0 {
		return
	}
	first := moved[0].Key
	diag := d.report(yIndent, d.span(first), "%s beside `tasks`, not under it", stand(moved)).related(d.span(all[at].Key), "`tasks` is empty")
	d.indentMore(diag, first, all[end:])
	tasks := &Node{Kind: Mapping, line: first.line, col: first.col, inside: &inside{fields: slices.Clone(moved)}}
	rest := slices.Concat(all[:at], []Field{{all[at].Key, tasks}}, all[end:])
	d.root.inside = &inside{fields: rest}
}

// works tells whether a value is a map that does something, as a task.
func works(n *Node) bool { return n.Get("run") != nil || n.Get("uses") != nil }

// stand names tasks as the subject of a sentence.
func stand(fields []Field) string {
	if len(fields) == 1 {
		return "task \"" + fields[0].Key.Text + "\" stands"
	}
	var ids []string
	for _, f := range fields[:min(len(fields), 3)] {
		ids = append(ids, "\""+f.Key.Text+"\"")
	}
	if len(fields) > 3 {
		ids = append(ids, "…")
	}
	return "tasks " + joinWords(ids) + " stand"
}

// keysBesideTasks finds keys of a task that line up with its id.
func (d *DAG) keysBesideTasks(tasks *Field) {
	all := tasks.Value.Fields()
	at := slices.IndexFunc(all, func(f Field) bool { return f.Value.Empty() })
	if tasks.Value.Kind != Mapping || at < 0 {
		return
	}
	var kept []Field
	changed := false
	for i := 0; i < len(all); i++ {
		end := i + 1
		if all[i].Value.Empty() {
			for end < len(all) && besides(all[i], all[end]) {
				end++
			}
		}
		moved := all[i+1 : end]
		kept = append(kept, all[i])
		if !slices.ContainsFunc(moved, func(f Field) bool { return f.Value.Kind != Mapping }) {
			kept = append(kept, moved...)
			i = end - 1
			continue
		}
		changed = true
		first := moved[0].Key
		diag := d.report(yIndent, d.span(first), "`%s` lines up with task %q, and so is no key of it", first.Text, all[i].Key.Text).
			related(d.span(all[i].Key), "this task is empty")
		d.indentMore(diag, first, all[end:])
		kept[len(kept)-1].Value = &Node{Kind: Mapping, line: first.line, col: first.col, inside: &inside{fields: slices.Clone(moved)}}
		i = end - 1
	}
	if changed {
		tasks.Value = &Node{Kind: Mapping, line: tasks.Value.line, col: tasks.Value.col, inside: &inside{fields: kept}}
	}
}

// besides tells whether a field is a key of the task that it lines up with, and no task.
func besides(task, f Field) bool {
	return f.Key.col == task.Key.col && f.Key.line > task.Key.line && slices.Contains(taskKeys.keys, f.Key.Text) && !works(f.Value) && !f.Value.Empty()
}

// indentMore helps, or fixes: the lines from a key up to those of the next fields are one step deeper.
func (d *DAG) indentMore(diag *Diagnostic, first *Node, next []Field) {
	unit := d.indentUnit()
	if d.src.lineText(int(first.line))[:first.col-1] != strings.Repeat(" ", int(first.col)-1) {
		diag.help("indent it deeper")
		return
	}
	end := d.src.count()
	if len(next) > 0 {
		end = int(next[0].Key.line) - 1
	}
	for end > int(first.line) && (strings.TrimSpace(d.src.lineText(end)) == "" || d.src.lineText(end)[0] == '#') {
		end--
	}
	diag.note("fix", "indent it, and what follows, by %s", columnsWords(int(first.col)-1+unit))
	for n := int(first.line); n <= end; n++ {
		if strings.TrimSpace(d.src.lineText(n)) != "" {
			diag.edit(Span{n, 1, n, 1}, strings.Repeat(" ", unit))
		}
	}
}
