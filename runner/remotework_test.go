package runner_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"weft/machine"
	"weft/runner"
)

// A handle that is not there must not come back as null: it would be taken for one.
func TestRemoteWorkIsTheSameInAnotherProcess(t *testing.T) {
	failed := &machine.Outcome{State: machine.Failed, Kind: "bad_input", Error: "no"}
	for _, was := range []any{
		&runner.Submitted{}, &runner.Submitted{Outcome: failed}, &runner.Submitted{Handle: machine.Raw(`{"id":1}`), Text: "job 1", Soon: true},
		&runner.Intent{}, &runner.Intent{Outcome: failed}, &runner.Intent{Token: "weft-1"}, &runner.Intent{Token: "weft-1", Target: machine.Raw(`"x"`)},
	} {
		b, err := json.Marshal(was)
		if err != nil {
			t.Fatal(err)
		}
		is := reflect.New(reflect.TypeOf(was).Elem()).Interface()
		if err := json.Unmarshal(b, is); err != nil || !reflect.DeepEqual(was, is) {
			t.Errorf("%+v comes back as %+v, by %s (%v)", was, is, b, err)
		}
	}
}
