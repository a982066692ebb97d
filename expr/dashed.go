package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Names with a "-" behind a dot: params.start-date is read as a difference. Where it can be none, because the member
// is there under the whole name, or because what follows is no name of anything, the whole name was meant.

// dashed reports members whose name has a "-" in a row of differences, and returns the type that it would have.
func (c *checker) dashed(n *ast.BinaryNode) (Type, bool) {
	var left *ast.BinaryNode
	if b, ok := n.Left.(*ast.BinaryNode); ok && b.Operator == "-" {
		left = b
	}
	if n == c.row { // the row that goes on to the right has been looked at
		c.row = left
		return Type{}, false
	}
	operands := []ast.Node{n.Right}
	for b := left; ; {
		if b == nil {
			operands = append(operands, n.Left)
			break
		}
		operands = append(operands, b.Right)
		next, ok := b.Left.(*ast.BinaryNode)
		if !ok || next.Operator != "-" {
			operands = append(operands, b.Left)
			break
		}
		b = next
	}
	slices.Reverse(operands)
	var rest []ast.Node
	var t Type
	found := false
	for i := 0; i < len(operands); i++ {
		if size, of := c.dashedMember(operands[i:]); size > 0 {
			i += size - 1
			t, found = of, true
			continue
		}
		rest = append(rest, operands[i])
	}
	if !found {
		c.row = left
		return Type{}, false
	}
	for _, o := range rest {
		c.typeOf(o)
		t = Type{}
	}
	return t, true
}

// dashedMember reports the member that some operands begin with, if its name goes on in those that follow; size is how
// many it takes, 0 if it is none.
func (c *checker) dashedMember(operands []ast.Node) (size int, t Type) {
	of, ok := operands[0].(*ast.MemberNode)
	if !ok {
		return 0, Type{}
	}
	short, literal := of.Property.(*ast.StringNode)
	if !literal {
		return 0, Type{}
	}
	if isRoot(of.Node, "tasks") {
		return c.dashedTask(operands, short), Type{}
	}
	at := c.inner(short)
	full, end := c.dashedName(at)
	pieces := strings.Split(full, "-")
	if at != short.Location().From || len(pieces) == 1 || len(pieces) > len(operands) || end < len(c.runes) && c.runes[end] == '(' {
		return 0, Type{}
	}
	if _, names := (&branchReader{c.source}).term(of.Node); !names { // what is more than names is not worked out twice
		return 0, Type{}
	}
	words := true
	for _, piece := range pieces[1:] {
		words = words && c.namesNothing(piece)
	}
	if isRoot(of.Node, secretsRoot) {
		if _, legal := c.scope.Roots[secretsRoot]; !legal || !words {
			return 0, Type{}
		}
		c.info.Names[secretsRoot] = true
		c.addAt(at, runes(full), Problem{Code: CodeName, Msg: "no secret can have the name " + strconv.Quote(full), Help: "a name has letters, digits and _, no digit first"})
		return len(pieces), Of(KindString)
	}
	members := c.quietType(of.Node)
	declared, known := members.Fields[full]
	_, alone := members.Fields[short.Value]
	object := members.Kind == KindAny || members.Kind == KindObject
	if !(known && (!alone || words) || words && !alone && object) {
		return 0, Type{}
	}
	before := len(c.problems)
	c.typeOf(of.Node) // notes what it names; what is wrong with that is all that is said
	if len(c.problems) == before {
		c.reportDashed(of, members, full, end)
	}
	return len(pieces), declared
}

// dashedTask reports tasks.a-b where there is a task a, from which nothing can be taken away; where there is none, see
// unknownTask.
func (c *checker) dashedTask(operands []ast.Node, short *ast.StringNode) int {
	at := c.inner(short)
	full, end := c.dashedName(at)
	size := strings.Count(full, "-") + 1
	if _, known := c.scope.Tasks[short.Value]; !known || at != short.Location().From || size == 1 || size > len(operands) || end < len(c.runes) && c.runes[end] == '(' {
		return 0
	}
	c.info.Names["tasks"] = true
	p := Problem{Code: CodeTask, Msg: "there is no task " + strconv.Quote(full)}
	if _, there := c.scope.Tasks[full]; there {
		p.Msg, p.Help = `a name with "-" is read as a difference`, `write tasks["`+full+`"]`
	} else if c.scope.compares(len(c.scope.Tasks)) {
		p.Help = choices(c.scope.taskIDs())
	}
	c.addAt(at, end-at, p)
	return size
}

// reportDashed says how a member of that name is written, or that there is none; end is where the name ends.
func (c *checker) reportDashed(of *ast.MemberNode, members Type, full string, end int) {
	as := func(name string) string { return c.text(of.Node) + "[" + strconv.Quote(name) + "]" }
	p := Problem{Code: CodeName, Msg: `a name with "-" is read as a difference`}
	if _, known := members.Fields[full]; known || members.Kind == KindAny || members.Open {
		p.Fix = as(full)
	} else {
		p.Msg = c.text(of.Node) + " has no member " + strconv.Quote(full)
		if meant := near(full, c.members(members)); len(meant) > 0 {
			p.Help = "did you mean " + as(meant[0]) + "?"
		} else {
			p.Help = choices(c.members(members))
		}
	}
	from, _ := c.span(of)
	c.addAt(from, end-from, p)
}

// dashedName is the name that begins at a place, with what is behind each "-" that touches it.
func (c *checker) dashedName(at int) (name string, end int) {
	end = at
	for end < len(c.runes) && (c.runes[end] == '-' || isName("x"+string(c.runes[end]))) {
		end++
	}
	return string(c.runes[at:end]), end
}

// namesNothing tells whether a word is the name of nothing that an expression may be here.
func (c *checker) namesNothing(word string) bool {
	if word == "" || word[0] >= '0' && word[0] <= '9' || word == "null" || isLiteral(word) || word == "tasks" {
		return false
	}
	_, root := c.scope.Roots[word]
	return !root
}

// quietType is the type of a node without the problems of working it out.
func (c *checker) quietType(n ast.Node) Type {
	info := Info{Names: map[string]bool{}}
	quiet := checker{source: c.source, scope: c.scope, info: &info, element: c.element}
	return quiet.typeOf(n)
}
