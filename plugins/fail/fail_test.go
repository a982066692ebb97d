package fail

import (
	"encoding/json"
	"testing"

	"weft/plugins"
)

func TestItFailsSoThatRetriesApply(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                        "failed on purpose",
		`{"message":"100 % wrong"}`: "100 % wrong",
	} {
		_, err := Plugin{}.Run(t.Context(), &plugins.Call{Input: json.RawMessage(in)})
		if err == nil || err.Error() != want || plugins.KindOf(err) != plugins.Temporary {
			t.Errorf("%s: error %v (%s)", in, err, plugins.KindOf(err))
		}
	}
}
