package dynamodb

import (
	"context"
	_ "embed"
	"encoding/json"

	"weft/plugins"
)

// Get is the plugin dynamodb.get: reads one item.
type Get struct{}

var (
	_ plugins.Plugin    = Get{}
	_ plugins.Hoster    = Get{}
	_ plugins.InProcess = Get{}
)

//go:embed get_input.json
var getInput []byte

// Name implements plugins.Plugin.
func (Get) Name() string { return "dynamodb.get" }

// InProcess implements plugins.InProcess.
func (Get) InProcess() {}

// Host implements plugins.Hoster.
func (Get) Host(json.RawMessage) string { return host() }

// Schema implements plugins.Plugin.
func (Get) Schema() plugins.Schema {
	return plugins.Schema{Title: "Reads an item of a DynamoDB table", Input: getInput, Output: itemOutput}
}

// Run implements plugins.Plugin. That there is no such item is an answer. What any task has written
// before is seen: the read is a consistent one.
func (Get) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	s, in, r, err := begin(ctx, call)
	if err != nil {
		return plugins.Result{}, err
	}
	r.ConsistentRead = true
	var out struct{ Item map[string]attribute }
	if err := r.carryOut(ctx, s, "GetItem", "read an item of "+in.Table, &out); err != nil {
		return plugins.Result{}, err
	}
	return give(out.Item)
}
