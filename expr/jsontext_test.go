package expr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTextThatNoUTF8CanHoldIsRefused(t *testing.T) {
	for src, want := range map[string]string{
		`"\ud83d\ude00"`:        "",
		`"\\ud800"`:             "",
		`"\\\\ud800 \" \u0041"`: "",
		`"😀\uD83D\uDE00é"`:      "",
		`"a\ud800b"`:            "half of a surrogate pair, which no UTF-8 can hold: byte 3",
		`"\ude00\ud83d"`:        "half of a surrogate pair",
		`"\ud800\ud800\udc00"`:  "half of a surrogate pair",
		`"\\\ud800"`:            "half of a surrogate pair",
		`{"\udfff": 1}`:         "half of a surrogate pair",
		`"\ud800`:               "half of a surrogate pair",
		"\"ab\xff\"":            "it is not UTF-8: byte 4",
		"\"\xed\xa0\x80\"":      "it is not UTF-8: byte 2",
		"\"\xc0\xaf\"":          "it is not UTF-8: byte 2",
	} {
		v, err := DecodeJSON([]byte(src))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %q, %v, want %q", src, v, err, want)
		}
	}
}

// TestJSONTestSuite: what must be read is read, what must be refused is refused, and of what may be
// either nothing comes out that is not text.
func TestJSONTestSuite(t *testing.T) {
	files, _ := filepath.Glob("../../shared/data/json-test-suite/test_parsing/*.json")
	if len(files) == 0 {
		t.Skip("the json-test-suite is not beside the repository")
	}
	read := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := DecodeJSON(raw)
		name := filepath.Base(file)
		if name[0] == 'y' && err != nil || name[0] == 'n' && err == nil {
			t.Errorf("%s: got %v, error %v", name, v, err)
		}
		if err != nil {
			continue
		}
		read++
		out, err := EncodeJSON(v)
		if again, e := DecodeJSON(out); err != nil || e != nil {
			t.Errorf("%s: written as %s (%v), read as %v (%v)", name, out, err, again, e)
		}
		if strings.Contains(string(out), "\ufffd") && !strings.Contains(string(raw), "\ufffd") && !strings.Contains(strings.ToLower(string(raw)), `\ufffd`) {
			t.Errorf("%s: %q became %s", name, raw, out)
		}
	}
	t.Logf("%d files, %d read", len(files), read)
}
