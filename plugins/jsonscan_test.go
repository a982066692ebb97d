package plugins

import (
	"encoding/json"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestScanJSONSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": [1, -2.5e-3, true, false, null, "x\n\u00e9"], "b": {}} `: "", "[]": "", ` "" `: "", "0": "", "-0.0": "", "1e5": "",
		"":                "it is no JSON: it ends too soon",
		`{"a": [1`:        "it is no JSON: it ends too soon",
		`"a`:              "it is no JSON: it ends too soon",
		"tru":             "it is no JSON: it ends too soon",
		"1 2":             "it is no JSON: something follows the value (byte 3)",
		"hello":           "it is no JSON: invalid character 'h' looking for beginning of value (byte 1)",
		"trup":            "it is no JSON: invalid character 'p' in literal true (expecting 'e') (byte 4)",
		"[1,]":            "it is no JSON: invalid character ']' looking for beginning of value (byte 4)",
		`{"a",`:           "it is no JSON: invalid character ',' after object key (byte 5)",
		`{"a":1,}`:        "it is no JSON: invalid character '}' looking for beginning of object key string (byte 8)",
		`{"a":1]`:         "it is no JSON: invalid character ']' after object key:value pair (byte 7)",
		`[1}`:             "it is no JSON: invalid character '}' after array element (byte 3)",
		"\"a\nb\"":        `it is no JSON: invalid character '\n' in string literal (byte 3)`,
		`"\x"`:            "it is no JSON: invalid character 'x' in string escape code (byte 3)",
		`"\u00g0"`:        `it is no JSON: invalid character 'g' in \u hexadecimal character escape (byte 6)`,
		"01":              "it is no JSON: invalid number 01 (byte 2)",
		"[1e999]":         "the number 1e999 in it is out of range",
		"[[[[[[1]]]]]]":   "it is nested too deeply: at most 5 levels",
		"-":               "it is no JSON: invalid number - (byte 1)",
		"[1.]":            "it is no JSON: invalid number 1. (byte 3)",
		"1" + zeros(1e5):  "the number 1" + zeros(39) + " in it is out of range",
		"0." + zeros(1e5): "the number 0." + zeros(38) + " in it is out of range",
	} {
		got := ""
		if err := ScanJSON(iotest.OneByteReader(strings.NewReader(text)), 5); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.60s\n got %s\nwant %s", text, got, want)
		}
	}
	if err := ScanJSON(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("[1]"))), 5); err != iotest.ErrTimeout {
		t.Errorf("a source that breaks: %v", err)
	}
}

func zeros(n int) string { return strings.Repeat("0", n) }

// A text of any length takes no memory.
func TestScanJSONHoldsNothing(t *testing.T) {
	const size = 16 << 20
	long := io.MultiReader(strings.NewReader(`{"a": "`), io.LimitReader(xs{}, size), strings.NewReader(`"}`))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := ScanJSON(long, 5)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; err != nil || took > 1<<20 {
		t.Errorf("%d bytes of JSON: %v, and it took %d", size, err, took)
	}
}

type xs struct{}

func (xs) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// FuzzScanJSON holds the scanner to encoding/json.
func FuzzScanJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"x\u00e9"]}`, "[[]]", "-", "1.", "1e", "nul", `"\ud800"`, `{"":{}}`, "[,]", " ", "0x1", "+1", "1-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // checked by others
		}
		var v any
		want := json.Unmarshal([]byte(s), &v) == nil // refuses what is out of range, too
		if got := ScanJSON(strings.NewReader(s), 1000) == nil; got != want {
			t.Errorf("%q is JSON: %v, want %v", s, got, want)
		}
	})
}
