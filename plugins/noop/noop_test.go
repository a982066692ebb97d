package noop

import (
	"encoding/json"
	"testing"

	"weft/plugins"
)

func TestTheOutputIsWhatWasSaid(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                        ``,
		`{"output":null}`:           `null`,
		`{"output":{"a":[1,"b"]}}`:  `{"a":[1,"b"]}`,
		`{"output":12345678901234}`: `12345678901234`,
	} {
		got, err := Plugin{}.Run(t.Context(), &plugins.Call{Input: json.RawMessage(in)})
		if err != nil || string(got.Output) != want {
			t.Errorf("%s: output %s, error %v", in, got.Output, err)
		}
	}
}
