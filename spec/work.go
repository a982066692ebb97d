package spec

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weft/expr"
	"weft/schema"
)

// draftWork reads what the task does: `run`, or `uses` and `with`.
func (d *DAG) draftWork(t *task) {
	run, uses := t.f.key("run"), t.f.key("uses")
	switch {
	case run != nil && uses != nil:
		d.report(sExclusive, d.span(uses), "%s has both `run` and `uses`; it does one thing", t.name()).
			related(d.span(run), "`run` is here")
	case run != nil:
		d.draftRun(t)
	case uses != nil:
		d.draftUses(t)
	case t.f.lacks("run") && t.f.lacks("uses"):
		d.report(sMissing, d.span(t.key), "%s does nothing: it needs `run` or `uses`", t.name())
	}
	if run != nil && uses == nil && t.f.key("with") != nil {
		d.report(sExclusive, d.span(t.f.key("with")), "`with` is the input of a plugin; `run` has none").
			help("hand values to a script by `env`, or by ${{ }} in it")
	}
	if run == nil && uses != nil && t.f.key("shell") != nil {
		d.report(sExclusive, d.span(t.f.key("shell")), "`shell` belongs to `run`; %s has `uses`", t.name())
	}
}

// draftRun reads a script or an argv into the shell plugin's input: `run` is a way to write `uses:
// shell`, and from here on there is no difference. With of a script is what is written; where it holds
// expressions the expressions rule rewrites it.
func (d *DAG) draftRun(t *task) {
	t.Uses = "shell"
	d.plug(t)
	run := t.f.get("run")
	switch {
	case run.bad:
	case run.Empty():
		diag := d.report(sType, d.span(t.f.key("run")), "`run` has no value; it must be a script, or a list of a program and its arguments")
		if d.commented(run) {
			diag.help("what begins with # is a comment to YAML: write the script on the lines below `run: |`")
		}
		return
	case run.Kind == Mapping:
		d.runIsMap(run)
		return
	case run.Kind == Sequence:
		argv := d.argv(t, run, "with.run")
		if s := t.f.key("shell"); s != nil {
			d.report(sExclusive, d.span(s), "`shell` is for a script; a list runs without a shell")
		}
		t.With = encode(map[string]any{"run": argv})
		return
	}
	if strings.TrimSpace(run.Text) == "" && !run.bad {
		d.reportAs(Warning, sMissing, d.span(run), "the script of %s is empty: it does nothing", t.name()).
			help("a task that does nothing is `uses: noop`")
	}
	u, s := d.scriptOf(t, run)
	t.With = s.input(run.Text)
	if strings.Contains(run.Text, "$") || strings.Contains(run.Text, "{{") {
		t.script = s
		d.use(u)
		return
	}
	t.plain = true // a file may have very many of these, of which only the syntax is asked: see ruleExpressions
}

// scriptOf returns the script that a task's `run` is, and its use.
func (d *DAG) scriptOf(t *task, run *Node) (*use, *script) {
	named := t.get("shell")
	s := &script{node: run, shell: d.shell(named)}
	s.unknown = s.shell == nil && named != nil
	return &use{task: t, where: "run", path: "with.run", node: run, form: scripted, edge: true}, s
}

// shell reads which program reads a script: a name, an argv, or nil for bash, else sh.
func (d *DAG) shell(n *Node) any {
	switch {
	case n == nil:
		return nil
	case n.Kind == Sequence:
		argv, hasFile := []any{}, false
		for _, it := range d.list(n, "shell") {
			argv = append(argv, it.Text)
			hasFile = hasFile || slices.Contains([]string{"{0}"}, it.Text)
		}
		if !hasFile {
			d.report(sValue, d.span(n), "`shell` has no {0}, where the script's file goes").help("write it like `[python3, \"{0}\"]`")
		}
		return argv
	}
	if !d.filled(n, "shell", "bash, sh or a list") {
		return nil
	}
	if n.Text != "bash" && n.Text != "sh" {
		diag := d.report(sValue, d.span(n), "`shell` must be bash, sh or a list")
		if name := path.Base(n.Text); path.IsAbs(n.Text) && (name == "bash" || name == "sh") {
			diag.instead(n.Text, name)
			return nil
		}
		diag.help("for another program write a list: `[%s, \"{0}\"]`", cut(n.Text, 40))
		return nil
	}
	return n.Text
}

// argv reads a list whose elements become whole words of a command, expressions and all. No shell sees
// them, so nothing needs quoting; but everyone on the machine sees a process's arguments, so secrets
// are refused.
func (d *DAG) argv(t *task, n *Node, path string) []any {
	words := []any{}
	for i, it := range n.Items() {
		if !d.scalarHere(it, "run", "a list of texts") {
			continue
		}
		words = append(words, it.Text)
		d.use(&use{task: t, where: "run", path: join(path, i), node: it, form: template, edge: true, noSecrets: true})
	}
	if len(n.Items()) == 0 {
		d.report(sType, d.span(n), "`run` is an empty list; it must begin with a program")
	}
	d.argvWords(n.Items())
	return words
}

// plug looks up the task's plugin. Where nobody knows the plugins none is, and nothing is checked.
func (d *DAG) plug(t *task) {
	if d.opts.Plugins == nil {
		return
	}
	info, met := d.plugins[t.Uses]
	if !met {
		if found, known := d.opts.Plugins.Plugin(t.Uses); known {
			info = &found
		}
		d.plugins[t.Uses] = info
	}
	if info != nil {
		t.plugin, t.known = info, true
	}
}

// unknownPlugin stands for one that nobody knows.
var unknownPlugin = new(PluginInfo)

// draftUses reads a plugin's name and input. The input of an unknown plugin is kept unchecked, and
// its expressions are checked all the same.
func (d *DAG) draftUses(t *task) {
	n := t.f.get("uses")
	if !d.filled(n, "uses", "the name of a plugin") {
		return
	}
	t.Uses = n.Text
	d.plug(t)
	if d.opts.Plugins != nil && !t.known {
		r := d.report(sPlugin, d.span(n), "there is no plugin %q", t.Uses)
		if instead := insteadOf(t.Uses); instead != "" {
			r.help("%s", instead)
		} else {
			r.suggest(t.Uses, d.opts.Plugins.Names()).help("`weft plugins` lists them")
		}
	}
	d.draftWith(t)
}

// draftWith reads a plugin's input, typed and checked by its schema. An absent `with` is an empty one:
// what is required is missing either way.
func (d *DAG) draftWith(t *task) {
	n := t.f.get("with")
	if n != nil && !n.Empty() && n.Kind != Mapping {
		d.report(sType, d.span(n), "`with` must be a map, not %s", n.words())
		return
	}
	input := map[string]any{}
	if n != nil && n.Kind == Mapping {
		input, _ = d.valueAs(n, schemaValue(t.plugin.Input)).(map[string]any)
		d.withUses(t, n)
		t.withoutAsks(input)
	}
	t.With = encode(input)
	if t.known && len(t.plugin.Input) > 0 {
		d.checkInput(t, n, input)
	}
}

// withUses notes the expressions of an input. The shell plugin's script is one wherever it stands.
func (d *DAG) withUses(t *task, n *Node) {
	input := schemaValue(t.plugin.Input)
	for _, f := range n.Fields() {
		path := "with." + f.Key.Text
		switch {
		case t.Uses == "shell" && f.Key.Text == "run" && f.Value.Kind == Scalar:
			with, _ := d.valueAs(n, input).(map[string]any)
			_, argv := with["shell"].([]any)
			known := with["shell"] == nil || argv || with["shell"] == "bash" || with["shell"] == "sh"
			t.script = &script{node: f.Value, shell: with["shell"], with: with, unknown: !known}
			d.use(&use{task: t, where: "run", path: path, node: f.Value, form: scripted, edge: true})
		case t.Uses == "shell" && f.Key.Text == "run" && f.Value.Kind == Sequence:
			d.argv(t, f.Value, path)
		default:
			d.programText(t, f, member(input, input, f.Key.Text))
			d.inputFile(t, f, member(input, input, f.Key.Text))
			d.literalInput(f, member(input, input, f.Key.Text))
			d.templates(t, "with", path, f.Value, member(input, input, f.Key.Text))
		}
	}
}

// programText refuses expressions in an input that is a program, which its schema tells by a
// contentMediaType: a value pasted into one would be read as code, whatever quotes stand around it.
func (d *DAG) programText(t *task, f Field, schema any) {
	m, _ := resolveRef(schema, schema).(map[string]any)
	if m["contentMediaType"] == nil || f.Value.Kind != Scalar || f.Value.bad {
		return
	}
	segs, p := expr.Split(f.Value.Text)
	if p != nil {
		return // the template's own check tells
	}
	for _, s := range splicesOf(f.Value.Text, segs) {
		if what := strings.TrimSpace(s.seg.Text); what == `'${{'` || what == `"${{"` {
			continue // how a literal ${{ is written
		}
		at := d.within(f.Value, s.runes, utf8.RuneCountInString(f.Value.Text[s.from:s.to]))
		d.report(xArgvShell, at, "`%s` of %s takes no ${{ }}: the value would be read as code", f.Key.Text, t.Uses).
			help("hand it over: `args: {name: \"%s\"}` and `def main(name):`", written(&s))
	}
}

// checkInput checks an input against its plugin's schema. What an expression will give is not known
// yet: in its place stands its text, which most schemas would not take, so what may vanish with a
// value is passed over here. The input is checked again, whole, when it is rendered.
func (d *DAG) checkInput(t *task, n *Node, input map[string]any) {
	c, err := schema.Compile(t.plugin.Input)
	if err != nil { // the plugin's fault, not the file's; a test of the plugin's own finds it
		return
	}
	found := c.Check(input)
	for _, v := range found {
		if n != nil && openTo(n, v) || misspelt(found, v) || otherPart(found, v) || t.strays(v) {
			continue
		}
		d.inputProblem(t, n, v)
	}
}

// openTo tells whether a violation may vanish once the expressions at or below it have values. A whole
// expression may give anything here (see wholevalue.go for what is declared); a text with one inside
// it is text in any case; of what is asked of a list or a map as a whole nobody knows.
func openTo(n *Node, v schema.Violation) bool {
	if v.Keyword == "additionalProperties" { // the name is what is wrong, whatever its value will be
		return false
	}
	at, _ := n.deepest(v.Path)
	if at.Kind == Scalar {
		whole := isWhole(at.Text)
		return whole || expr.HasExpr(at.Text) && v.Keyword != "type"
	}
	switch v.Keyword {
	case "anyOf", "oneOf", "not", "contains", "enum", "const", "uniqueItems", "":
		return holdsExpr(at)
	}
	return false
}

// holdsExpr tells whether an expression stands anywhere in a value.
func holdsExpr(n *Node) bool {
	if expr.HasExpr(n.Text) {
		return true
	}
	for _, f := range n.Fields() {
		if holdsExpr(f.Value) {
			return true
		}
	}
	return slices.ContainsFunc(n.Items(), holdsExpr)
}

// inputProblem reports a violation at the smallest thing that is wrong: the value, else its key,
// else `with`, else `uses`.
func (d *DAG) inputProblem(t *task, n *Node, v schema.Violation) {
	where := "`with`"
	if len(v.Path) > 0 {
		where = "`" + pathWords(v.Path) + "`"
	}
	if v.Keyword == "additionalProperties" {
		_, key := n.deepest(v.Path)
		of := "plugin " + t.Uses
		if len(v.Path) > 1 {
			of = "`" + pathWords(v.Path[:len(v.Path)-1]) + "`"
		}
		d.inputName(n, key, of, v)
		return
	}
	at := d.span(t.f.key("uses"))
	if n != nil && n.Kind == Mapping {
		value, key := n.deepest(v.Path)
		switch {
		case len(v.Path) == 0:
			at = d.span(t.f.key("with"))
		case value.Kind == Scalar && !value.Empty() || key == nil:
			at = d.span(value)
		default:
			at = d.span(key)
		}
		if b, loose := looseBool(value.Text); loose && value.Quote == Plain && strings.Contains(v.Message, "true or false,") {
			d.report(yBool, at, "%s must be true or false, not %s", where, value.words()).instead(value.Text, strconv.FormatBool(b))
			return
		}
	}
	if v.Keyword == "required" && len(v.Path) == 0 {
		d.report(sInput, at, "plugin %s needs input %q", t.Uses, v.Name)
		return
	}
	diag := d.report(sInput, at, "%s %s", where, v.Message)
	if value, _ := n.deepest(v.Path); value != nil && len(v.Choices) > 0 && value.Kind == Scalar {
		if near := nearest(value.Text, v.Choices); len(near) > 0 {
			diag.label("did you mean %s?", orWords(quoted(near)))
			if strings.EqualFold(value.Text, near[0]) { // the case of its letters alone
				diag.note("fix", "write `%s`", near[0]).swap(value.Text, near[0])
			}
		}
	}
}
