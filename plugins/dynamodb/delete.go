package dynamodb

import (
	"context"
	_ "embed"
	"encoding/json"

	"weft/plugins"
)

// Delete is the plugin dynamodb.delete: removes one item.
type Delete struct{}

var (
	_ plugins.Plugin    = Delete{}
	_ plugins.Hoster    = Delete{}
	_ plugins.InProcess = Delete{}
)

//go:embed delete_input.json
var deleteInput []byte

// Name implements plugins.Plugin.
func (Delete) Name() string { return "dynamodb.delete" }

// InProcess implements plugins.InProcess.
func (Delete) InProcess() {}

// Host implements plugins.Hoster.
func (Delete) Host(json.RawMessage) string { return host() }

// Schema implements plugins.Plugin.
func (Delete) Schema() plugins.Schema {
	return plugins.Schema{Title: "Deletes an item of a DynamoDB table", Input: deleteInput, Output: itemOutput}
}

// Run implements plugins.Plugin. The output is what was there. That nothing was is no error, unless a
// condition asks for something.
func (Delete) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	s, in, r, err := begin(ctx, call)
	if err != nil {
		return plugins.Result{}, err
	}
	r.ReturnValues = "ALL_OLD"
	var out struct{ Attributes map[string]attribute }
	if err := r.carryOut(ctx, s, "DeleteItem", "delete an item of "+in.Table, &out); err != nil {
		return plugins.Result{}, err
	}
	return give(out.Attributes)
}
