package spec

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"weft/expr"
)

// ruleExpressions checks every expression but triggers and verdicts, and notes which tasks and
// params they name. Triggers and verdicts have a language of their own (package expr), and theirs
// are checked when it is known who is upstream of whom, which follows from what is noted here.
func ruleExpressions(d *DAG) {
	s := d.scope()
	for _, u := range d.uses {
		switch {
		case u.where == "trigger" || u.where == "verdict":
		case u.form == scripted:
			d.checkScript(u, s.of(u))
		case u.form == bareForm:
			info, problems := d.check(question{u.src, s.of(u), false})
			d.told(u, u.off, info, problems)
			d.noteParams(u.src)
			if u.where == "when" {
				u.task.constant = len(info.Names) == 0 && len(problems) == 0
			}
		default:
			info, problems := d.check(question{u.node.Text, s.of(u), true})
			d.told(u, 0, info, problems)
			if info.Whole && !certain(problems) {
				d.wholeValue(u, info.Type)
			}
			if len(problems) > 0 { // what cannot be taken apart may name any of them
				d.noteParams(u.node.Text)
			}
			parts, _ := expr.Split(u.node.Text)
			for _, p := range parts {
				if p.Expr {
					d.noteParams(p.Text)
				}
			}
		}
	}
}

// A question is an expression, or a template, and the place that asks.
type question struct {
	src      string
	scope    *expr.Scope
	template bool
}

// An answer is what a check found. Its places count from the beginning of the source.
type answer struct {
	info     expr.Info
	problems []expr.Problem
}

// check asks package expr, once for each question: `${{ run.ds }}` stands in most files many times.
// Nobody may change what it returns.
func (d *DAG) check(q question) (expr.Info, []expr.Problem) {
	a, ok := d.answers[q]
	if !ok {
		ask := expr.Check
		if q.template {
			ask = expr.CheckTemplate
		}
		a.info, a.problems = ask(q.src, q.scope)
		d.answers[q] = a
	}
	return a.info, a.problems
}

// told turns what a check found into diagnostics and references; off is where the checked source
// begins in the node's text.
func (d *DAG) told(u *use, off int, info expr.Info, problems []expr.Problem) {
	for _, p := range problems {
		d.exprProblem(u, off, p)
	}
	if u.task == nil {
		return
	}
	for _, r := range info.Refs {
		if d.byID[r.Task] == nil {
			continue // reported by the check
		}
		u.task.refs = append(u.task.refs, reference{
			id: r.Task, at: d.within(u.node, off+r.Offset, r.Len), where: u.where, edge: u.edge,
		})
	}
}

// exprProblem puts a problem of package expr where it stands in the file. A secret where none may be
// is an unknown name to expr, and a matter of security here.
func (d *DAG) exprProblem(u *use, off int, p expr.Problem) {
	at := d.within(u.node, off+p.Offset, p.Len)
	code, msg := p.Code, p.Msg
	if code == eMember && d.src.text(at) == "secrets" && p.Help == noSecrets {
		code, msg = xSecret, "secrets cannot stand in `"+u.where+"`"
	}
	diag := d.reportAs(severityOf(p), code, at, "%s", msg)
	if len(p.Suggest) > 0 {
		diag.label("did you mean %s?", orWords(quoted(p.Suggest)))
		if len(p.Suggest) == 1 {
			diag.note("fix", "rename to `%s`", p.Suggest[0]).swap(d.src.text(at), p.Suggest[0])
		}
	}
	switch {
	case p.Code == expr.CodeNotClosed && d.cutByComment(at):
		diag.help("to YAML ` #` begins a comment, and the value ends there: quote it, or write it below a |")
	case diag.translate(p, d.src.text(at)):
	case p.Help != "":
		diag.help("%s", p.Help)
	}
}

// severityOf: what expr is not sure of is a warning.
func severityOf(p expr.Problem) Severity {
	if p.Maybe {
		return Warning
	}
	return Error
}

// certain tells whether one of some problems keeps an expression from having a value.
func certain(problems []expr.Problem) bool {
	return slices.ContainsFunc(problems, func(p expr.Problem) bool { return !p.Maybe })
}

// cutByComment tells that a ${{ is closed on its line, behind what YAML takes for a comment.
func (d *DAG) cutByComment(at Span) bool {
	line := d.src.line(at.EndLine)
	if at.Line != at.EndLine || at.Col > len(line) {
		return false
	}
	_, comment, cut := strings.Cut(string(line[at.Col-1:]), " #")
	return cut && strings.Contains(comment, "}}")
}

// paramUse finds params.x, params["x"], and params alone, which may name any. It reads text, not the
// tree: a param that stands in a comment or a text counts as used, for a warning too few is better
// than a false one.
var paramUse = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bparams\b\s*(?:\??\.\s*([A-Za-z_][A-Za-z0-9_]*)|\??\.?\[\s*["']([^"']*)["']\s*\])?`)
})

// noteParams notes the params that an expression names; params as a whole names all of them.
func (d *DAG) noteParams(src string) {
	if !strings.Contains(src, "params") {
		return
	}
	for _, m := range paramUse().FindAllStringSubmatch(src, -1) {
		name := m[1] + m[2]
		for _, p := range d.params {
			p.used = p.used || name == "" || name == p.Name
		}
	}
}
