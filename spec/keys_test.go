package spec

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"weft/schema"
)

// TestKeysAreTheSchemas: what an editor completes is what the validator reads, no more, no less.
func TestKeysAreTheSchemas(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(schema.DAG(), &doc); err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) any {
		var v any = doc
		for _, p := range path {
			if list, ok := v.([]any); ok {
				v = list[index(p)]
				continue
			}
			v = v.(map[string]any)[p]
		}
		return v
	}
	schedule := []string{"definitions", "schedule", "anyOf", "1"}
	for _, row := range []struct {
		table *table
		path  []string
	}{
		{dagKeys, nil},
		{taskKeys, []string{"definitions", "task_body"}},
		{defaultsKeys, []string{"definitions", "defaults"}},
		{sensorKeys, []string{"definitions", "sensor"}},
		{scheduleKeys, schedule},
		{dstKeys, append(slices.Clone(schedule), "properties", "dst")},
		{catchupKeys, append(slices.Clone(schedule), "properties", "catchup", "anyOf", "1")},
	} {
		got := slices.Sorted(maps.Keys(at(append(row.path, "properties")...).(map[string]any)))
		want := slices.Sorted(slices.Values(row.table.keys))
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has\n%v, the validator\n%v", row.table.what, got, want)
		}
	}
	rules := at("definitions", "task_body", "properties", "trigger", "anyOf", "0", "enum").([]any)
	if len(rules) != len(triggerRules) {
		t.Errorf("the schema has %d trigger rules, the validator %d", len(rules), len(triggerRules))
	}
	for _, r := range rules {
		if !slices.Contains(triggerRules, r.(string)) {
			t.Errorf("the validator does not know the rule %q", r)
		}
	}
}

// TestElsewhereLeadsHome: each word of another tool points at a key that is there.
func TestElsewhereLeadsHome(t *testing.T) {
	for word, key := range elsewhere {
		if !slices.Contains(taskKeys.keys, key) && !slices.Contains(dagKeys.keys, key) && !slices.Contains(scheduleKeys.keys, key) {
			t.Errorf("%s → %s is no key", word, key)
		}
	}
}
