package expr

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser/lexer"
)

// member is a.b, a["b"], a[0].
func (c *checker) member(n *ast.MemberNode) Type {
	if t, ok := c.task(n); ok {
		return t
	}
	if t, ok := c.secret(n); ok {
		return t
	}
	of := c.typeOf(n.Node)
	name, literal := n.Property.(*ast.StringNode)
	if !literal {
		return c.index(n, of)
	}
	switch of.Kind {
	case KindAny, KindNull:
		return Type{}
	case KindObject:
		if t, ok := of.Fields[name.Value]; ok {
			return t
		}
		if of.Open {
			return c.undeclared(n, name, of)
		}
		p := unknown(c.text(n.Node)+" has no member "+strconv.Quote(name.Value), name.Value, of.names())
		if root, ok := n.Node.(*ast.IdentifierNode); ok && root.Value == "params" && len(of.Fields) == 0 {
			p.Help = "the DAG declares its params: params: {" + name.Value + ": {type: string, default: …}}"
		}
		c.addAt(c.inner(name), runes(name.Value), p)
		return Type{}
	}
	help := ""
	if of.Kind == KindArray {
		help = "name an element: " + c.text(n.Node) + "[0], or each of them: map(" + c.text(n.Node) + ", ." + name.Value + ")"
	}
	c.addAt(c.inner(name), runes(name.Value), Problem{Code: CodeType, Msg: of.Kind.String() + " has no members", Help: help})
	return Type{}
}

// undeclared is a member of a map that may have others than those that are declared. One that is nearly the name
// of a declared one is probably meant to be it.
func (c *checker) undeclared(n *ast.MemberNode, name *ast.StringNode, of Type) Type {
	if of.Rest != nil {
		return *of.Rest
	}
	if meant := near(name.Value, of.names()); len(meant) > 0 {
		c.addAt(c.inner(name), runes(name.Value), Problem{
			Code: CodeName, Msg: c.text(n.Node) + " declares no member " + strconv.Quote(name.Value), Suggest: meant, Maybe: true,
		})
	}
	return Type{}
}

// inner is where the name in a["name"] or a.name begins.
func (c *checker) inner(n *ast.StringNode) int {
	at := n.Location().From
	if at < len(c.runes) && strings.ContainsRune("\"'`", c.runes[at]) {
		return at + 1
	}
	return at
}

func (c *checker) index(n *ast.MemberNode, of Type) Type {
	key := c.typeOf(n.Property)
	switch of.Kind {
	case KindAny, KindNull:
		return Type{}
	case KindArray:
		if key.Kind != KindAny && !key.isNumber() {
			c.add(n.Property, CodeType, "a place in a list is an integer, not "+key.Kind.String(), "")
		}
		return of.elem()
	case KindObject:
		if key.Kind != KindAny && key.Kind != KindString && !key.isNumber() {
			c.add(n.Property, CodeType, "a key of a map is a text, not "+key.Kind.String(), "")
		}
		return Type{}
	}
	c.add(n.Node, CodeType, of.Kind.String()+" has no members", "")
	return Type{}
}

// task is tasks.X and tasks["X"]: the only way to name a task in a value.
func (c *checker) task(n *ast.MemberNode) (Type, bool) {
	root, ok := unchain(n.Node).(*ast.IdentifierNode)
	if !ok || root.Value != "tasks" || c.scope.Tasks == nil {
		return Type{}, false
	}
	c.info.Names["tasks"] = true
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		c.typeOf(n.Property)
		c.add(n.Property, CodeName, "a task must be named outright, so that what depends on what is known before the run", `write tasks.X or tasks["X"]`)
		return Type{}, true
	}
	at := c.inner(name)
	c.info.Refs = append(c.info.Refs, Ref{Task: name.Value, Field: c.fieldAfter(n), Offset: at, Len: max(1, runes(name.Value))})
	t, ok := c.scope.Tasks[name.Value]
	if !ok {
		c.addAt(at, runes(name.Value), c.unknownTask(name.Value, at))
		return Type{}, true
	}
	return taskType(t), true
}

// unknownTask knows that tasks.a-b is read as a difference.
func (c *checker) unknownTask(name string, at int) Problem {
	p := Problem{Code: CodeTask, Msg: "there is no task " + strconv.Quote(name), Suggest: near(name, c.scope.taskIDs())}
	end := at
	for end < len(c.runes) && (c.runes[end] == '-' || isName("x"+string(c.runes[end]))) {
		end++
	}
	full := string(c.runes[at:end])
	if _, ok := c.scope.Tasks[full]; ok && full != name {
		p.Suggest, p.Help = nil, `a name with "-" is written tasks["`+full+`"]`
		c.skip = end
	} else if len(p.Suggest) == 0 {
		p.Help = choices(c.scope.taskIDs())
	}
	return p
}

// fieldAfter is the member of a task that is asked for, "" if the task stands alone. The parser
// gives no parents, so the source says it: the token after the task is a dot and a name.
func (c *checker) fieldAfter(n *ast.MemberNode) string {
	_, to := c.span(n)
	for i, t := range c.tokens {
		if t.From < to || i+1 >= len(c.tokens) {
			continue
		}
		next := c.tokens[i+1]
		switch t.Value {
		case ".", "?.":
			return next.Value
		case "[":
			if next.Kind == lexer.String {
				return next.Value
			}
		}
		break
	}
	return ""
}

func unchain(n ast.Node) ast.Node {
	if c, ok := n.(*ast.ChainNode); ok {
		return c.Node
	}
	return n
}

func (c *checker) slice(n *ast.SliceNode) Type {
	of := c.typeOf(n.Node)
	for _, b := range []ast.Node{n.From, n.To} {
		if b == nil {
			continue
		}
		if t := c.typeOf(b); t.Kind != KindAny && !t.isNumber() {
			c.add(b, CodeType, "a place is an integer, not "+t.Kind.String(), "")
		}
	}
	switch of.Kind {
	case KindAny, KindNull, KindArray, KindString:
		return of
	}
	c.add(n.Node, CodeType, "nothing can be cut out of "+of.Kind.String(), "")
	return Type{}
}

// pointer is # or #index inside a predicate.
func (c *checker) pointer(n *ast.PointerNode) Type {
	if n.Name == "index" {
		return Of(KindInt)
	}
	if c.element == nil {
		return Type{}
	}
	return *c.element
}

func (c *checker) list(n *ast.ArrayNode) Type {
	if len(n.Nodes) == 0 {
		return Of(KindArray)
	}
	t := c.typeOf(n.Nodes[0])
	for _, e := range n.Nodes[1:] {
		t = join(t, c.typeOf(e))
	}
	return ListOf(t)
}

func (c *checker) mapping(n *ast.MapNode) Type {
	fields := make(map[string]Type, len(n.Pairs))
	open := false
	for _, pair := range n.Pairs {
		p := pair.(*ast.PairNode)
		v := c.typeOf(p.Value)
		if name, ok := p.Key.(*ast.StringNode); ok {
			fields[name.Value] = v
			continue
		}
		open = true
		if k := c.typeOf(p.Key); k.Kind != KindAny && k.Kind != KindString {
			c.add(p.Key, CodeType, "a key of a map is a text, not "+k.Kind.String(), "")
		}
	}
	return MapOf(fields, open)
}
