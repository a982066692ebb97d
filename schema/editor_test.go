package schema

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestTypesStandOnce: branches that admit one type make one type of it; draft-07 takes no list with twins.
func TestTypesStandOnce(t *testing.T) {
	var s map[string]any
	text := `{"oneOf": [{"enum": ["absent"]}, {"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]}`
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if got := typesOf(s); !slices.Equal(got, []string{"string", "object"}) {
		t.Errorf("types %q", got)
	}
}
