package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser/lexer"
)

// span returns where a node stands in the source: from its first token to its last, brackets kept
// whole. The parser gives each node one token; its children and the brackets give the rest.
func (s *source) span(n ast.Node) (from, to int) {
	lo, hi := len(s.tokens), -1
	s.reach(n, &lo, &hi)
	if hi < 0 {
		return 0, len(s.runes)
	}
	for again := true; again; {
		again = false
		for i := lo; i <= hi; i++ {
			m := s.mate[i]
			if m >= 0 && m < lo {
				lo, again = m, true
			}
			if m > hi {
				hi, again = m, true
			}
		}
	}
	return s.tokens[lo].From, min(s.tokens[hi].To, len(s.runes))
}

// reach widens [lo, hi] to the tokens of a node and its children.
func (s *source) reach(n ast.Node, lo, hi *int) {
	if n == nil {
		return
	}
	if _, conditional := n.(*ast.ConditionalNode); !conditional { // its place is the token after it
		if i, ok := s.at[n.Location().From]; ok {
			*lo, *hi = min(*lo, i), max(*hi, i)
			if called(n) && i+1 < len(s.tokens) && s.tokens[i+1].Is(lexer.Bracket, "(") {
				*hi = max(*hi, i+1)
			}
		}
	}
	for _, c := range children(n) {
		s.reach(c, lo, hi)
	}
}

func called(n ast.Node) bool {
	switch n.(type) {
	case *ast.CallNode, *ast.BuiltinNode:
		return true
	}
	return false
}

// text returns a node as it was written.
func (s *source) text(n ast.Node) string {
	from, to := s.span(n)
	return string(s.runes[from:to])
}

// children returns the nodes below a node, in the order of the source.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	}
	return nil
}
