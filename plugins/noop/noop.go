// Package noop is the plugin that does nothing: a place where edges meet, or a constant output.
package noop

import (
	"context"
	_ "embed"
	"encoding/json"

	"weft/plugins"
)

// Plugin does nothing and gives the output it is told to give.
type Plugin struct{}

var (
	_ plugins.Plugin    = Plugin{}
	_ plugins.InProcess = Plugin{}
	_ plugins.Harmless  = Plugin{}
)

//go:embed input.json
var input []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "noop" }

// InProcess implements plugins.InProcess.
func (Plugin) InProcess() {}

// Harmless implements plugins.Harmless.
func (Plugin) Harmless() {}

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Does nothing; gives the output it is told to give", Input: input}
}

// Run implements plugins.Plugin.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct {
		Output json.RawMessage `json:"output"`
	}
	if err := json.Unmarshal(call.Input, &in); err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot read the input of noop: it is no mapping")
	}
	return plugins.Result{Output: in.Output}, ctx.Err()
}
