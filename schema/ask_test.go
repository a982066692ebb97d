package schema

import (
	"fmt"
	"testing"
)

// Each row is a schema and the inputs of it that are expressions.
func TestWhichInputsAreExpressions(t *testing.T) {
	const mark = `{"type":"string","x-weft-expr":["output"]}`
	for schema, want := range map[string]string{
		`{"type":"object","properties":{"url":{"type":"string"}}}`:                                 "[]",
		`{"properties":{"when":` + mark + `}}`:                                                     "[{[when] [output]}]",
		`{"properties":{"b":{"properties":{"y":` + mark + `,"x":` + mark + `}},"a":` + mark + `}}`: "[{[a] [output]} {[b x] [output]} {[b y] [output]}]",
		`{"additionalProperties":` + mark + `}`:                                                    "[]",
		`true`:                                                                                     "[]",
		`{"properties":{"expect":{"properties":{"when":{"x-weft-expr":["output","poke"]},"other":true}}}}`: "[{[expect when] [output poke]}]",
	} {
		c, err := Compile([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(c.Asks()); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
}
