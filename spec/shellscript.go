package spec

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"weft/expr"
)

// How a value arrives depends on the quotes around its reference, so the shell's own grammar decides,
// not a search for quotes: a `"` inside `$( … )` inside double quotes opens a text of its own. What
// the tree does not show is refused, never guessed.
//
// The dangerous places are those where a shell evaluates text again after it has replaced variables:
// eval, sh -c, and arithmetic, where `a[$(cmd)]` runs cmd. An integer cannot do that, so there only
// what is declared one may come.

// readShell parses a script and notes how each expression is quoted; false after a syntax error,
// which is then reported at its line.
func (d *DAG) readShell(u *use, sc *expr.Scope, s *script, splices []splice) bool {
	lang := syntax.LangBash
	if s.shell == "sh" {
		lang = syntax.LangPOSIX
	}
	masked := mask(s.node.Text, splices)
	if off := tooDeep(masked); off >= 0 {
		for !utf8.RuneStart(masked[off]) {
			off--
		}
		d.report(xShell, d.within(u.node, utf8.RuneCountInString(masked[:off]), 1), "cannot read this script: it is nested too deep")
		return false
	}
	file, err := d.shellTree(masked, lang)
	if err != nil {
		if off, msg := shellSays(u.node.Text, err); !d.notOurs(u, sc, off) {
			d.shellError(u, off, msg, lang)
		}
		return false
	}
	if len(splices) > 0 {
		w := shellWalker{text: masked, splices: splices}
		syntax.Walk(file, w.visit)
		w.comments(file)
	}
	d.expressionsAsCommands(u, sc, file)
	d.missingProgram(u, file)
	d.truncations(u, file)
	return true
}

// longScript is from where on a script's tree counts.
const longScript = 64 << 10

// shortScript is up to what length a script's tree is kept for others that read the same: `run: make` stands in most
// files many times, and so do scripts that differ in their expressions alone, which are masked. maxTrees is how many.
const (
	shortScript = 1 << 10
	maxTrees    = 16
)

// A shellText is what a shell's parser makes a tree of.
type shellText struct {
	lang syntax.LangVariant
	text string
}

// shellTree returns the tree of a script. Nobody may change it.
func (d *DAG) shellTree(text string, lang syntax.LangVariant) (*syntax.File, error) {
	key := shellText{lang, text}
	if file := d.trees[key]; file != nil {
		return file, nil
	}
	file, err := d.parseShell(text, lang)
	if err == nil && len(text) <= shortScript {
		if len(d.trees) >= maxTrees {
			clear(d.trees)
		}
		d.trees[key] = file
	}
	return file, err
}

// parseShell never panics: whatever the parser trips over is an error. A parser has large buffers and
// serves all scripts of a file, but is not trusted again after a panic.
func (d *DAG) parseShell(text string, lang syntax.LangVariant) (file *syntax.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			delete(d.shells, lang)
			file, err = nil, errors.New("it is not understood")
		}
	}()
	p := d.shells[lang]
	if p == nil {
		p = syntax.NewParser(syntax.Variant(lang), syntax.KeepComments(true))
		d.shells[lang] = p
	}
	if len(text) > longScript { // it would keep the tree until the next script
		delete(d.shells, lang)
	}
	return p.Parse(strings.NewReader(text), "")
}

// mask puts a word of the same length in the place of each expression, so that every offset in the
// tree is one in the text. A row of W is a legal word and a legal name, and a keyword of no shell.
func mask(text string, splices []splice) string {
	b := []byte(text)
	for _, s := range splices {
		for i := s.from; i < s.to; i++ {
			b[i] = 'W'
		}
	}
	return string(b)
}

// shellSays returns where in a script its parser stopped, in bytes, and its words. At the end of the script or of a
// line, that is the last character that is written. The words are passed on: they are those of shells, which people
// search for.
func shellSays(text string, err error) (at int, msg string) {
	var pe syntax.ParseError
	var le syntax.LangError
	off, msg := uint(0), err.Error()
	switch {
	case errors.As(err, &pe):
		off, msg = pe.Pos.Offset(), pe.Text
	case errors.As(err, &le):
		off, msg = le.Pos.Offset(), "it has no "+le.Feature
	}
	at = min(int(off), len(text))
	for at > 0 && (at == len(text) || text[at] == '\n') { // the end of a line: its last character
		at--
	}
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	if strings.Contains(msg, "`foo(`") { // the parser's own example of a function
		msg = "a word before ( begins a function, and ) must follow at once"
	}
	return at, msg
}

// shellError reports a syntax error where the parser saw it, in the file's coordinates.
func (d *DAG) shellError(u *use, at int, msg string, lang syntax.LangVariant) {
	name := "bash"
	if lang == syntax.LangPOSIX {
		name = "sh"
	}
	d.report(xShell, d.within(u.node, utf8.RuneCountInString(u.node.Text[:at]), 1), "%s cannot read this script: %s", name, msg)
}

// missingProgram warns of a script that begins by running a file beside the DAG that is not there.
// Later commands may run what earlier ones made.
func (d *DAG) missingProgram(u *use, file *syntax.File) {
	if d.opts.FileExists == nil || u.task.f.get("workdir") != nil || len(file.Stmts) == 0 {
		return
	}
	call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	name := call.Args[0].Lit()
	if !strings.HasPrefix(name, "./") || strings.ContainsAny(name, `\*?[`) || d.opts.FileExists(path.Clean(name)) {
		return
	}
	off := utf8.RuneCountInString(u.node.Text[:call.Args[0].Pos().Offset()])
	d.reportAs(Warning, sFile, d.within(u.node, off, utf8.RuneCountInString(name)), "there is no file %s beside the DAG file", name).
		help("paths are relative to the folder of the DAG file, unless `workdir` says otherwise")
}

// A shellWalker finds for each expression the innermost piece of syntax that it stands in.
type shellWalker struct {
	text    string        // masked
	splices []splice      // ascending; their places are what the walk fills in
	stack   []syntax.Node // from the file to the node that is visited
}

// visit keeps the path from the root, and looks at the leaves in which an expression can stand.
func (w *shellWalker) visit(n syntax.Node) bool {
	if n == nil {
		w.stack = w.stack[:len(w.stack)-1]
		return true
	}
	w.stack = append(w.stack, n)
	switch n.(type) {
	case *syntax.Lit, *syntax.SglQuoted:
		from, to := int(n.Pos().Offset()), int(n.End().Offset())
		i, _ := slices.BinarySearchFunc(w.splices, from, func(s splice, at int) int { return s.from - at })
		for ; i < len(w.splices) && w.splices[i].from < to; i++ {
			if w.splices[i].to <= to {
				w.place(&w.splices[i], n)
			}
		}
	}
	return true
}

// comments marks expressions in comments. The tree has them in several places, so the walk above
// may have passed them by.
func (w *shellWalker) comments(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		c, ok := n.(*syntax.Comment)
		if !ok {
			return true
		}
		from, to := int(c.Pos().Offset()), int(c.End().Offset())
		i, _ := slices.BinarySearchFunc(w.splices, from, func(s splice, at int) int { return s.from - at })
		for ; i < len(w.splices) && w.splices[i].from < to; i++ {
			w.splices[i].place = inComment
		}
		return true
	})
}

// place decides how an expression inside a literal or a single quoted text is quoted, from the
// inside out.
func (w *shellWalker) place(s *splice, leaf syntax.Node) {
	s.place = inWord
	if q, ok := leaf.(*syntax.SglQuoted); ok {
		s.place, s.why = impossible, "in single quotes: nothing is replaced there"
		if q.Dollar {
			s.why = "in $'…': nothing is replaced there"
		}
		w.evaluated(s)
		return
	}
	if w.escaped(s.from) {
		s.place, s.why = impossible, "after a backslash"
		return
	}
	for i := len(w.stack) - 2; i >= 0 && s.place != impossible; i-- {
		if w.parent(s, i) {
			break
		}
	}
	w.evaluated(s)
}

// escaped tells whether an odd number of backslashes stands before a byte.
func (w *shellWalker) escaped(at int) bool {
	n := 0
	for at-n > 0 && w.text[at-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

// parent looks at one ancestor; true ends the search, for beyond it quoting begins anew. It knows each
// construct in which a word is more than a word; any other leaves the place as it is.
func (w *shellWalker) parent(s *splice, i int) bool {
	child := w.stack[i+1]
	switch p := w.stack[i].(type) {
	case *syntax.DblQuoted:
		s.place = inQuotes
		return !w.arithmetic(s, i)
	case *syntax.Redirect:
		return w.redirect(s, p, child)
	case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CStyleLoop, *syntax.BinaryArithm, *syntax.UnaryArithm, *syntax.ParenArithm:
		number(s, "in shell arithmetic")
		return true
	case *syntax.ParamExp:
		return w.parameter(s, p, child)
	case *syntax.Assign:
		if p.Name == child || p.Index == child {
			w.assigned(s, p, child)
			return true
		}
	case *syntax.ArrayElem:
		if p.Index == child {
			number(s, "in the index of an array")
			return true
		}
	case *syntax.BinaryTest:
		if arithmeticTest(p.Op.String()) {
			number(s, "beside "+p.Op.String())
			return true
		}
	case *syntax.UnaryTest:
		if op := p.Op.String(); op == "-v" || op == "-R" {
			number(s, "after "+op)
			return true
		}
	case *syntax.FuncDecl, *syntax.WordIter, *syntax.CoprocClause:
		if named(p, child) {
			never(s, "in the place of a name")
			return true
		}
	case *syntax.CallExpr:
		w.test(s, p, child)
	case *syntax.Stmt, *syntax.CmdSubst, *syntax.ProcSubst:
		return true
	}
	return false
}

func number(s *splice, why string) { s.place, s.why = inNumber, why }
func never(s *splice, why string)  { s.place, s.why = impossible, why }

// arithmetic tells whether double quotes themselves stand in shell arithmetic, or are an operand of
// a numeric test: the search then goes on outside them.
func (w *shellWalker) arithmetic(_ *splice, i int) bool {
	for ; i >= 0; i-- {
		switch w.stack[i].(type) {
		case *syntax.Stmt, *syntax.CmdSubst, *syntax.ProcSubst:
			return false
		case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CStyleLoop, *syntax.BinaryTest, *syntax.UnaryTest,
			*syntax.CallExpr, *syntax.ParamExp, *syntax.Assign, *syntax.ArrayElem, *syntax.DeclClause:
			return true
		}
	}
	return false
}

// redirect: the body of a here-document is replaced in unless its word is quoted.
func (w *shellWalker) redirect(s *splice, p *syntax.Redirect, child syntax.Node) bool {
	switch {
	case p.Hdoc != nil && child == syntax.Node(p.Hdoc):
		if quotedWord(p.Word) {
			never(s, "in a here-document whose word is quoted: nothing is replaced there")
			return true
		}
		if s.place == inWord {
			s.place = inQuotes
		}
	case p.Hdoc != nil && child == syntax.Node(p.Word):
		never(s, "in the word of a here-document")
	case p.N != nil && child == syntax.Node(p.N):
		never(s, "in the place of a file descriptor")
	}
	return true
}

// quotedWord tells whether a here-document's word has a quote of any kind, which is what keeps the
// shell from replacing in its body.
func quotedWord(word *syntax.Word) bool {
	for _, part := range word.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok || strings.Contains(lit.Value, `\`) {
			return true
		}
	}
	return false
}

// parameter: ${name}, ${name[index]}, ${name:offset}, ${name#pattern}, ${name:-word}. A word is quoted
// as the whole expansion is. A pattern is not: inside double quotes its special characters still are
// special, so there the reference gets quotes of its own.
func (w *shellWalker) parameter(s *splice, p *syntax.ParamExp, child syntax.Node) bool {
	switch {
	case p.Param != nil && child == syntax.Node(p.Param):
		never(s, "in the place of a variable's name; for a dollar sign before it write \\$")
		return true
	case p.Index != nil && child == syntax.Node(p.Index):
		number(s, "in the index of an array")
		return true
	case p.Slice != nil && (child == syntax.Node(p.Slice.Offset) || child == syntax.Node(p.Slice.Length)):
		number(s, "in a substring's offset")
		return true
	case p.Exp != nil && !strings.HasPrefix(strings.TrimPrefix(p.Exp.Op.String(), ":"), "#") &&
		!strings.HasPrefix(p.Exp.Op.String(), "%"):
		return false // a word that is quoted as the whole is
	}
	return s.place == inWord // a pattern: quotes of its own make it literal, inside quotes too
}

// assigned: the name or the index of an assignment.
func (w *shellWalker) assigned(s *splice, p *syntax.Assign, child syntax.Node) {
	if p.Name != nil && child == syntax.Node(p.Name) {
		never(s, "in the place of a variable's name")
		return
	}
	number(s, "in the index of an array")
}

// named tells whether a child is the name that a construct defines.
func named(p, child syntax.Node) bool {
	switch p := p.(type) {
	case *syntax.FuncDecl:
		return p.Name != nil && child == syntax.Node(p.Name)
	case *syntax.WordIter:
		return p.Name != nil && child == syntax.Node(p.Name)
	case *syntax.CoprocClause:
		return p.Name != nil && child == syntax.Node(p.Name)
	}
	return false
}

// test: the operands of -eq and its like in `[` and `test`. bash computes with them, as with what
// stands in $(( )); so does -v with a subscript.
func (w *shellWalker) test(s *splice, call *syntax.CallExpr, child syntax.Node) {
	if name, _ := called(call); name != "[" && name != "test" {
		return
	}
	for i, arg := range call.Args {
		if syntax.Node(arg) != child {
			continue
		}
		if i > 0 && arithmeticTest(call.Args[i-1].Lit()) {
			number(s, "beside "+call.Args[i-1].Lit())
		} else if i+1 < len(call.Args) && arithmeticTest(call.Args[i+1].Lit()) {
			number(s, "beside "+call.Args[i+1].Lit())
		} else if i > 0 && call.Args[i-1].Lit() == "-v" {
			number(s, "after -v")
		}
	}
}

func arithmeticTest(op string) bool {
	return slices.Contains([]string{"-eq", "-ne", "-lt", "-le", "-gt", "-ge"}, op)
}

// again are commands whose arguments a shell reads once more, as code or as names with subscripts.
var again = []string{"eval", "trap", "read", "unset", "mapfile", "readarray", "getopts"}

// shells read the script behind their `-c`.
var shells = []string{"sh", "bash", "dash", "ksh", "zsh"}

// wrappers are commands that run the command that their arguments name.
var wrappers = []string{"command", "builtin", "exec", "env", "nohup", "nice", "timeout", "setsid", "stdbuf", "sudo", "time", "xargs"}

// evaluated marks an expression whose value is read again: an argument of eval, the script of sh -c,
// what a declaration takes for a name, or an assignment by one that computes (declare -i).
func (w *shellWalker) evaluated(s *splice) {
	for i := range w.stack {
		switch p := w.stack[i].(type) {
		case *syntax.CallExpr:
			if i+1 < len(w.stack) {
				s.code = s.code || rereads(p, w.stack[i+1])
			}
		case *syntax.DeclClause:
			for _, a := range p.Args {
				if flag := literal(a.Value); a.Naked && strings.HasPrefix(flag, "-") && strings.Contains(flag, "i") && s.place != impossible {
					number(s, "in a declaration of integers")
				}
				if i+1 < len(w.stack) && syntax.Node(a) == w.stack[i+1] {
					s.code = s.code || w.declares(s, p, a)
				}
			}
		}
	}
}

func literal(word *syntax.Word) string {
	if word == nil {
		return ""
	}
	return word.Lit()
}

// declares tells whether a declaration takes an expression for the name or index that it declares:
// what stands before the first `=` of a word, which bash evaluates in `declare`, not in `export`.
func (w *shellWalker) declares(s *splice, p *syntax.DeclClause, a *syntax.Assign) bool {
	if v := p.Variant.Value; v == "export" || v == "readonly" || !a.Naked || a.Value == nil {
		return false
	}
	return !strings.Contains(w.text[a.Pos().Offset():s.from], "=")
}

// rereads tells whether a command reads this argument once more. A shell is known by the last part of
// its path; behind `-c` only the script is code, what follows are its arguments, which is the way out
// that messages name.
func rereads(call *syntax.CallExpr, child syntax.Node) bool {
	name, first := called(call)
	at := slices.IndexFunc(call.Args, func(a *syntax.Word) bool { return syntax.Node(a) == child })
	switch {
	case slices.Contains(again, name):
		return at > first
	case name == "printf": // -v takes a name, which may have an index
		return at == first+2 && call.Args[first+1].Lit() == "-v"
	case !slices.Contains(shells, name):
		return false
	}
	for i, a := range call.Args[first+1:] {
		flag := a.Lit()
		if !strings.HasPrefix(flag, "-") {
			return false
		}
		if !strings.HasPrefix(flag, "--") && strings.Contains(flag, "c") {
			return at == first+i+2 // the script; what follows are its arguments
		}
	}
	return false
}

// called returns the name of the program that a command runs, without its path, and which of its
// words that is: behind a wrapper the first that is known here, for wrappers have arguments too.
func called(call *syntax.CallExpr) (name string, at int) {
	for i, a := range call.Args {
		name := path.Base(a.Lit())
		switch {
		case i == 0 && !slices.Contains(wrappers, name):
			return name, i
		case slices.Contains(again, name), slices.Contains(shells, name), name == "printf", name == "test", name == "[":
			return name, i
		}
	}
	return "", 0
}
