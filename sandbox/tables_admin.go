package sandbox

import (
	"maps"
	"slices"
)

func (t *tables) createTable(c *tableCall) (any, error) {
	if !tableName().MatchString(c.TableName) {
		return nil, invalidValue("TableName must be at least 3 characters long and at most 255 characters long: a-z A-Z 0-9 _ - .")
	}
	if t.by[c.TableName] != nil {
		return nil, &fault{400, "ResourceInUseException", "Table already exists: " + c.TableName}
	}
	made := &table{items: map[string]item{}}
	for _, kind := range []string{"HASH", "RANGE"} {
		for _, k := range c.KeySchema {
			if k.KeyType != kind {
				continue
			}
			made.keys = append(made.keys, k.AttributeName)
			for _, d := range c.AttributeDefinitions {
				if d.AttributeName == k.AttributeName {
					made.types = append(made.types, d.AttributeType)
				}
			}
		}
	}
	if len(made.keys) == 0 || len(made.keys) != len(c.KeySchema) || len(made.types) != len(made.keys) {
		return nil, invalidValue("One or more parameter values were invalid: the key schema and the attribute definitions do not fit each other")
	}
	t.by[c.TableName] = made
	return map[string]any{"TableDescription": describeTable(c.TableName, made)}, t.log.write(c.TableName, made, change{})
}

func (t *tables) describe(c *tableCall) (any, error) {
	name, in, err := t.table(c.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": describeTable(name, in)}, nil
}

func describeTable(name string, in *table) any {
	keys, types := []any{}, []any{}
	for i, key := range in.keys {
		keys = append(keys, map[string]string{"AttributeName": key, "KeyType": []string{"HASH", "RANGE"}[i]})
		kind := "S"
		if in.types != nil {
			kind = in.types[i]
		}
		types = append(types, map[string]string{"AttributeName": key, "AttributeType": kind})
	}
	return map[string]any{
		"TableName": name, "TableStatus": "ACTIVE", "KeySchema": keys, "AttributeDefinitions": types,
		"ItemCount": len(in.items) + len(in.loose), "TableArn": "arn:aws:dynamodb:" + region + ":000000000000:table/" + name,
	}
}

func (t *tables) deleteTable(c *tableCall) (any, error) {
	in := t.by[c.TableName]
	if in == nil {
		return nil, errNoTable
	}
	delete(t.by, c.TableName)
	return map[string]any{"TableDescription": describeTable(c.TableName, in)}, t.log.drop(c.TableName)
}

func (t *tables) list(*tableCall) (any, error) {
	return map[string]any{"TableNames": append([]string{}, slices.Sorted(maps.Keys(t.by))...)}, nil
}
