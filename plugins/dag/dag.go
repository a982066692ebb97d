// Package dag is the plugins dag.run and dag.wait: one DAG starts another, or waits for it. They are
// Airflow's TriggerDagRunOperator and ExternalTaskSensor; what they know of runs they are told by a
// plugins.Runs.
package dag

import (
	"encoding/json"
	"time"

	"weft/plugins"
)

// Plugins returns one of each. runs may be nil where nothing is run.
func Plugins(runs plugins.Runs) []plugins.Plugin {
	return []plugins.Plugin{Run{Runs: runs}, Wait{Runs: runs}}
}

// layouts are the forms of a logical date, those of `weft run --logical-date`; without a zone it is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", time.DateOnly}

// dateOf reads a logical date; "" is the other one. Runs know dates to the microsecond.
func dateOf(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise.UTC().Truncate(time.Microsecond), nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	e := plugins.Errorf(plugins.BadInput, "cannot read logical_date %q: it is no date", text)
	e.Hint = "write 2026-01-02 or 2026-01-02T03:04:05Z"
	return time.Time{}, e
}

// read reads an input, or what this package has written.
func read[T any](raw json.RawMessage, what string) (v T, err error) {
	if json.Unmarshal(raw, &v) != nil {
		return v, plugins.Errorf(plugins.BadInput, "cannot read %s: %.100s", what, raw)
	}
	return v, nil
}

// theInput is how read names an input that does not fit the schema.
const theInput = "the input, which is not what the plugin's schema describes"

// alone is the error where nothing drives runs.
func alone(name string) error {
	return plugins.Errorf(plugins.Internal, "cannot use %s here: nothing drives runs", name)
}

// A done is the output of both.
type done struct {
	Run   string `json:"run_id"`
	State string `json:"state"`
}

func (d done) result() (plugins.Result, error) {
	raw, err := json.Marshal(d)
	return plugins.Result{Output: raw}, err
}
