package spec

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"weft/expr"
	"weft/machine"
)

// A form is how expressions stand in a value.
type form uint8

const (
	bareForm form = iota // the whole value is one
	template             // ${{ }} inside text
	scripted             // ${{ }} inside a script: see script.go
)

// Where expressions may stand is not said in one place but where each key is read: whoever reads a key
// that takes them notes a use, and the rules check the uses in the order they were met, which is that
// of the file. Keys that take none refuse ${{ }} when they are read (see literal).

// A use is a value in which expressions stand, and what they may do there.
type use struct {
	task      *task // nil: the DAG's own
	where     string
	path      string // within the task, for machine.Place
	node      *Node
	form      form
	edge      bool // references make upstream
	want      any  // JSON Schema of the place, as member gives it; nil = none
	noSecrets bool // in a place that otherwise takes them
	outerEnv  bool // the env of the DAG or of defaults
	dagEnv    bool // … of the DAG
	asks      bool // of the output of the task's plugin: see ask.go
	src       string
	off       int // runes in the node's text before src, of a bare one
}

// use notes a value; values without an expression are of no interest.
func (d *DAG) use(u *use) {
	if u.form == bareForm {
		d.uses = append(d.uses, u)
		if u.where == "for_each" {
			if d.lists == nil {
				d.lists = map[*task]*use{}
			}
			d.lists[u.task] = u
		}
		return
	}
	i := strings.Index(u.node.Text, "${{")
	if i < 0 || u.form == scripted { // of a template with expressions package expr tells
		d.jinja(u)
	}
	d.braced(u)
	d.shellNames(u)
	if i < 0 {
		d.foreign(u)
		if u.form == scripted {
			d.uses = append(d.uses, u) // its syntax is checked all the same
		}
		return
	}
	d.uses = append(d.uses, u)
	if u.task != nil {
		pos := d.src.at(u.node, len([]rune(u.node.Text[:i])))
		u.task.Places = append(u.task.Places, machine.Place{Path: u.path, Pos: pos})
	}
}

// jinja are the templates of Airflow: {{ ds }}, {{ params.x }}.
var jinja = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{\{\s*(ds|ds_nodash|ts|ts_nodash|run_id|dag_run|data_interval_start|data_interval_end|logical_date|execution_date|params|var|ti|task_instance|macros|conn)\b[^{}]*\}\}`)
})

// jinja: Airflow's templates would go to the process as they are, which nobody means. Only names of
// Airflow's are taken for one: `{{ x }}` may be meant for the program that is run. A script may write
// such a file for another tool (dbt's), so there it is a warning.
func (d *DAG) jinja(u *use) {
	if !strings.Contains(u.node.Text, "{{") {
		return
	}
	severity := Error
	if u.form == scripted {
		severity = Warning
	}
	text := u.node.Text
	for _, m := range jinja().FindAllStringSubmatchIndex(text, maxForeign) {
		if m[0] > 0 && text[m[0]-1] == '$' {
			continue
		}
		at := d.within(u.node, utf8.RuneCountInString(text[:m[0]]), utf8.RuneCountInString(text[m[0]:m[1]]))
		d.reportAs(severity, expr.CodeForeign, at, "this is a template of another tool; here it is plain text").
			unjinja(d.src, text[m[0]:m[1]], text[m[2]:m[3]]).help("%s", jinjaHelp(text[m[2]:m[3]]))
	}
}

// maxForeign bounds how many templates of another tool are told of in one value.
const maxForeign = 20

// jinjaHelp says what an Airflow template is here.
func jinjaHelp(name string) string {
	switch name {
	case "ti", "task_instance":
		return "an upstream task's output is ${{ tasks.X.output }}"
	case "var", "conn":
		return "what the configuration says is ${{ vars.NAME }}, and ${{ secrets.NAME }} what nobody may see"
	case "params":
		return "an expression is written ${{ params.NAME }}"
	case "dag_run", "macros", "run_id":
		return "an expression is written ${{ … }}, and sees run.id, run.ds, params and more"
	case "execution_date":
		name = "logical_date"
	}
	return "an expression is written ${{ run." + name + " }}"
}

// templates notes every text below a value. want is the JSON Schema of its place, nil = none.
func (d *DAG) templates(t *task, where, path string, n *Node, want any) {
	if t != nil && d.ask(t, path, n) {
		return
	}
	here := resolveRef(want, want)
	switch n.Kind {
	case Mapping:
		for _, f := range n.Fields() {
			d.templates(t, where, path+"."+f.Key.Text, f.Value, member(want, here, f.Key.Text))
		}
	case Sequence:
		for i, it := range n.Items() {
			d.templates(t, where, join(path, i), it, member(want, here, "items"))
		}
	default:
		d.nullText(where, path, n, here)
		d.use(&use{task: t, where: where, path: path, node: n, form: template, edge: true, want: want, noSecrets: where == "with" && t != nil && t.Uses == dagRun})
	}
}

// template notes a value that is one, where references make no edge.
func (d *DAG) template(t *task, where, path string, n *Node) {
	d.use(&use{task: t, where: where, path: path, node: n, form: template})
}

// bare reads a key that holds a bare expression, or one whole ${{ }}; the plan gets it bare.
func (d *DAG) bare(t *task, where string, n *Node, edge bool) *machine.Expr {
	return d.bareUse(&use{task: t, where: where, node: n, form: bareForm, edge: edge})
}

// bareUse is bare for a use of which all but the source is known.
func (d *DAG) bareUse(u *use) *machine.Expr {
	n, where := u.node, u.where
	if n == nil || !d.scalarHere(n, where, "an expression") {
		return nil
	}
	if strings.TrimSpace(n.Text) == "" {
		d.report(sType, d.span(n), "`%s` has no value; it must be an expression", where)
		return nil
	}
	src, off := n.Text, 0
	if isWhole(src) {
		parts, _ := expr.Split(strings.TrimSpace(src))
		off = lead(src) + parts[0].Offset
		src = parts[0].Text
	}
	off += lead(src)
	src = strings.TrimSpace(src)
	u.src, u.off = src, off
	d.use(u)
	return &machine.Expr{Src: src, Pos: d.src.at(n, off)}
}

// lead counts the runes of white space that a text begins with.
func lead(s string) int {
	return len([]rune(s)) - len([]rune(strings.TrimLeftFunc(s, unicode.IsSpace)))
}

// isWhole tells whether a value is one ${{ }} and nothing else.
func isWhole(s string) bool {
	if !expr.HasExpr(s) {
		return false
	}
	parts, p := expr.Split(strings.TrimSpace(s))
	return p == nil && len(parts) == 1 && parts[0].Expr
}

// expressions are those of a value, each with its place in the node's text.
func (u *use) expressions() []expr.Segment {
	if u.form == bareForm {
		return []expr.Segment{{Text: u.src, Expr: true, Offset: u.off}}
	}
	parts, _ := expr.Split(u.node.Text)
	return slices.DeleteFunc(parts, func(p expr.Segment) bool { return !p.Expr })
}
