package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Texts without their quotes. In YAML a text needs none, in an expression it does: `params.mode == full`
// names something called full, and `2026-01-02` is a number. What stands beside says that a text was meant.

// A beside is what an unknown word is compared with.
type beside struct {
	of   Type
	node ast.Node
}

// sides works out the types of both operands. An unknown word beside a text is noted before it is looked at.
func (c *checker) sides(n *ast.BinaryNode) (l, r Type) {
	switch n.Operator {
	case "==", "!=":
		if word, ok := c.unknownWord(n.Left); ok {
			r = c.typeOf(n.Right)
			c.note(word, r, n.Right)
			return c.typeOf(n.Left), r
		}
		l = c.typeOf(n.Left)
		if word, ok := c.unknownWord(n.Right); ok {
			c.note(word, l, n.Left)
		}
		return l, c.typeOf(n.Right)
	case "in":
		l = c.typeOf(n.Left)
		if list, ok := n.Right.(*ast.ArrayNode); ok {
			for _, e := range list.Nodes {
				if word, ok := c.unknownWord(e); ok {
					c.note(word, l, n.Left)
				}
			}
		}
		return l, c.typeOf(n.Right)
	}
	return c.typeOf(n.Left), c.typeOf(n.Right)
}

// unknownWord tells whether a node is a word that names nothing here, in no language that is known.
func (c *checker) unknownWord(n ast.Node) (*ast.IdentifierNode, bool) {
	word, ok := n.(*ast.IdentifierNode)
	if !ok || word.Value == "null" || word.Value == "tasks" {
		return nil, false
	}
	_, root := c.scope.Roots[word.Value]
	_, elsewhere := c.scope.Elsewhere[word.Value]
	return word, !root && !elsewhere && otherLiterals[word.Value] == "" && macros[word.Value] == "" && foreignRoots[word.Value] == ""
}

func (c *checker) note(word *ast.IdentifierNode, of Type, node ast.Node) {
	if of.Kind != KindString {
		return
	}
	if c.beside == nil {
		c.beside = map[*ast.IdentifierNode]beside{}
	}
	c.beside[word] = beside{of, node}
}

// unquoted is the problem of a word that was meant as a text: it is compared with one, and no name is near.
func (c *checker) unquoted(n *ast.IdentifierNode) (Problem, bool) {
	with, ok := c.beside[n]
	known := slices.Contains(with.of.Choices, n.Value)
	if !ok || !known && (len(near(n.Value, c.scope.names())) > 0 || len(c.membersNamed(n.Value)) > 0) {
		return Problem{}, false
	}
	p := Problem{Code: CodeName, Msg: strconv.Quote(n.Value) + " is not known here; a text stands in quotes"}
	if _, task := c.scope.Tasks[n.Value]; task && !known {
		p.Msg = strconv.Quote(n.Value) + " is not known here"
		p.Suggest, p.Guess = []string{"tasks." + n.Value + ".output", strconv.Quote(n.Value)}, true
		return p, true
	}
	switch meant := near(n.Value, with.of.Choices); {
	case with.of.Choices == nil || known:
		p.Fix = strconv.Quote(n.Value)
	case len(meant) == 1:
		p.Fix = strconv.Quote(meant[0])
	default:
		p.Help = c.text(with.node) + " is " + orWords(with.of.Choices)
	}
	return p, true
}

// template reports an expression inside a text that is compared, as others write it: '${{ params.mode }}' == 'full'.
// A text that is the whole expression may be meant: so a literal ${{ is written.
func (c *checker) template(n *ast.StringNode) {
	if !strings.Contains(n.Value, opening) || c.tree == ast.Node(n) {
		return
	}
	segs, bad := Split(n.Value)
	if bad != nil || len(segs) != 1 || !segs[0].Expr {
		return
	}
	name := strings.TrimSpace(segs[0].Text)
	root, _, dotted := strings.Cut(name, ".")
	if _, known := c.scope.Roots[root]; !isPath(name) || !dotted || !known && root != "tasks" {
		return
	}
	c.add(n, CodeForeign, "a text in an expression is no template: this ${{ }} stays as it is", "write "+name+" without quotes")
	c.problems[len(c.problems)-1].Maybe = true
}

// isDate tells whether a text is written like 2026-01-31, of this century or the last.
func isDate(s string) bool {
	if len(s) != len("2026-01-31") || !strings.HasPrefix(s, "19") && !strings.HasPrefix(s, "20") {
		return false
	}
	for i, c := range []byte(s) {
		if dash := i == 4 || i == 7; dash != (c == '-') || !dash && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// unquotedDate reports a date without quotes, which is a difference of numbers, beside a text or a time.
func (c *checker) unquotedDate(n *ast.BinaryNode, l, r Type) bool {
	for _, side := range []struct {
		node ast.Node
		with Type
	}{{n.Right, l}, {n.Left, r}} {
		if side.with.Kind == KindString || side.with.Kind == KindTime {
			if c.dateAt(side.node, side.with.Kind == KindTime) {
				return true
			}
		}
	}
	return false
}

// dateAt reports a node that is written like a date.
func (c *checker) dateAt(n ast.Node, asTime bool) bool {
	if minus, ok := n.(*ast.BinaryNode); !ok || minus.Operator != "-" {
		return false
	}
	from, to := c.span(n)
	date := string(c.runes[from:to])
	if !isDate(date) {
		return false
	}
	p := bareDate(date)
	if asTime {
		p.Msg, p.Fix = strings.TrimSuffix(p.Msg, "text in quotes")+"made of a text", "date("+p.Fix+")"
	}
	c.addAt(from, to-from, p)
	return true
}

// bareDate is the problem of a date without quotes.
func bareDate(date string) Problem {
	part := strings.Split(date, "-")
	return Problem{
		Code: CodeType, Fix: strconv.Quote(date),
		Msg: "this is " + part[0] + " minus " + strings.TrimPrefix(part[1], "0") + " minus " + strings.TrimPrefix(part[2], "0") + "; a date is text in quotes",
	}
}

// arithmeticHelp says what to write for a sum or difference that has no meaning.
func (c *checker) arithmeticHelp(n *ast.BinaryNode, l, r Type) string {
	plus := n.Operator == "+"
	sign := plus || n.Operator == "-"
	switch {
	case sign && l.Kind == KindString && r.isNumber() && dayForms[c.text(n.Left)] != "":
		what := map[bool]string{true: "a day later", false: "a day before"}[plus]
		return what + " is strftime(run.logical_date " + n.Operator + ` duration("1d"), "` + dayForms[c.text(n.Left)] + `")`
	case sign && l.Kind == KindTime && r.isNumber():
		return "say of what: " + c.text(n.Left) + " " + n.Operator + ` duration("1d")`
	case plus && (l.Kind == KindString || r.Kind == KindString):
		return "put values into text as in: a-${{ x }}"
	case l.Kind == KindString && r.isNumber() || l.isNumber() && r.Kind == KindString:
		return "a text is no number; one that holds a number is made one by fromJSON(…)"
	}
	return compareHelp(l, r)
}

// dayForms are the texts of a run's day, and how strftime writes each.
var dayForms = map[string]string{"run.ds": "%Y-%m-%d", "run.ds_nodash": "%Y%m%d"}
