package spec

import (
	"slices"
	"strings"

	"weft/expr"
)

// ruleAbsent refuses what is legal in the language and not carried out by this version: a task
// that ran without its inputs, or with an empty password, would be worse than one that does not run.
// It reports what is written, not what follows from it.
func ruleAbsent(d *DAG) {
	for _, u := range d.uses {
		for _, part := range u.expressions() {
			d.absentSecrets(u, part)
		}
	}
}

// absentSecrets reports where an expression reads a secret. Where none may stand at all that is
// X607, and the check of the expression has said so.
func (d *DAG) absentSecrets(u *use, part expr.Segment) {
	if !strings.Contains(part.Text, "secrets") || u.where == "trigger" || u.where == "verdict" {
		return
	}
	info, _ := d.check(question{part.Text, d.scope().of(u), false})
	if !info.Names["secrets"] {
		return
	}
	at := nameIn(part.Text, "secrets")
	d.report(sAbsent, d.within(u.node, part.Offset+at, len("secrets")), "`secrets` is not carried out by this version of weft").
		help("let the script read the value itself: from a file, or from the environment that weft was started with")
}

// expressions are those of a value, each with its place in the node's text.
func (u *use) expressions() []expr.Segment {
	if u.form == bareForm {
		return []expr.Segment{{Text: u.src, Expr: true, Offset: u.off}}
	}
	parts, _ := expr.Split(u.node.Text)
	return slices.DeleteFunc(parts, func(p expr.Segment) bool { return !p.Expr })
}

// nameIn returns the runes before a name that stands alone in an expression: outside of texts, and
// no member of something else.
func nameIn(src, name string) int {
	runes := []rune(src)
	var quote, before rune
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case quote != 0:
			if r == '\\' {
				i++
			} else if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'' || r == '`':
			quote = r
		case before != '.' && !word(before) && strings.HasPrefix(string(runes[i:]), name) && (i+len(name) == len(runes) || !word(runes[i+len(name)])):
			return i
		}
		before = r
	}
	return 0
}
