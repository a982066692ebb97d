package spec

import (
	"strings"
	"testing"
)

// TestOptions: what is known around a file changes what is said of it.
func TestOptions(t *testing.T) {
	const pool = "tasks: {a: {run: echo, pool: big}}"
	const vars = "tasks: {a: {run: 'echo ${{ vars.bucket }}'}}"
	const many = "tasks: {a: {run: echo, for_each: [1, 2, 3]}}"
	const plugin = "tasks: {a: {uses: made.up, with: {x: 1}}}"
	const script = "tasks: {a: {run: ./x.sh}}"
	for _, row := range []struct {
		name, src string
		o         Options
		want      string // severity and code, "" = silence
	}{
		{"an unknown pool, offline", pool, Options{}, "warning S111"},
		{"an unknown pool, on a server", pool, Options{Pools: map[string]int{"default": 1}}, "error S111"},
		{"a pool that is there", pool, Options{Pools: map[string]int{"big": 1}}, ""},
		{"vars that nobody knows", vars, Options{}, ""},
		{"vars that are there", vars, Options{Vars: map[string]any{"bucket": "b"}}, ""},
		{"vars that are not", vars, Options{Vars: map[string]any{}}, "error E303"},
		{"as many instances as allowed", many, Options{MaxInstances: 3}, ""},
		{"one too many", many, Options{MaxInstances: 2}, "error S112"},
		{"any plugin, if none are known", plugin, Options{}, ""},
		{"a plugin that is not there", plugin, Options{Plugins: fakes}, "error S105"},
		{"a script, if nobody can look", script, Options{}, ""},
		{"a script that is not there", script, Options{FileExists: func(string) bool { return false }}, "warning S110"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, found := Parse("dags/o.yaml", []byte(row.src), row.o)
			var got []string
			for _, d := range found {
				got = append(got, string(d.Severity)+" "+d.Code)
			}
			if s := strings.Join(got, ", "); s != row.want {
				t.Errorf("got %q, want %q\n%s", s, row.want, show(found))
			}
		})
	}
}

// TestErrorsGiveNoPlan: a plan comes of a file without errors alone; warnings do not matter.
func TestErrorsGiveNoPlan(t *testing.T) {
	d, _ := Parse("e.yaml", []byte("tasks: {a: {run: echo, needs: b}}"), Options{})
	if p, err := d.Plan(); err == nil || p != nil || !strings.Contains(err.Error(), "cannot compile e.yaml") {
		t.Errorf("%v, %v", p, err)
	}
	d, found := Parse("dags/warned.yml", []byte("tasks: {a: {run: echo, pool: big}}"), Options{})
	p, err := d.Plan()
	if err != nil || len(found) != 1 || p.DAG != "warned" || d.ID() != "warned" {
		t.Errorf("%v, %v\n%s", p, err, show(found))
	}
}
