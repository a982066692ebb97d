package expr

import "github.com/expr-lang/expr/ast"

// RootsOf returns the names that a bare expression begins its members with, such as "output" and "run",
// as often as it does. ok is false if it cannot be read: whoever evaluates it says so.
func RootsOf(src string) (names []string, ok bool) {
	s, problems := parse(src)
	if s == nil || len(problems) > 0 {
		return nil, false
	}
	return rootsIn(s.tree, nil), true
}

func rootsIn(n ast.Node, names []string) []string {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return append(names, id.Value)
	}
	below := children(n)
	if call, ok := n.(*ast.CallNode); ok { // a function's name is none
		if _, named := call.Callee.(*ast.IdentifierNode); named {
			below = call.Arguments
		}
	}
	for _, c := range below {
		names = rootsIn(c, names)
	}
	return names
}
