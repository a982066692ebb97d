package schema

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Each row is a schema, a value, and what a person is told: "path: message", one a line.
var checks = []struct{ name, schema, value, want string }{
	{"fits", `{"type":"string"}`, `"x"`, ``},
	{"wrong type", `{"type":"integer"}`, `"x"`, `: must be a whole number, not text`},
	{"several types", `{"type":["string","array"]}`, `3`, `: must be text or a list, not 3`},
	{
		"missing and one too many", `{"properties":{"path":{"type":"string"}},"required":["path"],"additionalProperties":false}`,
		`{"pth":"x"}`, ": needs \"path\"\npth: has no \"pth\"",
	},
	{
		"deep, in order of indexes", `{"properties":{"l":{"items":{"type":"number"}}}}`, `{"l":[1,1,"a",1,1,1,1,1,1,1,"b"]}`,
		"l.2: must be a number, not text\nl.10: must be a number, not text",
	},
	{"enum", `{"enum":["a","b",3]}`, `"c"`, `: must be "a", "b" or "3"`},
	{"const", `{"const":1}`, `2`, `: must be "1"`},
	{"bounds", `{"minimum":1,"maximum":5}`, `9`, `: must be at most 5`},
	{"pattern", `{"pattern":"^s3:/+"}`, `"x"`, `: does not match the pattern "^s3:/+"`},
	{"a pattern of a beginning", `{"pattern":"^s3://"}`, `"x"`, `: must begin with "s3://"`},
	{"empty", `{"minLength":1}`, `""`, `: must not be empty`},
	{"anyOf of types is one sentence", `{"anyOf":[{"type":"string"},{"type":"array"}]}`, `3`, `: must be a list or text, not 3`},
	{"the branch that was meant", `{"anyOf":[{"type":"string"},{"type":"object","required":["a"]}]}`, `{}`, `: needs "a"`},
	{
		"the branch that was meant has two faults", `{"anyOf":[{"type":"string"},{"type":"object","required":["a"],"additionalProperties":false}]}`,
		`{"b":1}`, ": needs \"a\"\nb: has no \"b\"",
	},
	{"one of some keys", `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`, `: needs one of "a", "b"`},
	{"only one of some keys", `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1,"b":2}`, `: may have only one of "a", "b"`},
	{"not both", `{"not":{"required":["a","b"]}}`, `{"a":1,"b":2}`, `: may have only one of "a", "b"`},
	{"choices in branches", `{"anyOf":[{"enum":["a"]},{"const":"b"}]}`, `"c"`, `: must be "a" or "b"`},
	{"a pattern with its words", `{"pattern":"^[0-9]+s$","patternErrorMessage":"must be seconds, like 5s"}`, `"5"`, `: must be seconds, like 5s`},
	{"a property named so", `{"properties":{"dependencies":{"type":["array","null"]}}}`, `{"dependencies":1}`, `dependencies: must be a list or null, not 1`},
	{"a key that wants another", `{"dependencies":{"a":["b"]}}`, `{"a":1}`, `: has "a", and so needs "b"`},
	{"if and then", `{"if":{"properties":{"k":{"const":"x"}}},"then":{"required":["v"]}}`, `{"k":"x"}`, `: needs "v"`},
	{
		"behind a reference", `{"definitions":{"d":{"type":"boolean"}},"properties":{"a":{"$ref":"#/definitions/d"}}}`, `{"a":"no"}`,
		`a: must be true or false, not text`,
	},
	{"names with slashes", `{"properties":{"a/b~c d":{"type":"null"}}}`, `{"a/b~c d":1}`, `a/b~c d: must be null, not 1`},
	{
		"a property named like a keyword", `{"properties":{"required":{"type":"string","minLength":2,"pattern":"b"}}}`, `{"required":"a"}`,
		"required: must have at least 2 characters\nrequired: does not match the pattern \"b\"",
	},
	{"format", `{"format":"date"}`, `"31.1.2026"`, `: must be a date like 2026-01-31`},
	{"false allows nothing", `{"properties":{"a":false}}`, `{"a":1}`, `a: is not allowed here`},
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	for _, row := range checks {
		t.Run(row.name, func(t *testing.T) {
			c, err := Compile([]byte(row.schema))
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal([]byte(row.value), &v); err != nil {
				t.Fatal(err)
			}
			if got := told(c.Check(v)); got != row.want {
				t.Errorf("told\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func told(found []Violation) string {
	var lines []string
	for _, v := range found {
		lines = append(lines, strings.Join(v.Path, ".")+": "+v.Message)
	}
	return strings.Join(lines, "\n")
}

func TestCheckNeverPanics(t *testing.T) {
	c, err := Compile([]byte(`{"type":"string"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := told(c.Check(struct{}{})); got != ": holds something that JSON cannot say" {
		t.Error(got)
	}
}

func TestCompileRefuses(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"strin"}`:                     "type is wrong",
		`{`:                                    "not JSON",
		`{} {}`:                                "more after its end",
		`{"$ref":"http://localhost/x.json"}`:   "must point inside it",
		`{"$ref":"file:///etc/passwd"}`:        "must point inside it",
		`{"$ref":"#/definitions/absent"}`:      "cannot use schema",
		`{"properties":{"a":{"minimum":"x"}}}`: "properties.a.minimum must be a number",
	} {
		_, err := Compile([]byte(schema))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "weft:///") {
			t.Errorf("%s: %v, want %q", schema, err, want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, row := range checks {
		f.Add(row.schema, row.value)
	}
	f.Fuzz(func(t *testing.T, schema, value string) {
		var v any
		if len(schema) > 1<<12 || json.Unmarshal([]byte(value), &v) != nil {
			return
		}
		c, err := Compile([]byte(schema))
		if err != nil {
			return
		}
		first := c.Check(v)
		if !slices.IsSortedFunc(first, func(a, b Violation) int { return comparePaths(a.Path, b.Path) }) {
			t.Errorf("not in order: %v", first)
		}
		if again := c.Check(v); told(first) != told(again) {
			t.Errorf("twice the same check, two answers:\n%s\n--\n%s", told(first), told(again))
		}
	})
}
