// Package fail is the plugin that fails: to try out triggers, retries and callbacks.
package fail

import (
	"context"
	_ "embed"
	"encoding/json"

	"weft/plugins"
)

// Plugin fails each time, in a way that retries apply to.
type Plugin struct{}

var (
	_ plugins.Plugin    = Plugin{}
	_ plugins.InProcess = Plugin{}
	_ plugins.Harmless  = Plugin{}
)

//go:embed input.json
var input []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "fail" }

// InProcess implements plugins.InProcess.
func (Plugin) InProcess() {}

// Harmless implements plugins.Harmless.
func (Plugin) Harmless() {}

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{
		Title: "Fails with a message",
		Input: input, Output: json.RawMessage(`{"type": "null", "description": "it never has one"}`),
	}
}

// Run implements plugins.Plugin.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(call.Input, &in); err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot read the input of fail: message must be text")
	}
	if err := ctx.Err(); err != nil {
		return plugins.Result{}, err
	}
	if in.Message == "" {
		in.Message = "failed on purpose"
	}
	return plugins.Result{}, plugins.Errorf(plugins.Temporary, "%s", in.Message)
}
