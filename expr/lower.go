package expr

import (
	"errors"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// stateName is the one variable that a compiled program has: the evaluation. No source can say it.
const stateName = "$"

// A program is a compiled expression.
type program struct {
	code *vm.Program
	base int // runes before the expression in the source
}

// compile reads an expression and makes a program of it. expr-lang's VM keeps the order of things
// (choices, predicates); every operator, member and function is one of ours, so that nothing
// overflows, panics, names a Go type or costs more than it may.
func compile(src string) (*program, *Error) {
	s, problems := parse(src)
	if len(problems) > 0 {
		return nil, problems[0].asError()
	}
	if p := stateCall(s, s.tree); p != nil {
		p.Offset += s.base
		return nil, p.asError()
	}
	root := lower(s.tree)
	config := &conf.Config{Functions: natives, ShortCircuit: true}
	config.WithEnv(map[string]any{})
	tree := &parser.Tree{Node: root, Source: file.NewSource(string(s.runes))}
	code, err := compiler.Compile(tree, config)
	if err != nil {
		return nil, &Error{Msg: "cannot read expression", Offset: s.base}
	}
	return &program{code: code, base: s.base}, nil
}

// stateCall finds success(X) and its like, which are for triggers alone.
func stateCall(s *source, n ast.Node) *Problem {
	if n == nil {
		return nil
	}
	if call, ok := n.(*ast.CallNode); ok {
		if callee, ok := call.Callee.(*ast.IdentifierNode); ok && isStateFunction(callee.Value) {
			p := stateCallProblem(callee)
			return &p
		}
	}
	for _, c := range children(n) {
		if p := stateCall(s, c); p != nil {
			return p
		}
	}
	return nil
}

func stateCallProblem(callee *ast.IdentifierNode) Problem {
	at := callee.Location()
	see := ""
	if callee.Value != "success" { // the default waits for nothing else
		see = "; the task sees it under `trigger: all_done`"
	}
	return Problem{
		Code: CodeName, Msg: callee.Value + "(…) belongs into a trigger", Offset: at.From, Len: max(1, at.To-at.From),
		Help: `write tasks.X.state == "` + stateOfFunction(callee.Value) + `"` + see,
	}
}

// natives are the functions that lowered programs call.
var natives = nativeTable()

func nativeTable() conf.FunctionsTable {
	table := conf.FunctionsTable{}
	add := func(name string, run func(s *state, args []any) (any, error)) {
		table[name] = &builtin.Function{Name: name, Func: func(params ...any) (any, error) {
			s, ok := params[0].(*state)
			if !ok {
				return nil, errors.New("a program was run without its state")
			}
			if err := s.spend(1); err != nil {
				return nil, err
			}
			return run(s, params[1:])
		}}
	}
	for name, f := range functions {
		if f.run != nil {
			add("$"+name, f.run)
		}
	}
	for _, op := range []string{"+", "-", "*", "/", "%", "**"} {
		add("$"+op, func(s *state, a []any) (any, error) { return s.arith(op, a[0], a[1]) })
	}
	for _, op := range []string{"<", "<=", ">", ">="} {
		add("$"+op, func(s *state, a []any) (any, error) { return s.compare(op, a[0], a[1]) })
	}
	add("$==", func(s *state, a []any) (any, error) { return s.equal(a[0], a[1]) })
	add("$!=", func(s *state, a []any) (any, error) { same, err := s.equal(a[0], a[1]); return !same, err })
	add("$in", func(s *state, a []any) (any, error) { return s.in(a[0], a[1]) })
	add("$..", func(s *state, a []any) (any, error) { return s.span(a[0], a[1]) })
	add("$neg", func(_ *state, a []any) (any, error) { return negate(a[0]) })
	add("$pos", nativePlus)
	add("$load", nativeLoad)
	add("$get", func(s *state, a []any) (any, error) { return s.member(a[0], a[1]) })
	add("$slice", func(s *state, a []any) (any, error) { return s.slice(a[0], a[1], a[2]) })
	add("$bool", nativeBool)
	add("$list", nativeList)
	add("$item", func(_ *state, a []any) (any, error) { return admit(a[0]) })
	add("$key", nativeKey)
	return table
}

func nativeLoad(s *state, args []any) (any, error) {
	name := args[0].(string)
	v, ok := s.vars[name]
	if !ok {
		return nil, faultf("cannot read %q: it is not known here", clip(name))
	}
	return admit(v)
}

func nativeBool(_ *state, args []any) (any, error) {
	if b, ok := args[0].(bool); ok {
		return b, nil
	}
	return nil, faultf("cannot decide by %s: truth is asked, true or false", kindOf(args[0]))
}

// nativeList guards what a predicate walks and counts what it may give.
func nativeList(s *state, args []any) (any, error) {
	list, ok := args[0].([]any)
	if !ok {
		return nil, wrongArg(args[1].(string), args[0], "a list")
	}
	if err := s.grow(elemBytes * len(list)); err != nil {
		return nil, err
	}
	return list, s.spend(len(list))
}

func nativeKey(_ *state, args []any) (any, error) {
	if k, ok := args[0].(string); ok {
		return k, nil
	}
	return nil, faultf("cannot make a map: a key is a text, not %s", kindOf(args[0]))
}

func nativePlus(_ *state, args []any) (any, error) {
	switch args[0].(type) {
	case int, float64:
		return args[0], nil
	}
	return nil, faultf("cannot work out +%s", kindOf(args[0]))
}

// native builds the call of one of ours, at the place of what it stands for.
func native(name string, at ast.Node, args ...ast.Node) ast.Node {
	call := &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: "$" + name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: stateName}}, args...),
	}
	call.SetLocation(at.Location())
	return call
}

// lower replaces everything but choices, predicates and literals by calls of ours. The tree has
// passed shape.
func lower(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == "null" {
			null := &ast.NilNode{}
			null.SetLocation(n.Location())
			return null
		}
		return native("load", n, &ast.StringNode{Value: n.Value})
	case *ast.UnaryNode:
		return lowerUnary(n)
	case *ast.BinaryNode:
		return lowerBinary(n)
	case *ast.ChainNode:
		return lower(n.Node)
	case *ast.MemberNode:
		return native("get", n, lower(n.Node), lower(n.Property))
	case *ast.SliceNode:
		return native("slice", n, lower(n.Node), lowerOr(n.From), lowerOr(n.To))
	case *ast.CallNode:
		return lowerCall(n)
	case *ast.BuiltinNode:
		return lowerPredicate(n)
	case *ast.PredicateNode:
		return &ast.PredicateNode{Node: lower(n.Node)}
	case *ast.PointerNode:
		if n.Name == "" {
			return native("item", n, n)
		}
	case *ast.ConditionalNode:
		return &ast.ConditionalNode{Ternary: true, Cond: truth(n.Cond), Exp1: lower(n.Exp1), Exp2: lower(n.Exp2)}
	case *ast.ArrayNode:
		for i := range n.Nodes {
			n.Nodes[i] = lower(n.Nodes[i])
		}
	case *ast.MapNode:
		for _, pair := range n.Pairs {
			p := pair.(*ast.PairNode)
			p.Value = lower(p.Value)
			if _, plain := p.Key.(*ast.StringNode); !plain {
				p.Key = native("key", p, lower(p.Key))
			}
		}
	}
	return n
}

func lowerOr(n ast.Node) ast.Node {
	if n == nil {
		return &ast.NilNode{}
	}
	return lower(n)
}

func lowerUnary(n *ast.UnaryNode) ast.Node {
	switch n.Operator {
	case "-":
		return native("neg", n, lower(n.Node))
	case "+":
		return native("pos", n, lower(n.Node))
	}
	n.Node = truth(n.Node)
	return n
}

func lowerBinary(n *ast.BinaryNode) ast.Node {
	switch n.Operator {
	case "&&", "and", "||", "or":
		n.Left, n.Right = truth(n.Left), truth(n.Right)
		return n
	case "??":
		n.Left, n.Right = lower(n.Left), lower(n.Right)
		return n
	}
	return native(n.Operator, n, lower(n.Left), lower(n.Right))
}

func lowerCall(n *ast.CallNode) ast.Node {
	args := make([]ast.Node, len(n.Arguments))
	for i, a := range n.Arguments {
		args[i] = lower(a)
	}
	name := n.Callee.(*ast.IdentifierNode).Value
	if name == "default" { // the second argument is worked out only where it is needed
		or := &ast.BinaryNode{Operator: "??", Left: args[0], Right: args[1]}
		or.SetLocation(n.Location())
		return or
	}
	return native(name, n, args...)
}

func lowerPredicate(n *ast.BuiltinNode) ast.Node {
	f := functions[n.Name]
	list := native("list", n, lower(n.Arguments[0]), &ast.StringNode{Value: n.Name})
	var body ast.Node = native("item", n, &ast.PointerNode{})
	if len(n.Arguments) == 2 {
		body = lower(n.Arguments[1].(*ast.PredicateNode).Node)
	} else if n.Name == "sum" {
		return native("sum", n, lower(n.Arguments[0]))
	}
	if f.truth {
		body = asTruth(body)
	}
	out := &ast.BuiltinNode{Name: n.Name, Arguments: []ast.Node{list, &ast.PredicateNode{Node: body}}}
	if n.Name == "sum" { // add up with our +, which knows overflow
		out.Name = "map"
		out.SetLocation(n.Location())
		return native("sum", n, out)
	}
	out.SetLocation(n.Location())
	return out
}

func truth(n ast.Node) ast.Node {
	at := n
	if c, ok := n.(*ast.ChainNode); ok {
		at = c.Node
	}
	low := lower(n)
	if low.Location() == (file.Location{}) {
		low.SetLocation(at.Location())
	}
	return asTruth(low)
}

// truthful are natives that give nothing but a boolean.
var truthful = map[string]bool{
	"$==": true, "$!=": true, "$<": true, "$<=": true, "$>": true, "$>=": true, "$in": true,
	"$contains": true, "$startsWith": true, "$endsWith": true, "$matches": true,
}

// asTruth guards a value that must be a boolean, unless it cannot be anything else.
func asTruth(n ast.Node) ast.Node {
	switch b := n.(type) {
	case *ast.BoolNode:
		return n
	case *ast.UnaryNode:
		return n // only ! is left after lowering
	case *ast.BinaryNode:
		if b.Operator != "??" {
			return n
		}
	case *ast.CallNode:
		if callee, ok := b.Callee.(*ast.IdentifierNode); ok && truthful[callee.Value] {
			return n
		}
	}
	return native("bool", n, n)
}
