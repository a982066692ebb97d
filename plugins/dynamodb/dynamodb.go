// Package dynamodb is the plugins dynamodb.put, dynamodb.get and dynamodb.delete: one item of a table each,
// named by its key. Values are JSON (value.go); a condition is asked by DynamoDB in the same moment
// (condition.go).
package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Plugins returns one of each.
func Plugins() []plugins.Plugin { return []plugins.Plugin{Delete{}, Get{}, Put{}} }

// An input is what a task says. Values are kept as they were written: numbers have more digits than a
// float64.
type input struct {
	Table     string          `json:"table"`
	Key       json.RawMessage `json:"key"`
	Item      json.RawMessage `json:"item"`
	Condition json.RawMessage `json:"condition"`
}

// A request is what all three operations have in common on the wire. Members that are not there are
// left out.
type request struct {
	TableName                 string
	Key                       map[string]attribute `json:",omitempty"`
	Item                      map[string]attribute `json:",omitempty"`
	ConsistentRead            bool                 `json:",omitempty"`
	ReturnValues              string               `json:",omitempty"`
	ConditionExpression       string               `json:",omitempty"`
	ExpressionAttributeNames  map[string]string    `json:",omitempty"`
	ExpressionAttributeValues map[string]attribute `json:",omitempty"`
}

// begin reads an input as far as all three have it.
func begin(ctx context.Context, call *plugins.Call) (*awsconf.Session, input, request, error) {
	var in input
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return nil, in, request{}, err
	}
	r := request{TableName: in.Table}
	if r.Key, err = object(in.Key, "key"); err == nil && len(r.Key) == 0 {
		err = fmt.Errorf("its key is empty")
	}
	if err == nil {
		err = r.require(in.Condition)
	}
	if err != nil {
		return nil, in, r, plugins.Errorf(plugins.BadInput, "cannot use the item of %s: %w", in.Table, err)
	}
	return s, in, r, nil
}

// carryOut makes the call. A read, and a write without a condition, may be made twice. One with a condition
// may not: it would meet its own first writing.
func (r request) carryOut(ctx context.Context, s *awsconf.Session, operation, what string, out any) error {
	ask := awsconf.DynamoDB.Ask
	if r.ConditionExpression != "" {
		ask = awsconf.DynamoDB.Call
	}
	return failures.Failed(ctx, what, ask(ctx, s, operation, r, out))
}

// failures is what DynamoDB's own words mean.
var failures = awscall.Meanings{
	"ConditionalCheckFailedException": {Kind: plugins.Remote, Text: "the condition does not hold"},
	"ResourceNotFoundException": {
		Kind: plugins.Remote, Text: "there is no such table", Hint: "check its name, AWS_REGION and the account",
	},
	"ValidationException":                      {Kind: plugins.BadInput},
	"SerializationException":                   {Kind: plugins.BadInput},
	"ItemCollectionSizeLimitExceededException": {Kind: plugins.Remote},
	"TransactionConflictException":             {Kind: plugins.Temporary, Text: "a transaction was at it in the same moment"},
	"TransactionInProgressException":           {Kind: plugins.Temporary, Text: "a transaction was at it in the same moment"},
	"ReplicatedWriteConflictException":         {Kind: plugins.Temporary, Text: "another region was at it in the same moment"},
}

// An output is what all three give: the item, null where there is none.
type output struct {
	Item json.RawMessage `json:"item"`
}

// give makes an output of attributes.
func give(item map[string]attribute) (plugins.Result, error) {
	if item == nil {
		return awscall.Result(output{json.RawMessage("null")})
	}
	raw, err := decodeMap(item)
	if err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.Remote, "cannot read the item: %w", err)
	}
	return awscall.Result(output{raw})
}

// object reads a JSON object as attributes.
func object(raw json.RawMessage, what string) (map[string]attribute, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var members map[string]any
	if err := dec.Decode(&members); err != nil || members == nil {
		return nil, fmt.Errorf("its %s is no mapping", what)
	}
	out := make(map[string]attribute, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) { // of two that are wrong always the same is told
		v, err := encode(members[name])
		if err != nil {
			return nil, fmt.Errorf("%s.%s %w", what, name, err)
		}
		out[name] = v
	}
	return out, nil
}

// host tells where calls go.
func host() string { return awsconf.Host(nil, "DYNAMODB", "dynamodb") }
