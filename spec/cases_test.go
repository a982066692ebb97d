package spec

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weft/schema"
)

// TestTheTestSchemaHasTheKeysOfTheReader holds schema/test.schema.json to the tables here.
func TestTheTestSchemaHasTheKeysOfTheReader(t *testing.T) {
	doc, _ := schemaValue(schema.Cases()).(map[string]any)
	at := func(path ...string) any {
		var v any = doc
		for _, p := range path {
			m, _ := v.(map[string]any)
			v = m[p]
		}
		return v
	}
	for _, c := range []struct {
		keys *table
		path []string
	}{
		{casesKeys, []string{"properties"}},
		{caseKeys, []string{"definitions", "case", "properties"}},
		{caseRunKeys, []string{"definitions", "run", "properties"}},
		{stepKeys, []string{"definitions", "step", "then", "properties"}},
		{wantKeys, []string{"definitions", "want", "then", "properties"}},
		{verdictKeys, []string{"definitions", "case", "properties", "verdict", "then", "properties"}},
	} {
		found, _ := at(c.path...).(map[string]any)
		props := maps.Clone(found)
		for _, key := range c.keys.keys {
			if props[key] == nil {
				t.Errorf("%s: the schema lacks %q", c.keys.what, key)
			}
			delete(props, key)
		}
		for key := range props {
			t.Errorf("%s: the reader does not know %q", c.keys.what, key)
		}
	}
	for _, c := range []struct {
		words []string
		path  []string
	}{
		{givenEnds, []string{"definitions", "end", "enum"}},
		{failureKinds, []string{"definitions", "step", "then", "properties", "kind", "enum"}},
		{finishedStates, []string{"definitions", "past", "additionalProperties", "enum"}},
		{expectedStates, []string{"definitions", "state", "enum"}},
		{runStates, []string{"definitions", "run_state", "enum"}},
	} {
		var got []string
		for _, w := range at(c.path...).([]any) {
			got = append(got, w.(string))
		}
		if !slices.Equal(got, c.words) {
			t.Errorf("%v: the schema has %v, the reader %v", c.path, got, c.words)
		}
	}
}

// TestTheTestSchemaOnFiles: an editor has nothing to say of a right test file, and something of a wrong one.
func TestTheTestSchemaOnFiles(t *testing.T) {
	check, err := schema.Compile(schema.Cases())
	if err != nil {
		t.Fatal(err)
	}
	judge := func(file string) []schema.Violation {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := &DAG{file: file, src: newSource(nil), once: map[telling]bool{}}
		if !d.read(src) {
			t.Fatalf("%s is no YAML", file)
		}
		return check.Check(d.value(d.root))
	}
	right := 0
	for _, dir := range []string{"../dags", "../rehearse/testdata/right"} {
		files, err := filepath.Glob(dir + "/*.test.yaml")
		if err != nil {
			t.Fatal(err)
		}
		right += len(files)
		for _, f := range files {
			for _, v := range judge(f) {
				t.Errorf("%s: %s %s", f, strings.Join(v.Path, "."), v.Message)
			}
		}
	}
	if right < 12 {
		t.Errorf("only %d files", right)
	}
	for _, wrong := range []string{
		"cases: {a: {}}", "cases: {}", "case: {a: {verdict: success}}", "cases: {a: {verdict: done}}", "cases: {a: {expect: {x: sucess}}}",
		"cases: {a: {given: {x: {takes: 5}}, verdict: success}}", "cases: {a: {given: {x: [done]}, verdict: success}}",
		"cases: {a: {given: {x: {pokes: []}}, verdict: success}}", "cases: {a: {expect: {x: {atempts: 2}}}}", "cases: {a: {run: {typ: manual}, verdict: failed}}",
	} {
		d := &DAG{file: "x", src: newSource(nil), once: map[telling]bool{}}
		if !d.read([]byte(wrong)) {
			t.Fatal(wrong)
		}
		if len(check.Check(d.value(d.root))) == 0 {
			t.Errorf("the schema says nothing of %s", wrong)
		}
	}
}
