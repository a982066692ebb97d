package dynamodb

import (
	"context"
	_ "embed"
	"encoding/json"
	"reflect"

	"weft/plugins"
)

// Put is the plugin dynamodb.put: writes one item, in the place of one with the same key.
type Put struct{}

var (
	_ plugins.Plugin    = Put{}
	_ plugins.Hoster    = Put{}
	_ plugins.InProcess = Put{}
)

//go:embed put_input.json
var putInput []byte

//go:embed output.json
var itemOutput []byte

// Name implements plugins.Plugin.
func (Put) Name() string { return "dynamodb.put" }

// InProcess implements plugins.InProcess.
func (Put) InProcess() {}

// Host implements plugins.Hoster.
func (Put) Host(json.RawMessage) string { return host() }

// Schema implements plugins.Plugin.
func (Put) Schema() plugins.Schema {
	return plugins.Schema{Title: "Writes an item of a DynamoDB table", Input: putInput, Output: itemOutput}
}

// Run implements plugins.Plugin. The output is the item as it is written, its key in it.
func (Put) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	s, in, r, err := begin(ctx, call)
	if err != nil {
		return plugins.Result{}, err
	}
	if r.Item, err = object(in.Item, "item"); err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot use the item of %s: %w", in.Table, err)
	}
	for name, value := range r.Key {
		if there, twice := r.Item[name]; twice && !reflect.DeepEqual(there, value) {
			return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot use the item of %s: item.%s is not what key.%s is", in.Table, name, name)
		}
		r.Item[name] = value
	}
	r.Key = nil
	if err := r.carryOut(ctx, s, "PutItem", "put an item into "+in.Table, nil); err != nil {
		return plugins.Result{}, err
	}
	written, err := roundTrip(r.Item)
	if err != nil {
		return plugins.Result{}, err
	}
	return give(written)
}

// roundTrip has attributes as they come from the wire.
func roundTrip(item map[string]attribute) (out map[string]attribute, err error) {
	raw, err := json.Marshal(item)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return out, err
}
