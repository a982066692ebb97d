package expr

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Info is what a check learned of an expression or template.
type Info struct {
	Type  Type
	Refs  []Ref
	Names map[string]bool // roots that are used: "secrets", "env", "tasks" …
	Whole bool            // one whole ${{ }}
}

// A Ref is one mention of a task: tasks.X, tasks.X.Field, success(X). Its place is the task's name.
type Ref struct {
	Task, Field string
	Offset, Len int // runes in the checked source
}

// Check looks at a bare expression, or one whole ${{ }}, without running it.
func Check(src string, sc *Scope) (Info, []Problem) {
	info := Info{Names: map[string]bool{}}
	s, problems := parse(src)
	if s == nil {
		return info, problems
	}
	c := checker{source: s, scope: sc, info: &info, problems: problems}
	info.Type = c.typeOf(s.tree)
	info.Whole = s.whole
	c.wanted(info.Type)
	for i := range c.problems[len(problems):] {
		c.problems[len(problems)+i].Offset += s.base
	}
	for i := range info.Refs {
		info.Refs[i].Offset += s.base
	}
	return info, sorted(c.problems)
}

// CheckTemplate looks at a template. Its type is a text, unless it is one whole ${{ }}.
func CheckTemplate(tmpl string, sc *Scope) (Info, []Problem) {
	info := Info{Names: map[string]bool{}, Type: Of(KindString)}
	parts, p := Split(tmpl)
	var problems []Problem
	if p != nil {
		problems = append(problems, *p)
	}
	whole := p == nil && len(parts) == 1 && parts[0].Expr
	inner := *sc
	if !whole {
		inner.Want, inner.Wants = KindAny, nil
	}
	for _, part := range parts {
		if !part.Expr {
			problems = append(problems, foreignInText(part.Text, part.Offset)...)
			continue
		}
		got, found := Check(part.Text, &inner)
		if len(found) == 0 && !whole && (got.Type.Kind == KindArray || got.Type.Kind == KindObject) {
			n := runes(part.Text)
			found = append(found, Problem{
				Code: CodeInText, Msg: got.Type.Kind.String() + " cannot stand inside text",
				Offset: lead(part.Text), Len: max(1, n-lead(part.Text)-trail(part.Text)), Help: InText(got.Type, part.Text),
			})
		}
		for i := range found {
			found[i].Offset += part.Offset
		}
		for _, r := range got.Refs {
			r.Offset += part.Offset
			info.Refs = append(info.Refs, r)
		}
		for name := range got.Names {
			info.Names[name] = true
		}
		if whole {
			info.Type, info.Whole = got.Type, true
		}
		problems = append(problems, found...)
	}
	return info, sorted(problems)
}

// InText says how a list or a map becomes text; src is the expression that gives it.
func InText(t Type, src string) string {
	src = strings.TrimSpace(src)
	if len(src) > 60 || strings.Contains(src, "\n") {
		src = "…"
	}
	if t.Kind == KindArray {
		if k := t.elem().Kind; k == KindArray || k == KindObject {
			return "write toJSON(" + src + ")"
		}
		return "write join(" + src + `, ",") or toJSON(` + src + ")"
	}
	if _, task := t.Fields["instances"]; task && src != "…" {
		return "name what of the task: " + src + ".output"
	}
	members := slices.DeleteFunc(t.names(), func(m string) bool { // they cannot stand in text either
		k := t.Fields[m].Kind
		return k == KindArray || k == KindObject
	})
	if len(members) == 0 || !isPath(src) {
		return "write toJSON(" + src + "), or name one of its members"
	}
	if slices.Contains(members, "message") {
		return "name one member: " + src + ".message"
	}
	out := "name one member: "
	for i, m := range members[:min(4, len(members))] {
		if i > 0 {
			out += ", "
		}
		out += src + "." + m
	}
	if len(members) > 4 {
		out += ", …"
	}
	return out
}

// isPath tells whether a text is names with dots between them, behind which another can be written.
func isPath(s string) bool {
	for name := range strings.SplitSeq(s, ".") {
		if !isName(name) || strings.Contains(name, "-") {
			return false
		}
	}
	return true
}

func trail(text string) int {
	n := 0
	for i := len(text) - 1; i >= 0 && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r'); i-- {
		n++
	}
	return n
}

// sorted puts problems in the order of the source, each once.
func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Code, b.Code))
	})
	return slices.CompactFunc(problems, func(a, b Problem) bool {
		return a.Offset == b.Offset && a.Code == b.Code && a.Msg == b.Msg
	})
}

// A checker works out types from the leaves up. A type it does not know is anything, and anything
// is never wrong; so one mistake gives one problem.
type checker struct {
	*source
	scope    *Scope
	info     *Info
	problems []Problem
	element  *Type                          // of the list that the predicate around walks
	row      *ast.BinaryNode                // a difference whose operands are looked at already; see dashed.go
	skip     int                            // names before this place belong to a mistake that has been reported
	beside   map[*ast.IdentifierNode]beside // unknown words that are compared with a text; see words.go
}

// add reports a problem at a node.
func (c *checker) add(n ast.Node, code, msg, help string) {
	from, to := c.span(n)
	c.addAt(from, to-from, Problem{Code: code, Msg: msg, Help: help})
}

func (c *checker) addAt(from, size int, p Problem) {
	p.Offset, p.Len = from, max(1, size)
	c.problems = append(c.problems, p)
}

// wanted checks the whole value against what the place asks for.
func (c *checker) wanted(t Type) {
	wants := c.scope.Wants
	if c.scope.Want != KindAny {
		wants = []Kind{c.scope.Want}
	}
	if len(wants) == 0 || t.Kind == KindAny {
		return
	}
	names := ""
	for i, w := range wants {
		if t.Kind == w || w == KindNumber && t.Kind == KindInt {
			return
		}
		if i > 0 {
			names += " or "
		}
		names += w.String()
	}
	help := ""
	if c.scope.Want == KindBool {
		help = truthHelp(t.Kind)
		if asked := t.truths(); len(asked) > 0 && isPath(c.text(c.tree)) {
			help = "name what is asked: " + c.text(c.tree) + "." + asked[0]
		}
	}
	c.add(c.tree, CodeType, "this is "+t.Kind.String()+", but "+names+" is asked for", help)
}

func truthHelp(k Kind) string {
	switch k {
	case KindString:
		return `compare it: … == "text"`
	case KindInt, KindNumber:
		return "compare it: … > 0"
	case KindArray, KindObject:
		return "ask for its size: len(…) > 0"
	case KindNull:
		return "compare with it: … == null"
	}
	return ""
}

// unknown is the problem of a name that is not there.
func unknown(msg, name string, legal []string) Problem {
	p := Problem{Code: CodeName, Msg: msg, Suggest: near(name, legal)}
	if len(p.Suggest) == 0 {
		p.Help = choices(legal)
	}
	return p
}

func (c *checker) typeOf(n ast.Node) Type {
	switch n := n.(type) {
	case *ast.NilNode:
		return Of(KindNull)
	case *ast.BoolNode:
		return Of(KindBool)
	case *ast.IntegerNode:
		return Of(KindInt)
	case *ast.FloatNode:
		return Of(KindNumber)
	case *ast.StringNode:
		c.template(n)
		return Of(KindString)
	case *ast.IdentifierNode:
		return c.root(n)
	case *ast.ChainNode:
		return c.typeOf(n.Node)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		c.truth(n.Cond)
		return join(c.typeOf(n.Exp1), c.typeOf(n.Exp2))
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return c.predicate(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ArrayNode:
		return c.list(n)
	case *ast.MapNode:
		return c.mapping(n)
	}
	return Type{}
}

// root is a name that stands alone.
func (c *checker) root(n *ast.IdentifierNode) Type {
	if n.Value == "null" {
		return Of(KindNull)
	}
	at := n.Location().From
	if at < c.skip {
		return Type{}
	}
	if n.Value == "tasks" && c.scope.Tasks != nil {
		c.info.Names["tasks"] = true
		c.addAt(at, 5, Problem{Code: CodeName, Msg: "tasks must be followed by a task's name", Help: "write tasks.X.output; X is a task"})
		return Type{}
	}
	if t, ok := c.scope.Roots[n.Value]; ok {
		c.info.Names[n.Value] = true
		if n.Value == secretsRoot {
			c.addAt(at, len(secretsRoot), Problem{Code: CodeName, Msg: "secrets must be followed by a secret's name", Help: "write secrets.X"})
		}
		return t
	}
	p, told := c.unquoted(n)
	if !told {
		p = c.unknownRoot(n.Value)
		if _, task := c.scope.Tasks[n.Value]; task && p.Guess && c.fieldAfter(n) == "" { // a task alone is no value
			p.Suggest[0] += ".output"
		} else if task {
			p.Guess = false
		}
	}
	c.addAt(at, len([]rune(n.Value)), p)
	return Type{}
}

// literals of other languages; theirs is near ours but in the case of a letter.
var otherLiterals = map[string]string{"True": "true", "False": "false", "None": "null", "undefined": "null", "TRUE": "true", "FALSE": "false", "NULL": "null"}

func (c *checker) unknownRoot(name string) Problem {
	if why, ok := c.scope.Elsewhere[name]; ok {
		return Problem{Code: CodeName, Msg: strconv.Quote(name) + " is not known here", Help: why}
	}
	if ours, ok := otherLiterals[name]; ok {
		return Problem{
			Code: CodeForeign, Msg: strconv.Quote(name) + " is another language's", Suggest: []string{ours}, Guess: !strings.EqualFold(name, ours),
		}
	}
	if full, ok := macros[name]; ok {
		return Problem{Code: CodeName, Msg: strconv.Quote(name) + " is not known here", Suggest: []string{full}}
	}
	if help, ok := foreignRoots[name]; ok {
		return Problem{Code: CodeForeign, Msg: strconv.Quote(name) + " is another tool's", Help: help}
	}
	if c.element != nil {
		if _, ok := c.element.Fields[name]; ok {
			return Problem{Code: CodeName, Msg: strconv.Quote(name) + " is not known here; a member of the element begins with a dot", Fix: "." + name}
		}
	}
	if meant := c.membersNamed(name); len(meant) > 0 {
		return Problem{Code: CodeName, Msg: strconv.Quote(name) + " is not known here", Suggest: meant}
	}
	p := unknown(strconv.Quote(name)+" is not known here", name, append(c.scope.names(), "true", "false", "null"))
	p.Guess = slices.ContainsFunc(p.Suggest, isLiteral)
	if isName(name) && c.scope.Tasks != nil {
		if _, task := c.scope.Tasks[name]; task {
			p.Suggest, p.Help, p.Guess = []string{"tasks." + name}, "", true
		}
	}
	if _, isFunction := functions[name]; isFunction {
		p.Suggest, p.Help = nil, "it is a function: "+functions[name].usage
	}
	return p
}

// membersNamed returns the members of that name that the roots have, written whole: params.mode for mode.
func (c *checker) membersNamed(name string) []string {
	if _, function := functions[name]; function {
		return nil
	}
	if _, task := c.scope.Tasks[name]; task {
		return nil
	}
	var out []string
	for _, root := range c.scope.names() {
		if _, ok := c.scope.Roots[root].Fields[name]; ok {
			out = append(out, root+"."+name)
		}
	}
	slices.Sort(out)
	return out[:min(3, len(out))]
}

// isLiteral tells whether a word is a value and no name. That one was meant for another word is never sure.
func isLiteral(word string) bool { return word == "true" || word == "false" || word == "null" }
