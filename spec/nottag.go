package spec

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"weft/expr"
	"weft/machine"
)

// expressionKeys are those whose value is a bare expression that asks for truth.
var expressionKeys = []string{"when", "trigger", "verdict", "until", "fail_when", "retry_if"}

// notTag reports an expression that begins with a !, which YAML takes for a tag, with all of its first word; text is
// that word. The parser has cut the expression in two: what it left is no value of its own.
func (p *planter) notTag(y *yaml.Node, at machine.Pos, text string) bool {
	if y.Kind != yaml.ScalarNode || y.Style&^yaml.TaggedStyle != 0 || strings.HasPrefix(text, "!!") || y.Anchor != "" {
		return false
	}
	line := p.dag.src.line(at.Line)
	before := strings.TrimRight(string(line[:min(at.Col-1, len(line))]), " ")
	key, isKey := strings.CutSuffix(before, ":")
	if !isKey || !slices.Contains(expressionKeys, key[strings.LastIndexAny(key, " {,")+1:]) {
		return false
	}
	rest := string(line[at.Col-1+len([]rune(text)):])
	blanks := len(rest) - len(strings.TrimLeft(rest, " \t"))
	if y.Value == "" {
		blanks = 0
	}
	if !strings.HasPrefix(rest[blanks:], y.Value) {
		return false // it goes on in another line
	}
	whole := text + rest[:blanks] + y.Value
	body := strings.TrimSpace(whole[1:])
	if body == "" {
		return false
	}
	p.dag.meant = append(p.dag.meant, body)
	diag := p.dag.report(yTag, spanAt(at, 1), "to YAML ! begins a tag, and values here have none")
	end, ok := operandEnd(body)
	behind := strings.TrimSpace(body[end:])
	switch {
	case !ok || !readsAlone(body, strings.HasSuffix(key, "trigger") || strings.HasSuffix(key, "verdict")):
		diag.help("an expression says not: `not (…)`")
	case behind == "" || slices.ContainsFunc([]string{"&&", "||", "and ", "or "}, func(op string) bool { return strings.HasPrefix(behind, op) }):
		diag.note("fix", "write `not %s`", body).edit(spanAt(at, len([]rune(whole))), "not "+body)
	default: // elsewhere ! binds closer than a comparison, which is hardly meant
		diag.help("write `not (%s)`", body)
	}
	return true
}

// readsAlone tells whether a text is an expression, whatever it names: of a trigger, or of a value, which asks for no
// success(X).
func readsAlone(text string, trigger bool) bool {
	if trigger {
		_, problems := expr.CheckTrigger(text, &expr.Scope{})
		return !slices.ContainsFunc(problems, func(p expr.Problem) bool { return p.Code == expr.CodeSyntax || p.Code == expr.CodeForeign })
	}
	return expr.ReadBranch(text) != nil && !slices.ContainsFunc([]string{"success(", "failed(", "skipped(", "done("}, func(call string) bool {
		return strings.Contains(text, call)
	})
}

// operandEnd is where the operand ends that an expression begins with, in bytes: a name with its members, a call,
// what stands in parentheses. ok is false if a bracket or a quote in it is never closed.
func operandEnd(text string) (end int, ok bool) {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			if depth--; depth < 0 {
				return 0, false
			}
		case depth == 0 && strings.IndexByte(" \t=!<>&|+-*/%?", c) >= 0:
			return i, true
		}
	}
	return len(text), depth == 0 && quote == 0
}
