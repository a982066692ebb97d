package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// A term is a trigger expression as Judge reads it: the fragment of section 5, checked.
type term struct {
	op   string
	kind termKind
	args []*term
	name string  // task; text; comparison operator
	num  float64 // of a number
	list []string
	src  string // as it was written
	at   int    // rune offset in the source
	each bool   // of a predicate: it asks for id or index, so every member must be looked at
}

// A termKind is what a term gives.
type termKind uint8

const (
	broken termKind = iota // a problem has been reported
	truths                 // true, false, unknown
	counts                 // an interval of numbers
	states                 // a finished state, or unknown
	idents                 // the id of an upstream task
	words                  // a literal text
	people                 // upstream, tasks.X.instances
	sets                   // a literal list of texts
)

var termKindNames = [...]string{"", "truth", "a number", "a state", "an id", "a text", "a list of tasks", "a list of texts"}

// maxTriggerNumber bounds literals, so that counting in floats is exact.
const maxTriggerNumber = 1e9

// A reader turns a syntax tree into terms.
type reader struct {
	*source
	scope    *Scope // nil when a run judges: names were checked before
	info     *Info
	problems []Problem
	skip     int    // names before this place belong to a mistake that has been reported
	in       string // the list that the predicate around walks: "", "upstream", "instances"
	each     bool
}

// CheckTrigger looks at the expression of a trigger, or of a verdict, without running it.
func CheckTrigger(src string, sc *Scope) (Info, []Problem) {
	info := Info{Names: map[string]bool{}, Type: Of(KindBool)}
	s, problems := parseTrigger(src)
	if s == nil {
		return info, problems
	}
	r := reader{source: s, scope: sc, info: &info}
	r.truth(s.tree)
	info.Whole = s.whole
	for i := range r.problems {
		r.problems[i].Offset += s.base
	}
	for i := range info.Refs {
		info.Refs[i].Offset += s.base
	}
	return info, sorted(append(problems, r.problems...))
}

// readTrigger reads the expression of a trigger for Judge.
func readTrigger(src string) (*term, error) {
	s, problems := parseTrigger(src)
	if len(problems) > 0 {
		return nil, problems[0].asError()
	}
	r := reader{source: s, info: &Info{Names: map[string]bool{}}}
	t := r.truth(s.tree)
	if len(r.problems) > 0 {
		p := r.problems[0]
		p.Offset += s.base
		return nil, p.asError()
	}
	if t.kind == broken { // no term is broken without a problem; better an error than a wrong answer
		return nil, &Error{Msg: "cannot read the trigger", Offset: s.base}
	}
	t.rebase(s.base)
	return t, nil
}

func (t *term) rebase(base int) {
	t.at += base
	for _, a := range t.args {
		a.rebase(base)
	}
}

func (r *reader) bad(n ast.Node, code, msg, help string) *term {
	from, to := r.span(n)
	return r.badAt(from, to-from, Problem{Code: code, Msg: msg, Help: help})
}

func (r *reader) badAt(from, size int, p Problem) *term {
	p.Offset, p.Len = from, max(1, size)
	r.problems = append(r.problems, p)
	return &term{}
}

func (r *reader) term(n ast.Node, kind termKind, op string, args ...*term) *term {
	from, to := r.span(n)
	return &term{op: op, kind: kind, args: args, src: string(r.runes[from:to]), at: from}
}

// want reads a node that must give a kind.
func (r *reader) want(n ast.Node, kind termKind) *term {
	t := r.read(n)
	if t.kind == broken || t.kind == kind {
		return t
	}
	help := ""
	if kind == truths {
		switch {
		case t.kind == states:
			help = "compare it: … == \"success\""
		case t.op == "number" && n == r.tree && (r.scope == nil || !r.scope.Verdict):
			help = "say what is counted: " + countUsage + " >= " + t.src
		case t.kind == counts:
			help = "compare it: … >= 1"
		}
	}
	return r.bad(n, CodeType, "this is "+termKindNames[t.kind]+", but "+termKindNames[kind]+" is asked for", help)
}

func (r *reader) truth(n ast.Node) *term { return r.want(n, truths) }

func (r *reader) read(n ast.Node) *term {
	switch n := n.(type) {
	case *ast.BoolNode:
		t := r.term(n, truths, "bool")
		if n.Value {
			t.num = 1
		}
		return t
	case *ast.IntegerNode:
		return r.number(n, float64(n.Value))
	case *ast.FloatNode:
		return r.number(n, n.Value)
	case *ast.StringNode:
		t := r.term(n, words, "word")
		t.name = n.Value
		return t
	case *ast.NilNode:
		return r.null(n)
	case *ast.ChainNode:
		return r.read(n.Node)
	case *ast.UnaryNode:
		if n.Operator == "-" {
			return r.term(n, counts, "neg", r.want(n.Node, counts))
		}
		if n.Operator == "+" {
			return r.want(n.Node, counts)
		}
		return r.term(n, truths, "not", r.truth(n.Node))
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.ConditionalNode:
		return r.term(n, truths, "if", r.truth(n.Cond), r.truth(n.Exp1), r.truth(n.Exp2))
	case *ast.CallNode:
		return r.call(n)
	case *ast.BuiltinNode:
		return r.quantifier(n)
	case *ast.IdentifierNode:
		return r.identifier(n)
	case *ast.MemberNode:
		return r.member(n)
	case *ast.ArrayNode:
		return r.set(n)
	}
	return r.bad(n, CodeName, "a trigger asks for states alone", "values belong in when")
}

func (r *reader) number(n ast.Node, v float64) *term {
	if v > maxTriggerNumber {
		return r.bad(n, CodeType, "this number is too large for a trigger", "")
	}
	t := r.term(n, counts, "number")
	t.num = v
	return t
}

// set is [ "success", "skipped" ].
func (r *reader) set(n *ast.ArrayNode) *term {
	t := r.term(n, sets, "set")
	for _, e := range n.Nodes {
		text, ok := e.(*ast.StringNode)
		if !ok {
			return r.bad(e, CodeType, "a list in a trigger holds states as texts", `write ["success", "skipped"]`)
		}
		w := r.term(e, words, "word")
		w.name = text.Value
		t.args = append(t.args, w)
		t.list = append(t.list, text.Value)
	}
	return t
}

func (r *reader) binary(n *ast.BinaryNode) *term {
	switch n.Operator {
	case "&&", "and":
		return r.term(n, truths, "and", r.truth(n.Left), r.truth(n.Right))
	case "||", "or":
		return r.term(n, truths, "or", r.truth(n.Left), r.truth(n.Right))
	case "==", "!=":
		return r.equality(n)
	case "<", "<=", ">", ">=":
		t := r.term(n, truths, "compare", r.want(n.Left, counts), r.want(n.Right, counts))
		t.name = n.Operator
		return t
	case "in":
		return r.membership(n)
	case "+", "-", "*":
		t := r.term(n, counts, "arith", r.want(n.Left, counts), r.want(n.Right, counts))
		t.name = n.Operator
		return t
	case "/":
		left, right := r.want(n.Left, counts), r.want(n.Right, counts)
		if right.kind != broken && (right.op != "number" || right.num == 0) {
			return r.bad(n.Right, CodeType, "a trigger divides by a number that stands there, and is not 0", "")
		}
		t := r.term(n, counts, "arith", left, right)
		t.name = "/"
		return t
	}
	return r.bad(n, CodeName, strconv.Quote(n.Operator)+" has no meaning in a trigger", "values belong in when")
}

// equality is == and != between two of a kind; a literal text takes the other side's.
func (r *reader) equality(n *ast.BinaryNode) *term {
	if r.taskAsState(n) {
		return &term{}
	}
	left := r.read(n.Left)
	if word, ok := n.Right.(*ast.IdentifierNode); ok && left.kind == broken && word.Value == "null" {
		return left // what is compared with it is wrong already
	}
	right := r.read(n.Right)
	if left.kind == broken || right.kind == broken {
		return &term{}
	}
	for _, side := range [][2]*term{{left, right}, {right, left}} {
		if side[0].kind == words && side[1].kind == states && !r.stateWord(side[0]) {
			return &term{}
		}
	}
	textual := func(a, b termKind) bool { return a == words && (b == states || b == idents) }
	if n.Left.Location().From < r.skip {
		return &term{}
	}
	same := left.kind == right.kind && (left.kind == truths || left.kind == counts || left.kind == states || left.kind == idents)
	if !same && !textual(left.kind, right.kind) && !textual(right.kind, left.kind) {
		return r.bad(n, CodeType, termKindNames[left.kind]+" cannot be compared with "+termKindNames[right.kind]+" in a trigger", "")
	}
	t := r.term(n, truths, "equal", left, right)
	t.name = n.Operator
	return t
}

func (r *reader) membership(n *ast.BinaryNode) *term {
	left, right := r.read(n.Left), r.want(n.Right, sets)
	if left.kind == broken || right.kind == broken {
		return &term{}
	}
	if left.kind != states && left.kind != idents {
		return r.bad(n.Left, CodeType, "this is "+termKindNames[left.kind]+", but a state or an id is asked for", "")
	}
	if left.kind == states {
		for _, w := range right.args {
			if !r.stateWord(w) {
				return &term{}
			}
		}
	}
	return r.term(n, truths, "in", left, right)
}

// stateWord checks a literal that a state is compared with.
func (r *reader) stateWord(w *term) bool {
	if slices.Contains(finished, w.name) {
		return true
	}
	p := unknown(strconv.Quote(w.name)+" is no finished state", w.name, finished)
	if slices.Contains(unfinished, w.name) {
		p.Suggest = nil
		p.Help = "a trigger sees a state when the task has finished: " + strings.Join(finished, ", ")
	}
	r.badAt(w.at+1, len([]rune(w.src))-2, p)
	return false
}
