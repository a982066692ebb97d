package expr

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// A Branch is a condition as far as it can be reasoned about before a run: and, or and not over comparisons of
// names with literals. What is none of these may be either, which is Unknown; so what a Branch says is certain.
type Branch struct {
	op   string // and, or, not, compare, truth, const, unknown
	args []*Branch
	term Term
	cmp  string
	with any // the literal
}

// A Term is a value that a Branch compares with literals: a chain of names, as it was written.
type Term struct {
	Text string // without white space
	Root string // its first name
	Task string // of tasks.X…, X
}

// A Use is one literal that a term is compared with; of a term that stands for a truth, true.
type Use struct {
	Term  Term
	Value any
	Order bool // by < and its like, not by ==
}

// ReadBranch reads a bare expression that asks for truth, nil if it cannot be read.
func ReadBranch(src string) *Branch {
	s, problems := parse(src)
	if s == nil || len(problems) > 0 {
		return nil
	}
	return (&branchReader{s}).read(s.tree)
}

type branchReader struct{ *source }

func (r *branchReader) read(n ast.Node) *Branch {
	unknown := &Branch{op: "unknown"}
	switch n := n.(type) {
	case *ast.BoolNode:
		return &Branch{op: "const", with: n.Value}
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return &Branch{op: "not", args: []*Branch{r.read(n.Node)}}
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			return &Branch{op: "and", args: []*Branch{r.read(n.Left), r.read(n.Right)}}
		case "||", "or":
			return &Branch{op: "or", args: []*Branch{r.read(n.Left), r.read(n.Right)}}
		case "==", "!=", "<", "<=", ">", ">=":
			return r.compare(n)
		case "in":
			return r.membership(n)
		}
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
		if t, ok := r.term(n); ok {
			return &Branch{op: "truth", term: t}
		}
	}
	return unknown
}

// mirrored are the comparisons with their sides changed.
var mirrored = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (r *branchReader) compare(n *ast.BinaryNode) *Branch {
	for _, side := range []struct {
		term, literal ast.Node
		op            string
	}{{n.Left, n.Right, n.Operator}, {n.Right, n.Left, mirrored[n.Operator]}} {
		t, ok := r.term(side.term)
		v, known := literalOf(side.literal)
		if ok && known {
			return &Branch{op: "compare", term: t, cmp: side.op, with: v}
		}
	}
	return &Branch{op: "unknown"}
}

// membership is x in ["a", "b"]: one of several equalities.
func (r *branchReader) membership(n *ast.BinaryNode) *Branch {
	t, ok := r.term(n.Left)
	list, isList := n.Right.(*ast.ArrayNode)
	if !ok || !isList {
		return &Branch{op: "unknown"}
	}
	any := &Branch{op: "or"}
	for _, e := range list.Nodes {
		v, known := literalOf(e)
		if !known {
			return &Branch{op: "unknown"}
		}
		any.args = append(any.args, &Branch{op: "compare", term: t, cmp: "==", with: v})
	}
	return any
}

func literalOf(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode:
		return float64(n.Value), true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.NilNode:
		return nil, true
	case *ast.IdentifierNode:
		return nil, n.Value == "null"
	}
	return nil, false
}

// term reads a chain of names that ends in a root: a.b["c"][0].
func (r *branchReader) term(n ast.Node) (Term, bool) {
	switch n := unchain(n).(type) {
	case *ast.IdentifierNode:
		return Term{Text: n.Value, Root: n.Value}, n.Value != "null"
	case *ast.MemberNode:
		of, ok := r.term(n.Node)
		if !ok {
			return Term{}, false
		}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			if of.Text == "tasks" {
				of.Task = p.Value
			}
			of.Text += "." + strconv.Quote(p.Value)
		case *ast.IntegerNode:
			of.Text += "[" + strconv.Itoa(p.Value) + "]"
		default:
			return Term{}, false
		}
		return of, true
	}
	return Term{}, false
}

// Uses are all comparisons of the condition.
func (b *Branch) Uses() []Use {
	switch b.op {
	case "truth":
		return []Use{{Term: b.term, Value: true}}
	case "compare":
		return []Use{{Term: b.term, Value: b.with, Order: b.cmp != "==" && b.cmp != "!="}}
	}
	var out []Use
	for _, a := range b.args {
		out = append(out, a.Uses()...)
	}
	return out
}

// Holds evaluates the condition where values gives what some terms are, by their text.
func (b *Branch) Holds(values map[string]any) Truth {
	switch b.op {
	case "const":
		return truthOf(b.with.(bool))
	case "not":
		return [...]Truth{Unknown, False, True}[b.args[0].Holds(values)]
	case "and", "or":
		stop := False
		if b.op == "or" {
			stop = True
		}
		got := [...]Truth{Unknown, False, True}[stop]
		for _, a := range b.args {
			switch t := a.Holds(values); t {
			case stop:
				return stop
			case Unknown:
				got = Unknown
			}
		}
		return got
	case "truth":
		v, ok := values[b.term.Text].(bool)
		if !ok {
			return Unknown
		}
		return truthOf(v)
	case "compare":
		v, ok := values[b.term.Text]
		if !ok {
			return Unknown
		}
		return compareWith(v, b.cmp, b.with)
	}
	return Unknown
}

func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

// compareWith compares as a run would; where that would fail, the answer is Unknown.
func compareWith(v any, op string, with any) Truth {
	switch op {
	case "==":
		return truthOf(v == with)
	case "!=":
		return truthOf(v != with)
	}
	a, okA := v.(float64)
	w, okW := with.(float64)
	if !okA || !okW {
		return Unknown
	}
	switch op {
	case "<":
		return truthOf(a < w)
	case "<=":
		return truthOf(a <= w)
	case ">":
		return truthOf(a > w)
	}
	return truthOf(a >= w)
}

// Domain is a few values that stand for all that a term may be: one of each that its comparisons tell apart. Of a
// type that is declared it is only what that admits; nullable tells that null may come all the same.
func Domain(uses []Use, t Type, nullable bool) []any {
	if t.Choices != nil && !nullable {
		out := make([]any, len(t.Choices))
		for i, c := range t.Choices {
			out[i] = c
		}
		return out
	}
	var out []any
	add := func(v any, kinds ...Kind) {
		if (t.Kind == KindAny || slices.Contains(kinds, t.Kind)) && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	var numbers []float64
	for _, u := range uses {
		switch v := u.Value.(type) {
		case float64:
			numbers = append(numbers, v)
		case bool:
			add(true, KindBool)
			add(false, KindBool)
		case string:
			add(v, KindString)
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	for i := len(numbers) - 1; i >= 0; i-- { // the largest first: most conditions ask for more than something
		v := numbers[i]
		if i == len(numbers)-1 {
			add(v+1, KindInt, KindNumber)
		}
		add(v, KindInt, KindNumber)
		if i == 0 {
			add(v-1, KindInt, KindNumber)
		} else {
			add((numbers[i-1]+v)/2, KindInt, KindNumber)
		}
	}
	if t.Kind != KindBool && t.Kind != KindInt && t.Kind != KindNumber || len(out) == 0 {
		out = append(out, other)
	}
	if nullable || t.Kind == KindAny {
		out = append(out, nil)
	}
	return out
}

// other is a text that no literal is.
const other = "\x00other"
