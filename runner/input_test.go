package runner_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weft/machine"
	"weft/plugins"
)

func at(path string, line, col int) machine.Place {
	return machine.Place{Path: path, Pos: machine.Pos{Line: line, Col: col}}
}

func env(name, value string, line, col int) machine.Var {
	return machine.Var{Name: name, Value: value, Pos: machine.Pos{Line: line, Col: col}}
}

const schemaOfFake = `{
	"type": "object", "required": ["uri"], "additionalProperties": false,
	"properties": {"uri": {"type": "string"}, "max": {"type": "integer"}, "list": {"type": "array", "items": {"type": "string"}}}
}`

// Each row is a task whose input cannot be used, and what is said of it.
func TestABadInputNamesItsPlace(t *testing.T) {
	for _, c := range []struct {
		what string
		task machine.Task
		want string
	}{
		{
			"an expression that fails", with(`{"uri": "${{ params.a + 1 }}"}`, at("with.uri", 8, 11)),
			`dags/d.yaml:8:11: cannot evaluate with.uri: `,
		},
		{
			"in a list", with(`{"uri": "x", "list": ["a", "${{ 1 / 0 }}"]}`, at("with.list.1", 9, 20)),
			`dags/d.yaml:9:20: cannot evaluate with.list.1: `,
		},
		{
			"without a place: the task's", with(`{"uri": "${{ 1 / 0 }}"}`),
			`dags/d.yaml:5:3: cannot evaluate with.uri: `,
		},
		{
			"the wrong type, from an expression", with(`{"uri": "${{ 12 }}"}`, at("with.uri", 8, 11)),
			`dags/d.yaml:8:11: cannot use fake: with.uri must be text`,
		},
		{
			"inside a list", with(`{"uri": "x", "list": "${{ [1] }}"}`, at("with.list", 9, 11)),
			`dags/d.yaml:9:11: cannot use fake: with.list.0 must be text`,
		},
		{"a key that is missing", with(`{}`), `dags/d.yaml:5:3: cannot use fake: with `},
		{"no input at all", machine.Task{}, `dags/d.yaml:5:3: cannot use fake: with `},
		{
			"a list in text", with(`{"uri": "a ${{ [1] }}"}`, at("with.uri", 8, 11)),
			`dags/d.yaml:8:11: cannot evaluate with.uri: `,
		},
		{
			"env",
			machine.Task{With: machine.Raw(`{"uri": "x"}`), Env: []machine.Var{env("A", "${{ 1 / 0 }}", 6, 8)}},
			`dags/d.yaml:6:8: cannot evaluate env A: `,
		},
		{
			"run",
			machine.Task{With: machine.Raw(`{"uri": "x"}`), ScriptEnv: []machine.Var{env("WEFT_X1", "${{ [1] }}", 7, 12)}},
			`dags/d.yaml:7:12: cannot evaluate an expression in run: `,
		},
		{
			"workdir",
			machine.Task{With: machine.Raw(`{"uri": "x"}`), Workdir: "a/${{ 1 / 0 }}", Places: []machine.Place{at("workdir", 10, 5)}},
			`dags/d.yaml:10:5: cannot evaluate workdir: `,
		},
		{
			"a NUL for env",
			machine.Task{With: machine.Raw(`{"uri": "x"}`), Env: []machine.Var{env("A", `${{ params.nul }}`, 6, 8)}},
			`dags/d.yaml:6:8: cannot pass env A to a process: its value holds a NUL, byte 2 (hand it over as a file: inputs with tasks.NAME.ref)`,
		},
		{
			"too much for env",
			machine.Task{With: machine.Raw(`{"uri": "x"}`), Env: []machine.Var{env("A", `${{ params.large }}`, 6, 8)}},
			`dags/d.yaml:6:8: cannot pass env A to a process: its value has 122881 bytes, at most 122880 fit (hand it over as a file: inputs with tasks.NAME.ref)`,
		},
		{
			"too much for run",
			machine.Task{With: machine.Raw(`{"uri": "x"}`), ScriptEnv: []machine.Var{env("WEFT_X1", "${{ params.large }}", 7, 12)}},
			`dags/d.yaml:7:12: cannot pass an expression in run to a process: its value has 122881 bytes`,
		},
		{
			"too much for an argument",
			machine.Task{Uses: "shell", With: machine.Raw(`{"run": ["a", "${{ params.large }}"]}`), Places: []machine.Place{at("run.1", 7, 14)}},
			`dags/d.yaml:7:14: cannot pass run.1 to a process: its value has 122881 bytes`,
		},
		{
			"a NUL in an argument",
			machine.Task{Uses: "shell", With: machine.Raw(`{"run": ["a\u0000"]}`)},
			`dags/d.yaml:5:3: cannot pass run.0 to a process: its value holds a NUL, byte 2`,
		},
		{
			"an expression of a script's word",
			machine.Task{Uses: "shell", With: machine.Raw(`{"run": ["${{ 1 / 0 }}"]}`), Places: []machine.Place{at("run.0", 7, 14)}},
			`dags/d.yaml:7:14: cannot evaluate run.0: `,
		},
		{
			"a list for a script's word",
			machine.Task{Uses: "shell", With: machine.Raw(`{"run": ["a", "${{ [1] }}"]}`), Places: []machine.Place{at("run.1", 7, 14)}},
			`dags/d.yaml:7:14: cannot evaluate run.1: `,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBench(t, gives("1"))
			b.fake.input = schemaOfFake
			o := order(c.task)
			params := map[string]string{"nul": "a\x00b", "large": strings.Repeat("x", 120<<10+1), "a": "text"}
			o.Run.Params, _ = json.Marshal(params)
			out := b.attempt(o)
			if out.State != machine.Failed || out.Kind != "bad_input" || !strings.HasPrefix(out.Error, c.want) {
				t.Errorf("got  %s, kind %s: %s\nwant %s…", out.State, out.Kind, out.Error, c.want)
			}
			for _, alien := range []string{"map[", "interface", "/with", "[]", "panic"} {
				if strings.Contains(strings.ReplaceAll(out.Error, "toJSON", ""), alien) {
					t.Errorf("%q is not the user's word: %s", alien, out.Error)
				}
			}
		})
	}
}

func TestWhatJustFitsIsPassedWhole(t *testing.T) {
	large := strings.Repeat("x", 120<<10)
	var got []string
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		got = c.Env
		return plugins.Result{}, nil
	})
	o := order(machine.Task{Env: []machine.Var{env("A", "${{ params.large }}", 1, 1)}})
	o.Run.Params, _ = json.Marshal(map[string]string{"large": large})
	shows(t, b.attempt(o), machine.Success, "", "")
	if !slices.Contains(got, "A="+large) {
		t.Error("the value was cut")
	}
}

func TestWordsOfARunListArriveAsTexts(t *testing.T) {
	var got string
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		got = string(c.Input)
		return plugins.Result{}, nil
	})
	o := order(machine.Task{Uses: "shell", With: machine.Raw(`{"run": ["seq", "${{ 3 }}", "${{ 1.5 }}", "${{ true }}", "${{ null }}"]}`)})
	shows(t, b.attempt(o), machine.Success, "", "")
	if want := `{"run":["seq","3","1.5","true",""]}`; got != want {
		t.Errorf("the program was given %s, want %s", got, want)
	}
}

func TestTheEnvironmentOfAProcess(t *testing.T) {
	task := machine.Task{
		Env:       []machine.Var{{Name: "OTHER", Value: "default", Level: 1}, {Name: "A", Value: "${{ env.D }}-${{ run.ds }}", Level: 2}, {Name: "OTHER", Value: "task", Level: 2}},
		ScriptEnv: []machine.Var{{Name: "WEFT_X1", Value: "${{ env.A }}"}, {Name: "WEFT_X2", Value: "${{ null }}"}},
	}
	own := []string{
		"D=dag", "OTHER=task", "A=dag-2026-03-01", "WEFT_X1=dag-2026-03-01", "WEFT_X2=",
		"WEFT_DAG_ID=d", "WEFT_RUN_ID=manual__2026-03-01T12:00:00+00:00", "WEFT_TASK_ID=count",
		"WEFT_LOGICAL_DATE=2026-03-01T12:00:00+00:00",
	}
	for _, c := range []struct {
		what      string
		conf, dag bool // who asks for a clean one
		key       machine.Key
		more      []string
	}{
		{
			"inherited", false, false,
			machine.Key{Task: "count", Index: -1, Epoch: 2, Attempt: 7},
			[]string{"PATH=/bin", "HOME=/root", "WEFT_INDEX=-", "WEFT_ATTEMPT=7", "WEFT_IDEMPOTENCY_KEY=manual__2026-03-01T12:00:00+00:00/count/-/2"},
		},
		{
			"clean by the configuration, an instance", true, false,
			machine.Key{Task: "count", Index: 3, Attempt: 1},
			[]string{"PATH=/bin", "HOME=/root", "WEFT_INDEX=3", "WEFT_ATTEMPT=1", "WEFT_IDEMPOTENCY_KEY=manual__2026-03-01T12:00:00+00:00/count/3/0"},
		},
		{
			"clean by the DAG", false, true,
			machine.Key{Task: "count", Index: -1, Attempt: 1},
			[]string{"PATH=/bin", "HOME=/root", "WEFT_INDEX=-", "WEFT_ATTEMPT=1", "WEFT_IDEMPOTENCY_KEY=manual__2026-03-01T12:00:00+00:00/count/-/0"},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			var call plugins.Call
			b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
				call = *c
				return plugins.Result{}, nil
			})
			b.Environ = append(b.Environ, "INHERITED=1", "PATHX=no")
			b.CleanEnv = c.conf
			o := order(task)
			o.Key, o.Run.DS = c.key, "2026-03-01"
			o.Plan.Env = []machine.Var{{Name: "D", Value: "dag"}}
			if c.dag {
				o.Plan.EnvPolicy = "clean"
			}
			shows(t, b.attempt(o), machine.Success, "", "")

			want := slices.Concat(own, c.more, []string{"WEFT_OUTPUT=" + call.Output, "WEFT_TMPDIR=" + call.TmpDir})
			if !c.conf && !c.dag {
				want = append(want, "INHERITED=1", "PATHX=no")
			}
			slices.Sort(want)
			got := slices.Sorted(slices.Values(call.Env))
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

func TestWorkdir(t *testing.T) {
	for dir, want := range map[string]string{
		"": "/srv/dags", "sql": "/srv/dags/sql", "${{ run.ds }}/x": "/srv/dags/2026-03-01/x", "/abs": "/abs", "../up": "/srv/up",
	} {
		b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
			if c.Dir != want {
				t.Errorf("workdir %q is %s, want %s", dir, c.Dir, want)
			}
			return plugins.Result{}, nil
		})
		b.Dir = func(run string) string { return "/srv/dags" }
		o := order(machine.Task{Workdir: dir})
		o.Run.DS = "2026-03-01"
		shows(t, b.attempt(o), machine.Success, "", "")
	}
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		if !filepath.IsAbs(c.Dir) {
			t.Errorf("the folder %s is relative", c.Dir)
		}
		return plugins.Result{}, nil
	})
	b.Dir = nil
	shows(t, b.attempt(order(machine.Task{})), machine.Success, "", "")
}

// hosted is a plugin that knows its host.
type hosted struct{ fake }

func (hosted) Host(input json.RawMessage) string { return string(input) }

func TestHost(t *testing.T) {
	b := newBench(t, nil)
	b.Plugins = plugins.NewRegistry(&hosted{fake{name: "hosted"}}, &fake{name: "fake"})
	for _, c := range []struct{ uses, with, want string }{
		{"hosted", `{"url": "${{ run.ds }}"}`, `{"url":"2026-03-01"}`},
		{"hosted", `{"url": "${{ 1 / 0 }}"}`, ""},
		{"fake", `{}`, ""},
		{"gone", `{}`, ""},
	} {
		task := with(c.with)
		task.Uses = c.uses
		o := order(task)
		o.Run.DS = "2026-03-01"
		if got := b.Host(o); got != c.want {
			t.Errorf("%s with %s: host %q, want %q", c.uses, c.with, got, c.want)
		}
	}
}
