package runner

import (
	"slices"

	"weft/machine"
)

// Variables that together say who someone is for AWS. Those of weft's own are the role that plugins take.
var (
	awsKeys = []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	}
	awsRole = []string{"WEFT_AWS_ROLE_ARN", "WEFT_AWS_EXTERNAL_ID", "WEFT_AWS_ROLE_SESSION_NAME"}
)

// whoForAWS tells of the variables that `aws` gives which are set. Who someone is comes from one place whole:
// from the innermost level that says a profile or a role, and from none where `env` says so there or
// further in. In the sandbox nothing of it counts.
func whoForAWS(o machine.Order) func(machine.Var) bool {
	if o.Run.Sandbox {
		return func(machine.Var) bool { return false }
	}
	level, byEnv := -1, -1
	for _, list := range [][]machine.Var{o.Plan.Env, o.Task.Env} {
		for _, v := range list {
			switch is := saysWho(v.Name); {
			case is && v.AWS:
				level = max(level, v.Level)
			case is:
				byEnv = max(byEnv, v.Level)
			}
		}
	}
	return func(v machine.Var) bool {
		return !saysWho(v.Name) || v.Level == level && byEnv < level
	}
}

func saysWho(name string) bool {
	return slices.Contains(awsKeys, name) || slices.Contains(awsRole, name)
}

// setForAWS sets a variable of `aws`. A profile is never joined with keys from elsewhere: most programs would
// take these, and leave the profile aside.
func (e *environment) setForAWS(name, value string) {
	if name == "AWS_PROFILE" {
		for _, key := range awsKeys {
			e.unset(key)
		}
	}
	e.set(name, value)
}

// unset takes a variable out.
func (e *environment) unset(name string) {
	i, ok := e.at[name]
	if !ok {
		return
	}
	delete(e.at, name)
	e.list = slices.Delete(e.list, i, i+1)
	for other, at := range e.at {
		if at > i {
			e.at[other] = at - 1
		}
	}
}
