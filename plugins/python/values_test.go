package python

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"weft/plugins"
)

func TestReturnValues(t *testing.T) {
	rows := []struct{ expression, want string }{
		{"None", `null`},
		{"True", `true`},
		{"-0.5", `-0.5`},
		{"10 ** 30", `1000000000000000000000000000000`},
		{"0.1 + 0.2", `0.30000000000000004`},
		{"'ä€😀<&>\\x00\\u2028'", "\"ä€😀<&>\\u0000\u2028\""},
		{"(1, 'a', (2,))", `[1,"a",[2]]`},
		{"{3, 1, 2}", `[1,2,3]`},
		{"frozenset(['b', 'a'])", `["a","b"]`},
		{"{1, 'a', None}", `["a",1,null]`},
		{"{'b': 1, 'a': {}}", `{"b":1,"a":{}}`},
		{"{1: 'x', datetime.date(2026, 1, 2): 'y'}", `{"1":"x","2026-01-02":"y"}`},
		{"collections.OrderedDict(a=1)", `{"a":1}`},
		{"collections.namedtuple('P', 'x y')(1, 2)", `[1,2]`},
		{"datetime.date(2026, 1, 2)", `"2026-01-02"`},
		{"datetime.datetime(2026, 1, 2, 3, 4, 5)", `"2026-01-02T03:04:05"`},
		{"datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone.utc)", `"2026-01-02T03:04:05.000006+00:00"`},
		{"datetime.time(3, 4)", `"03:04:00"`},
		{"decimal.Decimal('12.50')", `"12.50"`},
		{"uuid.UUID(int=7)", `"00000000-0000-0000-0000-000000000007"`},
		{"enum.IntEnum('E', 'a b').b", `2`},
		{"type('S', (str,), {'__str__': lambda s: 'no'})('yes')", `"yes"`},
		{"[[]] * 2", `[[],[]]`},
	}
	var code, want []string
	for _, r := range rows {
		code, want = append(code, r.expression), append(want, r.want)
	}
	call := newCall(t, with{"code": "import collections, datetime, decimal, enum, uuid\ndef main():\n    return [" + strings.Join(code, ",\n") + "]"})
	r, err := Plugin{}.Run(t.Context(), call)
	if err != nil {
		t.Fatalf("%v; log:\n%s", err, logOf(t, call))
	}
	var got []json.RawMessage
	if err := json.Unmarshal([]byte(outputOf(t, r)), &got); err != nil || len(got) != len(want) {
		t.Fatalf("error %v, output %s", err, outputOf(t, r))
	}
	for i, r := range rows {
		if string(got[i]) != r.want {
			t.Errorf("%s: %s, want %s", r.expression, got[i], r.want)
		}
	}
}

func TestValuesThatJSONCannotHold(t *testing.T) {
	for value, want := range map[string]string{
		"float('nan')":                     "it is NaN, which JSON does not have (None becomes null)",
		"{'a': [0, float('-inf')]}":        `its ["a"][1] is infinite, which JSON does not have (None becomes null)`,
		"decimal.Decimal('NaN')":           "it is of type decimal.Decimal, which JSON cannot hold (make it a text, number, list or dict)",
		"{'rows': (1, b'x')}":              `its ["rows"][1] is of type bytes, which JSON cannot hold (decode() makes a text of it)`,
		"datetime.timedelta(1)":            "it is of type datetime.timedelta, which JSON cannot hold (its total_seconds() are a number)",
		"object()":                         "it is of type object, which JSON cannot hold (make it a text, number, list or dict)",
		"(n for n in [])":                  "it is of type generator, which JSON cannot hold (list() makes a list of it)",
		"{(1, 2): 3}":                      "it is a dict with a key of type tuple, which JSON cannot hold (make it a text)",
		"{None: 3}":                        "it is a dict with a key of type NoneType, which JSON cannot hold (make it a text)",
		"{'1': 2, 1: 3}":                   `it is a dict in which two keys become "1"`,
		"['\\udc80']":                      "its [0] is text with half of a surrogate pair, which no UTF-8 can hold",
		"(lambda a: a.append(a) or a)([])": "its [0] is a list that holds itself",
		"__import__('functools').reduce(lambda a, _: [a], range(100000), [])": "it nests too deep: at most 1000 levels",
	} {
		_, err := Plugin{}.Run(t.Context(), newCall(t, with{"code": "import datetime, decimal\ndef main():\n    return " + value}))
		if err == nil || err.Error() != "cannot take the return value: "+want || plugins.KindOf(err) != plugins.Remote {
			t.Errorf("%s:\n got %v (%s)\nwant … %s", value, err, plugins.KindOf(err), want)
		}
	}
}

// TestNaughtyStrings: what goes in comes out, byte for byte, by position and by name.
func TestNaughtyStrings(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/data/naughty-strings/blns.json")
	if err != nil {
		t.Skip("the data is not there: ../shared/data of the project's root")
	}
	var all []string
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 500 {
		t.Fatalf("%d strings, error %v", len(all), err)
	}
	for name, args := range map[string]any{"by position": []any{all}, "by name": with{"strings": all}} {
		call := newCall(t, with{
			"code": "def main(strings):\n    for s in strings: print(s)\n    return {'list': strings, 'keys': {s: len(s.encode()) for s in strings}}", "args": args,
		})
		r, err := Plugin{}.Run(t.Context(), call)
		if err != nil {
			t.Fatal(name, err)
		}
		var got struct {
			List []string
			Keys map[string]int
		}
		if err := json.Unmarshal([]byte(outputOf(t, r)), &got); err != nil || !reflect.DeepEqual(got.List, all) {
			t.Errorf("%s: error %v, or other strings", name, err)
		}
		log := logOf(t, call)
		for _, s := range all {
			if n, there := got.Keys[s]; !there || n != len(s) {
				t.Errorf("%s: %q came as %d bytes", name, s, n)
			}
			if !strings.Contains(log, s) {
				t.Errorf("%s: %q is not in the log", name, s)
			}
		}
	}
}
