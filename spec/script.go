package spec

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weft/expr"
	"weft/machine"
)

// Scripts are never spliced (section 4 of the language): an expression in `run` text reaches the
// process as an environment variable WEFT_X1, WEFT_X2 …, and the script gets a reference to it in
// its place, quoted as the place needs. The value arrives as one word; no shell parses it.
//
// How a place is quoted is read from the shell's own syntax tree (package syntax): each expression
// is masked by a word of the same length, so that every other byte stays where it is. All other
// bytes of the script are left alone.

// A script is `run` text on its way into a plugin's input.
type script struct {
	node  *Node
	shell any            // nil, "bash", "sh" or an argv
	with  map[string]any // the plugin's input; nil: nothing but the script and its shell

	unknown bool // what is said of its shell cannot be: how it is read is not known
}

// input is that of the plugin, with a text for the script.
func (s *script) input(run string) machine.Raw {
	with := s.with
	if with == nil {
		with = map[string]any{}
		if s.shell != nil {
			with["shell"] = s.shell
		}
	}
	with["run"] = run
	return encode(with)
}

// A splice is one ${{ }} of a script: where it stands and what takes its place.
type splice struct {
	from, to int // bytes in the text, with ${{ and }}
	seg      expr.Segment
	runes    int // runes in the text before from
	length   int // in runes, once it is needed
	place    quoting
	why      string // of a place that takes none: what it is
	code     bool   // a shell parses the value again (eval, sh -c)
}

// A quoting is how the place of an expression is quoted.
type quoting uint8

const (
	unseen     quoting = iota // the syntax tree does not show it
	inWord                    // a bare word: the reference gets quotes
	inQuotes                  // inside double quotes or a here-document: it needs none
	inNumber                  // shell arithmetic: only an integer may come
	inComment                 // stays as it is
	impossible                // single quotes, a quoted here-document, a name
)

// checkScript checks a script's syntax and its expressions, and rewrites it if the shell can read it.
// Of a script that it cannot read nothing is said about quoting: that would follow from the mistake.
func (d *DAG) checkScript(u *use, s *script) {
	var sc *expr.Scope // of a text without a $ nobody asks for it
	if strings.Contains(s.node.Text, "$") {
		sc = d.scope().of(u)
	}
	segs, p := expr.Split(s.node.Text)
	splices := splicesOf(s.node.Text, segs)
	if p != nil {
		d.exprProblem(u, 0, *p)
		for i := range splices { // how they are quoted is not known
			d.checkSplice(u, sc, &splices[i], false)
		}
		return
	}
	if s.unknown {
		for i := range splices {
			d.checkSplice(u, sc, &splices[i], false)
		}
		return
	}
	if argv, ok := s.shell.([]any); ok {
		d.foreignShell(u, sc, splices, argv)
		d.lint(u, s, splices)
		return
	}
	ok := d.readShell(u, sc, s, splices)
	for i := range splices {
		if splices[i].place != inComment {
			d.checkSplice(u, sc, &splices[i], ok)
		}
	}
	if ok {
		d.lint(u, s, splices)
	}
	if ok && !d.failed { // else no plan comes of it
		d.rewrite(u.task, s, splices)
	}
}

// splicesOf finds the expressions of a text. Bytes are for cutting and for the shell's parser, runes
// for places in the file.
func splicesOf(text string, segs []expr.Segment) []splice {
	var out []splice
	at, runes := 0, 0
	for _, seg := range segs {
		if !seg.Expr {
			at += len(seg.Text)
			runes += utf8.RuneCountInString(seg.Text)
			continue
		}
		s := splice{from: at, to: at + len("${{") + len(seg.Text) + len("}}"), seg: seg, runes: runes}
		out = append(out, s)
		at = s.to
		runes += len("${{") + utf8.RuneCountInString(seg.Text) + len("}}")
	}
	return out
}

// foreignShell: a script for a program whose quoting weft does not know takes no expressions.
func (d *DAG) foreignShell(u *use, sc *expr.Scope, splices []splice, argv []any) {
	for i := range splices {
		s := &splices[i]
		d.checkSplice(u, sc, s, false)
		program := "this program"
		if len(argv) > 0 {
			program, _ = argv[0].(string)
		}
		d.report(xArgvShell, d.spanOf(u, s), "a script for %s takes no ${{ }}: weft cannot tell how to quote it there", program).
			help("set `env: {NAME: \"%s\"}` and read NAME in the script", written(s))
	}
}

// checkSplice checks an expression, and that its value may stand where it does.
func (d *DAG) checkSplice(u *use, sc *expr.Scope, s *splice, placed bool) {
	info, problems := d.check(question{s.seg.Text, sc, false})
	d.told(u, s.seg.Offset, info, problems)
	d.noteParams(s.seg.Text)
	if certain(problems) {
		return
	}
	at := d.spanOf(u, s)
	if k := info.Type.Kind; k == expr.KindArray || k == expr.KindObject {
		d.report(expr.CodeInText, at, "%s cannot stand inside text", k).help("%s", expr.InText(info.Type, s.seg.Text))
		return
	}
	if !placed {
		return
	}
	switch s.place {
	case unseen:
		d.report(xQuotes, at, "cannot tell how the shell would quote this expression").help("set `env` and read the variable in the script")
	case impossible:
		d.report(xQuotes, at, "an expression cannot stand %s", s.why).help("%s", wayOut(s))
	case inNumber:
		if info.Type.Kind != expr.KindInt {
			d.report(xArithmetic, at, "the shell computes with what stands %s; only what is declared an integer may come here", s.why).
				help("declare it: `type: integer` for a param, `outputs: {name: integer}` for a task")
		}
	}
	if s.code && s.place != impossible {
		d.report(xEval, at, "the shell reads this value again, as a script").help("pass it as an argument instead: `sh -c '… \"$1\"' sh %s`", written(s))
	}
}

// wayOut says what to write where an expression cannot stand.
func wayOut(s *splice) string {
	switch {
	case s.code:
		return "pass it as an argument: `sh -c '… \"$1\"' sh " + written(s) + "`"
	case strings.HasPrefix(s.why, "in single quotes"), strings.HasPrefix(s.why, "in $'"):
		return "use double quotes: the value arrives as it is, whatever it holds"
	case strings.HasPrefix(s.why, "in a here-document"):
		return "leave the quotes off the here-document's word, and escape each other $ in it"
	case strings.HasPrefix(s.why, "after"):
		return "a literal ${{ is written ${{ '${{' }}"
	}
	return "set `env` and read the variable in the script"
}

// rewrite puts the references in the place of the expressions: `echo ${{ run.ds }}` becomes
// `echo "${WEFT_X1}"`, with WEFT_X1 among the task's ScriptEnv. They are numbered in the order of the
// script; the same expression twice is two variables, which costs nothing and keeps a place for each.
func (d *DAG) rewrite(t *task, s *script, splices []splice) {
	if len(splices) == 0 { // the input stands as it was drafted
		return
	}
	var b strings.Builder
	at, n := 0, 0
	text := s.node.Text
	for i := range splices {
		x := &splices[i]
		b.WriteString(text[at:x.from])
		at = x.to
		if x.place == inComment { // a template that renders as what is written
			b.WriteString("${{ '${{' }}" + text[x.from+len("${{"):x.to])
			continue
		}
		n++
		name := "WEFT_X" + strconv.Itoa(n)
		ref := "${" + name + "}"
		if x.place == inWord {
			ref = `"` + ref + `"`
		}
		b.WriteString(ref)
		t.ScriptEnv = append(t.ScriptEnv, machine.Var{Name: name, Value: text[x.from:x.to], Pos: d.src.at(s.node, x.runes)})
	}
	b.WriteString(text[at:])
	t.With = s.input(b.String())
	if n == 0 { // the only expressions stand in comments: no value of the input is one
		t.Places = slices.DeleteFunc(t.Places, func(p machine.Place) bool { return p.Path == "with.run" })
	}
}

func (d *DAG) spanOf(u *use, s *splice) Span {
	return d.within(u.node, s.runes, utf8.RuneCountInString(u.node.Text[s.from:s.to]))
}

func written(s *splice) string { return "${{" + s.seg.Text + "}}" }
