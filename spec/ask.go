package spec

import (
	"slices"
	"strings"

	"weft/machine"
	"weft/schema"
)

// Some inputs of plugins are no values but conditions on the output, such as `expect.when` of http: the
// plugin's schema marks them (see schema.Ask). They are checked like any other bare expression, and
// leave the input: whoever renders its templates must not meet one.

// asks are those of the task's plugin.
func (t *task) asks() []schema.Ask {
	if !t.known || len(t.plugin.Input) == 0 {
		return nil
	}
	c, err := schema.Compile(t.plugin.Input)
	if err != nil { // the plugin's fault; see checkInput
		return nil
	}
	return c.Asks()
}

// ask reads the value at a path of the task as such an expression, if it is one. A reference in it
// makes an edge, as everywhere in `with`.
func (d *DAG) ask(t *task, path string, n *Node) bool {
	path, within := strings.CutPrefix(path, "with.")
	if !within || !slices.ContainsFunc(t.asks(), func(a schema.Ask) bool { return strings.Join(a.Path, ".") == path }) {
		return false
	}
	if e := d.bareUse(&use{task: t, where: path, node: n, form: bareForm, edge: true, asks: true}); e != nil {
		t.Asks = append(t.Asks, machine.Ask{Path: path, Expr: *e})
	}
	return true
}

// withoutAsks takes them out of an input, also those that could not be read: these were reported.
func (t *task) withoutAsks(input map[string]any) {
	for _, a := range t.asks() {
		at, last := input, len(a.Path)-1
		for _, key := range a.Path[:last] {
			at, _ = at[key].(map[string]any)
		}
		delete(at, a.Path[last])
	}
}
