package diag_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"weft/diag"
	"weft/spec"
)

// FuzzFormats gives every renderer, and whoever applies edits, sources and places that do not fit each
// other, words of any bytes, and one secret.
func FuzzFormats(f *testing.F) {
	f.Add([]byte("id: a\n"), "f.yaml", "fix", 1, 1, 1, 3, 2, 9)
	f.Add([]byte("\xef\xbb\xbf\ta\r\n漢\xff\x00\r"), "a,b:c%\n.yaml", "note", 2, 2, 1, 0, -1, 5)
	f.Add(bytes.Repeat([]byte("\tx"), 300), "/f", "fix", 1, 400, 1, 500, 1, 2)
	f.Add([]byte("a: topsecret\u2028b: topsecret\n"), "", "help", 1, 4, 1, 13, 2, 1)
	f.Add(bytes.Repeat([]byte{0x9f}, 1<<14), "f", "fix", 1, 17, -212, 13, 2, 1) // a line that is one long secret
	f.Fuzz(func(t *testing.T, src []byte, file, kind string, line, col, endLine, endCol, relLine, relCol int) {
		if len(src) > 1<<14 || len(file) > 200 {
			t.Skip()
		}
		d := spec.Diagnostic{
			Code: "X601", Severity: spec.Error, File: file, Line: line, Column: col, EndLine: endLine, EndColumn: endCol,
			Message: string(src), Label: string(src), Notes: []spec.Note{{Kind: kind, Text: file}},
			Related: []spec.Related{{File: file, Line: relLine, Column: relCol, Text: "x"}, {Line: relCol, Text: string(src)}},
			Edits:   []spec.Edit{{Line: line, Column: col, EndLine: endLine, EndColumn: endCol, Text: kind}},
		}
		plain := d
		plain.Code, plain.Severity = "Y001", spec.Warning
		ds := []spec.Diagnostic{d, plain}
		o := diag.Options{Source: func(string) []byte { return src }}
		for _, form := range diag.Formats {
			var out, again bytes.Buffer
			if err := form.Write(&out, ds, o); err != nil {
				t.Fatal(err)
			}
			if err := form.Write(&again, ds, o); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
				t.Errorf("%s: twice, two texts (%v)", form.Name, err)
			}
			hold(t, form.Name, out.Bytes(), kind)
		}
		for _, color := range []bool{false, true} {
			var out bytes.Buffer
			fixed, _ := spec.Fix(src, ds)
			if err := diag.Diff(&out, "f", src, fixed, ds, diag.Options{Source: o.Source, Color: color}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// hold holds a rendering to what is promised of its form.
func hold(t *testing.T, form string, out []byte, kind string) {
	t.Helper()
	text := string(out)
	switch form {
	case "json", "sarif":
		if !json.Valid(out) || !utf8.Valid(out) {
			t.Errorf("%s: no JSON: %q", form, text)
		}
		return
	case "oneline":
		if strings.Count(text, "\n") != 2 {
			t.Errorf("not two lines: %q", text)
		}
	case "github":
		lines := strings.Split(text, "\n")
		if len(lines) != 3 {
			t.Errorf("not two lines: %q", text)
		}
		for _, l := range lines[:len(lines)-1] {
			if _, err := readCommand(l); err != nil {
				t.Error(err)
			}
		}
	}
	if strings.ContainsAny(text, "\x1b\r\x07") && !strings.ContainsAny(kind, "\x1b\r\x07") { // kinds are spec's words
		t.Errorf("%s: a control character came through: %q", form, text)
	}
}
