package spec

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"weft/machine"
)

// awsVars is what each key of `aws` becomes: variables that any AWS program reads, and, of a role, weft's
// own, because no AWS program reads one from the environment.
var awsVars = map[string][]string{
	"profile": {"AWS_PROFILE"}, "region": {"AWS_REGION", "AWS_DEFAULT_REGION"},
	"role_arn": {"WEFT_AWS_ROLE_ARN"}, "external_id": {"WEFT_AWS_EXTERNAL_ID"}, "role_session_name": {"WEFT_AWS_ROLE_SESSION_NAME"},
}

var (
	roleForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`) })
	regionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`) })
)

// draftAWS reads who a task is for AWS, and where. It is environment: a template like each of its values,
// and the task's over the defaults' over the DAG's. t is nil of the DAG and of `defaults`.
func (d *DAG) draftAWS(t *task, n *Node, name string, level int) []machine.Var {
	if n == nil {
		return nil
	}
	f := d.fields(n, awsKeys, name)
	var vars []machine.Var
	for _, key := range awsKeys.keys {
		value := f.get(key)
		if value == nil || !d.scalarHere(value, key, "text") {
			continue
		}
		if value.Text == "" || value.Empty() {
			d.report(sType, d.span(value), "`%s` has no value; it must be text", key)
			continue
		}
		d.checkAWS(f, key, value)
		for _, variable := range awsVars[key] {
			vars = append(vars, machine.Var{Name: variable, Value: value.Text, Pos: value.Pos(), Level: level, AWS: true})
		}
		d.use(&use{
			task: t, where: "env", path: "aws." + key, node: value, form: template,
			edge: t != nil, outerEnv: t == nil,
		})
	}
	return vars
}

// checkAWS looks at the form of what no expression gives.
func (d *DAG) checkAWS(f fields, key string, value *Node) {
	given := strings.Contains(value.Text, "${{")
	switch {
	case key == "role_arn" && !given && !roleForm().MatchString(value.Text):
		d.report(sValue, d.span(value), "`role_arn` must look like arn:aws:iam::123456789012:role/name")
	case key == "region" && !given && !regionForm().MatchString(value.Text):
		d.report(sValue, d.span(value), "`region` must be a region like eu-west-1")
	case slices.Contains([]string{"external_id", "role_session_name"}, key) && f.lacks("role_arn"):
		d.report(sMissing, d.span(f.key(key)), "`%s` belongs to a role, and there is no `role_arn` beside it", key)
	}
}

// processes are the plugins that run a program of the user's: it finds its credentials by itself.
var processes = []string{"shell", "python"}

// draftTaskAWS is `defaults.aws`, then the task's own. A process is told the profile and the region; a role it
// would have to take by itself.
func (d *DAG) draftTaskAWS(t *task) (defaults, own []machine.Var) {
	if n := d.defaults.get("aws"); n != nil && n.Kind == Mapping {
		for _, f := range n.Fields() {
			for _, variable := range awsVars[f.Key.Text] {
				if f.Value.Kind == Scalar {
					defaults = append(defaults, machine.Var{Name: variable, Value: f.Value.Text, Pos: f.Value.Pos(), Level: 1, AWS: true})
				}
			}
		}
	}
	n := t.f.get("aws")
	own = d.draftAWS(t, n, "`aws`", level(t))
	if n == nil || n.Kind != Mapping || !slices.Contains(processes, t.Uses) {
		return defaults, own
	}
	for _, f := range n.Fields() {
		if f.Key.Text == "role_arn" {
			d.reportAs(Warning, sValue, d.span(f.Key), "`role_arn` is for plugins: a program finds its credentials by itself").
				help("write a profile with this role into ~/.aws/config, and name it by `profile`")
		}
	}
	return defaults, own
}
