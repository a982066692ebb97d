package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// truth checks a part that must be a boolean.
func (c *checker) truth(n ast.Node) {
	if t := c.typeOf(n); t.Kind != KindAny && t.Kind != KindBool {
		c.add(n, CodeType, "this is "+t.Kind.String()+", but truth is asked here", truthHelp(t.Kind))
	}
}

func (c *checker) unary(n *ast.UnaryNode) Type {
	if n.Operator == "!" || n.Operator == "not" {
		c.truth(n.Node)
		return Of(KindBool)
	}
	t := c.typeOf(n.Node)
	switch t.Kind {
	case KindAny, KindInt, KindNumber, KindDuration:
		return t
	}
	c.add(n, CodeType, t.Kind.String()+" has no sign", "")
	return Type{}
}

func (c *checker) binary(n *ast.BinaryNode) Type {
	switch n.Operator {
	case "&&", "and", "||", "or":
		c.truth(n.Left)
		c.truth(n.Right)
		return Of(KindBool)
	case "??":
		return join(c.typeOf(n.Left), c.typeOf(n.Right))
	case "..":
		if t, ok := c.twoDots(n); ok {
			return t
		}
	case "-":
		if t, ok := c.dashed(n); ok {
			return t
		}
	}
	l, r := c.sides(n)
	switch n.Operator {
	case "==", "!=":
		c.equality(n, l, r)
		return Of(KindBool)
	case "<", "<=", ">", ">=":
		if l.Kind != KindAny && r.Kind != KindAny && (rank[l.Kind] != rank[r.Kind] || !ordered(l.Kind)) {
			c.operands(n, l, r, compareHelp(l, r))
		}
		return Of(KindBool)
	case "in":
		c.membership(n, l, r)
		return Of(KindBool)
	case "contains":
		c.container(n, l, r)
		return Of(KindBool)
	case "startsWith", "endsWith", "matches":
		c.twoTexts(n, l, r)
		return Of(KindBool)
	case "..":
		if l.Kind != KindAny && !l.isNumber() || r.Kind != KindAny && !r.isNumber() {
			c.operands(n, l, r, "")
		}
		return ListOf(Of(KindInt))
	}
	return c.arithmetic(n, l, r)
}

// twoDots reports run..ds: a member behind two dots, which count from one integer to another.
func (c *checker) twoDots(n *ast.BinaryNode) (Type, bool) {
	word, ok := n.Right.(*ast.IdentifierNode)
	if !ok {
		return Type{}, false
	}
	if _, root := c.scope.Roots[word.Value]; root {
		return Type{}, false
	}
	of, names := (&branchReader{c.source}).term(n.Left)
	if !names || of.Text == "" || c.quietType(n.Left).Kind != KindObject {
		return Type{}, false
	}
	t := c.typeOf(n.Left)
	c.add(n, CodeSyntax, `".." counts from one integer to another; a member stands behind one dot`, "write "+c.text(n.Left)+"."+word.Value)
	return t.Fields[word.Value], true
}

// operands reports an operator that does not take what it is given.
func (c *checker) operands(n *ast.BinaryNode, l, r Type, help string) {
	if c.unquotedDate(n, l, r) {
		return
	}
	c.add(n, CodeType, l.Kind.String()+" "+n.Operator+" "+r.Kind.String()+" has no meaning", help)
}

func compareHelp(l, r Type) string {
	switch {
	case l.Kind == KindTime && r.Kind == KindString || l.Kind == KindString && r.Kind == KindTime:
		return `make a time of the text: date("2026-01-31")`
	case l.Kind == KindDuration && r.Kind == KindString || l.Kind == KindString && r.Kind == KindDuration:
		return `make a duration of the text: duration("1h30m")`
	case l.Kind == KindString && r.isNumber() || l.isNumber() && r.Kind == KindString:
		return "write the number without quotes, or make one of the text: fromJSON(…)"
	case l.Kind == KindTime && r.Kind == KindDuration || l.Kind == KindDuration && r.Kind == KindTime:
		return "the difference of two times is a duration"
	}
	return ""
}

// equality of different kinds is never true: that is a mistake, except with null.
func (c *checker) equality(n *ast.BinaryNode, l, r Type) {
	c.choice(l, n.Left, n.Right)
	c.choice(r, n.Right, n.Left)
	for _, t := range []Type{l, r} {
		if t.Kind == KindAny || t.Kind == KindNull {
			return
		}
	}
	if rank[l.Kind] != rank[r.Kind] && !c.unquotedDate(n, l, r) {
		c.add(n, CodeType, l.Kind.String()+" never equals "+r.Kind.String(), compareHelp(l, r))
	}
}

// choice reports a literal text that is compared with what is never it: a state that there is not, a param that
// has other choices.
func (c *checker) choice(of Type, node, literal ast.Node) {
	text, ok := literal.(*ast.StringNode)
	if !ok || of.Choices == nil || slices.Contains(of.Choices, text.Value) {
		return
	}
	p := Problem{Code: CodeType, Msg: c.text(node) + " is never " + strconv.Quote(text.Value), Suggest: near(text.Value, of.Choices)}
	if ours := stateWords[strings.ToLower(text.Value)]; len(p.Suggest) == 0 && slices.Contains(of.Choices, ours) {
		p.Suggest = []string{ours}
	}
	if len(p.Suggest) == 0 {
		p.Help = "it is " + orWords(of.Choices)
	}
	c.addAt(c.inner(text), runes(text.Value), p)
}

// orWords lists texts as choices, at most ten.
func orWords(words []string) string {
	var b strings.Builder
	for i, w := range words[:min(10, len(words))] {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(w))
	}
	if len(words) > 10 {
		b.WriteString(" …")
	}
	return b.String()
}

func (c *checker) membership(n *ast.BinaryNode, l, r Type) {
	if list, ok := n.Right.(*ast.ArrayNode); ok {
		for _, e := range list.Nodes {
			c.choice(l, n.Left, e)
		}
	}
	switch r.Kind {
	case KindAny, KindArray:
		e := r.elem()
		c.choice(e, n.Right, n.Left)
		if l.Kind != KindAny && l.Kind != KindNull && e.Kind != KindAny && e.Kind != KindNull && rank[l.Kind] != rank[e.Kind] {
			c.add(n, CodeType, l.Kind.String()+" is never in a list whose elements are "+e.Kind.String()+" each", compareHelp(l, e))
		}
	case KindObject:
		if l.Kind != KindAny && l.Kind != KindString {
			c.operands(n, l, r, "a key of a map is a text")
		}
	case KindString:
		c.operands(n, l, r, "write contains(text, part)")
	default:
		c.operands(n, l, r, "")
	}
}

func (c *checker) container(n *ast.BinaryNode, l, r Type) {
	switch {
	case l.Kind == KindAny || l.Kind == KindArray:
	case l.Kind != KindString || r.Kind != KindAny && r.Kind != KindString:
		c.operands(n, l, r, "")
	}
}

func (c *checker) twoTexts(n *ast.BinaryNode, l, r Type) {
	if l.Kind != KindAny && l.Kind != KindString || r.Kind != KindAny && r.Kind != KindString {
		c.operands(n, l, r, "")
		return
	}
	if n.Operator == "matches" {
		c.literal("matches", 1, n.Right)
	}
}

// arithmetic is + - * / % **.
func (c *checker) arithmetic(n *ast.BinaryNode, l, r Type) Type {
	if l.Kind == KindAny || r.Kind == KindAny {
		return c.half(n, l, r)
	}
	if l.isNumber() && r.isNumber() {
		switch {
		case n.Operator == "%" && (l.Kind == KindInt && r.Kind == KindInt), n.Operator != "/" && n.Operator != "**" && l.Kind == KindInt && r.Kind == KindInt:
			c.zero(n)
			return Of(KindInt)
		}
		c.zero(n)
		return Of(KindNumber)
	}
	if k, ok := mixed[l.Kind.short()+n.Operator+r.Kind.short()]; ok {
		return Of(k)
	}
	c.operands(n, l, r, c.arithmeticHelp(n, l, r))
	return Type{}
}

// half is arithmetic of which one side is not known: the other may still be wrong in any case.
func (c *checker) half(n *ast.BinaryNode, l, r Type) Type {
	for _, t := range []Type{l, r} {
		switch t.Kind {
		case KindNull, KindBool, KindArray, KindObject:
			c.operands(n, l, r, "")
			return Type{}
		case KindString:
			if n.Operator != "+" {
				c.operands(n, l, r, "")
				return Type{}
			}
			return Of(KindString)
		}
	}
	return Type{}
}

// zero reports a division by a literal zero.
func (c *checker) zero(n *ast.BinaryNode) {
	if i, ok := n.Right.(*ast.IntegerNode); ok && i.Value == 0 && (n.Operator == "/" || n.Operator == "%") {
		c.add(n, CodeType, "this divides by zero", "")
	}
}

// mixed are the other sums that have a meaning: s text, t time, d duration, n number.
var mixed = map[string]Kind{
	"s+s": KindString,
	"t+d": KindTime, "d+t": KindTime, "t-d": KindTime, "t-t": KindDuration,
	"d+d": KindDuration, "d-d": KindDuration, "d/d": KindNumber,
	"d*n": KindDuration, "n*d": KindDuration, "d/n": KindDuration,
}

func (k Kind) short() string {
	switch k {
	case KindString:
		return "s"
	case KindTime:
		return "t"
	case KindDuration:
		return "d"
	case KindInt, KindNumber:
		return "n"
	}
	return "?"
}
