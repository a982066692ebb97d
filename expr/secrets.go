package expr

import (
	"github.com/expr-lang/expr/ast"
)

// secret is secrets.X and secrets["X"]: the only way to name a secret, so that the names which an
// expression reads are known before it is evaluated.
func (c *checker) secret(n *ast.MemberNode) (Type, bool) {
	if _, legal := c.scope.Roots[secretsRoot]; !legal || !isSecrets(n.Node) {
		return Type{}, false
	}
	c.info.Names[secretsRoot] = true
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		c.typeOf(n.Property)
		c.add(n.Property, CodeName, "a secret must be named outright, so that no other is looked up", "write secrets.X")
		return Type{}, true
	}
	if !isSecretName(name.Value) {
		c.addAt(c.inner(name), runes(name.Value), Problem{Code: CodeName, Msg: "no secret can have this name", Help: "a name has letters, digits and _, no digit first"})
		return Type{}, true
	}
	return Of(KindString), true
}

const secretsRoot = "secrets"

func isSecrets(n ast.Node) bool {
	root, ok := unchain(n).(*ast.IdentifierNode)
	return ok && root.Value == secretsRoot
}

func isSecretName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 200
}

// SecretsOf returns the names of the secrets that a bare expression reads, as often as it does. Of
// one that cannot be read there are none: whoever evaluates it says so.
func SecretsOf(src string) []string {
	s, _ := parse(src)
	if s == nil {
		return nil
	}
	return secretsIn(s.tree, nil)
}

// SecretsOfTemplate returns the names of the secrets that the expressions of a template read.
func SecretsOfTemplate(tmpl string) (names []string) {
	parts, _ := Split(tmpl)
	for _, part := range parts {
		if part.Expr {
			names = append(names, SecretsOf(part.Text)...)
		}
	}
	return names
}

func secretsIn(n ast.Node, names []string) []string {
	if m, ok := n.(*ast.MemberNode); ok && isSecrets(m.Node) {
		if name, ok := m.Property.(*ast.StringNode); ok {
			return append(names, name.Value)
		}
	}
	for _, c := range children(n) {
		names = secretsIn(c, names)
	}
	return names
}
