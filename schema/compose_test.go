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
	{Name: "shell", Title: "Runs a script.", Input: json.RawMessage(`{"type":"object","properties":{"run":{"type":["string","array"],"description":"what runs"}},"required":["run"],"additionalProperties":false}`)},
	{Name: "wait", Title: "Waits.", Input: json.RawMessage(`{"type":"object","definitions":{"n":{"type":"integer"}},"properties":{"n":{"$ref":"#/definitions/n","description":"how many"},"for":{"type":"string","description":"how long"}},"additionalProperties":false}`)},
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
	{"run and uses", `{"tasks":{"b":{"run":"x","uses":"noop"}}}`, `tasks.b.uses: is not allowed here`},
	{"neither run nor uses", `{"tasks":{"b":{"retries":1}}}`, `tasks.b: needs one of "run", "uses"`},
	{"run with an input", `{"tasks":{"b":{"run":"x","with":{}}}}`, `tasks.b: has "with", and so needs "uses"`},
	{"callback with needs", `{"tasks":{"b":{"run":"x"}},"on_failure":{"m":{"run":"x","needs":"b"}}}`, `on_failure.m.needs: has no "needs"`},
	{"callback's plugin has its input", `{"tasks":{"b":{"run":"x"}},"on_failure":{"m":{"uses":"wait","with":{"n":"x"}}}}`, `on_failure.m.with.n: must be a whole number, not text`},
	{"a number for a text", `{"tasks":{"b":{"uses":"wait","with":{"for":5}}}}`, ``},
	{"a param's misspelt word", `{"params":{"p":{"type":"string","defualt":"x"}},"tasks":{"b":{"run":"x"}}}`, `params.p.defualt: has no "defualt"`},
	{"an output's misspelt word", `{"tasks":{"b":{"run":"x","outputs":{"o":{"tpye":"string"}}}}}`, `tasks.b.outputs.o: fits none of its forms: must be "string", "integer", "number", "boolean", "array", "object" or "any"`},
	{"durations", `{"timeout":"1d2h","tasks":{"b":{"run":"x","timeout":"500ms","retry_delay":"1s1m"}}}`, `tasks.b.retry_delay: does not match the pattern ` + duration},
	{"schedule", `{"schedule":{"cron":"@daily","catchup":{"max":3}},"tasks":{"b":{"run":"x"}}}`, ``},
	{"schedule of two kinds", `{"schedule":{"cron":"@daily","every":"5m"},"tasks":{"b":{"run":"x"}}}`, `schedule.every: is not allowed here`},
}

var duration = func() string {
	var doc struct {
		Definitions struct {
			Duration struct{ Pattern string }
		}
	}
	if err := json.Unmarshal(DAG(), &doc); err != nil {
		panic(err)
	}
	return `"` + doc.Definitions.Duration.Pattern + `"`
}()

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

// composed is the schema of somePlugins, decoded.
func composed(t *testing.T) map[string]any {
	t.Helper()
	raw, err := Compose(somePlugins)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestEveryKeyIsDescribed: an editor shows Markdown over every key, the plugins' own as well.
func TestEveryKeyIsDescribed(t *testing.T) {
	doc := composed(t)
	keys := 0
	walk(doc, func(s map[string]any) {
		props, _ := s["properties"].(map[string]any)
		for name, p := range props {
			m, ok := p.(map[string]any)
			if !ok || m["const"] != nil || isOnly(m, "$ref") { // a condition, or the input that a condition chooses
				continue
			}
			keys++
			if d, _ := m["markdownDescription"].(string); strings.TrimSpace(d) == "" && !inherits(doc, m) {
				t.Errorf("%s has no description: %v", name, m)
			}
		}
	})
	if keys < 150 {
		t.Errorf("only %d keys were looked at", keys)
	}
	var types []any
	for _, name := range []string{"string", "integer", "number", "boolean", "array", "object"} {
		types = append(types, name)
	}
	walk(doc, func(s map[string]any) {
		words := asList(s["enum"])
		if len(words) < 2 || len(words) >= len(types) && slices.Equal(words[:len(types)], types) {
			return // types say themselves
		}
		if len(asList(s["enumDescriptions"])) != len(words) {
			t.Errorf("the choices are not described: %v", s)
		}
	})
}

// inherits tells whether a word of a param is described where it comes from.
func inherits(doc, m map[string]any) bool {
	for _, b := range asList(m["allOf"]) {
		branch, _ := b.(map[string]any)
		ref, _ := branch["$ref"].(string)
		if at, ok := resolve(doc, pointer(strings.TrimPrefix(ref, "#"))).(map[string]any); ok && at["markdownDescription"] != nil {
			return true
		}
	}
	return false
}

// TestNothingIsChosenByOneOf: an editor blames a whole map where a oneOf fails, and names the schema
// of a plugin that nobody used.
func TestNothingIsChosenByOneOf(t *testing.T) {
	doc := composed(t)
	choices := 0
	walk(doc, func(s map[string]any) {
		if s["oneOf"] != nil || s["not"] != nil && forbidden(s) != nil {
			t.Errorf("is chosen by oneOf or not: %v", s)
		}
		if s["if"] != nil {
			choices++
		}
	})
	if want := len(somePlugins) + 2; choices < want {
		t.Errorf("only %d choices by if, of %d", choices, want)
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
