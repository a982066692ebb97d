package expr

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// world is what the expressions of these tests see.
func world() map[string]any {
	return map[string]any{
		"params": map[string]any{"n": 3, "name": "ann", "rate": 0.5, "list": []any{3, 1, 2}, "flag": true, "none": nil, "big": 9223372036854775807},
		"run":    map[string]any{"ds": "2026-01-02", "logical_date": time.Date(2026, 1, 2, 2, 30, 0, 0, time.UTC)},
		"tasks": map[string]any{
			"a":   map[string]any{"state": "success", "output": map[string]any{"rows": 10, "files": []any{map[string]any{"size": 5, "name": "x"}, map[string]any{"size": 7, "name": "y"}}}},
			"b-c": map[string]any{"output": nil},
		},
		"env":  map[string]string{"HOME": "/root"},
		"tags": []string{"x", "y"},
	}
}

func TestEvalSays(t *testing.T) {
	for src, want := range map[string]any{
		// literals, operators
		`1 + 2`: 3, `7 / 2`: 3.5, `7 % 3`: 1, `2 ** 10`: 1024, `2 ** -1`: 0.5, `-params.n`: -3, `+2`: 2,
		`"a" + 'b'`: "ab", `1 == 1.0`: true, `null == params.none`: true, `nil == null`: true,
		`1 < 2 && "a" < "b"`: true, `1 < 2 < 3`: true, `not true or true`: true, `!(1 > 2)`: true,
		`params.flag ? "yes" : "no"`: "yes", `2 in [1, 2]`: true, `2 not in [1, 2]`: false, `"n" in params`: true,
		`1..3`: []any{1, 2, 3}, `3..1`: []any{}, `{a: 1, "b": [2]}`: map[string]any{"a": 1, "b": []any{2}},
		`params.list[1:]`: []any{1, 2}, `"héllo"[1:3]`: "él", `params.list[-1]`: 2,
		`params.big - 1`: 9223372036854775806, `params.big > 9.2e18`: true,
		// what is not there is null
		`tasks.a.output.nope.deeper`: nil, `tasks["b-c"].output.x`: nil, `params.list[9]`: nil, `tasks?.a?.nope`: nil,
		`default(tasks.a.output.nope, 1)`: 1, `default(0, 1)`: 0, `tasks.a.nope ?? "x"`: "x", `default([], 1)`: []any{},
		`default(1, 1 / 0)`: 1,
		// whole ${{ }}
		` ${{ params.n }} `: 3, `${{ {"a": {"b": 1}} }}`: map[string]any{"a": map[string]any{"b": 1}},
		// Go values of callers
		`env.HOME`: "/root", `len(tags)`: 2, `tags[0]`: "x",
		// texts
		`len("héllo")`: 5, `upper("aé")`: "AÉ", `lower("AB")`: "ab", `trim("  x ")`: "x", `trim("--x-", "-")`: "x",
		`split("a,b,c", ",")`: []any{"a", "b", "c"}, `split("ab", "")`: []any{"a", "b"}, `join([1, 2.5, "x", null], "-")`: "1-2.5-x-", `join(["a","b"])`: "ab",
		`replace("aXbX", "X", "yy")`: "ayybyy", `"a" | upper()`: "A",
		`contains("abc", "b")`: true, `"abc" contains "b"`: true, `contains([1, 2], 2.0)`: true, `not contains("abc", "z")`: true,
		`"abc" not contains "b"`: false, `startsWith("abc", "a") and endsWith("abc", "c")`: true, `"abc" startsWith "b"`: false,
		`matches("2026-01", "^\\d+-\\d+$")`: true, `"x" matches "^y"`: false, `not matches("x", "y")`: true,
		// lists
		`count([1, 2, 3], # > 1)`: 2, `count([true, false])`: 1, `any([], true)`: false, `all([], false)`: true, `none([], true)`: true, `one([1, 2], # == 1)`: true,
		`filter(tasks.a.output.files, .size > 5)`: []any{map[string]any{"size": 7, "name": "y"}},
		`map(tasks.a.output.files, .name)`:        []any{"x", "y"}, `map([5, 6], #index)`: []any{0, 1},
		`map(filter([1, 2, 3], # > 1), # * 10)`: []any{20, 30},
		`sum([1, 2])`:                           3, `sum([])`: 0, `sum(tasks.a.output.files, .size)`: 12, `sum([0.5, 1])`: 1.5,
		`min([3, 1])`: 1, `max(3, 1.5)`: 3, `min([])`: nil, `max("a", "b")`: "b", `first([])`: nil, `first([1, 2])`: 1, `last([1, 2])`: 2,
		`sort([3, "a", null, 1, true, [1], {}])`: []any{nil, true, 1, 3, "a", []any{1}, map[string]any{}},
		`sort([1, 3, 2], "desc")`:                []any{3, 2, 1}, `unique([2, 1, 2.0, "2", 1])`: []any{2, 1, "2"},
		// JSON
		`toJSON({"b": 1, "a": [1.0, "<é>", null]})`: `{"a":[1,"<é>",null],"b":1}`, `fromJSON("[1, 1.5, 1e2]")`: []any{1, 1.5, 100.0},
		// times
		`run.logical_date + duration("1d") == date("2026-01-03T02:30:00Z")`: true,
		`run.logical_date - date("2026-01-02")`:                             150 * time.Minute,
		`duration("1h") * 2 + duration("30m")`:                              150 * time.Minute, `duration("1h") / duration("30m")`: 2.0, `duration("1h") / 2`: 30 * time.Minute,
		`duration("1h") > duration("59m59s999ms")`: true, `date("2026-01-02T02:00:00+02:00") == date("2026-01-02")`: true,
		`strftime(run.logical_date, "%Y-%m-%d %H:%M:%S %j %a %b %y %p %I %-d %F %T %u %V %% %z")`: "2026-01-02 02:30:00 002 Fri Jan 26 AM 02 2 2026-01-02 02:30:00 5 01 % +0000",
		`toJSON(run.logical_date)`: `"2026-01-02T02:30:00+00:00"`,
		`toJSON(duration("36h"))`:  `"1d12h"`,
	} {
		got, err := Eval(src, world())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %#v, %v\nwant %#v", src, got, err, want)
		}
	}
}

func TestEvalRefuses(t *testing.T) {
	for src, want := range map[string]string{
		`1 / 0`:                               "2: cannot divide by zero",
		`1 % 0`:                               "2: cannot divide by zero",
		`params.big + 1`:                      "11: cannot work out 9223372036854775807 + 1: the result is beyond 64 bits",
		`params.big * 2`:                      "11: cannot work out 9223372036854775807 * 2: the result is beyond 64 bits",
		`3 ** 99`:                             "2: cannot work out 3 ** 99: the result is beyond 64 bits",
		`"a" + 1`:                             "4: cannot work out a text + an integer; put values into text as in: a-${{ x }}",
		`params.none > 3`:                     "12: cannot compare null > an integer; say what null stands for with default(…, 0)",
		`run.logical_date > "2026"`:           "17: cannot compare a time > a text; make a time of the text with date(…)",
		`params.n && true`:                    "7: cannot decide by an integer: truth is asked, true or false",
		`params.n ? 1 : 2`:                    "7: cannot decide by an integer: truth is asked, true or false",
		`params.name.first`:                   `12: cannot read member "first" of a text (fromJSON reads a text that is JSON)`,
		`foo`:                                 `0: cannot read "foo": it is not known here`,
		`upper(params.none)`:                  "0: cannot call upper with null: it takes a text; say what null stands for with default(…, …)",
		`filter(params.none, true)`:           "0: cannot call filter with null: it takes a list; say what null stands for with default(…, …)",
		`filter([1], #)`:                      "12: cannot decide by an integer: truth is asked, true or false",
		`strftime(run.ds, "%Y")`:              "0: cannot call strftime with a text: it takes a time; make one with date(…)",
		`strftime(date(run.ds), "%Q")`:        "0: cannot format: %Q is no verb of strftime",
		`duration("5")`:                       `0: cannot read "5" as a duration: write it like 1d2h30m, each number with its unit`,
		`date("tomorrow")`:                    `0: cannot read "tomorrow" as a date: write it like 2026-01-31 or 2026-01-31T12:00:00Z`,
		`matches("x", "(")`:                   `0: cannot read "(" as a regular expression`,
		`join([[1]], ",")`:                    "0: cannot join: element 0 of the list is a list or map",
		`fromJSON("{")`:                       "0: cannot read JSON: it ends too soon",
		`"b" in "abc"`:                        "4: cannot look for something in a text with in; write contains(text, part)",
		`date("9999-12-31") + duration("2d")`: "19: cannot reckon with years before 1 or after 9999",
		` ${{ 1 / 0 }}`:                       "7: cannot divide by zero",
		`success(a)`:                          "0: cannot read expression: success(…) belongs into a trigger (write tasks.X.state == \"success\")",
		`now()`:                               "0: cannot read expression: there is no function \"now\" (an expression has no clock; run.started_at is the run's start, run.ds its day)",
		`all([1], any([2], # == 1))`:          "9: cannot read expression: a predicate cannot stand inside another predicate (give the inner one a task of its own, or name the value outside)",
		`$env`:                                "0: cannot read expression: \"$env\" is the shell's (names stand without $; the environment is env.env)",
		`{(1): 2}`:                            "0: cannot make a map: a key is a text, not an integer",
		`1..99999`:                            "1: cannot count from 1 to 99999: that is more than 10000",
	} {
		v, err := Eval(src, world())
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s\n got %#v, %v\nwant %s", src, v, err, want)
			continue
		}
		if got := itoa(e.Offset) + ": " + e.Msg; got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}

func TestOnlyTheLanguagesFunctions(t *testing.T) {
	for _, name := range strings.Fields(`now timezone keys values toPairs fromPairs find findIndex findLast findLastIndex groupBy sortBy reduce
		print type int float string abs ceil floor round mean median concat flatten reverse take uniq repeat bitand get trimPrefix trimSuffix
		indexOf lastIndexOf hasPrefix hasSuffix splitAfter toBase64 fromBase64 sprintf`) {
		if v, err := Eval(name+`([1], 1)`, nil); err == nil {
			t.Errorf("%s is no function of the language, but gives %v", name, v)
		}
	}
}

func TestBool(t *testing.T) {
	if b, err := Bool(`params.n == 3`, world()); err != nil || !b {
		t.Errorf("got %v, %v", b, err)
	}
	if _, err := Bool(`params.n`, world()); err == nil || err.Error() != "cannot decide by an integer: truth is asked, true or false" {
		t.Errorf("got %v", err)
	}
}
