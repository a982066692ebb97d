package shell

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"weft/plugins"
)

func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		"a=1\nb=\n":                    `{"a":"1","b":""}`,
		"a=1\na=2":                     `{"a":"2"}`,
		"a=b<<c":                       `{"a":"b<<c"}`,
		"a= 1 \n\n  \nb-c_9=x":         `{"a":" 1 ","b-c_9":"x"}`,
		"a<<END\none\n\ntwo\nEND\nb=1": `{"a":"one\n\ntwo","b":"1"}`,
		"a<<END\nEND":                  `{"a":""}`,
		"a<<E=F\nx\nE=F":               `{"a":"x"}`,
		"a<<END\nb=1\nEND":             `{"a":"b=1"}`,
		"=1":                           "", "a": "", " a=1": "", "a =1": "", "a<b": "", "a<<": "", "ä=1": "", "a<<E\nx": "", "{": "",
	} {
		got, err := plugins.ParseOutputLines(text)
		if (err != nil) != (want == "") || string(got) != want {
			t.Errorf("%q: %s, error %v", text, got, err)
		}
	}
}

func FuzzParseLines(f *testing.F) {
	f.Add("a=1\nb<<END\nx\nEND\n")
	f.Add("a<<\n=\n<<<")
	f.Fuzz(func(t *testing.T, text string) {
		out, err := plugins.ParseOutputLines(text)
		var m map[string]string
		if err == nil && json.Unmarshal(out, &m) != nil {
			t.Errorf("%q gives %s", text, out)
		}
		for name := range m {
			if !strings.Contains(text, name+"=") && !strings.Contains(text, name+"<<") {
				t.Errorf("%q: where does %q come from?", text, name)
			}
		}
	})
}

// FuzzIsJSON: what streams through is JSON just where the whole would be.
func FuzzIsJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,{}]}`, `1 2`, `[1`, `{"a"}`, ``, ` null `, `[1,]`, `{"a":1,}`, `"a`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isJSON(strings.NewReader(s)), json.Valid([]byte(s)); got && !want {
			t.Errorf("%q is taken for JSON", s)
		} else if want && !got {
			t.Errorf("%q is not taken for JSON", s)
		}
	})
}

func TestLargeTextBecomesUTF8PieceByPiece(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	for _, text := range []string{
		"", "plain", strings.Repeat("añ€😀", 20_000), "x" + strings.Repeat("€", 40_000), strings.Repeat("€", 40_000) + "\xe2\x82",
	} {
		if err := writeValid(path, iotest.HalfReader(strings.NewReader(text))); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if want := bytes.ToValidUTF8([]byte(text), []byte("\ufffd")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%.20q (%d bytes): %d bytes, error %v", text, len(text), len(got), err)
		}
	}
	if err := writeValid(path, strings.NewReader(strings.Repeat("a\xff\xe2\x82", 50_000))); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !utf8.Valid(got) {
		t.Errorf("what is not UTF-8 came through (error %v)", err)
	}
}
