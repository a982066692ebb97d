package expr

import (
	"github.com/expr-lang/expr/ast"
)

// secret is secrets.X and secrets["X"]: the only way to name a secret, so that the names which an
// expression reads are known before it is evaluated.
func (c *checker) secret(n *ast.MemberNode) (Type, bool) {
	if _, legal := c.scope.Roots[secretsRoot]; !legal || !isRoot(n.Node, secretsRoot) {
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

func isRoot(n ast.Node, root string) bool {
	id, ok := unchain(n).(*ast.IdentifierNode)
	return ok && id.Value == root
}

func isSecretName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 200
}

// SecretsOf returns the names of the secrets that a bare expression reads.
func SecretsOf(src string) []string { return MembersOf(src, secretsRoot) }

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

// MembersOf returns the members of a root, such as "env", that a bare expression names outright, as
// often as it does. Of one that cannot be read there are none: whoever evaluates it says so.
func MembersOf(src, root string) []string {
	s, _ := parse(src)
	if s == nil {
		return nil
	}
	return membersIn(s.tree, root, nil)
}

func membersIn(n ast.Node, root string, names []string) []string {
	if m, ok := n.(*ast.MemberNode); ok && isRoot(m.Node, root) {
		if name, ok := m.Property.(*ast.StringNode); ok {
			return append(names, name.Value)
		}
	}
	for _, c := range children(n) {
		names = membersIn(c, root, names)
	}
	return names
}
