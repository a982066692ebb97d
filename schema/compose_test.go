package schema

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var somePlugins = []Plugin{
	{Name: "shell", Title: "Runs a script.", Input: json.RawMessage(`{"type":"object","properties":{"run":{"type":["string","array"]}},"required":["run"],"additionalProperties":false}`)},
	{Name: "wait", Title: "Waits.", Input: json.RawMessage(`{"type":"object","definitions":{"n":{"type":"integer"}},"properties":{"n":{"$ref":"#/definitions/n"},"for":{"type":"string"}},"additionalProperties":false}`)},
	{Name: "noop", Title: "Does nothing."},
}

func TestComposeIsOneDocumentWhateverTheOrder(t *testing.T) {
	a, err := Compose(somePlugins)
	if err != nil {
		t.Fatal(err)
	}
	turned := slices.Clone(somePlugins)
	slices.Reverse(turned)
	b, err := Compose(turned)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("another order of plugins gave other bytes")
	}
}

// Each row is a DAG as JSON and what an editor would underline.
var documents = []struct{ name, dag, want string }{
	{"right", `{"tasks":{"a":{"run":"echo"},"b":{"uses":"wait","with":{"for":"1m"}}}}`, ``},
	{"an anchor's place", `{"x-base":{"any":1},"tasks":{"a":{"run":"echo","x-y":1}}}`, ``},
	{"input of the plugin in uses", `{"tasks":{"b":{"uses":"wait","with":{"fro":"1m"}}}}`, `tasks.b.with.fro: has no "fro"`},
	{"an expression for a number", `{"tasks":{"b":{"uses":"wait","with":{"n":"${{ params.n }}"}}}}`, ``},
	{"input that must be there", `{"tasks":{"b":{"uses":"shell"}}}`, `tasks.b: needs "with"`},
	{"unknown plugin", `{"tasks":{"b":{"uses":"shel"}}}`, `tasks.b.uses: must be "noop", "shell" or "wait"`},
	{"no tasks", `{}`, `: needs "tasks"`},
	{"run and uses", `{"tasks":{"b":{"run":"x","uses":"noop"}}}`, `tasks.b: may have only one of "run", "uses"`},
	{"callback with needs", `{"tasks":{"b":{"run":"x"}},"on_failure":{"m":{"run":"x","needs":"b"}}}`, `on_failure.m: is not allowed here`},
	{"schedule", `{"schedule":{"cron":"@daily","catchup":{"max":3}},"tasks":{"b":{"run":"x"}}}`, ``},
	{"schedule of two kinds", `{"schedule":{"cron":"@daily","every":"5m"},"tasks":{"b":{"run":"x"}}}`, `schedule: may have only one of "cron", "every", "at"`},
}

func TestComposedSchemaJudgesDAGs(t *testing.T) {
	raw, err := Compose(somePlugins)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compile(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range documents {
		t.Run(row.name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal([]byte(row.dag), &v); err != nil {
				t.Fatal(err)
			}
			if got := told(c.Check(v)); got != row.want {
				t.Errorf("told\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(DAG(), &doc); err != nil {
		t.Fatal(err)
	}
	keys := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		props, _ := m["properties"].(map[string]any)
		for name, p := range props {
			keys++
			if d, _ := p.(map[string]any)["description"].(string); strings.TrimSpace(d) == "" {
				t.Errorf("%s.%s has no description", path, name)
			}
			walk(path+"."+name, p)
		}
		for k, x := range m {
			if k == "properties" { // its names are no keywords: one may be "properties"
				continue
			}
			walk(path+"."+k, x)
			for _, it := range asList(x) {
				walk(path+"."+k, it)
			}
		}
	}
	walk("", doc)
	if keys < 80 {
		t.Errorf("only %d keys were looked at", keys)
	}
}

// TestTheSchemaNeedsNoNetwork: an editor that cannot fetch one reference reports that alone, and
// checks nothing else of the file.
func TestTheSchemaNeedsNoNetwork(t *testing.T) {
	refs := regexp.MustCompile(`"\$ref":\s*"([^"]*)"`).FindAllSubmatch(DAG(), -1)
	for _, m := range refs {
		if !bytes.HasPrefix(m[1], []byte("#/")) {
			t.Errorf("a reference leads outside: %s", m[1])
		}
	}
	if len(refs) < 40 {
		t.Errorf("only %d references were looked at", len(refs))
	}
}

func TestComposeRefusesABrokenPlugin(t *testing.T) {
	for want, list := range map[string][]Plugin{
		`input of plugin "x"`:       {{Name: "x", Input: json.RawMessage(`{"type":"strin"}`)}},
		`two plugins are named "x"`: {{Name: "x"}, {Name: "x"}},
	} {
		if _, err := Compose(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
