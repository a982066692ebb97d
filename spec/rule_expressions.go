package spec

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"weft/expr"
	"weft/machine"
)

// ruleExpressions checks every expression but triggers and verdicts, and notes which tasks and
// params they name. Triggers and verdicts have a language of their own (package expr), and theirs
// are checked when it is known who is upstream of whom, which follows from what is noted here.
func ruleExpressions(d *DAG) {
	for _, u := range d.uses {
		if d.full() {
			return
		}
		switch {
		case u.where == "trigger" || u.where == "verdict":
		case u.form == scripted:
			d.checkScript(u, u.task.script)
		case u.form == bareForm:
			info, problems := d.check(question{u.src, d.scope().of(u), false})
			d.told(u, u.off, info, problems)
			d.noteParams(u.src)
			if u.where == "when" {
				u.task.constant = len(info.Names) == 0 && len(problems) == 0
			}
		default:
			info, problems := d.check(question{u.node.Text, d.scope().of(u), true})
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
	for _, list := range [][]*task{d.tasks, d.hooks} {
		for _, t := range list {
			if t.plain && !d.full() {
				u, s := d.scriptOf(t, t.f.get("run"))
				d.checkScript(u, s)
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

// maxKept bounds how many answers, and how many scopes, are kept: what is asked again is mostly asked soon.
const maxKept = 500

// check asks package expr, once for each question: `${{ run.ds }}` stands in most files many times.
// Nobody may change what it returns.
func (d *DAG) check(q question) (expr.Info, []expr.Problem) {
	a, ok := d.answers[q]
	if !ok {
		if len(d.answers) >= maxKept {
			clear(d.answers)
		}
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
		code, msg = xSecret, "secrets cannot stand in "+u.place()
		p.Help = u.noSecretsHelp()
	}
	if len(p.Suggest) == 1 && latin(p.Suggest[0]) == d.src.text(at) && d.byID[p.Suggest[0]] != nil { // that id was reported
		return
	}
	diag := d.reportAs(severityOf(p), code, at, "%s", msg)
	if p.Code == expr.CodeName && u.task != nil && u.task.key != nil && u.task.key.Pos().Line > at.Line { // by a merge
		diag.related(d.span(u.task.key), "here it is part of task %q", u.task.ID)
	}
	diag.inside = at.Line != u.node.Pos().Line || at.Col > u.node.Pos().Col
	switch {
	case p.Fix != "":
		fix := quotedFor(u.node.Quote, p.Fix)
		escaped := at.Line != at.EndLine || strings.Contains(d.src.text(at), `\`)
		if fix != "" && u.node.Quote != Plain && strings.Contains(fix, "[") && !escaped { // brackets may stand in quotes and blocks
			diag.label("write `%s`", fix).note("fix", "write `%s`", fix).edit(at, fix)
		} else if fix != "" {
			diag.instead(d.src.text(at), fix)
		} else {
			diag.label("write `%s`", p.Fix)
		}
	case len(p.Suggest) > 0:
		diag.label("did you mean %s?", orWords(quotedOnce(p.Suggest)))
		if len(p.Suggest) == 1 && !p.Guess {
			diag.note("fix", "rename to `%s`", p.Suggest[0]).swap(d.src.text(at), p.Suggest[0])
		}
	}
	switch {
	case d.unwrap(u, diag, p):
	case d.unquotedHash(u, diag, p, at):
	case p.Code == expr.CodeNotClosed && d.cutByComment(at):
		diag.help("to YAML ` #` begins a comment, and the value ends there: quote it, or write it below a |")
	case p.Code == expr.CodeNotClosed && d.cutByQuote(u.node):
		end := d.span(u.node)
		diag.help("the quote at %d:%d ends this text: inside an expression use the other kind of quotes than around it", end.EndLine, end.EndCol-1)
	case diag.translate(p, d.src.text(at)):
	case p.Help != "":
		diag.help("%s", p.Help)
	}
}

// quotedFor returns an expression, whose texts stand in double quotes, as it may stand inside a YAML value of a
// kind of quotes; "" if it cannot. An expression's texts may stand in either kind.
func quotedFor(q Quote, src string) string {
	switch {
	case q == Double && strings.Contains(src, `"`):
		if strings.ContainsAny(src, `'\`) {
			return ""
		}
		return strings.ReplaceAll(src, `"`, "'")
	case q == Single && strings.Contains(src, "'"):
		return ""
	}
	return src
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

// unwrap fixes an expression of which parts stand in brackets, where none are needed.
func (d *DAG) unwrap(u *use, diag *Diagnostic, p expr.Problem) bool {
	whole := quotedFor(u.node.Quote, p.Whole)
	if u.form != bareForm || whole == "" {
		return false // before the whole is looked for: in a long script that is a long way, for each problem
	}
	at := d.within(u.node, u.off, utf8.RuneCountInString(u.src))
	if d.src.text(at) != u.src || !d.src.takes(at, whole, true) {
		return false
	}
	if first := whole[0] | 0x20; first < 'a' || first > 'z' {
		return false
	}
	diag.note("fix", "write `%s`", whole).edit(at, whole)
	return true
}

// unquotedHash tells of an expression that ends too soon because YAML takes its ` #` for a comment. If what stands
// on the line as a whole is an expression, quotes are the fix.
func (d *DAG) unquotedHash(u *use, diag *Diagnostic, p expr.Problem, at Span) bool {
	if p.Code != expr.CodeSyntax || u.node.Quote != Plain || at.Line != at.EndLine {
		return false
	}
	end := d.src.end(u.node, utf8.RuneCountInString(u.node.Text))
	line := d.src.line(end.Line)
	rest := string(line[min(end.Col-1, len(line)):])
	if !strings.HasPrefix(strings.TrimLeft(rest, " \t"), "#") {
		return false
	}
	whole := Span{u.node.Pos().Line, u.node.Pos().Col, end.Line, len(line) + 1}
	text := strings.TrimRight(d.src.text(whole), " \t")
	if whole.Line != whole.EndLine || u.form != bareForm || !d.readable(u, text) {
		return false
	}
	diag.Message, diag.Label = "YAML takes the # for a comment, and the expression ends before it", ""
	at = spanAt(machine.Pos{Line: end.Line, Col: end.Col + len([]rune(rest)) - len([]rune(strings.TrimLeft(rest, " \t")))}, 1)
	diag.Line, diag.Column, diag.EndLine, diag.EndColumn = at.Line, at.Col, at.EndLine, at.EndCol
	whole.EndCol = whole.Col + utf8.RuneCountInString(text)
	quotes := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if !strings.ContainsAny(text, `"\`) {
		quotes = `"` + text + `"`
	}
	diag.note("fix", "quote the expression: %s", quotes).edit(whole, quotes)
	return true
}

// readable tells whether a text is an expression that could stand at a use.
func (d *DAG) readable(u *use, text string) bool {
	check := expr.Check
	if u.where == "trigger" || u.where == "verdict" {
		check = expr.CheckTrigger
	}
	_, problems := check(text, d.scope().of(u))
	return !slices.ContainsFunc(problems, func(p expr.Problem) bool { return p.Code == expr.CodeSyntax || p.Code == expr.CodeForeign })
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

// cutByQuote tells that a ${{ in quotes is closed on its line, behind a quote and a comma: to YAML a new entry begins.
func (d *DAG) cutByQuote(n *Node) bool {
	at := d.span(n)
	line := d.src.line(at.EndLine)
	if n.Quote != Single && n.Quote != Double || at.Line != at.EndLine || at.EndCol > len(line) {
		return false
	}
	rest := strings.TrimLeft(string(line[at.EndCol-1:]), " ")
	return strings.HasPrefix(rest, ",") && strings.Contains(rest, "}}")
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
	for _, at := range paramUse().FindAllStringSubmatchIndex(src, -1) {
		name := ""
		if at[2] >= 0 {
			name = src[at[2]:at[3]]
			if p := d.params[withDashes(src, at[2])]; p != nil { // read as a difference, which is reported
				p.used = true
			}
		} else if at[4] >= 0 {
			name = src[at[4]:at[5]]
		}
		if p := d.params[name]; p != nil {
			p.used = true
		}
		if name != "" || d.allParams {
			continue
		}
		d.allParams = true
		for _, p := range d.params {
			p.used = true
		}
	}
}

// withDashes is the name that begins at a byte, with what is behind each "-" that touches it.
func withDashes(src string, at int) string {
	end := at
	for end < len(src) && (src[end] == '-' || src[end] == '_' || src[end] >= '0' && src[end] <= '9' || src[end]|0x20 >= 'a' && src[end]|0x20 <= 'z') {
		end++
	}
	return src[at:end]
}

// quotedOnce quotes words; one that is a text already keeps its own quotes.
func quotedOnce(words []string) []string {
	out := quoted(words)
	for i, w := range words {
		if strings.HasPrefix(w, `"`) {
			out[i] = w
		}
	}
	return out
}
