package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// tables is DynamoDB: tables that are there once they are named, items, conditions, queries and scans. It
// has no UpdateItem, no transactions, no indexes, no streams and no time to live: what asks for one of
// them is refused, never half done.
type tables struct {
	create bool
	log    tableLog

	mu sync.Mutex
	by map[string]*table
}

func openTables(_ *Sandbox, o Options) (served, error) {
	t := &tables{create: o.CreateTables, by: map[string]*table{}, log: noLog{}}
	if o.Dir != "" {
		log, err := openTableLog(o.Dir, t.by)
		if err != nil {
			return nil, err
		}
		t.log = log
	}
	return t, nil
}

func (t *tables) close() { t.log.close() }

// A tableCall is a request as DynamoDB's operations have it, all in one. What it does not have is
// refused: a condition that is not asked would be a write that nobody wanted.
type tableCall struct {
	TableName string
	Key       item
	Item      item

	ConditionExpression, FilterExpression, KeyConditionExpression, ProjectionExpression string

	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute

	ReturnValues      string
	ConsistentRead    bool
	Limit             int
	ExclusiveStartKey item
	ScanIndexForward  *bool
	Select            string

	KeySchema            []struct{ AttributeName, KeyType string }
	AttributeDefinitions []struct{ AttributeName, AttributeType string }
	RequestItems         map[string][]batchWrite

	ExclusiveStartTableName string

	// These change nothing here.
	ReturnConsumedCapacity, ReturnItemCollectionMetrics, ReturnValuesOnConditionCheckFailure, BillingMode, TableClass any
	ProvisionedThroughput, Tags, SSESpecification, DeletionProtectionEnabled                                          any
}

type batchWrite struct {
	PutRequest    *struct{ Item item }
	DeleteRequest *struct{ Key item }
}

// ServeHTTP implements http.Handler.
func (t *tables) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := t.carryOut(r)
	if err != nil {
		refuseJSON(w, err)
		return
	}
	answerJSON(w, http.StatusOK, out)
}

func (t *tables) carryOut(r *http.Request) (any, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	do, known := tableOperations[operation]
	if !known {
		return nil, &fault{400, "UnknownOperationException", "The sandbox does not have " + operation + "."}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, errIncomplete
	}
	var c tableCall
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		if _, field, unknown := strings.Cut(err.Error(), "unknown field "); unknown {
			return nil, invalidValue("The sandbox does not have " + field + ".")
		}
		return nil, &fault{400, "SerializationException", "The body is not what " + operation + " takes."}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return do(t, &c)
}

var tableOperations = map[string]func(*tables, *tableCall) (any, error){
	"GetItem": (*tables).get, "PutItem": (*tables).put, "DeleteItem": (*tables).delete,
	"Query": (*tables).query, "Scan": (*tables).scan, "BatchWriteItem": (*tables).batch,
	"CreateTable": (*tables).createTable, "DescribeTable": (*tables).describe, "DeleteTable": (*tables).deleteTable, "ListTables": (*tables).list,
}

var tableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`) })

// table finds a table, and makes it if that is wanted.
func (t *tables) table(name string) (string, *table, error) {
	if _, after, ok := strings.Cut(name, ":table/"); ok { // an ARN
		name = after
	}
	if !tableName().MatchString(name) {
		return "", nil, invalidValue("TableName must be at least 3 characters long and at most 255 characters long: a-z A-Z 0-9 _ - .")
	}
	found := t.by[name]
	if found == nil && t.create {
		found = &table{items: map[string]item{}}
		t.by[name] = found
	}
	if found == nil {
		return "", nil, errNoTable
	}
	return name, found, nil
}

var (
	errNoTable   = &fault{400, "ResourceNotFoundException", "Requested resource not found"}
	errCondition = &fault{400, "ConditionalCheckFailedException", "The conditional request failed"}
	errKeySchema = invalidValue("The provided key element does not match the schema")
)

// at finds the table of a call and the place of its key.
func (t *tables) at(c *tableCall) (name string, in *table, id string, err error) {
	if name, in, err = t.table(c.TableName); err != nil {
		return name, in, "", err
	}
	in.maybe = in.maybe || in.keys == nil && len(c.Key) == 2
	if !in.learn(c.Key.names()) {
		return name, in, "", errKeySchema
	}
	id, err = in.keyOf(c.Key)
	return name, in, id, err
}

func (t *tables) get(c *tableCall) (any, error) {
	_, in, id, err := t.at(c)
	if err != nil {
		return nil, err
	}
	pick, err := projectionOf(c)
	if err != nil {
		return nil, err
	}
	if err := allUsed(c.ExpressionAttributeNames, c.ExpressionAttributeValues, pick.e); err != nil {
		return nil, err
	}
	out := map[string]any{}
	if it := in.items[id]; it != nil {
		out["Item"] = pick.of(it)
	}
	return out, nil
}

func (t *tables) put(c *tableCall) (any, error) {
	if _, err := c.Item.checked(); err != nil {
		return nil, err
	}
	name, in, err := t.table(c.TableName)
	if err != nil {
		return nil, err
	}
	it := make(item, len(c.Item))
	for n, a := range c.Item {
		it[n] = a.normal()
	}
	condition, err := t.condition(c)
	if err != nil {
		return nil, err
	}
	if in.keys == nil {
		in.learn(absentIn(condition, it))
	}
	if in.keys == nil {
		if c.ConditionExpression != "" {
			return nil, invalidValue("The sandbox does not know the key of " + name + " yet: read an item by its key first, or create the table.")
		}
		in.loose = append(in.loose, it)
		return map[string]any{}, t.log.write(name, in, change{Put: it})
	}
	id, err := in.keyOf(it)
	if err != nil {
		return nil, err
	}
	old := in.items[id]
	if !condition.holds(old) {
		return nil, errCondition
	}
	in.items[id] = it
	return oldOf(c, old), t.log.write(name, in, change{Put: it})
}

// absentIn are the names of which a condition says that they must not exist: of an item that is to be
// written they are its key.
func absentIn(e *expression, it item) (names []string) {
	for _, part := range e.conjuncts() {
		f, ok := part.(called)
		if !ok || f.name != "attribute_not_exists" || len(f.args[0].path) != 1 {
			continue
		}
		name := f.args[0].path[0].(string)
		if kind := it[name].kind(); kind == "S" || kind == "N" || kind == "B" {
			names = append(names, name)
		}
	}
	return slices.Compact(names)
}

func (t *tables) delete(c *tableCall) (any, error) {
	name, in, id, err := t.at(c)
	if err != nil {
		return nil, err
	}
	condition, err := t.condition(c)
	if err != nil {
		return nil, err
	}
	old := in.items[id]
	if !condition.holds(old) {
		return nil, errCondition
	}
	delete(in.items, id)
	return oldOf(c, old), t.log.write(name, in, change{Delete: c.Key})
}

// condition reads the condition of a write.
func (t *tables) condition(c *tableCall) (*expression, error) {
	e, err := parseExpression(c.ConditionExpression, c.ExpressionAttributeNames, c.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	return e, allUsed(c.ExpressionAttributeNames, c.ExpressionAttributeValues, e)
}

// oldOf is the answer of a write: what was there before, if that is asked for.
func oldOf(c *tableCall, old item) any {
	if c.ReturnValues == "ALL_OLD" && old != nil {
		return map[string]any{"Attributes": old}
	}
	return map[string]any{}
}

// batch writes up to 25 items, each by itself.
func (t *tables) batch(c *tableCall) (any, error) {
	n := 0
	for _, list := range c.RequestItems {
		n += len(list)
	}
	if n == 0 || n > 25 {
		return nil, invalidValue("Too many items requested for the BatchWriteItem call")
	}
	for name, list := range c.RequestItems {
		for _, one := range list {
			var err error
			switch {
			case one.PutRequest != nil:
				_, err = t.put(&tableCall{TableName: name, Item: one.PutRequest.Item})
			case one.DeleteRequest != nil:
				_, err = t.delete(&tableCall{TableName: name, Key: one.DeleteRequest.Key})
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return map[string]any{"UnprocessedItems": map[string]any{}}, nil
}
