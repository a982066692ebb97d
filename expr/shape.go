package expr

import (
	"slices"
	"strconv"
	"unicode"

	"github.com/expr-lang/expr/ast"
)

// shape finds what no expression of the language may hold, whatever the names and types: unknown
// functions, wrong numbers of arguments, predicates inside predicates, methods. All of it in one go.
func shape(s *source) []Problem {
	v := shaper{source: s}
	v.walk(s.tree)
	return v.problems
}

type shaper struct {
	*source
	problems []Problem
	inside   bool // a predicate
}

func (v *shaper) add(n ast.Node, p Problem) {
	from, to := v.span(n)
	p.Offset, p.Len = from, max(1, to-from)
	v.problems = append(v.problems, p)
}

func (v *shaper) walk(n ast.Node) {
	switch n := n.(type) {
	case nil:
		return
	case *ast.CallNode:
		v.call(n)
		return
	case *ast.BuiltinNode:
		v.predicate(n)
		return
	case *ast.MemberNode:
		v.walk(n.Node)
		if _, name := n.Property.(*ast.StringNode); !name {
			v.walk(n.Property)
		}
		return
	case *ast.BytesNode:
		v.add(n, Problem{Code: CodeSyntax, Msg: "there are no byte texts here", Help: "leave out the b before the quote"})
	case *ast.PointerNode:
		if n.Name != "" && n.Name != "index" {
			v.add(n, Problem{Code: CodeName, Msg: `"#` + n.Name + `" is not known`, Help: "# is the element, #index its place"})
		}
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		v.add(n, Problem{Code: CodeSyntax, Msg: "an expression is one value, without variables of its own"})
		return
	}
	for _, c := range children(n) {
		v.walk(c)
	}
}

// method says what to write for x.f(); Airflow's ti.xcom_pull is the one that people arrive with.
func (v *shaper) method(n *ast.CallNode) Problem {
	p := Problem{Code: CodeSyntax, Msg: "values have no methods", Help: "call a function: upper(x) for x.upper()"}
	m, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		return p
	}
	f, named := m.Property.(*ast.StringNode)
	of, word := m.Node.(*ast.IdentifierNode)
	switch {
	case word && (of.Value == "ti" || of.Value == "task_instance"):
		p.Help = "an upstream task's output is tasks.X.output"
	case !named:
	case v.states && word && of.Value == "upstream":
		p.Help = "write " + countUsage + " >= 1"
		if q := f.Value; q == "all" || q == "any" || q == "none" {
			p.Help = "write " + q + `(upstream, .state == "success")`
		}
	case v.states && word && isStateFunction(f.Value) && len(n.Arguments) == 0:
		p.Msg, p.Help, p.Fix = "tasks have no methods", "", f.Value+"("+of.Value+")"
	case foreignMethods[f.Value] != "" && functions[foreignMethods[f.Value]] != nil:
		p.Help = "call a function: " + functions[foreignMethods[f.Value]].usage
	case functions[f.Value] != nil:
		p.Help = "call a function: " + functions[f.Value].usage
	}
	return p
}

// foreignMethods are those of Python and JavaScript, and the function of each.
var foreignMethods = map[string]string{
	"startswith": "startsWith", "endswith": "endsWith", "includes": "contains", "strip": "trim", "toUpperCase": "upper", "toLowerCase": "lower",
	"strftime": "strftime", "format": "strftime", "get": "default", "match": "matches", "test": "matches", "size": "len", "length": "len",
	"replaceAll": "replace",
}

// call looks at the call of a plain function.
func (v *shaper) call(n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		v.add(n, v.method(n))
		v.walkAll(n.Arguments)
		return
	}
	name := v.callName(callee)
	callee.Value = name
	if f := v.known(name, callee); f != nil {
		v.arity(name, f, n, len(n.Arguments))
	}
	v.walkAll(n.Arguments)
}

// walkAll looks at arguments; a trigger's success(X) takes a word that is no expression.
func (v *shaper) walkAll(args []ast.Node) {
	for _, a := range args {
		v.walk(a)
	}
}

// known returns the function of a name, nil if there is none. Those of triggers pass here; who
// reads the expression as a value refuses them.
func (v *shaper) known(name string, at ast.Node) *function {
	if f, ok := functions[name]; ok {
		return f
	}
	if isStateFunction(name) {
		return nil
	}
	from, legal := at.Location().From, functionNames()
	if v.states {
		legal = triggerFunctions
	}
	p := Problem{
		Code: CodeName, Msg: "there is no function " + strconv.Quote(name),
		Offset: from, Len: max(1, at.Location().To-from), Suggest: near(name, legal), Help: foreignFunctions[name],
	}
	if v.states && slices.Contains(ruleNames, name) && foreignFunctions[name] == "" {
		p.Suggest, p.Help = nil, "a rule stands alone: `trigger: "+name+"`; of some tasks ask success(a) && success(b)"
	}
	if p.Help == "" && len(p.Suggest) == 0 {
		p.Help = choices(legal)
	}
	v.problems = append(v.problems, p)
	return nil
}

// ruleNames are those of triggers that are no expressions.
var ruleNames = []string{
	"all_success", "all_failed", "all_done", "all_skipped", "one_success", "one_failed", "one_done", "none_failed",
	"none_failed_min_one_success", "none_skipped", "always", "all_done_min_one_success",
}

func (v *shaper) arity(name string, f *function, n ast.Node, got int) bool {
	if got >= f.min && got <= f.max {
		return true
	}
	v.add(n, Problem{
		Code: CodeArgument, Msg: name + " takes " + plural(f.min, f.max) + ", not " + strconv.Itoa(got), Help: "write " + f.usage,
	})
	return false
}

func plural(low, high int) string {
	switch {
	case low == high && low == 1:
		return "1 argument"
	case low == high:
		return strconv.Itoa(low) + " arguments"
	case high >= 100:
		return "at least " + strconv.Itoa(low) + " argument"
	}
	return strconv.Itoa(low) + " or " + strconv.Itoa(high) + " arguments"
}

// predicate looks at any, all, filter … and at the ones of expr-lang that the language leaves out.
func (v *shaper) predicate(n *ast.BuiltinNode) {
	f := v.known(n.Name, n)
	if f != nil {
		v.arity(n.Name, f, n, len(n.Arguments))
	}
	for _, a := range n.Arguments {
		p, ok := a.(*ast.PredicateNode)
		switch {
		case !ok:
			v.walk(a)
		case v.inside:
			v.add(n, Problem{
				Code: CodeNested, Msg: "a predicate cannot stand inside another predicate",
				Help: "give the inner one a task of its own, or name the value outside",
			})
		default:
			v.inside = true
			v.walk(p.Node)
			v.inside = false
		}
	}
}

// isName tells whether a text can stand as a task's bare name.
func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r < unicode.MaxASCII && unicode.IsLetter(r)
		if !letter && (i == 0 || r != '-' && !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != "" && len(s) <= 200
}
