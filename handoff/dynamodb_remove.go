package handoff

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"weft/awsconf"
)

// Measure implements Remover.
func (t table) Measure(ctx context.Context, prefix string) (Amount, error) {
	var n Amount
	err := t.each(ctx, prefix, func(_ *awsconf.Session, page []record) error {
		n = n.Plus(amountOf(page))
		return nil
	})
	if err != nil {
		return Amount{}, fmt.Errorf("cannot look into %s for %s: %w", t, prefix, err)
	}
	return n, nil
}

// Remove implements Remover.
func (t table) Remove(ctx context.Context, prefix string) (Amount, error) {
	var gone Amount
	err := t.each(ctx, prefix, func(s *awsconf.Session, page []record) error {
		for len(page) > 0 {
			some := page[:min(len(page), maxBatch)]
			if err := t.delete(ctx, s, some); err != nil {
				return err
			}
			gone, page = gone.Plus(amountOf(some)), page[len(some):]
		}
		return nil
	})
	if err != nil {
		return gone, fmt.Errorf("cannot remove %s from %s: %w", prefix, t, err)
	}
	return gone, nil
}

func amountOf(page []record) (n Amount) {
	for _, r := range page {
		size, _ := strconv.ParseInt(r.Size.N, 10, 64) // of another's item: it counts, and has no size
		n = n.Plus(Amount{1, size})
	}
	return n
}

// A search is a query or a scan, page by page.
type search struct {
	TableName                 string
	KeyConditionExpression    string `json:",omitempty"`
	FilterExpression          string `json:",omitempty"`
	ProjectionExpression      string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]text
	ConsistentRead            bool
	ExclusiveStartKey         *place `json:",omitempty"`
}

// each finds what lies below a prefix, page by page, with its key and size alone. Of a run that is a query;
// of a whole DAG, which weft itself never asks for, the table is read to its end.
func (t table) each(ctx context.Context, prefix string, do func(*awsconf.Session, []record) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	s, err := awsconf.For(ctx, nil)
	if err != nil {
		return err
	}
	operation, in := t.below(prefix)
	for {
		var out struct {
			Items            []record
			LastEvaluatedKey *place
		}
		if err := told(awsconf.DynamoDB.Ask(ctx, s, operation, in, &out)); err != nil {
			return err
		}
		if err := do(s, out.Items); err != nil {
			return err
		}
		if out.LastEvaluatedKey == nil || out.LastEvaluatedKey.Run.S == "" {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// below is the search for what lies below a prefix.
func (t table) below(prefix string) (operation string, in search) {
	in = search{
		TableName: t.name, ProjectionExpression: "#run, #key, #size", ConsistentRead: true,
		ExpressionAttributeNames: map[string]string{"#run": runMember, "#key": keyMember, "#size": sizeMember},
	}
	names := strings.SplitN(prefix, "/", 3)
	switch len(names) {
	case 1:
		in.FilterExpression = "#run = :dag OR begins_with(#run, :runs)"
		in.ExpressionAttributeValues = map[string]text{":dag": {prefix}, ":runs": {prefix + "/"}}
		return "Scan", in
	case 2:
		in.KeyConditionExpression = "#run = :run"
		in.ExpressionAttributeValues = map[string]text{":run": {prefix}}
	default:
		in.KeyConditionExpression = "#run = :run AND begins_with(#key, :rest)"
		in.ExpressionAttributeValues = map[string]text{":run": {names[0] + "/" + names[1]}, ":rest": {names[2] + "/"}}
	}
	return "Query", in
}

const (
	maxBatch  = 25 // items that one request may delete
	mostTries = 8  // of what a request has left undone, for want of capacity
)

// delete removes items, as many as one request may name.
func (t table) delete(ctx context.Context, s *awsconf.Session, page []record) error {
	type one struct {
		DeleteRequest struct{ Key place }
	}
	left := make([]one, len(page))
	for i, r := range page {
		left[i].DeleteRequest.Key = r.place
	}
	for try := range mostTries {
		var out struct{ UnprocessedItems map[string][]one }
		in := map[string]any{"RequestItems": map[string][]one{t.name: left}}
		if err := told(awsconf.DynamoDB.Ask(ctx, s, "BatchWriteItem", in, &out)); err != nil {
			return err
		}
		if left = out.UnprocessedItems[t.name]; len(left) == 0 {
			return nil
		}
		timer := time.NewTimer(50 * time.Millisecond << try)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return &awsconf.Error{Fault: awsconf.Throttled, Text: fmt.Sprintf("the table has no capacity to delete the last %d", len(left))}
}
