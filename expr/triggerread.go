package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// identifier is a name that stands alone: upstream.
func (r *reader) identifier(n *ast.IdentifierNode) *term {
	at, size := n.Location().From, len([]rune(n.Value))
	if at < r.skip {
		return &term{}
	}
	switch n.Value {
	case "upstream":
		if r.scope != nil && r.scope.Verdict {
			return r.badAt(at, size, Problem{Code: CodeName, Msg: "a verdict has no upstream", Help: `ask tasks by name: tasks.X.state == "success"`})
		}
		r.info.Names["upstream"] = true
		return r.term(n, people, "upstream")
	case "tasks":
		return r.badAt(at, size, Problem{Code: CodeName, Msg: "tasks must be followed by a task's name", Help: "write tasks.X.state"})
	case "null":
		return r.null(n)
	}
	return r.badAt(at, size, r.unknownName(n.Value))
}

// barely is a task that is named without tasks before it, or without .state behind it: a, a.state, tasks.a.
func (r *reader) barely(n ast.Node) (task string, ok bool) {
	if r.scope == nil {
		return "", false
	}
	if m, isMember := n.(*ast.MemberNode); isMember {
		field, named := m.Property.(*ast.StringNode)
		of, word := m.Node.(*ast.IdentifierNode)
		switch {
		case !named || !word:
			return "", false
		case of.Value == "tasks":
			task = field.Value
		case field.Value == "state":
			task = of.Value
		}
	} else if word, isWord := n.(*ast.IdentifierNode); isWord {
		task = word.Value
	}
	_, known := r.scope.Tasks[task]
	return task, known && task != "upstream" && task != "tasks" && isName(task)
}

// taskAsState reports a task that is compared with a state as if it were one, with what to write for the whole.
func (r *reader) taskAsState(n *ast.BinaryNode) bool {
	for _, side := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		task, ok := r.barely(side[0])
		word, isText := side[1].(*ast.StringNode)
		if !ok || !isText || !slices.Contains(finished, word.Value) {
			continue
		}
		at, p := side[0], Problem{Code: CodeName, Msg: strconv.Quote(r.text(side[0])) + " is no state; a task's is tasks." + task + ".state"}
		if p.Fix = "tasks." + task + ".state"; n.Operator == "==" && isStateFunction(word.Value) {
			at, p.Fix = ast.Node(n), word.Value+"("+task+")"
		}
		from, to := r.span(at)
		r.badAt(from, to-from, p)
		return true
	}
	return false
}

// stateAsMember is the problem of a.success and tasks.a.success.
func (r *reader) stateAsMember(n *ast.MemberNode, task, field string) (*term, bool) {
	if r.scope == nil || !isName(task) {
		return nil, false
	}
	if _, ok := r.scope.Tasks[task]; !ok {
		return nil, false
	}
	meant := field
	if ours := stateWords[strings.ToLower(field)]; ours != "" {
		meant = ours
	}
	p := Problem{Code: CodeName, Msg: strconv.Quote(r.text(n)) + " is not known in a trigger"}
	switch {
	case field != "state" && isTaskMember(field):
		p.Help = onlyStates
	case isStateFunction(meant):
		p.Fix = meant + "(" + task + ")"
	case field == "state":
		p.Fix = "tasks." + task + ".state"
	default:
		return nil, false
	}
	from, to := r.span(n)
	return r.badAt(from, to-from, p), true
}

// stateWords are other words for the states that have a function.
var stateWords = map[string]string{
	"succeeded": "success", "successful": "success", "ok": "success", "passed": "success", "succeed": "success",
	"failure": "failed", "fail": "failed", "error": "failed", "skip": "skipped", "finished": "done", "completed": "done", "complete": "done",
}

// onlyStates is what a trigger may ask for.
const onlyStates = "a trigger asks for states alone; values belong in when"

func (r *reader) null(n ast.Node) *term {
	return r.bad(n, CodeType, "a trigger never sees null: a state that is not there yet is unknown", "ask done(X)")
}

func (r *reader) unknownName(name string) Problem {
	if isName(name) && r.scope != nil {
		if _, ok := r.scope.Tasks[name]; ok {
			return Problem{Code: CodeName, Msg: strconv.Quote(name) + " is a task, not a state", Suggest: []string{"success(" + name + ")"}}
		}
		if _, ok := r.scope.Roots[name]; ok {
			return Problem{Code: CodeName, Msg: strconv.Quote(name) + " is not known in a trigger", Help: "values belong in when"}
		}
	}
	if own := map[string]string{"upstream": "id", "instances": "index"}[r.in]; own != "" && (name == "state" || name == own) {
		return Problem{Code: CodeName, Msg: "what belongs to an element begins with a dot", Fix: "." + name}
	}
	p := unknown(strconv.Quote(name)+" is not known in a trigger", name, []string{"upstream", "tasks", "true", "false"})
	p.Guess = slices.ContainsFunc(p.Suggest, isLiteral)
	p.Help = onlyStates
	return p
}

// member is tasks.X.state, tasks.X.instances; in a predicate .state, .id, .index.
func (r *reader) member(n *ast.MemberNode) *term {
	field, ok := n.Property.(*ast.StringNode)
	if !ok {
		return r.bad(n, CodeName, "a trigger names its tasks outright", "write tasks.X.state")
	}
	switch of := unchain(n.Node).(type) {
	case *ast.PointerNode:
		return r.element(n, field, of)
	case *ast.MemberNode:
		if root, ok := unchain(of.Node).(*ast.IdentifierNode); ok && root.Value == "tasks" {
			return r.taskField(n, of, field)
		}
	case *ast.IdentifierNode:
		if of.Value == "tasks" {
			if !r.task(field.Value, r.inner(field)) {
				return &term{}
			}
			return r.bad(n, CodeType, "a task is neither true nor false", "write tasks."+field.Value+`.state == "success", or success(`+field.Value+")")
		}
		if t, ok := r.stateAsMember(n, of.Value, field.Value); ok {
			return t
		}
		return r.identifier(of)
	}
	return r.bad(n, CodeName, "a trigger asks for states alone", "values belong in when")
}

// inner is where the name in a["name"] or a.name begins.
func (r *reader) inner(n *ast.StringNode) int { return (&checker{source: r.source}).inner(n) }

func (r *reader) taskField(n, task *ast.MemberNode, field *ast.StringNode) *term {
	name, ok := task.Property.(*ast.StringNode)
	if !ok {
		return r.bad(task.Property, CodeName, "a trigger names its tasks outright", "write tasks.X.state")
	}
	r.info.Names["tasks"] = true
	known := r.task(name.Value, r.inner(name))
	if known {
		r.info.Refs[len(r.info.Refs)-1].Field = field.Value
	}
	switch field.Value {
	case "state":
		t := r.term(n, states, "state")
		t.name = name.Value
		return t
	case "instances":
		if known && r.scope != nil && !r.scope.Tasks[name.Value].Mapped {
			return r.badAt(r.inner(field), len("instances"), Problem{
				Code: CodeType, Msg: "task " + strconv.Quote(name.Value) + " has no instances: it has no for_each", Help: "write tasks." + name.Value + ".state",
			})
		}
		t := r.term(n, people, "instances")
		t.name = name.Value
		return t
	}
	if !isTaskMember(field.Value) {
		if t, ok := r.stateAsMember(n, name.Value, field.Value); ok {
			return t
		}
	}
	p := unknown(strconv.Quote(field.Value)+" is not known in a trigger", field.Value, []string{"state", "instances"})
	if isTaskMember(field.Value) {
		p.Suggest, p.Help = nil, onlyStates
	}
	return r.badAt(r.inner(field), runes(field.Value), p)
}

// task notes that a task is named, and tells whether it exists as far as is known.
func (r *reader) task(name string, at int) bool {
	r.info.Refs = append(r.info.Refs, Ref{Task: name, Offset: at, Len: max(1, runes(name))})
	if r.scope == nil {
		return true
	}
	if _, ok := r.scope.Tasks[name]; ok {
		return true
	}
	c := checker{source: r.source, scope: r.scope}
	r.badAt(at, runes(name), c.unknownTask(name, at))
	r.skip = c.skip
	return false
}

// element is .state, .id or .index of the member that a predicate looks at.
func (r *reader) element(n *ast.MemberNode, field *ast.StringNode, of *ast.PointerNode) *term {
	if of.Name == "" {
		switch {
		case field.Value == "state":
			return r.term(n, states, "its state")
		case field.Value == "id" && r.in == "upstream":
			r.each = true
			return r.term(n, idents, "its id")
		case field.Value == "index" && r.in == "instances":
			r.each = true
			return r.term(n, counts, "its index")
		}
	}
	legal := []string{"state", "id"}
	if r.in == "instances" {
		legal[1] = "index"
	}
	p := unknown("an element has no member "+strconv.Quote(field.Value)+" in a trigger", field.Value, legal)
	return r.badAt(r.inner(field), runes(field.Value), p)
}

// quantifier is count, all, any, none over a list of tasks and a predicate.
func (r *reader) quantifier(n *ast.BuiltinNode) *term {
	kind := truths
	switch n.Name {
	case "count":
		kind = counts
	case "all", "any", "none":
	default:
		if functions[n.Name] == nil {
			return &term{} // shape has said so
		}
		return r.notHere(n, n.Name, n)
	}
	if len(n.Arguments) != 2 {
		if len(n.Arguments) == 1 && n.Name == "count" { // shape lets it pass
			return r.bad(n, CodeArgument, "count asks for a predicate in a trigger", `write count(upstream, .state == "success")`)
		}
		return &term{}
	}
	p, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok || r.in != "" {
		return &term{} // nested: shape has said so
	}
	list := r.want(n.Arguments[0], people)
	if list.kind == broken {
		return list
	}
	r.in, r.each = list.op, false
	body := r.truth(p.Node)
	t := r.term(n, kind, n.Name, list, body)
	t.each = r.each
	r.in, r.each = "", false
	return t
}

// call is len, and success(X), failed(X), skipped(X), done(X).
func (r *reader) call(n *ast.CallNode) *term {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return &term{}
	}
	name := callee.Value
	switch {
	case isStateFunction(name):
		return r.stateCall(n, name)
	case name == "len" && len(n.Arguments) == 1:
		return r.term(n, counts, "len", r.want(n.Arguments[0], people))
	case functions[name] == nil || name == "len":
		return &term{} // shape has said so
	}
	return r.notHere(n, name, callee)
}

// notHere refuses a function of the language that triggers do not have.
func (r *reader) notHere(n ast.Node, name string, at ast.Node) *term {
	from := at.Location().From
	return r.badAt(from, len(name), Problem{
		Code: CodeName, Msg: name + " is no function of triggers", Help: "there are count, all, any, none, len, success, failed, skipped, done; values belong in when",
	})
}

// stateCall takes a task as a word, which may hold "-", or quoted.
func (r *reader) stateCall(n *ast.CallNode, op string) *term {
	if len(n.Arguments) != 1 {
		help := "write " + op + "(X)"
		if rule := map[string]string{"success": "all_success", "failed": "one_failed", "done": "all_done"}[op]; rule != "" && len(n.Arguments) == 0 {
			help += "; for all tasks in `needs` there are rules, such as `trigger: " + rule + "`"
		}
		return r.bad(n, CodeArgument, op+" takes the name of one task", help)
	}
	arg := n.Arguments[0]
	from, to := r.span(arg)
	name := string(r.runes[from:to])
	if quoted, ok := arg.(*ast.StringNode); ok {
		name = quoted.Value
		from++
	} else if m, ok := arg.(*ast.MemberNode); ok && r.isTasks(m) {
		return r.bad(arg, CodeArgument, op+" takes the name of a task alone", "write "+op+"("+m.Property.(*ast.StringNode).Value+")")
	} else if !isName(name) {
		return r.bad(arg, CodeArgument, op+" takes the name of a task", "write "+op+"(X)")
	}
	r.info.Names["tasks"] = true
	r.task(name, from)
	t := r.term(n, truths, "is "+op)
	t.name = name
	return t
}

func (r *reader) isTasks(m *ast.MemberNode) bool {
	root, ok := m.Node.(*ast.IdentifierNode)
	_, literal := m.Property.(*ast.StringNode)
	return ok && literal && root.Value == "tasks"
}
