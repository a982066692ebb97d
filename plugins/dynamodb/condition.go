package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// require puts a condition into a request: a word, members that must have these values, or DynamoDB's own
// expression. The error is a clause.
func (r *request) require(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return r.requireWord(word)
	}
	var in struct {
		Expression string
		Names      map[string]string
		Values     json.RawMessage
		Equals     json.RawMessage
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if dec.Decode(&in) != nil || (in.Expression == "") == (in.Equals == nil) {
		return errors.New("its condition is none of `absent`, `present`, {equals: …} and {expression: …}")
	}
	if in.Equals != nil {
		return r.requireEqual(in.Equals)
	}
	r.ConditionExpression, r.ExpressionAttributeNames = in.Expression, in.Names
	if in.Values == nil {
		return nil
	}
	values, err := object(in.Values, "condition.values")
	r.ExpressionAttributeValues = values
	return err
}

// requireWord asks for the item itself: there is one of that key, or none.
func (r *request) requireWord(word string) error {
	function := map[string]string{"absent": "attribute_not_exists", "present": "attribute_exists"}[word]
	if function == "" {
		return fmt.Errorf("its condition %q is neither `absent` nor `present`", word)
	}
	r.ExpressionAttributeNames = map[string]string{}
	var parts []string
	for i, name := range slices.Sorted(maps.Keys(r.Key)) {
		placeholder := fmt.Sprintf("#k%d", i)
		r.ExpressionAttributeNames[placeholder] = name
		parts = append(parts, function+"("+placeholder+")")
	}
	r.ConditionExpression = strings.Join(parts, " AND ")
	return nil
}

// requireEqual asks for members of the item that is there.
func (r *request) requireEqual(raw json.RawMessage) error {
	wanted, err := object(raw, "condition.equals")
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return errors.New("its condition.equals is empty")
	}
	r.ExpressionAttributeNames, r.ExpressionAttributeValues = map[string]string{}, map[string]attribute{}
	var parts []string
	for i, name := range slices.Sorted(maps.Keys(wanted)) {
		placeholder := fmt.Sprintf("#e%d", i)
		value := fmt.Sprintf(":e%d", i)
		r.ExpressionAttributeNames[placeholder], r.ExpressionAttributeValues[value] = name, wanted[name]
		parts = append(parts, placeholder+" = "+value)
	}
	r.ConditionExpression = strings.Join(parts, " AND ")
	return nil
}
