package spec

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"weft/expr"
	"weft/machine"
)

// ruleSecrets follows secrets through `env`: a variable that holds one may not stand where a secret
// may not. An argument would show it to everyone on the machine; what the run decides by sees no
// secret, and so would find the variable null.
func ruleSecrets(d *DAG) {
	for _, u := range d.uses {
		if !strings.Contains(u.node.Text, "env") { // nearly all
			continue
		}
		if u.where == "trigger" || u.where == "verdict" || u.task == nil || d.maySeeSecrets(u) {
			continue
		}
		for _, part := range u.expressions() {
			d.secretsByEnv(u, part)
		}
	}
}

func (d *DAG) secretsByEnv(u *use, part expr.Segment) {
	if !strings.Contains(part.Text, "env") {
		return
	}
	held := d.secretEnv(u.task)
	for _, name := range expr.MembersOf(part.Text, "env") {
		if !held[name] {
			continue
		}
		before, _, _ := strings.Cut(part.Text, name)
		at := part.Offset + utf8.RuneCountInString(before)
		d.report(xSecret, d.within(u.node, at, len(name)), "env.%s holds a secret, and secrets cannot stand in %s", name, u.place()).help("%s", u.noSecretsHelp())
	}
}

// place names the key in which a secret stands that may not.
func (u *use) place() string {
	if u.startsDAG() {
		return "`with` of " + dagRun
	}
	return "`" + u.where + "`"
}

func (u *use) noSecretsHelp() string {
	if u.startsDAG() {
		return "params are kept with the run: name the secret in the DAG that is started"
	}
	return noSecrets
}

// startsDAG tells whether the value is kept with a run that is started by it.
func (u *use) startsDAG() bool { return u.where == "with" && u.task != nil && u.task.Uses == dagRun }

// maySeeSecrets tells whether secrets may stand at a use.
func (d *DAG) maySeeSecrets(u *use) bool {
	_, may := d.scope().of(u).Roots["secrets"]
	return may
}

// secretEnv is the variables of a task that hold secrets, by themselves or by one of an outer level.
func (d *DAG) secretEnv(t *task) map[string]bool {
	held, outer, level := map[string]bool{}, map[string]bool{}, -1
	for _, list := range [][]machine.Var{d.plan.Env, t.Env} {
		for _, v := range list {
			if v.Level > level {
				level, outer = v.Level, maps.Clone(held)
			}
			held[v.Name] = holdsSecret(v.Value, outer)
		}
	}
	return held
}

func holdsSecret(tmpl string, outer map[string]bool) bool {
	if len(expr.SecretsOfTemplate(tmpl)) > 0 {
		return true
	}
	parts, _ := expr.Split(tmpl)
	return slices.ContainsFunc(parts, func(p expr.Segment) bool {
		return p.Expr && slices.ContainsFunc(expr.MembersOf(p.Text, "env"), func(name string) bool { return outer[name] })
	})
}
