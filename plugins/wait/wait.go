// Package wait is the plugin that waits for a moment: a sensor by nature, so that waiting holds no
// slot, process or thread and survives a restart.
package wait

import (
	"context"
	_ "embed"
	"encoding/json"
	"time"

	"weft/plugins"
)

// Plugin holds once its moment has come.
type Plugin struct{}

var (
	_ plugins.Plugin    = Plugin{}
	_ plugins.Sensor    = Plugin{}
	_ plugins.InProcess = Plugin{}
	_ plugins.Harmless  = Plugin{}
)

//go:embed input.json
var input []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "wait" }

// SensorByNature implements plugins.Sensor.
func (Plugin) SensorByNature() {}

// InProcess implements plugins.InProcess.
func (Plugin) InProcess() {}

// Harmless implements plugins.Harmless.
func (Plugin) Harmless() {}

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{
		Title: "Waits for a time to pass or a moment to come, holding no slot",
		Input: input,
		Output: json.RawMessage(`{"type": "string", "format": "date-time",
  "description": "the moment that was waited for, RFC 3339, UTC"}`),
	}
}

// Run implements plugins.Plugin: one poke, which never waits itself.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	if err := ctx.Err(); err != nil {
		return plugins.Result{}, err
	}
	moment, err := target(call)
	if err != nil {
		return plugins.Result{}, err
	}
	if call.Now().Before(moment) {
		return plugins.Result{NotYet: true, NotBefore: moment}, nil
	}
	out, err := json.Marshal(moment.UTC().Format(time.RFC3339Nano))
	return plugins.Result{Output: out}, err
}

// target returns the moment. It depends on the input and the first poke alone, never on now, so
// that it stays the same through restarts and retries.
func target(call *plugins.Call) (time.Time, error) {
	var in struct{ For, Until *string }
	if err := json.Unmarshal(call.Input, &in); err != nil {
		return time.Time{}, plugins.Errorf(plugins.BadInput, "cannot read the input of wait: for and until must be text")
	}
	switch {
	case (in.For == nil) == (in.Until == nil):
		return time.Time{}, plugins.Errorf(plugins.BadInput, "cannot wait: give one of for and until")
	case in.Until != nil:
		moment, err := time.Parse(time.RFC3339, *in.Until)
		if err != nil {
			e := plugins.Errorf(plugins.BadInput, "cannot wait until %q: it is no time", *in.Until)
			e.Hint = "write it as 2026-01-02T15:04:05Z"
			return time.Time{}, e
		}
		return moment, nil
	}
	d, err := parseDuration(*in.For)
	if err != nil {
		return time.Time{}, err
	}
	since := call.Since
	if since.IsZero() { // asked outside of a sensor: this is the first poke
		since = call.Now()
	}
	return since.Add(d), nil
}
