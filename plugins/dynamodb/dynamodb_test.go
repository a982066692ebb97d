package dynamodb

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weft/awsconf"
	"weft/plugins"
	"weft/tests/awsserver"
)

// A bench is DynamoDB with the table orders (customer, order).
type bench struct {
	*testing.T
	env []string
}

// servers runs a story against each of two servers of other people's.
func servers(t *testing.T, story func(b *bench)) {
	t.Helper()
	t.Setenv("AWS_PROFILE", "")
	for name, start := range map[string]func(testing.TB) string{"dynalite": awsserver.Dynalite, "moto": awsserver.Moto} {
		t.Run(name, func(t *testing.T) {
			b := &bench{t, awsserver.Env(start(t))}
			b.make("orders", "customer", "S", "order", "N")
			story(b)
		})
	}
}

func (b *bench) make(table string, keys ...string) {
	b.Helper()
	var schema, types []any
	for i := 0; i < len(keys); i += 2 {
		schema = append(schema, map[string]string{"AttributeName": keys[i], "KeyType": []string{"HASH", "", "RANGE"}[i]})
		types = append(types, map[string]string{"AttributeName": keys[i], "AttributeType": keys[i+1]})
	}
	s, err := awsconf.For(b.Context(), b.env)
	if err == nil {
		err = awsconf.DynamoDB.Ask(b.Context(), s, "CreateTable", map[string]any{
			"TableName": table, "BillingMode": "PAY_PER_REQUEST", "KeySchema": schema, "AttributeDefinitions": types,
		}, nil)
	}
	var out struct{ Table struct{ TableStatus string } }
	for err == nil && out.Table.TableStatus != "ACTIVE" {
		err = awsconf.DynamoDB.Ask(b.Context(), s, "DescribeTable", map[string]string{"TableName": table}, &out)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) run(p plugins.Plugin, input string) (string, error) {
	b.Helper()
	res, err := p.Run(b.Context(), &plugins.Call{Input: json.RawMessage(input), Env: b.env})
	return string(res.Output), err
}

func (b *bench) do(p plugins.Plugin, input string) string {
	b.Helper()
	out, err := b.run(p, input)
	if err != nil {
		b.Fatalf("%s %s: %v", p.Name(), input, err)
	}
	return out
}

func (b *bench) fails(p plugins.Plugin, input string, kind plugins.Kind, want string) {
	b.Helper()
	out, err := b.run(p, input)
	if err == nil || err.Error() != want || plugins.KindOf(err) != kind {
		b.Errorf("%s %.200s: %s\n got %v (%s)\nwant %s (%s)", p.Name(), input, out, err, plugins.KindOf(err), want, kind)
	}
}

const key = `"table": "orders", "key": {"customer": "ü 1", "order": 7}`

func TestJSONGoesThereAndBack(t *testing.T) {
	servers(t, func(b *bench) {
		for _, c := range []struct{ item, back string }{
			{`{}`, ``},
			{`{"text": "grüße\n", "none": null, "yes": true, "no": false, "empty": ""}`, ``},
			{`{"list": [1, "a", [], {}, [null]], "map": {"deep": {"er": [{"x": 1}]}}}`, ``},
			{`{"n": 12345678901234567890123456789012345678}`, ``},
			{`{"n": 0.1}`, ``},
			{`{"n": -9.99e-130}`, `{"n": ANY}`},
			{`{"bytes": {"$binary": "AAEC/w=="}}`, `{"bytes": "AAEC/w=="}`},
			{`{"set": {"$set": ["b", "a"]}}`, `{"set": ANY}`},
			{`{"set": {"$set": [1, 2.5]}}`, `{"set": ANY}`},
			{`{"$set": "no set, for it is the item itself"}`, ``},
		} {
			b.do(Put{}, `{`+key+`, "item": `+c.item+`}`)
			got := b.do(Get{}, `{`+key+`}`)
			want := c.back
			if want == "" {
				want = c.item
			}
			var g struct{ Item map[string]json.RawMessage }
			var w map[string]json.RawMessage
			if err := json.Unmarshal([]byte(got), &g); err != nil {
				b.Fatal(err)
			}
			if err := json.Unmarshal([]byte(strings.ReplaceAll(want, "ANY", `"any"`)), &w); err != nil {
				b.Fatal(err)
			}
			w["customer"], w["order"] = json.RawMessage(`"ü 1"`), json.RawMessage("7")
			for name, v := range w {
				if string(v) == `"any"` {
					if len(g.Item[name]) < 3 {
						b.Errorf("%s came back as %s", c.item, got)
					}
					continue
				}
				if a, z := compact(g.Item[name]), compact(v); a != z {
					b.Errorf("%s: %s came back as %s", c.item, z, a)
				}
			}
			if len(g.Item) != len(w) {
				b.Errorf("%s came back as %s", c.item, got)
			}
		}
		if got := b.do(Delete{}, `{`+key+`}`); !strings.Contains(got, `"order":7`) {
			b.Error(got)
		}
		for _, p := range []plugins.Plugin{Get{}, Delete{}} {
			if got := b.do(p, `{`+key+`}`); got != `{"item":null}` {
				b.Errorf("%s of what is not there: %s", p.Name(), got)
			}
		}
	})
}

func compact(raw json.RawMessage) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	_ = dec.Decode(&v)
	out, _ := json.Marshal(v)
	return string(out)
}

func TestConditions(t *testing.T) {
	servers(t, func(b *bench) {
		put := func(item, condition string) string {
			return `{` + key + `, "item": ` + item + `, "condition": ` + condition + `}`
		}
		const no = "cannot put an item into orders: the condition does not hold"
		b.fails(Put{}, put(`{"v": 1}`, `"present"`), plugins.Remote, no)
		b.do(Put{}, put(`{"v": 1}`, `"absent"`))
		b.fails(Put{}, put(`{"v": 2}`, `"absent"`), plugins.Remote, no)
		b.do(Put{}, put(`{"v": 2}`, `{"equals": {"v": 1}}`))
		b.fails(Put{}, put(`{"v": 3}`, `{"equals": {"v": 1}}`), plugins.Remote, no)
		b.do(Put{}, put(`{"v": 3, "status": "new"}`, `{"expression": "#v BETWEEN :low AND :high", "names": {"#v": "v"}, "values": {":low": 1, ":high": 2.5}}`))
		b.do(Put{}, put(`{"v": 4}`, `{"equals": {"v": 3, "status": "new"}}`))
		b.do(Put{}, put(`{"v": 5}`, `"present"`))
		b.do(Put{}, put(`{"v": 6}`, `null`))
		if got := b.do(Get{}, `{`+key+`}`); got != `{"item":{"customer":"ü 1","order":7,"v":6}}` {
			b.Error(got)
		}
		b.fails(Delete{}, `{`+key+`, "condition": {"equals": {"v": 5}}}`, plugins.Remote, "cannot delete an item of orders: the condition does not hold")
		b.do(Delete{}, `{`+key+`, "condition": {"equals": {"v": 6}}}`)
	})
}

func TestWhatCannotBeAnItem(t *testing.T) {
	b := &bench{t, awsserver.Env(awsserver.Dynalite(t))}
	b.make("orders", "customer", "S", "order", "N")
	const cannot = "cannot use the item of orders: "
	for _, c := range []struct{ input, want string }{
		{`{` + key + `, "item": {"n": 123456789012345678901234567890123456789}}`, cannot + "item.n is 123456789012345678901234567890123456789, and a number of DynamoDB has at most 38 digits (write it as text)"},
		{`{` + key + `, "item": {"n": 1e126}}`, cannot + "item.n is 1e126, and a number of DynamoDB lies between 1E-130 and 1E+126"},
		{`{` + key + `, "item": {"a": {"b": [1e-131]}}}`, cannot + "item.a is 1e-131, and a number of DynamoDB lies between 1E-130 and 1E+126"},
		{`{` + key + `, "item": {"b": {"$binary": "%"}}}`, cannot + "item.b is no base64, which $binary must hold"},
		{`{` + key + `, "item": {"s": {"$set": []}}}`, cannot + "item.s is no set: $set holds a list of texts, of numbers, or of $binary, and is not empty"},
		{`{` + key + `, "item": {"s": {"$set": [1, "a"]}}}`, cannot + "item.s is no set: $set holds a list of texts, of numbers, or of $binary, and is not empty"},
		{`{` + key + `, "item": {"customer": "another"}}`, cannot + "item.customer is not what key.customer is"},
		{`{"table": "orders", "key": {}, "item": {}}`, cannot + "its key is empty"},
		{`{` + key + `, "item": {}, "condition": "absnt"}`, cannot + "its condition \"absnt\" is neither `absent` nor `present`"},
		{`{` + key + `, "item": {}, "condition": {"equals": {}, "expression": "a = b"}}`, cannot + "its condition is none of `absent`, `present`, {equals: …} and {expression: …}"},
		{`{"table": "orders", "key": {"customer": 7}, "item": {}}`, "cannot put an item into orders: One or more parameter values were invalid: Type mismatch for key customer expected: S actual: N"},
		{`{` + key + `, "item": {"x": "` + strings.Repeat("x", 410_000) + `"}}`, "cannot put an item into orders: Item size has exceeded the maximum allowed size"},
		{`{` + key + `, "item": {}, "condition": {"expression": "size(customer"}}`, "cannot put an item into orders: Invalid ConditionExpression: Syntax error; Expected \"(\", \")\", \",\", \".\", \"[\", \"_\", [0-9], or [a-zA-Z] but end of input found"},
	} {
		b.fails(Put{}, c.input, plugins.BadInput, c.want)
	}
	b.fails(Get{}, `{"table": "absent", "key": {"id": "x"}}`, plugins.Remote, "cannot read an item of absent: there is no such table (check its name, AWS_REGION and the account)")
}

// TestNumbersKeepEveryDigit: what fits is told without asking anybody.
func TestNumbersKeepEveryDigit(t *testing.T) {
	for n, fits := range map[string]bool{
		"0": true, "-0": true, "0.000": true, "1e125": true, "9.99e125": true, "1e126": false, "1e-130": true, "1e-131": false,
		"10e125": false, "0.1e126": true, "0.1e-130": false, "100000000000000000000000000000000000000000": true,
		"12345678901234567890123456789012345678": true, "0.00012345678901234567890123456789012345678": true,
		"123456789012345678901234567890123456789": false, "1e99999999999999999999": false, "0e99999999999999999999": true,
	} {
		if err := fitsNumber(n); (err == nil) != fits {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func FuzzWhatIsWrittenIsRead(f *testing.F) {
	f.Add(`{"a": [1, "x", {"$set": ["a"]}, {"$binary": "AA=="}], "b": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		item, err := object(json.RawMessage(text), "item")
		if err != nil {
			return
		}
		wire, err := roundTrip(item)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := decodeMap(wire)
		if err != nil || !json.Valid(raw) {
			t.Fatalf("%s became %s, %v", text, raw, err)
		}
		again, err := object(raw, "item")
		if err != nil {
			t.Fatalf("%s became %s: %v", text, raw, err)
		}
		if _, err := json.Marshal(again); err != nil {
			t.Fatal(err)
		}
		_ = fmt.Sprint(again)
	})
}
