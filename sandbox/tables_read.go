package sandbox

import (
	"slices"
	"strings"
)

// A projection is the members that a reader wants; none = all.
type projection struct {
	e     *expression
	paths [][]any
}

func projectionOf(c *tableCall) (projection, error) {
	p := projection{}
	if c.ProjectionExpression == "" {
		return p, nil
	}
	p.e = &expression{names: c.ExpressionAttributeNames, used: map[string]bool{}}
	for part := range strings.SplitSeq(c.ProjectionExpression, ",") {
		in := &parser{e: p.e, tokens: lex(part)}
		path, err := in.path()
		if err == nil && in.at < len(in.tokens) {
			err = in.wrong()
		}
		if err == nil && len(path) != 1 {
			err = invalidValue("The sandbox projects whole members alone.")
		}
		if err != nil {
			return p, err
		}
		p.paths = append(p.paths, path)
	}
	return p, nil
}

func (p projection) of(it item) item {
	if p.paths == nil {
		return it
	}
	out := item{}
	for _, path := range p.paths {
		if v, ok := it[path[0].(string)]; ok {
			out[path[0].(string)] = v
		}
	}
	return out
}

// mostPage is what one answer of a query or a scan reads.
const mostPage = 1 << 20

func (t *tables) query(c *tableCall) (any, error) {
	_, in, err := t.table(c.TableName)
	if err != nil {
		return nil, err
	}
	keys, err := parseExpression(c.KeyConditionExpression, c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	if in.keys == nil { // nothing is loose that could be found by a key but by those named here
		in.learn(keysIn(keys))
	}
	if named := keysIn(keys); len(named) > 0 {
		in.partition(named[0])
	}
	equal := slices.ContainsFunc(keys.conjuncts(), func(n node) bool {
		cmp, ok := n.(compared)
		return ok && cmp.op == "=" && len(cmp.a.path) == 1 && cmp.b.path == nil && len(in.keys) > 0 && cmp.a.path[0] == in.keys[0]
	})
	if !equal {
		return nil, invalidValue("Query condition missed key schema element")
	}
	return t.read(c, in, keys)
}

// keysIn are the names that a condition on keys compares, the partition key first: it is the one that must
// equal something.
func keysIn(e *expression) (names []string) {
	equal := false
	for _, n := range e.conjuncts() {
		var o operand
		first := false
		switch n := n.(type) {
		case compared:
			o, first = n.a, n.op == "=" && !equal
			equal = equal || first
		case between:
			o = n.a
		case called:
			o = n.args[0]
		}
		if len(o.path) != 1 {
			continue
		}
		if name := o.path[0].(string); first {
			names = append([]string{name}, names...)
		} else {
			names = append(names, name)
		}
	}
	return names
}

func (t *tables) scan(c *tableCall) (any, error) {
	_, in, err := t.table(c.TableName)
	if err != nil {
		return nil, err
	}
	return t.read(c, in, &expression{})
}

// read gives a page of items: those that the keys let through are read, those that the filter lets
// through are given.
func (t *tables) read(c *tableCall, in *table, keys *expression) (any, error) {
	filter, err := parseExpression(c.FilterExpression, c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	pick, err := projectionOf(c)
	if err != nil {
		return nil, err
	}
	if err := allUsed(c.ExpressionAttributeNames, c.ExpressionAttributeValues, keys, filter, pick.e); err != nil {
		return nil, err
	}
	all := in.sorted()
	if in.keys == nil {
		all = in.loose
	}
	if c.ScanIndexForward != nil && !*c.ScanIndexForward {
		slices.Reverse(all)
	}
	if c.ExclusiveStartKey != nil {
		id, err := in.keyOf(c.ExclusiveStartKey)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(all, func(it item) bool { other, _ := in.keyOf(it); return other == id })
		all = all[at+1:] // one that has gone: from the beginning
	}
	out := map[string]any{}
	items, read, size := []item{}, 0, 0
	for _, it := range all {
		if !keys.holds(it) {
			continue
		}
		if c.Limit > 0 && read == c.Limit || size > mostPage {
			break
		}
		n, _ := it.checked()
		read, size = read+1, size+n
		if filter.holds(it) {
			items = append(items, pick.of(it))
		}
		if in.keys != nil && (c.Limit > 0 && read == c.Limit || size > mostPage) {
			out["LastEvaluatedKey"] = in.key(it)
		}
	}
	out["Count"], out["ScannedCount"] = len(items), read
	if c.Select != "COUNT" {
		out["Items"] = items
	}
	return out, nil
}
