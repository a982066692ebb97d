package spec

import (
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"weft/expr"
)

// Names of ours in brackets that are not ours: ${params.n} as in a shell, $(params.n) as in Tekton, {{ ds }} as in
// Airflow. A shell trips over them or runs a command of that name; where no shell reads the text they stay as they
// are. Another program may be meant, so only what is an expression without the brackets is told of.

// foreign notes a text without expressions that may hold such a name.
func (d *DAG) foreign(u *use) {
	if u.form != template || !strings.Contains(u.node.Text, "${") {
		return
	}
	if want, _ := resolveRef(u.want, u.want).(map[string]any); want["contentMediaType"] == nil { // a program has ${ } of its own
		d.plain = append(d.plain, u)
	}
}

// ruleForeign warns of names in ${ } in texts that no shell reads.
func ruleForeign(d *DAG) {
	for _, u := range d.plain {
		if u.where == "run" && d.readsVariables(u) {
			continue
		}
		d.foreignNames(u, d.scope().of(u), func(_, _ int) bool { return true }, Warning, "stays as it is")
	}
}

// foreignNames reports each ${name} of a text that would be an expression, if it stands where here says so, in bytes;
// what says what becomes of it.
func (d *DAG) foreignNames(u *use, sc *expr.Scope, here func(from, to int) bool, severity Severity, what string) (found bool) {
	text := u.node.Text
	for at, n := 0, 0; n < maxForeign; n++ {
		open := strings.Index(text[at:], "${")
		if open < 0 {
			break
		}
		from := at + open
		size := strings.IndexByte(text[from:], '}') + 1
		if size == 0 {
			break
		}
		if at = from + 2; from > 0 && (text[from-1] == '$' || text[from-1] == '\\') || !here(from, from+size) {
			continue
		}
		name := strings.TrimSpace(text[from+2 : from+size-1])
		if !d.isOurs(name, sc) {
			continue
		}
		at = from + size
		place := d.within(u.node, utf8.RuneCountInString(text[:from]), utf8.RuneCountInString(text[from:from+size]))
		diag := d.reportAs(severity, expr.CodeForeign, place, "%q is no expression and %s", text[from:from+size], what)
		found = true
		d.noteParams(name)
		if whole, ok := d.src.exactly(place, text[from:from+size]); ok && severity == Error {
			diag.label("write `${{ %s }}`", name).note("fix", "write `${{ %s }}`", name).edit(whole, "${{ "+name+" }}")
			continue
		}
		diag.help("write ${{ %s }}", name)
	}
	return found
}

// isOurs tells whether a text is a name with members that an expression could be here.
func (d *DAG) isOurs(name string, sc *expr.Scope) bool {
	if root, member, dotted := strings.Cut(name, "."); !dotted || member == "" || len(name) > 200 || strings.ContainsAny(name, " \n'\"") || sc.Roots[root].Kind == expr.KindAny && root != "tasks" {
		return false
	}
	_, problems := expr.Check(name, &expr.Scope{Roots: sc.Roots, Elsewhere: sc.Elsewhere, Tasks: sc.Tasks})
	return len(problems) == 0
}

// notOurs tells of a script that a shell cannot read because of a name in brackets that are not ours, which stands
// where it stopped.
func (d *DAG) notOurs(u *use, sc *expr.Scope, off int) bool {
	around := func(from, to int) bool { return from <= off && off < to }
	spaced := func(from, _ int) bool { return strings.HasPrefix(u.node.Text[from:], "${ ") } // its end may be taken for another's
	for _, here := range []func(from, to int) bool{around, spaced} {
		if d.foreignNames(u, sc, here, Error, "the shell cannot read it") {
			return true
		}
	}
	if !strings.Contains(u.node.Text, "{{") {
		return false
	}
	for _, m := range jinja().FindAllStringIndex(u.node.Text, maxForeign) {
		if !around(m[0], m[1]) {
			continue
		}
		at := d.src.at(u.node, utf8.RuneCountInString(u.node.Text[:m[0]]))
		for _, diag := range d.diags {
			if diag.Code == expr.CodeForeign && diag.Line == at.Line && diag.Column == at.Col {
				diag.Message = "this is a template of another tool, and the shell cannot read it"
				diag.Severity, d.failed = Error, true
				return true
			}
		}
	}
	return false
}

// expressionsAsCommands warns of $( params.n ), which runs a command of that name.
func (d *DAG) expressionsAsCommands(u *use, sc *expr.Scope, file *syntax.File) {
	text := u.node.Text
	if i := strings.Index(text, "$("); i < 0 || !strings.Contains(text[i:], ".") {
		return
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		if cmd, ok := n.(*syntax.CmdSubst); ok && len(cmd.Stmts) == 1 {
			if call, ok := cmd.Stmts[0].Cmd.(*syntax.CallExpr); ok && len(call.Args) == 1 && len(call.Assigns) == 0 {
				if name := call.Args[0].Lit(); d.isOurs(name, sc) {
					from, to := int(cmd.Pos().Offset()), int(cmd.End().Offset())
					d.reportAs(Warning, expr.CodeForeign, d.within(u.node, utf8.RuneCountInString(text[:from]), utf8.RuneCountInString(text[from:to])),
						"this runs a command called %s", name).help("write ${{ %s }}", name)
					d.noteParams(name)
				}
			}
		}
		return true
	})
}
