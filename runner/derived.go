package runner

import (
	"maps"
	"slices"
	"strings"

	"weft/expr"
	"weft/machine"
	"weft/secrets"
)

// hideDerived has masked, besides the secrets, what the task's expressions make of them.
func (a *attempt) hideDerived(values map[string]any) {
	plain := make(map[string]string, len(values))
	for name, v := range values {
		plain[name], _ = v.(string)
	}
	made := slices.DeleteFunc(a.derived(), func(v secrets.Value) bool { return plain[v.Name] == v.Text })
	if len(made) > 0 {
		a.mask = secrets.NewMask(plain, made...)
		a.log.hide(a.mask)
	}
}

// derived are the texts that expressions make of secrets (a part by `split`, another spelling by
// `upper`), for the mask: the secrets' own forms do not have them. What stands in the file as it is
// tells nobody anything, and what is short stands in any text by chance.
func (a *attempt) derived() (list []secrets.Value) {
	tainted := map[string]string{} // variables of env that hold a secret, and which
	for _, vars := range [][]machine.Var{a.o.Plan.Env, a.o.Task.Env} {
		for _, v := range vars {
			var name string
			list, name = a.derive(list, v.Value, tainted)
			if delete(tainted, v.Name); name != "" {
				tainted[v.Name] = name
			}
		}
	}
	for _, v := range a.o.Task.ScriptEnv {
		list, _ = a.derive(list, v.Value, tainted)
	}
	if with, err := expr.DecodeJSON(a.o.Task.With); err == nil {
		for _, tmpl := range textsIn(with, nil) {
			list, _ = a.derive(list, tmpl, tainted)
		}
	}
	return list
}

// derive adds what the expressions of one template give, and names the first secret in them. One
// that cannot be evaluated gives nothing: whoever renders the template says so.
func (a *attempt) derive(list []secrets.Value, tmpl string, tainted map[string]string) (_ []secrets.Value, name string) {
	if !mentionsSecrets(tmpl) && (len(tainted) == 0 || !strings.Contains(tmpl, "env")) {
		return list, ""
	}
	parts, _ := expr.Split(tmpl)
	for _, part := range parts {
		if !part.Expr {
			continue
		}
		of := expr.SecretsOf(part.Text)
		for _, variable := range expr.MembersOf(part.Text, "env") {
			if secret, is := tainted[variable]; is {
				of = append(of, secret)
			}
		}
		if len(of) == 0 {
			continue
		}
		name = of[0]
		v, err := a.exprs.Render("${{"+part.Text+"}}", a.vars)
		if err != nil {
			continue
		}
		other, _ := a.exprs.Render("${{"+part.Text+"}}", a.without(tainted)) // nil if it fails
		open := textsIn(other, nil)
		for _, text := range textsIn(v, nil) {
			value := secrets.Value{Name: name, Text: text}
			if len(text) >= secrets.MinKept && !strings.Contains(part.Text, text) && !slices.Contains(open, text) && !slices.Contains(list, value) {
				list = append(list, value)
			}
		}
	}
	return list, name
}

// without is what expressions would see if the secrets had other values: what they give all the same,
// such as the other members of a map, is no secret.
func (a *attempt) without(tainted map[string]string) map[string]any {
	const other = "?"
	vars := maps.Clone(a.vars)
	for root, isSecret := range map[string]func(string) bool{
		"secrets": func(string) bool { return true },
		"env":     func(name string) bool { return tainted[name] != "" },
	} {
		values, _ := vars[root].(map[string]any)
		values = maps.Clone(values)
		for name := range values {
			if isSecret(name) {
				values[name] = other
			}
		}
		vars[root] = values
	}
	return vars
}

// textsIn are the texts of a value.
func textsIn(v any, list []string) []string {
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case []any:
		for _, el := range v {
			list = textsIn(el, list)
		}
	case map[string]any:
		for _, el := range v {
			list = textsIn(el, list)
		}
	}
	return list
}
