package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/parser/lexer"
)

// foreign finds what belongs to another language and that the parser would only call unexpected.
func (s *source) foreign() *Problem {
	for i := 0; i+1 < len(s.tokens); i++ {
		if p := s.foreignPair(i); p != nil {
			return p
		}
		if p := s.foreignWord(i); p != nil {
			return p
		}
	}
	return nil
}

// pairs are tokens that touch, and what to write instead of them.
var pairs = []struct{ first, second, msg, help string }{
	{"==", "=", `"===" is JavaScript's`, "compare with =="},
	{"!=", "=", `"!==" is JavaScript's`, "compare with !="},
	{"<", ">", `"<>" is SQL's`, "compare with !="},
	{"=", ">", `"=>" is another language's`, "a predicate is written like filter(list, .size > 3)"},
	{"{", "{", `"{{ }}" is Jinja's`, "names stand alone in an expression; in a value write ${{ … }}"},
	{"$", "{", `"${x}" is the shell's`, "names stand alone in an expression; in a value write ${{ … }}"},
	{"+", "+", `"++" is no operator here`, "an expression changes nothing; add with x + 1"},
}

func (s *source) foreignPair(i int) *Problem {
	a, b := s.tokens[i], s.tokens[i+1]
	touch := a.To == b.From
	if p := s.namedArgument(i); p != nil {
		return p
	}
	if touch && a.Value == "$" && i+2 < len(s.tokens) && s.tokens[i+2].From == b.To && strings.HasPrefix(string(s.runes[a.From:]), opening) {
		return &Problem{
			Code: CodeForeign, Msg: "${{ }} cannot stand inside an expression", Offset: a.From, Len: len(opening),
			Help: "names stand alone in an expression", Whole: unwrapped(string(s.runes), opening),
		}
	}
	for _, p := range pairs {
		if touch && a.Value == p.first && b.Value == p.second && a.Kind != lexer.String && b.Kind != lexer.String {
			found := &Problem{Code: CodeForeign, Msg: p.msg, Offset: a.From, Len: b.To - a.From, Help: p.help}
			if p.first == "{" && !s.whole && !s.states {
				found.Whole = unwrapped(string(s.runes), "{{")
			}
			return found
		}
	}
	if a.Kind != lexer.Operator {
		return nil
	}
	is := func(code, msg, help string) *Problem {
		return &Problem{Code: code, Msg: msg, Offset: a.From, Len: max(1, a.To-a.From), Help: help}
	}
	switch a.Value {
	case "=":
		return is(CodeForeign, `"=" assigns, and an expression assigns nothing`, "compare with ==")
	case "&":
		return is(CodeForeign, `"&" is no operator here`, "both must hold: a && b")
	case "^":
		return is(CodeForeign, `"^" is no operator here`, "a power is x ** y")
	case "|":
		if i+2 < len(s.tokens) && b.Kind == lexer.Identifier && !s.tokens[i+2].Is(lexer.Bracket, "(") {
			return s.filter(i)
		}
	case "let", ";":
		return is(CodeSyntax, "an expression is one value, without variables of its own", "repeat the part, or give it a task of its own")
	case "::":
		return is(CodeForeign, `"::" is no operator here`, "")
	}
	return nil
}

// namedArgument is the problem of f(x, name=value), at the token before the name.
func (s *source) namedArgument(i int) *Problem {
	if i+2 >= len(s.tokens) || s.tokens[i].Kind != lexer.Bracket && s.tokens[i].Kind != lexer.Operator || !s.tokens[i].Is(s.tokens[i].Kind, "(", ",") {
		return nil
	}
	name, sign := s.tokens[i+1], s.tokens[i+2]
	if name.Kind != lexer.Identifier || !sign.Is(lexer.Operator, "=") || i+3 < len(s.tokens) && s.tokens[i+3].From == sign.To && s.tokens[i+3].Is(lexer.Operator, "=", ">") {
		return nil
	}
	open, depth := i, 0
	for ; open >= 0; open-- { // the bracket that the name is in
		switch t := s.tokens[open]; {
		case t.Is(lexer.Bracket, ")", "]", "}"):
			depth++
		case t.Is(lexer.Bracket, "(", "[", "{"):
			depth--
		}
		if depth < 0 {
			break
		}
	}
	if open < 1 || !s.tokens[open].Is(lexer.Bracket, "(") || s.tokens[open-1].Kind != lexer.Identifier {
		return nil
	}
	called := s.tokens[open-1].Value
	if f := functions[called]; f != nil && f.predicate { // a comparison, in a predicate
		return nil
	}
	p := &Problem{
		Code: CodeForeign, Msg: strconv.Quote(name.Value+"=") + " names an argument, and here arguments have no names",
		Offset: name.From, Len: sign.To - name.From, Help: foreignFunctions[called],
	}
	if f := functions[called]; f != nil {
		p.Help = "write " + f.usage
	}
	return p
}

// filter is the problem of a filter of Jinja's: x | upper. Only a function that there is can be called.
func (s *source) filter(at int) *Problem {
	pipe, word := s.tokens[at], s.tokens[at+1]
	p := Problem{Code: CodeForeign, Msg: `"|" without parentheses is Jinja's filter`, Offset: pipe.From, Len: word.To - pipe.From}
	name := word.Value
	if ours := filters[name]; ours != "" {
		name = ours
	}
	switch f := functions[name]; {
	case f != nil && f.min == 1 && pipe.To < word.From && s.bindsAlike(at):
		p.Fix = "| " + name + "()"
	case f != nil:
		p.Help = "call the function: " + f.usage
	case foreignFunctions[name] != "":
		p.Help = foreignFunctions[name]
	default:
		p.Msg, p.Help = p.Msg+", and there is no function "+strconv.Quote(name), choices(functionNames())
	}
	return &p
}

// bindsAlike tells whether the pipe at a token takes what Jinja's would: there it binds closer than any operator, here
// less close, so none may stand before it.
func (s *source) bindsAlike(at int) bool {
	for i := at - 1; i >= 0; i-- {
		switch t := s.tokens[i]; {
		case s.mate[i] >= 0 && s.mate[i] < i:
			i = s.mate[i]
		case t.Kind == lexer.Bracket || t.Value == ",":
			return true
		case t.Kind == lexer.Operator && t.Value != "." && t.Value != "?." && t.Value != "|":
			return false
		}
	}
	return true
}

// filters are Jinja's that are functions here under another name.
var filters = map[string]string{"tojson": "toJSON", "fromjson": "fromJSON", "length": "len", "from_json": "fromJSON", "to_json": "toJSON", "d": "default"}

// foreignWords stand between two operands in other languages.
var foreignWords = map[string]string{
	"is": "compare with ==, as in x == null", "IS": "compare with ==, as in x == null",
	"AND": "write &&", "OR": "write ||", "NOT": "write not", "IN": "write in",
	"if": "a choice is written condition ? a : b", "else": "a choice is written condition ? a : b",
	"eq": "write ==", "ne": "write !=", "lt": "write <", "gt": "write >", "le": "write <=", "ge": "write >=",
	"mod": "write %", "div": "write /", "LIKE": "write x matches \"…\"", "like": "write x matches \"…\"",
}

func (s *source) foreignWord(i int) *Problem {
	t := s.tokens[i]
	choice := t.Kind == lexer.Operator && (t.Value == "if" || t.Value == "else")
	if t.Kind != lexer.Identifier && !choice {
		return nil
	}
	here := func(msg, help string) *Problem {
		return &Problem{Code: CodeForeign, Msg: msg, Offset: t.From, Len: t.To - t.From, Help: help}
	}
	member := i > 0 && (s.tokens[i-1].Is(lexer.Operator, ".") || s.tokens[i-1].Is(lexer.Operator, "?."))
	if member {
		return nil
	}
	if strings.HasPrefix(t.Value, "$") && len(t.Value) > 1 {
		return here(`"`+t.Value+`" is the shell's`, "names stand without $; the environment is env."+t.Value[1:])
	}
	help, ok := foreignWords[t.Value]
	if !ok {
		return nil
	}
	// After an operand, or as NOT x: where a name could stand, it may be one.
	key := s.tokens[i+1].Is(lexer.Operator, ":")
	if !s.startsOperand(i) || !key && (t.Value == "NOT" || t.Value == "if") {
		p := here(`"`+t.Value+`" is another language's`, help)
		switch next := s.tokens[i+1]; {
		case t.Value != "is":
		case next.Kind == lexer.String || next.Kind == lexer.Number || slices.Contains([]string{"true", "false", "null"}, next.Value):
			p.Fix, p.Help = "==", ""
		case next.Value == "defined":
			p.Help = "what is not there is null: x != null"
		}
		return p
	}
	return nil
}

// foreignInText finds Jinja and shell-like references in the text of a template: only those that
// begin with a name of this language or a macro of Airflow's, for `{{ }}` may belong to whatever
// the text is for, and ${x} to the shell.
func foreignInText(text string, at int) []Problem {
	var out []Problem
	for i := 0; i+1 < len(text); i++ {
		open, end := "", ""
		switch {
		case strings.HasPrefix(text[i:], "{{") && (i == 0 || text[i-1] != '{'):
			open, end = "{{", "}}"
		case strings.HasPrefix(text[i:], "${"):
			open, end = "${", "}"
		default:
			continue
		}
		inside := text[i+len(open):]
		n := strings.Index(inside, end)
		if n < 0 || n > 200 {
			continue
		}
		name := strings.TrimSpace(inside[:n])
		if strings.ContainsAny(name, "\n{") || !ours(name, open == "${") {
			continue
		}
		whole := text[i : i+len(open)+n+len(end)]
		msg := `"` + whole + `" is Jinja's and stays as it is`
		if open == "${" {
			msg = `"` + whole + `" is no expression and stays as it is`
		}
		out = append(out, Problem{
			Code: CodeForeign, Msg: msg, Offset: at + runes(text[:i]), Len: runes(whole), Help: "write ${{ " + translate(name) + " }}",
		})
		i += len(whole) - 1
	}
	return out
}

// macros are Airflow's names and what they are called here.
var macros = map[string]string{
	"ds": "run.ds", "ds_nodash": "run.ds_nodash", "ts": "run.ts", "ts_nodash": "run.ts_nodash", "run_id": "run.id",
	"logical_date": "run.logical_date", "execution_date": "run.logical_date",
	"data_interval_start": "run.data_interval_start", "data_interval_end": "run.data_interval_end",
	"dag_run.run_id": "run.id", "dag.dag_id": "dag.id", "ti.try_number": "attempt",
}

// foreignRoots begin names in GitHub Actions and Airflow, and what they are here.
var foreignRoots = map[string]string{
	"needs": "an upstream task's output is tasks.X.output, its state tasks.X.state", "steps": "a task's output is tasks.X.output",
	"jobs": "a task's output is tasks.X.output", "job": "a task's state is tasks.X.state", "inputs": "what a run is given is params.X",
	"matrix": "an element of for_each is item", "strategy": "the place of an instance is index",
	"github": "what is known of a run stands in run: run.id, run.ds, run.type", "runner": "what is known of a run stands in run: run.id, run.ds, run.type",
	"ti":            "an upstream task's output is tasks.X.output; the attempt is attempt, in retry_if",
	"task_instance": "an upstream task's output is tasks.X.output", "task": "a task is named: tasks.X",
	"dag_run": "what is known of a run stands in run: run.id, run.ds, run.type; what it was given in params",
	"conf":    "what a run is given is params.X", "var": "what the configuration says is vars.X", "conn": "what nobody may see is secrets.X",
	"macros":  "there are date, duration and strftime: strftime(run.logical_date - duration(\"1d\"), \"%Y-%m-%d\")",
	"prev_ds": "it is strftime(run.logical_date - duration(\"1d\"), \"%Y-%m-%d\")", "next_ds": "it is strftime(run.data_interval_end, \"%Y-%m-%d\")",
	"yesterday_ds": "it is strftime(run.logical_date - duration(\"1d\"), \"%Y-%m-%d\")", "tomorrow_ds": "it is strftime(run.logical_date + duration(\"1d\"), \"%Y-%m-%d\")",
	"inlets": "an upstream task's output is tasks.X.output", "outlets": "a task's files are its artifacts",
}

func translate(name string) string {
	if here, ok := macros[name]; ok {
		return here
	}
	if rest, ok := strings.CutPrefix(name, "var.value."); ok {
		return "vars." + rest
	}
	return name
}

// ours tells whether a reference in foreign brackets means a name of this language.
func ours(name string, shell bool) bool {
	if !shell && (macros[name] != "" || strings.HasPrefix(name, "var.value.")) {
		return true
	}
	root, _, dotted := strings.Cut(name, ".")
	switch root {
	case "dag", "run", "params", "vars", "env", "secrets", "tasks":
		return dotted
	}
	return false
}
