package expr

import (
	"slices"
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
	if c.taskState(n) {
		return Of(KindBool)
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
		c.unknownMember(n, name, of)
		return Type{}
	}
	help := ""
	if of.Kind == KindArray {
		help = "name an element: " + c.text(n.Node) + "[0], or each of them: map(" + c.text(n.Node) + ", ." + name.Value + ")"
	}
	c.addAt(c.inner(name), runes(name.Value), Problem{Code: CodeType, Msg: of.Kind.String() + " has no members", Help: help})
	return Type{}
}

// taskState reports a.success and tasks.a.success: a state as if it were a member.
func (c *checker) taskState(n *ast.MemberNode) bool {
	field, named := n.Property.(*ast.StringNode)
	if !named || c.scope.Tasks == nil {
		return false
	}
	state := field.Value
	if ours := stateWords[strings.ToLower(state)]; ours != "" {
		state = ours
	}
	if !slices.Contains(finished, state) || isTaskMember(field.Value) {
		return false
	}
	task := ""
	switch of := unchain(n.Node).(type) {
	case *ast.IdentifierNode:
		if _, root := c.scope.Roots[of.Value]; root || of.Value == "tasks" {
			return false
		}
		task = of.Value
	case *ast.MemberNode:
		root, word := unchain(of.Node).(*ast.IdentifierNode)
		name, literal := of.Property.(*ast.StringNode)
		if !word || !literal || root.Value != "tasks" {
			return false
		}
		task = name.Value
	}
	if _, ok := c.scope.Tasks[task]; !ok {
		return false
	}
	as := "tasks." + task
	if strings.Contains(task, "-") {
		as = `tasks["` + task + `"]`
	}
	from, to := c.span(n)
	c.info.Names["tasks"] = true
	p := Problem{Code: CodeName, Msg: strconv.Quote(c.text(n)) + " is not known here; a task has one state"}
	asked := as + ".state == " + strconv.Quote(state)
	switch before, after := c.around(from, to); {
	case !slices.Contains(askTruth, after) || !slices.Contains(append(askTruth, "!", "not"), before):
		p.Help = "write " + asked
	case before == "!" || before == "not":
		p.Fix = "(" + asked + ")"
	default:
		p.Fix = asked
	}
	c.addAt(from, to-from, p)
	return true
}

// around are the tokens before and behind what stands between two places, "" where there is none.
func (c *checker) around(from, to int) (before, after string) {
	for _, t := range c.tokens {
		if t.To <= from {
			before = t.Value
		}
		if t.From >= to {
			return before, t.Value
		}
	}
	return before, ""
}

// askTruth stand beside what is asked for its truth, and bind less than a comparison. A call's parenthesis is one of
// them: of its arguments the function says what they must be.
var askTruth = []string{"", "&&", "||", "and", "or", "?", ":", "(", ")"}

// members are the names that a wrong one of a type may have meant; none if there are too many to look through.
func (c *checker) members(of Type) []string {
	if !c.scope.compares(len(of.Fields)) {
		return nil
	}
	return of.names()
}

// undeclared is a member of a map that may have others than those that are declared. One that is nearly the name
// of a declared one is probably meant to be it.
func (c *checker) undeclared(n *ast.MemberNode, name *ast.StringNode, of Type) Type {
	if of.Rest != nil {
		return *of.Rest
	}
	if meant := near(name.Value, c.members(of)); len(meant) > 0 {
		c.addAt(c.inner(name), runes(name.Value), Problem{
			Code: CodeName, Msg: c.text(n.Node) + " declares no member " + strconv.Quote(name.Value), Suggest: meant, Maybe: true,
		})
	}
	return Type{}
}

// unknownMember reports a member that is not there, with what another tool calls what is.
func (c *checker) unknownMember(n *ast.MemberNode, name *ast.StringNode, of Type) {
	legal := c.members(of)
	p := unknown(c.text(n.Node)+" has no member "+strconv.Quote(name.Value), name.Value, legal)
	root, _ := n.Node.(*ast.IdentifierNode)
	switch {
	case root != nil && root.Value == "params" && len(of.Fields) == 0:
		p.Help = "the DAG declares its params: params: {" + name.Value + ": {type: string, default: …}}"
	case root != nil && root.Value == "run" && name.Value == "dag_id":
		p.Fix, p.Suggest, p.Help = "dag.id", nil, ""
		from, to := c.span(n)
		c.addAt(from, to-from, p)
		return
	case root != nil && root.Value == "run" && foreignRun[name.Value] != "":
		p.Suggest, p.Help = nil, foreignRun[name.Value]
	case len(of.Fields) == 0 && root != nil && root.Value == "vars":
		p.Help = "the configuration sets them: vars: {" + name.Value + ": …} in weft.yaml"
	case len(of.Fields) == 0 && root != nil && root.Value == "env":
		p.Help = "env is what the file sets under `env`; what a process inherits a script reads as $" + name.Value
	case len(p.Suggest) == 0:
		if meant := meantMember(name.Value, legal, of); len(meant) > 0 {
			p.Suggest, p.Help, p.Guess = meant, "", true
		}
	}
	c.addAt(c.inner(name), runes(name.Value), p)
}

// foreignRun are what Airflow knows of a run, and what to write here.
var foreignRun = map[string]string{
	"next_ds": foreignRoots["next_ds"], "prev_ds": foreignRoots["prev_ds"], "tomorrow_ds": foreignRoots["tomorrow_ds"], "yesterday_ds": foreignRoots["yesterday_ds"],
	"next_execution_date": "it is run.data_interval_end", "prev_execution_date": "it is run.data_interval_start",
	"next_logical_date": "it is run.data_interval_end", "prev_logical_date": "it is run.data_interval_start",
	"conf": "what a run is given is params.X", "params": "what a run is given is params.X",
}

// meantMember returns the members that a wrong one may have meant, by another tool's word for it, or because
// they have a part in common: code for exit_code, status_code for status. legal are those that are looked through.
func meantMember(name string, legal []string, of Type) []string {
	for _, ours := range otherMembers[name] {
		if _, ok := of.Fields[ours]; ok {
			return []string{ours}
		}
	}
	var out []string
	for _, member := range legal {
		if strings.HasPrefix(member, name+"_") || strings.HasSuffix(member, "_"+name) || strings.HasPrefix(name, member+"_") || strings.HasSuffix(name, "_"+member) {
			out = append(out, member)
		}
	}
	if len(out) > 3 {
		return nil
	}
	return out
}

// otherMembers are words of other tools for members of run, of errors and of plugins' outputs; the first that is there.
var otherMembers = map[string][]string{
	"execution_date": {"logical_date"}, "date": {"ds"}, "start_date": {"started_at"}, "start": {"data_interval_start"}, "end": {"data_interval_end"},
	"msg": {"message"}, "text": {"message", "body"}, "reason": {"message"}, "type": {"kind"}, "code": {"exit_code", "status"}, "returncode": {"exit_code"},
	"json": {"body"}, "content": {"body"}, "data": {"body"}, "response": {"body"}, "statusCode": {"status"},
	"result": {"output"}, "return_value": {"output"}, "value": {"output"}, "xcom": {"output"}, "status": {"state"},
	"path": {"uri"}, "url": {"uri"}, "bytes": {"size"}, "last_modified": {"modified"}, "mtime": {"modified"},
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
		if c.instanceOfTask(n, key) {
			return Type{}
		}
		if key.Kind != KindAny && key.Kind != KindString && !key.isNumber() {
			c.add(n.Property, CodeType, "a key of a map is a text, not "+key.Kind.String(), "")
		}
		return Type{}
	}
	c.add(n.Node, CodeType, of.Kind.String()+" has no members", "")
	return Type{}
}

// instanceOfTask reports tasks.a[0]: a task is no list; its output is one, and its instances.
func (c *checker) instanceOfTask(n *ast.MemberNode, key Type) bool {
	of, ok := unchain(n.Node).(*ast.MemberNode)
	if !ok || !isRoot(of.Node, "tasks") || !key.isNumber() {
		return false
	}
	place := "[" + c.text(n.Property) + "]"
	help := "its instances are tasks.X.instances, with `for_each`"
	if name, literal := of.Property.(*ast.StringNode); literal && c.scope.Tasks[name.Value] != nil && c.scope.Tasks[name.Value].Mapped {
		switch field := c.fieldAfter(n); field {
		case "state", "ref", "artifacts", "index":
			help = "write " + c.text(of) + ".instances" + place + "." + field
		default:
			help = "write " + c.text(of) + ".output" + place
		}
	}
	from, to := c.span(n)
	c.addAt(from, to-from, Problem{Code: CodeType, Msg: "a task is no list", Help: help})
	return true
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
	return taskType(*t), true
}

// unknownTask knows that tasks.a-b is read as a difference.
func (c *checker) unknownTask(name string, at int) Problem {
	p := Problem{Code: CodeTask, Msg: "there is no task " + strconv.Quote(name)}
	var ids []string
	if c.scope.compares(len(c.scope.Tasks)) {
		ids = c.scope.taskIDs()
	}
	p.Suggest = near(name, ids)
	full, end := c.dashedName(at)
	if _, ok := c.scope.Tasks[full]; ok && strings.HasPrefix(full, name+"-") {
		p.Suggest, p.Help = nil, `a name with "-" is written tasks["`+full+`"]`
		c.skip = end
	} else if len(p.Suggest) == 0 {
		p.Help = choices(ids)
	}
	return p
}

// fieldAfter is the member of a task that is asked for, "" if the task stands alone. The parser
// gives no parents, so the source says it: the token after the task is a dot and a name.
func (c *checker) fieldAfter(n ast.Node) string {
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
