package spec

// What a file comes to is bounded beside what it holds: a plan has a struct for each task, and under each task stands what
// `defaults` say. A file that is far from these bounds may be as small as it likes.
const (
	maxMade     = 300_000 // values, once aliases and defaults are written out
	maxMadeText = 4 << 20 // bytes of their texts
	maxTasks    = 12_000  // tasks and callbacks: a DAG is held to what is promised at 10,000
)

// tooLarge reports a file that comes to more than a plan may hold. It counts what is written out: an alias of a map of
// callbacks is as many callbacks.
func (d *DAG) tooLarge() bool {
	tasks := d.root.Get("tasks").Fields()
	n := 0
	more := func(fields []Field) bool {
		if n += len(fields); n <= maxTasks {
			return false
		}
		d.report(yLimit, d.span(fields[max(0, maxTasks-n+len(fields))].Key), "the file holds more than 12,000 tasks and callbacks").
			help("make a `for_each` of tasks that are alike, or another DAG of a part of them")
		return true
	}
	hooks := []string{"on_success", "on_failure", "on_late"}
	if more(tasks) {
		return true
	}
	for _, hook := range hooks {
		if more(d.root.Get(hook).Fields()) {
			return true
		}
	}
	for _, t := range tasks {
		if more(t.Value.Get("on_failure").Fields()) {
			return true
		}
	}
	values, text := writtenOut(d.root.Get("defaults"))
	if values*n > maxMade || text*n > maxMadeText {
		d.report(yLimit, d.span(d.key("defaults")), "`defaults` under %d tasks are more than a plan may hold: %d values in all, %d KiB of text", n, values*n, text*n>>10).
			help("what is the same for all tasks belongs under `env` of the DAG")
		return true
	}
	return false
}

// writtenOut counts the values of a tree and the bytes of their texts, aliases written out. How many there can be is
// bounded when the tree is planted.
func writtenOut(n *Node) (values, text int) {
	if n == nil {
		return 0, 0
	}
	values, text = 1, len(n.Text)
	for _, f := range n.Fields() {
		kv, kt := writtenOut(f.Key)
		vv, vt := writtenOut(f.Value)
		values, text = values+kv+vv, text+kt+vt
	}
	for _, it := range n.Items() {
		v, t := writtenOut(it)
		values, text = values+v, text+t
	}
	return values, text
}

// key returns where a key of the DAG stands.
func (d *DAG) key(name string) *Node {
	for _, f := range d.root.Fields() {
		if f.Key.Text == name {
			return f.Key
		}
	}
	return nil
}
