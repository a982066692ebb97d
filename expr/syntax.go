package expr

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	exprlang "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// A source is one expression that has been read: its tree, and its tokens for the places.
type source struct {
	runes  []rune // as it was written
	tokens []lexer.Token
	mate   []int // position of a bracket → position of its partner, -1 if none
	at     map[int]int
	tree   ast.Node
	whole  bool // it was one ${{ }}
	base   int  // runes before it in what the caller gave
	states bool // it is a trigger: success(X) and its like are known
}

// noBuiltins is the parser's set of functions that are off: all. Ours come in by their own names.
var noBuiltins = func() map[string]bool {
	c := conf.CreateNew()
	exprlang.DisableAllBuiltins()(c)
	return c.Disabled
}()

// parse reads a bare expression of a value, or one whole ${{ }}. It is total: what is wrong comes back as
// problems, placed in src.
func parse(src string) (s *source, problems []Problem) { return parseAs(src, false) }

// parseTrigger is parse for triggers and verdicts.
func parseTrigger(src string) (s *source, problems []Problem) { return parseAs(src, true) }

func parseAs(src string, states bool) (s *source, problems []Problem) {
	inner, at, whole, p := bare(src)
	if p != nil {
		return nil, []Problem{*p}
	}
	s = &source{runes: []rune(inner), whole: whole, base: at, states: states}
	defer func() {
		if recover() != nil { // expr-lang's parser met what it does not expect
			s, problems = nil, []Problem{{Code: CodeSyntax, Msg: "the expression cannot be read", Offset: at, Len: max(1, runes(inner))}}
		}
	}()
	if p = s.read(inner); p != nil {
		p.Offset += at
		return nil, []Problem{*p}
	}
	problems = shape(s)
	for i := range problems {
		problems[i].Offset += at
	}
	return s, problems
}

// read makes tokens and tree.
func (s *source) read(text string) *Problem {
	if p := s.scan(text); p != nil {
		return p
	}
	tokens, err := lexer.Lex(file.NewSource(text))
	if err != nil {
		return s.syntax(err)
	}
	s.setTokens(tokens)
	if p := s.signs(); p != nil {
		return p
	}
	if p := s.foreign(); p != nil {
		return p
	}
	text = s.prefixForm()
	config := &conf.Config{Disabled: noBuiltins, MaxNodes: maxNodes, DisableIfOperator: true}
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		return s.syntax(err)
	}
	if tree.Node == nil {
		return &Problem{Code: CodeSyntax, Msg: "the expression cannot be read", Len: max(1, len(s.runes))}
	}
	s.tree = tree.Node
	return nil
}

// scan refuses, before anything is built, what is empty, too large, too deep or holds comments.
func (s *source) scan(text string) *Problem {
	switch {
	case strings.TrimSpace(text) == "":
		return &Problem{Code: CodeSyntax, Msg: "the expression is empty", Len: max(1, len(s.runes))}
	case len(text) > maxSource:
		return &Problem{Code: CodeSyntax, Msg: "the expression is too long", Len: 1, Help: "put the work into a task"}
	case !utf8.ValidString(text):
		return &Problem{Code: CodeSyntax, Msg: "the expression is not UTF-8", Len: 1}
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		here := func(code, msg, help string, n int) *Problem {
			return &Problem{Code: code, Msg: msg, Offset: runes(text[:i]), Len: n, Help: help}
		}
		switch c := text[i]; {
		case c == '\'' || c == '"' || c == '`':
			n := quoted(text[i:])
			if n < 0 {
				return here(CodeSyntax, "this text is never closed", "close it with "+string(c), 1)
			}
			i += n - 1
		case strings.HasPrefix(text[i:], "//"):
			return here(CodeForeign, `"//" is no operator here, and an expression holds no comments`, "divide with /", 2)
		case strings.HasPrefix(text[i:], "/*"):
			return here(CodeSyntax, "an expression holds no comments", "write the comment after # in the YAML", 2)
		case c == '(' || c == '[' || c == '{':
			if depth++; depth > maxBrackets {
				return here(CodeSyntax, "the brackets are nested too deeply", "", 1)
			}
		case c == ')' || c == ']' || c == '}':
			depth--
		}
	}
	return nil
}

// signs refuses long rows of ! and -, each of which the parser would go down for.
func (s *source) signs() *Problem {
	row := 0
	for _, t := range s.tokens {
		if row++; !t.Is(lexer.Operator, "!", "not", "-", "+") {
			row = 0
		}
		if row > maxBrackets {
			return &Problem{Code: CodeSyntax, Msg: "the signs are too many", Offset: t.From, Len: 1}
		}
	}
	return nil
}

func (s *source) setTokens(tokens []lexer.Token) {
	s.tokens = tokens
	s.mate = make([]int, len(tokens))
	s.at = make(map[int]int, len(tokens))
	var open []int
	for i, t := range tokens {
		s.mate[i] = -1
		if t.Kind != lexer.EOF {
			s.at[t.From] = i
		}
		if t.Kind != lexer.Bracket {
			continue
		}
		if strings.Contains("([{", t.Value) {
			open = append(open, i)
		} else if n := len(open); n > 0 {
			s.mate[i], s.mate[open[n-1]] = open[n-1], i
			open = open[:n-1]
		}
	}
}

// prefixForm lets contains, startsWith, endsWith and matches be called like functions, as on
// GitHub Actions: where one stands as an operand its first letter is made a capital, so that the
// parser takes it for a name and every place stays what it was.
func (s *source) prefixForm() string {
	out := []rune(string(s.runes))
	for i, t := range s.tokens {
		if !infix[t.Value] || t.Kind != lexer.Operator || !s.tokens[i+1].Is(lexer.Bracket, "(") {
			continue
		}
		if !s.startsOperand(i) {
			continue
		}
		out[t.From] += 'A' - 'a'
	}
	return string(out)
}

// infix are expr-lang's operators that are functions elsewhere.
var infix = map[string]bool{"contains": true, "startsWith": true, "endsWith": true, "matches": true}

// startsOperand tells whether the token at i stands where a value begins.
func (s *source) startsOperand(i int) bool {
	if i == 0 {
		return true
	}
	prev := s.tokens[i-1]
	switch {
	case prev.Kind == lexer.Bracket:
		return strings.Contains("([{", prev.Value)
	case prev.Kind != lexer.Operator || prev.Value == "." || prev.Value == "?.":
		return false
	case prev.Value == "not":
		return s.startsOperand(i - 1) // `a not contains b` has an operand before not
	}
	return true
}

// callName undoes prefixForm for the callee of a call.
func (s *source) callName(callee *ast.IdentifierNode) string {
	name, from := callee.Value, callee.Location().From
	if from < len(s.runes) && infix[string(s.runes[from])+name[1:]] {
		return string(s.runes[from]) + name[1:]
	}
	return name
}

// syntax puts what the parser says into the user's words.
func (s *source) syntax(err error) *Problem {
	p := &Problem{Code: CodeSyntax, Msg: "the expression cannot be read", Len: max(1, len(s.runes))}
	f, ok := errors.AsType[*file.Error](err)
	if !ok {
		return p
	}
	p.Offset, p.Len = max(0, min(f.From, len(s.runes)-1)), 1
	var found lexer.Token
	if i, ok := s.at[f.From]; ok {
		found = s.tokens[i]
		p.Len = max(1, found.To-found.From)
	}
	for _, m := range parserSays {
		if strings.Contains(f.Message, m.part) {
			p.Msg, p.Help = m.msg, m.help
			break
		}
	}
	if strings.HasPrefix(f.Message, "unexpected token") && !strings.Contains(f.Message, "EOF") && found.Value != "" {
		p.Msg = `"` + string(s.runes[found.From:min(found.To, len(s.runes))]) + `" cannot stand here`
	}
	if strings.HasPrefix(f.Message, "unrecognized character") {
		p.Msg = `"` + string(s.runes[p.Offset]) + `" is no part of an expression`
		switch r := s.runes[p.Offset]; {
		case r == '~':
			p.Code, p.Help = CodeForeign, "match a regular expression with: x matches \"…\""
		case strings.ContainsRune(curly, r):
			s.curlyQuote(p)
		}
	}
	s.triggerHelp(p, found)
	return p
}

// curly are quotes that word processors write, and mails.
const curly = "“”„‟‘’‚‛«»"

// curlyQuote is the problem of a text between quotes that are none.
func (s *source) curlyQuote(p *Problem) {
	p.Msg, p.Help = string(s.runes[p.Offset])+" is a curly quote, and no part of an expression", `write straight quotes: "…"`
	for i := p.Offset + 1; i < len(s.runes); i++ {
		if r := s.runes[i]; strings.ContainsRune(curly, r) {
			p.Len, p.Help, p.Fix = i+1-p.Offset, "", `"`+string(s.runes[p.Offset+1:i])+`"`
			return
		} else if strings.ContainsRune("\"'`\\\n", r) {
			return
		}
	}
}

// triggerHelp is for triggers that begin like a count, or are several rules.
func (s *source) triggerHelp(p *Problem, found lexer.Token) {
	switch {
	case !s.states || p.Help != "":
	case slices.Contains([]string{"<", "<=", ">", ">=", "=="}, found.Value) && found.From == 0:
		p.Help = "say what is counted: " + countUsage + " " + strings.TrimSpace(string(s.runes))
	case found.Value == ",":
		p.Help = "a trigger is one rule, or one expression: success(a) && done(b)"
	}
}

// countUsage is how a trigger counts.
const countUsage = `count(upstream, .state == "success")`

// parserSays maps parts of the parser's messages to ours; the first that fits wins.
var parserSays = []struct{ part, msg, help string }{
	{"unexpected token EOF", "the expression ends too soon", ""},
	{"unexpected end", "the expression ends too soon", ""},
	{"unexpected token", "something cannot stand here", ""},
	{"literal not terminated", "this text is never closed", ""},
	{"bad number", "this is no number", "a text stands in quotes"},
	{"escape", "this escape is not known", `a backslash is \\; text in backquotes has no escapes`},
	{"unable to unescape", "this escape is not known", `a backslash is \\; text in backquotes has no escapes`},
	{"coalesce", "?? cannot stand beside another operator", "put one of them in parentheses"},
	{"expected at least", "an argument is missing", ""},
	{"wrap predicate", "a predicate is one expression", ""},
	{"expected name", "a name must follow the dot", ""},
	{"a map key", "a key of a map must be a name, a text or a number", ""},
	{"maximum allowed nodes", "the expression is too large", "put the work into a task"},
	{"too large", "this number is too large", ""},
	{"invalid", "this number is out of range", ""},
}
