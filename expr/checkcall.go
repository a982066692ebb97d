package expr

import (
	"errors"
	"time"

	"github.com/expr-lang/expr/ast"
)

// call checks a plain function. Unknown functions and wrong numbers of arguments are shape's.
func (c *checker) call(n *ast.CallNode) Type {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if ok && isStateFunction(callee.Value) {
		c.problems = append(c.problems, stateCallProblem(callee))
		return Of(KindBool)
	}
	args := make([]Type, len(n.Arguments))
	for i, a := range n.Arguments {
		args[i] = c.typeOf(a)
	}
	if !ok {
		return Type{}
	}
	f := functions[callee.Value]
	if f == nil || len(args) < f.min || len(args) > f.max {
		return Type{}
	}
	for i, a := range n.Arguments {
		c.argument(callee.Value, f, i, a, args[i])
	}
	if len(args) > 1 && (callee.Value == "min" || callee.Value == "max") {
		c.alike(callee.Value, n.Arguments, args)
	}
	if f.gives == nil {
		return Type{}
	}
	return f.gives(args)
}

// argument checks one argument's kind and, where it is a literal, what it says.
func (c *checker) argument(name string, f *function, i int, n ast.Node, t Type) {
	want := f.args[min(i, len(f.args)-1)]
	if t.Kind != KindAny && t.Kind != KindNull && !want.has(t.Kind) {
		if !(want.has(KindString) || want.has(KindTime)) || !c.dateAt(n, !want.has(KindString)) {
			c.add(n, CodeArgument, name+" does not take "+t.Kind.String()+" here", "write "+f.usage)
		}
		return
	}
	c.literal(name, i, n)
	if name == "join" && i == 0 {
		if e := t.elem(); e.Kind != KindAny && !inTexts.has(e.Kind) {
			c.add(n, CodeArgument, "join does not take a list whose elements are "+e.Kind.String()+" each", "write toJSON(…)")
		}
	}
}

// alike checks several arguments of min and max against the first.
func (c *checker) alike(name string, nodes []ast.Node, args []Type) {
	for i, t := range args {
		switch {
		case t.Kind == KindArray:
			c.add(nodes[i], CodeArgument, name+" takes one list or several values", "write "+functions[name].usage)
			return
		case i > 0 && t.Kind != KindAny && args[0].Kind != KindAny && rank[t.Kind] != rank[args[0].Kind]:
			c.add(nodes[i], CodeArgument, name+" cannot compare "+args[0].Kind.String()+" and "+t.Kind.String(), compareHelp(args[0], t))
			return
		}
	}
}

// literal reads a text that is known now, as the function will read it.
func (c *checker) literal(name string, i int, n ast.Node) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		return
	}
	var err error
	switch {
	case name == "duration" && i == 0:
		_, err = ParseDuration(text.Value)
	case name == "date" && i == 0:
		_, err = parseDate(text.Value)
	case name == "strftime" && i == 1:
		_, err = strftime(time.Unix(0, 0).UTC(), text.Value)
	case name == "matches" && i == 1:
		_, _, err = compilePattern(text.Value)
	case name == "sort" && i == 1 && text.Value != "asc" && text.Value != "desc":
		err = errors.New(`cannot sort: the order is "asc" or "desc"`)
	}
	if err != nil {
		c.add(n, CodeArgument, err.Error(), "")
	}
}

// predicate checks a function that walks a list.
func (c *checker) predicate(n *ast.BuiltinNode) Type {
	f := functions[n.Name]
	if f == nil || len(n.Arguments) < f.min || len(n.Arguments) > f.max {
		return Type{}
	}
	list := c.typeOf(n.Arguments[0])
	if list.Kind != KindAny && list.Kind != KindNull && list.Kind != KindArray {
		help := "write " + f.usage
		c.add(n.Arguments[0], CodeArgument, n.Name+" does not take "+list.Kind.String()+" here", help)
		list = Type{}
	}
	args := []Type{list}
	if len(n.Arguments) == 2 {
		args = append(args, c.body(n, f, list.elem()))
	} else if e := list.elem(); e.Kind != KindAny && e.Kind != KindNull {
		c.elements(n, f, e)
	}
	if f.gives == nil {
		return Type{}
	}
	return f.gives(args)
}

// body checks a predicate's expression with its element in sight.
func (c *checker) body(n *ast.BuiltinNode, f *function, element Type) Type {
	p, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok || c.element != nil {
		return Type{} // nested: shape has said so
	}
	c.element = &element
	defer func() { c.element = nil }()
	if f.truth {
		c.truth(p.Node)
		return Of(KindBool)
	}
	t := c.typeOf(p.Node)
	if n.Name == "sum" {
		c.summand(p.Node, t)
	}
	return t
}

// elements checks count(list) and sum(list), which ask the elements themselves.
func (c *checker) elements(n *ast.BuiltinNode, f *function, e Type) {
	switch {
	case f.truth && e.Kind != KindBool:
		c.add(n, CodeArgument, n.Name+" without a predicate counts true elements, and these are "+e.Kind.String()+" each", "write len(list), or "+f.usage)
	case n.Name == "sum":
		c.summand(n.Arguments[0], e)
	}
}

func (c *checker) summand(n ast.Node, t Type) {
	switch t.Kind {
	case KindAny, KindNull, KindInt, KindNumber, KindDuration:
		return
	}
	c.add(n, CodeArgument, "sum adds numbers or durations, and this is "+t.Kind.String(), "")
}
