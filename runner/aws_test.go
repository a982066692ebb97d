package runner_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"weft/machine"
	"weft/plugins"
)

// TestWhoATaskIsForAWS: the innermost level that says who counts whole, and is joined with nothing from
// elsewhere. A region stands for itself.
func TestWhoATaskIsForAWS(t *testing.T) {
	profile := func(level int, v string) machine.Var {
		return machine.Var{Name: "AWS_PROFILE", Value: v, Level: level, AWS: true}
	}
	role := func(level int, v string) machine.Var {
		return machine.Var{Name: "WEFT_AWS_ROLE_ARN", Value: v, Level: level, AWS: true}
	}
	region := func(level int, v string) machine.Var {
		return machine.Var{Name: "AWS_REGION", Value: v, Level: level, AWS: true}
	}
	env := func(level int, name, v string) machine.Var { return machine.Var{Name: name, Value: v, Level: level} }
	const weft = "AWS_ACCESS_KEY_ID=weft AWS_SECRET_ACCESS_KEY=s"
	type vars = []machine.Var
	for _, c := range []struct {
		what      string
		dag, task vars
		sandbox   bool
		want      string // the AWS variables, sorted
	}{
		{"nothing said: weft's own", nil, nil, false, weft},
		{"a profile, and no key of weft's", vars{profile(0, "data")}, nil, false, "AWS_PROFILE=data"},
		{"the task's profile", vars{profile(0, "data")}, vars{profile(2, "mine")}, false, "AWS_PROFILE=mine"},
		{"a role, with weft's key", vars{role(0, "R")}, nil, false, weft + " WEFT_AWS_ROLE_ARN=R"},
		{"the DAG's profile, and the task's role: with weft's key", vars{profile(0, "data")}, vars{role(2, "R")}, false, weft + " WEFT_AWS_ROLE_ARN=R"},
		{"the DAG's role, and the task's profile: not in that role", vars{role(0, "R")}, vars{profile(2, "mine")}, false, "AWS_PROFILE=mine"},
		{"of defaults, over the DAG's", vars{profile(0, "data")}, vars{profile(1, "default")}, false, "AWS_PROFILE=default"},
		{"the task's keys, in env", vars{profile(0, "data"), role(0, "R")}, vars{env(2, "AWS_ACCESS_KEY_ID", "k")}, false, "AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s"},
		{"env beside aws", nil, vars{profile(2, "mine"), env(2, "AWS_PROFILE", "env")}, false, "AWS_ACCESS_KEY_ID=weft AWS_PROFILE=env AWS_SECRET_ACCESS_KEY=s"},
		{"the DAG's keys in env, and the task's profile", vars{env(0, "AWS_ACCESS_KEY_ID", "k")}, vars{profile(2, "mine")}, false, "AWS_PROFILE=mine"},
		{"regions", vars{profile(0, "data"), region(0, "eu-west-1")}, vars{region(2, "us-east-1")}, false, "AWS_PROFILE=data AWS_REGION=us-east-1"},
		{"in the sandbox nothing of it counts", vars{profile(0, "data"), region(0, "eu-west-1")}, vars{role(2, "R")}, true, weft},
		{"an expression", vars{profile(0, "${{ dag.id }}-${{ 1 + 1 }}")}, nil, false, "AWS_PROFILE=d-2"},
	} {
		t.Run(c.what, func(t *testing.T) {
			var call plugins.Call
			b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
				call = *c
				return plugins.Result{}, nil
			})
			b.Environ = append(b.Environ, strings.Fields(weft)...)
			o := order(machine.Task{Env: c.task})
			o.Plan.Env, o.Run.Sandbox = c.dag, c.sandbox
			shows(t, b.attempt(o), machine.Success, "", "")
			var got []string
			for _, kv := range call.Env {
				if strings.HasPrefix(kv, "AWS_") || strings.HasPrefix(kv, "WEFT_AWS_") {
					got = append(got, kv)
				}
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
		})
	}
}
