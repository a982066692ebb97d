package sandbox

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An expression is a condition, a filter or a condition on keys, in DynamoDB's language.
type expression struct {
	root  node
	names map[string]string
	value map[string]attribute
	used  map[string]bool // placeholders
}

type node interface {
	holds(e *expression, it item) bool
}

// operand is what can be compared: a path into the item, a value, or size(path).
type operand struct {
	path  []any // names and indexes; nil = a value
	value attribute
	size  bool
}

type (
	both     struct{ a, b node }
	either   struct{ a, b node }
	negated  struct{ a node }
	compared struct {
		op   string
		a, b operand
	}
	between struct{ a, low, high operand }
	amongst struct {
		a    operand
		list []operand
	}
	called struct {
		name string
		args []operand
	}
)

func (n both) holds(e *expression, it item) bool    { return n.a.holds(e, it) && n.b.holds(e, it) }
func (n either) holds(e *expression, it item) bool  { return n.a.holds(e, it) || n.b.holds(e, it) }
func (n negated) holds(e *expression, it item) bool { return !n.a.holds(e, it) }

func (n compared) holds(_ *expression, it item) bool {
	a, okA := n.a.in(it)
	b, okB := n.b.in(it)
	equal := okA && okB && a.canonical() == b.canonical()
	switch n.op {
	case "=":
		return equal
	case "<>":
		return !equal
	}
	order, ok := a.compare(b)
	if !ok || !okA || !okB {
		return false
	}
	return map[string]bool{"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[n.op]
}

func (n between) holds(e *expression, it item) bool {
	return compared{">=", n.a, n.low}.holds(e, it) && compared{"<=", n.a, n.high}.holds(e, it)
}

func (n amongst) holds(e *expression, it item) bool {
	return slices.ContainsFunc(n.list, func(o operand) bool { return compared{"=", n.a, o}.holds(e, it) })
}

// arguments is how many each function has.
var arguments = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2,
}

func (n called) holds(_ *expression, it item) bool {
	a, there := n.args[0].in(it)
	switch n.name {
	case "attribute_exists":
		return there
	case "attribute_not_exists":
		return !there
	}
	b, ok := n.args[1].in(it)
	if !there || !ok {
		return false
	}
	switch n.name {
	case "attribute_type":
		return a.kind() == b.text()
	case "begins_with":
		return a.kind() == b.kind() && a.kind() != "N" && strings.HasPrefix(a.text(), b.text())
	}
	switch a.kind() { // contains
	case "S":
		return b.kind() == "S" && strings.Contains(a.text(), b.text())
	case "SS", "NS", "BS":
		return slices.ContainsFunc(a.list(), func(el any) bool {
			return attribute{a.kind()[:1]: el}.canonical() == b.canonical()
		})
	case "L":
		return slices.ContainsFunc(a.list(), func(el any) bool {
			m, _ := el.(map[string]any)
			return attribute(m).canonical() == b.canonical()
		})
	}
	return false
}

// in finds what an operand stands for.
func (o operand) in(it item) (attribute, bool) {
	if o.path == nil {
		return o.value, true
	}
	at, ok := it[o.path[0].(string)]
	for _, step := range o.path[1:] {
		if !ok {
			return nil, false
		}
		var next any
		switch step := step.(type) {
		case string:
			m, _ := at["M"].(map[string]any)
			next = m[step]
		case int:
			if l, _ := at["L"].([]any); step < len(l) {
				next = l[step]
			}
		}
		var m map[string]any
		m, ok = next.(map[string]any)
		at = m
	}
	if !ok || !o.size {
		return at, ok
	}
	n := len(at.list())
	switch at.kind() {
	case "S":
		n = len(at.text())
	case "B":
		n, _ = binarySize(at["B"])
	case "M":
		m, _ := at["M"].(map[string]any)
		n = len(m)
	}
	return attribute{"N": strconv.Itoa(n)}, true
}

// parseExpression reads an expression; "" is one that always holds.
func parseExpression(text string, names map[string]string, values map[string]attribute) (*expression, error) {
	e := &expression{names: names, value: values, used: map[string]bool{}}
	if text == "" {
		return e, nil
	}
	p := &parser{e: e, tokens: lex(text)}
	root, err := p.or()
	if err == nil && p.at < len(p.tokens) {
		err = p.wrong()
	}
	if err != nil {
		return nil, err
	}
	e.root = root
	return e, nil
}

// holds tells whether an item is as the expression asks.
func (e *expression) holds(it item) bool { return e.root == nil || e.root.holds(e, it) }

// conjuncts are the parts that must all hold.
func (e *expression) conjuncts() (parts []node) {
	var walk func(node)
	walk = func(n node) {
		if b, ok := n.(both); ok {
			walk(b.a)
			walk(b.b)
			return
		}
		parts = append(parts, n)
	}
	if e.root != nil {
		walk(e.root)
	}
	return parts
}

// allUsed refuses placeholders that no expression names, as DynamoDB does.
func allUsed(names map[string]string, values map[string]attribute, in ...*expression) error {
	used := func(name string) bool {
		return slices.ContainsFunc(in, func(e *expression) bool { return e != nil && e.used[name] })
	}
	for name := range names {
		if !used(name) {
			return invalidValue("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + name + "}")
		}
	}
	for name := range values {
		if !used(name) {
			return invalidValue("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + name + "}")
		}
	}
	return nil
}

// lex cuts an expression into words, placeholders and signs.
func lex(text string) (tokens []string) {
	word := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '#' || c == ':' || c == '-'
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case word(c):
			from := i
			for i < len(text) && word(text[i]) {
				i++
			}
			tokens = append(tokens, text[from:i])
		case i+1 < len(text) && slices.Contains([]string{"<=", ">=", "<>"}, text[i:i+2]):
			tokens = append(tokens, text[i:i+2])
			i += 2
		default:
			tokens = append(tokens, text[i:i+1])
			i++
		}
	}
	return tokens
}

type parser struct {
	e      *expression
	tokens []string
	at     int
	depth  int
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

// take goes on if the next token is this word or sign.
func (p *parser) take(token string) bool {
	if strings.EqualFold(p.peek(), token) && p.at < len(p.tokens) {
		p.at++
		return true
	}
	return false
}

func (p *parser) wrong() error {
	return invalidValue(fmt.Sprintf("Invalid expression: Syntax error; token: %q", p.peek()))
}

func (p *parser) or() (node, error) {
	if p.depth++; p.depth > 300 {
		return nil, invalidValue("Invalid expression: it is nested too deep")
	}
	defer func() { p.depth-- }()
	a, err := p.and()
	for err == nil && p.take("OR") {
		var b node
		b, err = p.and()
		a = either{a, b}
	}
	return a, err
}

func (p *parser) and() (node, error) {
	a, err := p.not()
	for err == nil && p.take("AND") {
		var b node
		b, err = p.not()
		a = both{a, b}
	}
	return a, err
}

func (p *parser) not() (node, error) {
	turned := false
	for p.take("NOT") {
		turned = !turned
	}
	a, err := p.primary()
	if turned {
		return negated{a}, err
	}
	return a, err
}

func (p *parser) primary() (node, error) {
	if p.take("(") {
		a, err := p.or()
		if err == nil && !p.take(")") {
			err = p.wrong()
		}
		return a, err
	}
	if n := arguments[p.peek()]; n > 0 && p.at+1 < len(p.tokens) && p.tokens[p.at+1] == "(" {
		c := called{name: p.peek()}
		p.at += 2
		args, err := p.operands()
		if err == nil && len(args) != n {
			err = invalidValue("Invalid expression: Incorrect number of operands for operator or function; operator or function: " + c.name)
		}
		c.args = args
		return c, err
	}
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.comparison(a)
}

func (p *parser) comparison(a operand) (node, error) {
	switch op := p.peek(); {
	case slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, op):
		p.at++
		b, err := p.operand()
		return compared{op, a, b}, err
	case p.take("BETWEEN"):
		low, err := p.operand()
		if err == nil && !p.take("AND") {
			err = p.wrong()
		}
		if err != nil {
			return nil, err
		}
		high, err := p.operand()
		return between{a, low, high}, err
	case p.take("IN"):
		if !p.take("(") {
			return nil, p.wrong()
		}
		list, err := p.operands()
		return amongst{a, list}, err
	}
	return nil, p.wrong()
}

// operands reads a list to its closing bracket.
func (p *parser) operands() (list []operand, err error) {
	for {
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
		switch {
		case p.take(")"):
			return list, nil
		case !p.take(","):
			return nil, p.wrong()
		}
	}
}

func (p *parser) operand() (operand, error) {
	token := p.peek()
	switch {
	case strings.HasPrefix(token, ":"):
		p.at++
		v, ok := p.e.value[token]
		if !ok {
			return operand{}, invalidValue("Invalid expression: An expression attribute value used in expression is not defined; attribute value: " + token)
		}
		p.e.used[token] = true
		return operand{value: v}, nil
	case token == "size" && p.at+1 < len(p.tokens) && p.tokens[p.at+1] == "(":
		p.at += 2
		path, err := p.path()
		if err == nil && !p.take(")") {
			err = p.wrong()
		}
		return operand{path: path, size: true}, err
	}
	path, err := p.path()
	return operand{path: path}, err
}

func (p *parser) path() (path []any, err error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	path = []any{name}
	for {
		switch {
		case p.take("."):
			if name, err = p.name(); err != nil {
				return nil, err
			}
			path = append(path, name)
		case p.take("["):
			n, err := strconv.Atoi(p.peek())
			if p.at++; err != nil || n < 0 || !p.take("]") {
				return nil, p.wrong()
			}
			path = append(path, n)
		default:
			return path, nil
		}
	}
}

//go:embed reserved.txt
var reservedWords string

// reserved are the words that DynamoDB does not take for names, in capitals.
var reserved = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(reservedWords) {
		all[word] = true
	}
	return all
})

func (p *parser) name() (string, error) {
	token := p.peek()
	switch {
	case strings.HasPrefix(token, "#"):
		p.at++
		name, ok := p.e.names[token]
		if !ok {
			return "", invalidValue("Invalid expression: An expression attribute name used in the document path is not defined; attribute name: " + token)
		}
		p.e.used[token] = true
		return name, nil
	case token == "" || strings.Trim(token[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || strings.ContainsAny(token, "#:-"):
		return "", p.wrong()
	case reserved()[strings.ToUpper(token)]:
		return "", invalidValue("Invalid expression: Attribute name is a reserved keyword; reserved keyword: " + token)
	}
	p.at++
	return token, nil
}
