package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"
)

func TestJSONHasNothingThatATerminalObeys(t *testing.T) {
	var want string
	for r := rune(0); r < 0x200; r++ {
		want += string(r)
	}
	want += "€\u2028😀"
	body, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := (jsonText{&out}).Write(body); n != len(body) || err != nil {
		t.Fatal(n, err)
	}
	for _, r := range out.String() {
		if unicode.IsControl(r) {
			t.Errorf("%q stands in it", r)
		}
	}
	var got string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != want {
		t.Errorf("read back: %v, %q", err, got)
	}
}
