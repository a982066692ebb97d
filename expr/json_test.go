package expr

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecodeJSON(t *testing.T) {
	for src, want := range map[string]any{
		`1`: 1, `-0`: 0, `9223372036854775807`: math.MaxInt64, `9223372036854775808`: 9223372036854775808.0,
		`1.0`: 1.0, `1e3`: 1000.0, `"é\u00e9"`: "éé", `null`: nil, `[]`: []any{}, `{"a":[1]}`: map[string]any{"a": []any{1}},
	} {
		if got, err := DecodeJSON([]byte(src)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v", src, got, err)
		}
	}
	for src, want := range map[string]string{
		``: "it ends too soon", `{`: "it ends too soon", `1 2`: "something follows the value", `[1,]`: "invalid character",
		`1e999`: "out of range", strings.Repeat("[", 5000): "nested too deeply",
	} {
		if v, err := DecodeJSON([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: got %v, %v, want %q", src, v, err, want)
		}
	}
}

// What is said of a text with several faults does not hang on the order of a map.
func TestDecodeJSONNamesTheFirstFault(t *testing.T) {
	for range 50 {
		_, err := DecodeJSON([]byte(`{"d":1e904,"b":1e902,"c":{"z":1e903},"a":1}`))
		if err == nil || !strings.Contains(err.Error(), "1e902") {
			t.Fatalf("got %v, want what is wrong with b", err)
		}
	}
}

func TestEncodeJSON(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for want, v := range map[string]any{
		`null`: nil, `10`: 10.0, `1000000`: 1e6, `0.1`: 0.1, `1e+21`: 1e21, `-1`: -1, `0`: math.Copysign(0, -1),
		`"<a>&\"\\\n\u0001é😀` + "\u2028" + `"`: "<a>&\"\\\n\x01é😀\u2028", `"` + "\ufffd" + `"`: "\xff",
		`"2026-01-02T02:04:05+00:00"`:        moment,
		`"2026-01-02T02:04:05.000120+00:00"`: moment.Add(120 * time.Microsecond),
		`"1h30m"`:                            90 * time.Minute, `"-1d500ms"`: -24*time.Hour - 500*time.Millisecond, `"0s"`: time.Duration(0),
		`{"a":[],"b":{}}`: map[string]any{"b": map[string]any(nil), "a": []any(nil)},
		`["x"]`:           []string{"x"}, `{"k":"v"}`: map[string]string{"k": "v"}, `7`: int64(7),
	} {
		if got, err := EncodeJSON(v); err != nil || string(got) != want {
			t.Errorf("got %s, %v\nwant %s", got, err, want)
		}
	}
	for _, v := range []any{math.NaN(), math.Inf(1), make(chan int), []any{struct{}{}}} {
		if got, err := EncodeJSON(v); err == nil {
			t.Errorf("%T: got %s, want an error", v, got)
		}
	}
}

func TestDurationsReadWhatTheyWrite(t *testing.T) {
	for _, d := range []time.Duration{0, 1, -1, time.Hour, 26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond, math.MaxInt64, -math.MaxInt64} {
		if got, err := ParseDuration(durationText(d)); err != nil || got != d {
			t.Errorf("%v is written %s and read %v, %v", int64(d), durationText(d), got, err)
		}
	}
	for _, s := range []string{"", "-", "5", "h", "1m1h", "1h1h", "1.5h", "1 h", "1h ", "106752d", "99999999999999999999s", "1x"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("%q is read as %v", s, got)
		}
	}
}
