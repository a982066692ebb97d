package spec

import (
	"slices"
	"strings"
	"unicode/utf8"

	"weft/expr"
)

// A forgotten $: {{ run.ds }} for ${{ run.ds }}. Other programs have such brackets of their own (Go's templates,
// Jinja, Ansible), so only what would be an expression at its place, and begins with a name of the language, is told
// of; of what Airflow calls by the same name tells jinja.

// braced notes a text that may hold such a name.
func (d *DAG) braced(u *use) {
	text := u.node.Text
	for i := strings.Index(text, "{{"); i >= 0; {
		if i == 0 || text[i-1] != '$' {
			break
		}
		next := strings.Index(text[i+2:], "{{")
		if next < 0 {
			return
		}
		i += 2 + next
	}
	if !strings.Contains(text, "{{") {
		return
	}
	if want, _ := resolveRef(u.want, u.want).(map[string]any); want["contentMediaType"] == nil { // a program has {{ }} of its own
		d.braces = append(d.braces, u)
	}
}

// ruleMissingDollar tells of names without a $ before their brackets. As with Airflow's templates, a script may
// write them for another tool: there it is a warning, as it is everywhere of names that other tools have.
func ruleMissingDollar(d *DAG) {
	for _, text := range d.meant { // of expressions that YAML cut
		d.noteParams(text)
	}
	for _, u := range d.braces {
		if d.full() {
			return
		}
		d.missingDollar(u)
	}
}

func (d *DAG) missingDollar(u *use) {
	text, sc := u.node.Text, d.scope().of(u)
	for at, n := 0, 0; n < maxForeign; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			return
		}
		from := at + open
		at = from + len("{{")
		size := strings.Index(text[from:min(len(text), from+maxBraced)], "}}")
		if size < 0 || from > 0 && strings.IndexByte(`${\`, text[from-1]) >= 0 {
			continue
		}
		inner := strings.TrimSpace(text[at : from+size])
		if !wouldBe(inner, sc) {
			continue
		}
		if n++; u.form == scripted && inComments(text, from) || inExpression(text, from) {
			continue
		}
		at = from + size + len("}}")
		d.reportDollar(u, from, at, inner)
	}
}

// maxBraced bounds how long a name in brackets may be, in bytes with them.
const maxBraced = 200

// reportDollar reports what stands between two bytes of a text, unless another rule did.
func (d *DAG) reportDollar(u *use, from, to int, inner string) {
	whole := u.node.Text[from:to]
	place := d.within(u.node, utf8.RuneCountInString(u.node.Text[:from]), utf8.RuneCountInString(whole))
	for _, diag := range d.diags {
		if diag.Code == expr.CodeForeign && diag.Line == place.Line && diag.Column == place.Col {
			return
		}
	}
	severity := Error
	if u.form == scripted || strings.HasPrefix(inner, "item") || strings.HasPrefix(inner, "vars") { // names of other tools, too
		severity = Warning
	}
	d.meant = append(d.meant, inner)
	d.noteParams(inner)
	diag := d.reportAs(severity, expr.CodeForeign, place, "\"%s\" is no expression without a $, and stays as it is", whole)
	if at, ok := d.src.exactly(place, whole); ok && severity == Error {
		diag.note("fix", "put a $ before it: `$%s`", whole).edit(at, "$"+whole)
		return
	}
	diag.help("put a $ before it: `$%s`", whole)
}

// wouldBe tells whether a text begins with a name of the language that Airflow has not, and would be right as an
// expression.
func wouldBe(text string, sc *expr.Scope) bool {
	if strings.Contains(text, "\n") {
		return false
	}
	end := strings.IndexAny(text, ".[ |?")
	if end < 0 {
		end = len(text)
	}
	member := end < len(text) && (text[end] == '.' || text[end] == '[')
	switch root := text[:end]; root {
	case "vars": // vars["x"] is how Ansible writes it
		if !member || text[end] == '[' {
			return false
		}
	case "run", "tasks", "secrets", "env", "dag":
		if !member {
			return false
		}
	case "item":
		if _, mapped := sc.Roots[root]; !mapped {
			return false
		}
	default:
		return false
	}
	_, problems := expr.Check(text, &expr.Scope{Roots: sc.Roots, Elsewhere: sc.Elsewhere, Tasks: sc.Tasks})
	return len(problems) == 0
}

// inComments tells whether a place of a script is in a line that is a comment.
func inComments(text string, at int) bool {
	line := text[strings.LastIndexByte(text[:at], '\n')+1 : at]
	return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#")
}

// inExpression tells whether a place of a text is inside one, where it may be part of a text.
func inExpression(text string, at int) bool {
	segs, _ := expr.Split(text)
	return slices.ContainsFunc(splicesOf(text, segs), func(s splice) bool { return s.from <= at && at < s.to })
}
