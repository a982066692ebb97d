package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weft/awsconf"
	"weft/sandbox"
	"weft/tests/awsserver"
)

// ask makes a call of DynamoDB, and returns the answer as text, or the name of what was refused.
func ask(t *testing.T, s *awsconf.Session, operation, in string) string {
	t.Helper()
	var out json.RawMessage
	err := awsconf.DynamoDB.Ask(t.Context(), s, operation, json.RawMessage(in), &out)
	if code := awsconf.CodeOf(err); code != "" {
		return code
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// servers are weft's double and dynalite, each with the table `people` (id), which must agree. (moto takes
// much that DynamoDB refuses, and answers the rest with 500.)
func servers(t *testing.T, story func(t *testing.T, s *awsconf.Session)) {
	t.Helper()
	t.Setenv("AWS_PROFILE", "")
	for _, c := range []struct {
		name string
		env  func(t *testing.T) []string
	}{
		{"the sandbox", func(t *testing.T) []string {
			box, _ := start(t, sandbox.Options{Dir: t.TempDir()})
			return box.Env()
		}},
		{"dynalite", func(t *testing.T) []string { return awsserver.Env(awsserver.Dynalite(t)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, c.env(t)...)
			if got := ask(t, s, "CreateTable", `{"TableName": "people", "BillingMode": "PAY_PER_REQUEST",
				"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}`); !strings.Contains(got, "people") {
				t.Fatal(got)
			}
			for !strings.Contains(ask(t, s, "DescribeTable", `{"TableName": "people"}`), `"ACTIVE"`) { // dynalite takes a moment
			}
			story(t, s)
		})
	}
}

// TestConditionsMeanWhatTheyMeanElsewhere: each is asked of the same item.
func TestConditionsMeanWhatTheyMeanElsewhere(t *testing.T) {
	const ada = `{"id": {"S": "ada"}, "age": {"N": "36"}, "name": {"M": {"fore": {"S": "Ada"}, "more": {"L": [{"S": "Byron"}, {"N": "1"}]}}},
		"tags": {"SS": ["poet", "count"]}, "bin": {"B": "AAE="}, "nil": {"NULL": true}, "fine": {"BOOL": true}}`
	const (
		yes     = "{}"
		no      = "ConditionalCheckFailedException"
		invalid = "ValidationException"
	)
	rows := []struct{ condition, want string }{
		{"attribute_exists(id)", yes},
		{"attribute_not_exists(id)", no},
		{"attribute_not_exists(absent)", yes},
		{"attribute_exists(#n.fore)", yes},
		{"attribute_exists(#n.#n)", no},
		{"attribute_exists(#n.more[1]) AND attribute_not_exists(#n.more[2])", yes},
		{"age = :n36", yes},
		{"age <> :n36", no},
		{"absent <> :n36", yes},
		{"absent = :n36", no},
		{"age > :n9 AND age < :n100", yes},
		{"age > :s9", no},
		{"age >= :n36 AND age <= :n36", yes},
		{"age BETWEEN :n9 AND :n100", yes},
		{"NOT age BETWEEN :n9 AND :n100", no},
		{"age IN (:n9, :n100, :n36)", yes},
		{"age IN (:n9, :n100)", no},
		{"age = :n9 OR age = :n36 AND id = :ada", yes},
		{"(age = :n9 OR age = :n36) AND NOT id = :ada", no},
		{"begins_with(id, :a)", yes},
		{"begins_with(id, :ada) and contains(id, :d)", yes},
		{"contains(tags, :poet)", yes},
		{"contains(tags, :a)", no},
		{"contains(#n.more, :byron)", yes},
		{"attribute_type(age, :typeN)", yes},
		{"attribute_type(tags, :typeN)", no},
		{"size(id) = :n3 AND size(tags) = :n2 AND size(#n) = :n2 AND size(bin) = :n2", yes},
		{"size(absent) = :n3", no},
		{"fine = :true AND nil = :null", yes},
		{"bin = :raw AND bin < :raw2", yes},
		{"name = :ada", invalid},                     // a reserved word
		{"id = :undefined", invalid},                 // no such value
		{"#undefined = :ada", invalid},               // no such name
		{"id = ", invalid},                           // no operand
		{"id == :ada", invalid},                      // no sign
		{"id = :ada AND", invalid},                   // no end
		{"(id = :ada", invalid},                      // no bracket
		{"no_such_function(id)", invalid},            // no function
		{"attribute_exists(id, age)", invalid},       // two arguments
		{"size(id)", invalid},                        // no truth
		{"id", invalid},                              // no truth
		{"id = :ada; attribute_exists(id)", invalid}, // two
	}
	values := map[string]string{
		":n36": `{"N": "36.0"}`, ":n9": `{"N": "9"}`, ":n100": `{"N": "100"}`, ":s9": `{"S": "9"}`, ":ada": `{"S": "ada"}`, ":a": `{"S": "a"}`, ":d": `{"S": "d"}`,
		":poet": `{"S": "poet"}`, ":byron": `{"S": "Byron"}`, ":typeN": `{"S": "N"}`, ":n3": `{"N": "3"}`, ":n2": `{"N": "2"}`, ":true": `{"BOOL": true}`, ":null": `{"NULL": true}`,
		":raw": `{"B": "AAE="}`, ":raw2": `{"B": "AAI="}`,
	}
	servers(t, func(t *testing.T, s *awsconf.Session) {
		if got := ask(t, s, "PutItem", `{"TableName": "people", "Item": `+ada+`}`); got != "{}" {
			t.Fatal(got)
		}
		for _, r := range rows {
			in := map[string]any{"TableName": "people", "Item": json.RawMessage(ada), "ConditionExpression": r.condition}
			used := map[string]json.RawMessage{}
			for _, word := range strings.FieldsFunc(r.condition, func(c rune) bool { return strings.ContainsRune(" (),=<>", c) }) {
				if v := values[word]; v != "" {
					used[word] = json.RawMessage(v)
				}
			}
			if len(used) > 0 {
				in["ExpressionAttributeValues"] = used
			}
			if strings.Contains(r.condition, "#n") {
				in["ExpressionAttributeNames"] = map[string]string{"#n": "name"}
			}
			raw, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s, "PutItem", string(raw)); got != r.want {
				t.Errorf("%s: %s, want %s", r.condition, got, r.want)
			}
		}
	})
}

// TestItemsComeBackAsDynamoDBGivesThem: the numbers in one form, and nothing taken that DynamoDB refuses.
func TestItemsComeBackAsDynamoDBGivesThem(t *testing.T) {
	servers(t, func(t *testing.T, s *awsconf.Session) {
		for _, c := range []struct{ put, want string }{
			{`{"S": ""}`, `{"S":""}`},
			{`{"N": "1E2"}`, `{"N":"100"}`},
			{`{"N": "-0.50"}`, `{"N":"-0.5"}`},
			{`{"N": "12345678901234567890123456789012345678"}`, `{"N":"12345678901234567890123456789012345678"}`},
			{`{"N": "123456789012345678901234567890123456789"}`, "ValidationException"},
			{`{"N": "1E126"}`, "ValidationException"},
			{`{"N": "x"}`, "ValidationException"},
			{`{"SS": []}`, "ValidationException"},
			{`{"SS": ["a", "a"]}`, "ValidationException"},
			{`{"L": [{"M": {"deep": {"L": []}}}, {"NULL": true}, {"BOOL": false}]}`, `{"L":[{"M":{"deep":{"L":[]}}},{"NULL":true},{"BOOL":false}]}`},
			{`{"S": "` + strings.Repeat("x", 409_600-len("id")-len("vk")-len("v")) + `"}`, ""},
			{`{"S": "` + strings.Repeat("x", 409_600-len("id")-len("vk")-len("v")+1) + `"}`, "ValidationException"},
		} {
			got := ask(t, s, "PutItem", `{"TableName": "people", "Item": {"id": {"S": "vk"}, "v": `+c.put+`}}`)
			if got == "{}" {
				var out struct{ Item struct{ V json.RawMessage } }
				if err := json.Unmarshal([]byte(ask(t, s, "GetItem", `{"TableName": "people", "Key": {"id": {"S": "vk"}}}`)), &out); err != nil {
					t.Fatal(err)
				}
				got = string(out.Item.V)
			}
			if got != c.want && c.want != "" {
				t.Errorf("%.80s: %.80s, want %s", c.put, got, c.want)
			}
		}
		for in, want := range map[string]string{
			`{"TableName": "people", "Key": {"id": {"S": "absent"}}}`:             "{}",
			`{"TableName": "people", "Key": {"id": {"N": "1"}}}`:                  "ValidationException",
			`{"TableName": "people", "Key": {"other": {"S": "x"}}}`:               "ValidationException",
			`{"TableName": "people", "Key": {"id": {"S": "a"}, "b": {"S": "c"}}}`: "ValidationException",
			`{"TableName": "absent", "Key": {"id": {"S": "a"}}}`:                  "ResourceNotFoundException",
		} {
			if got := ask(t, s, "GetItem", in); got != want {
				t.Errorf("%s: %s, want %s", in, got, want)
			}
		}
	})
}

// TestATableIsThereOnceItIsNamed: its key is learnt from what is asked, whatever came before.
func TestATableIsThereOnceItIsNamed(t *testing.T) {
	dir := t.TempDir()
	box, s := start(t, sandbox.Options{Dir: dir, CreateTables: true})
	for i := range 3 {
		if got := ask(t, s, "PutItem", fmt.Sprintf(`{"TableName": "orders", "Item": {"customer": {"S": "c"}, "order": {"N": "%d"}, "n": {"N": "%d"}}}`, i%2, i)); got != "{}" {
			t.Fatal(got)
		}
	}
	box.Close() // the key is not known yet
	box, s = start(t, sandbox.Options{Dir: dir, CreateTables: true})
	const query = `{"TableName": "orders", "KeyConditionExpression": "#o > :zero AND customer = :c", "ExpressionAttributeNames": {"#o": "order"},
		"ExpressionAttributeValues": {":c": {"S": "c"}, ":zero": {"N": "-1"}}}`
	const want = `{"Count":2,"Items":[{"customer":{"S":"c"},"n":{"N":"2"},"order":{"N":"0"}},{"customer":{"S":"c"},"n":{"N":"1"},"order":{"N":"1"}}],"ScannedCount":2}`
	if got := ask(t, s, "GetItem", `{"TableName": "orders", "Key": {"order": {"N": "0"}, "customer": {"S": "c"}}}`); !strings.Contains(got, `"n":{"N":"2"}`) {
		t.Errorf("of two with one key the later counts: %s", got)
	}
	if got := ask(t, s, "Query", query); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := ask(t, s, "GetItem", `{"TableName": "orders", "Key": {"n": {"N": "0"}}}`); got != "ValidationException" {
		t.Errorf("another key: %s", got)
	}
	if got := ask(t, s, "DeleteItem", `{"TableName": "orders", "Key": {"order": {"N": "1"}, "customer": {"S": "c"}}, "ReturnValues": "ALL_OLD"}`); !strings.Contains(got, `"n":{"N":"1"}`) {
		t.Error(got)
	}
	box.Close()
	_, s = start(t, sandbox.Options{Dir: dir})
	if got := ask(t, s, "Query", query); !strings.Contains(got, `"Count":1`) {
		t.Errorf("after another start: %s", got)
	}
	for operation, in := range map[string]string{
		"UpdateItem":  `{"TableName": "orders", "Key": {"customer": {"S": "c"}, "order": {"N": "0"}}}`,
		"CreateTable": `{"TableName": "orders"}`,
		"Query":       `{"TableName": "orders", "IndexName": "by_n"}`,
		"PutItem":     `{"TableName": "orders", "Item": {"customer": {"S": "c"}}}`,
	} {
		if got := ask(t, s, operation, in); !strings.HasSuffix(got, "Exception") {
			t.Errorf("%s: %s", operation, got)
		}
	}
}

func TestFaultsByOrder(t *testing.T) {
	_, s := start(t, sandbox.Options{CreateTables: true, Faults: []sandbox.Fault{
		{Service: "dynamodb", Operation: "PutItem", Times: 2},
		{Service: "dynamodb", Operation: "GetItem", Times: 1, Lost: true},
		{Service: "dynamodb", Operation: "DeleteItem", Times: 1, Code: "AccessDeniedException"},
		{Service: "glue", Times: 9},
	}})
	const key = `{"id": {"S": "a"}}`
	if got := ask(t, s, "PutItem", `{"TableName": "people", "Item": `+key+`}`); got != "{}" { // the third time
		t.Error(got)
	}
	get := json.RawMessage(`{"TableName": "people", "Key": ` + key + `}`)
	err := awsconf.DynamoDB.Call(t.Context(), s, "GetItem", get, nil)
	if e, ok := err.(*awsconf.Error); !ok || !e.Unsure {
		t.Errorf("an answer that is lost: %v", err)
	}
	if err := awsconf.DynamoDB.Call(t.Context(), s, "GetItem", get, nil); err != nil {
		t.Error(err)
	}
	if err := awsconf.DynamoDB.Call(t.Context(), s, "DeleteItem", get, nil); fmt.Sprint(err) != "access denied (grant dynamodb:DeleteItem)" {
		t.Error(err)
	}
}
