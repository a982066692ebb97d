package expr

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestSplit(t *testing.T) {
	for tmpl, want := range map[string]string{
		``:                             `[]`,
		`plain $x ${y} }}`:             `[{plain $x ${y} }} false 0}]`,
		`${{ x }}`:                     `[{ x  true 3}]`,
		`a${{x}}b${{ y }}`:             `[{a false 0} {x true 4} {b false 7} { y  true 11}]`,
		`é${{ "}}" }}!`:                `[{é false 0} { "}}"  true 4} {! false 12}]`,
		"${{ '}}' + `}}` }}":           "[{ '}}' + `}}`  true 3}]",
		`${{ "\"}}" }}`:                `[{ "\"}}"  true 3}]`,
		`${{ {"a": {"b": 1}} }}`:       `[{ {"a": {"b": 1}}  true 3}]`,
		`${{ '${{' }}`:                 `[{ '${{'  true 3}]`,
		`${{ don't }} x`:               `[{ don't  true 3} { x false 12}]`,
		`é${{ x`:                       `[{é false 0}] E302 1+3`,
		`${{ x } ${{ y }}`:             `[] E302 0+3`,
		`${{}}`:                        `[{ true 3}]`,
		`${{ {a }} and ${{ b }}`:       `[{ {a  true 3} { and  false 9} { b  true 17}]`,
		"line\n${{ x }}\n":             "[{line\n false 0} { x  true 8} {\n false 13}]",
		"${{ `a``b}}` }}":              "[{ `a``b}}`  true 3}]",
		`${{ "never }} ${{ "x" }}`:     `[{ "never  true 3} {  false 13} { "x"  true 17}]`,
		`docker --format '{{.Names}}'`: `[{docker --format '{{.Names}}' false 0}]`,
	} {
		parts, p := Split(tmpl)
		got := fmt.Sprint(parts)
		if p != nil {
			got += fmt.Sprintf(" %s %d+%d", p.Code, p.Offset, p.Len)
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", tmpl, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	vars := world()
	vars["d"] = 90 * time.Minute
	for tmpl, want := range map[string]any{
		`plain`:              "plain",
		`${{ params.n }}`:    3,
		`${{ params.list }}`: []any{3, 1, 2},
		`${{ params.none }}`: nil,
		` ${{ params.n }}`:   " 3",
		`n=${{ params.n }} r=${{ params.rate }} f=${{ params.flag }} [${{ params.none }}]`: "n=3 r=0.5 f=true []",
		`${{ 10000000 }}/${{ 1000000.0 }}/${{ 10 / 2 }}/${{ 1e21 }}/${{ params.big }}`:     "10000000/1000000/5/1e+21/9223372036854775807",
		`at ${{ run.logical_date }} for ${{ d }}`:                                          "at 2026-01-02T02:30:00+00:00 for 1h30m",
		`literal ${{ '${{' }} x }}`:                                                        "literal ${{ x }}",
	} {
		got, err := Render(tmpl, vars)
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s\n got %#v, %v\nwant %#v", tmpl, got, err, want)
		}
	}
}

func TestRenderFailsAtItsPlace(t *testing.T) {
	for tmpl, want := range map[string]string{
		`é ${{ params.list }}`:     `6: cannot put a list into text: use join(…, ",") or toJSON(…)`,
		`é ${{ params }}!`:         `6: cannot put a map into text: use toJSON(…) or one of its members`,
		`ab ${{ 1 }} ${{ 1 / 0 }}`: `18: cannot divide by zero`,
		`ab ${{ 1 + }}`:            `10: cannot read expression: the expression ends too soon`,
		`ab ${{ x`:                 `3: cannot read expression: this ${{ is never closed (close it with }}; a literal ${{ is ${{ '${{' }})`,
		`${{ }}`:                   `3: cannot read expression: the expression is empty`,
	} {
		_, err := Render(tmpl, world())
		var e *Error
		if !errors.As(err, &e) || fmt.Sprintf("%d: %s", e.Offset, e.Msg) != want {
			t.Errorf("%s\n got %v\nwant %s", tmpl, err, want)
		}
	}
}

func TestRenderJSON(t *testing.T) {
	got, err := RenderJSON([]byte(`{"n": "${{ params.n }}", "${{ x }}": [1, 2.5, "a${{ params.n }}", {"deep": "${{ params.list }}"}], "big": 12345678901234567}`), world())
	if err != nil {
		t.Fatal(err)
	}
	body, err := EncodeJSON(got)
	if want := `{"${{ x }}":[1,2.5,"a3",{"deep":[3,1,2]}],"big":12345678901234567,"n":3}`; err != nil || string(body) != want {
		t.Errorf("got %s, %v\nwant %s", body, err, want)
	}
	_, err = RenderJSON([]byte(`{"z": "${{ 1/0 }}", "b": [0, {"c": "x ${{ nope }}"}]}`), world())
	var e *Error
	if !errors.As(err, &e) || e.Path != "b.1.c" || e.Offset != 6 {
		t.Errorf("got %#v", err)
	}
}
