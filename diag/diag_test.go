package diag_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/diag"
	"weft/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

func source(file string) []byte {
	src, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		return nil
	}
	return src
}

// TestGolden renders each testdata/NAME.in, diagnostics about the YAML files beside it, in every
// form and compares with NAME.text and so on.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.in")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var ds []spec.Diagnostic
		if err := json.Unmarshal(body, &ds); err != nil {
			t.Fatal(file, err)
		}
		for _, f := range diag.Formats {
			compare(t, file, f.Name, ds, f, diag.Options{Source: source})
		}
		compare(t, file, "color", ds, diag.Formats[0], diag.Options{Source: source, Color: true})
	}
}

func compare(t *testing.T, file, ext string, ds []spec.Diagnostic, f diag.Format, o diag.Options) {
	name := strings.TrimSuffix(file, "in") + ext
	t.Run(filepath.Base(name), func(t *testing.T) {
		var got bytes.Buffer
		if err := f.Write(&got, ds, o); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs (-update writes it anew):\n%s", name, got.String())
		}
	})
}

func TestSummaryCounts(t *testing.T) {
	e := spec.Diagnostic{Severity: spec.Error, File: "a"}
	w := spec.Diagnostic{Severity: spec.Warning, File: "b"}
	for _, c := range []struct {
		ds    []spec.Diagnostic
		files int
		want  string
	}{
		{nil, 1, "1 file checked, no problems"},
		{nil, 3, "3 files checked, no problems"},
		{[]spec.Diagnostic{e}, 3, "1 error in 1 file"},
		{[]spec.Diagnostic{e, e, w}, 3, "2 errors, 1 warning in 2 files"},
	} {
		if got := diag.Summary(c.ds, c.files); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSortPutsFilesThenPlaces(t *testing.T) {
	ds := []spec.Diagnostic{
		{File: "b", Line: 1, Code: "1"},
		{File: "a", Line: 2, Column: 2, Code: "2"},
		{File: "a", Line: 2, Column: 2, Code: "1"},
		{File: "a", Line: 2, Column: 1, Code: "9"},
		{File: "a", Line: 1, Column: 5, Code: "5"},
	}
	diag.Sort(ds)
	var got []string
	for _, d := range ds {
		got = append(got, d.File+d.Code)
	}
	if want := "a5 a9 a1 a2 b1"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzText gives the renderer sources and places that do not fit each other.
func FuzzText(f *testing.F) {
	f.Add([]byte("id: a\n"), 1, 1, 1, 3, 2, 9)
	f.Add([]byte("\xef\xbb\xbf\ta\r\n漢\xff\x00\r"), 2, 2, 1, 0, -1, 5)
	f.Add(bytes.Repeat([]byte("\tx"), 300), 1, 400, 1, 500, 1, 2)
	f.Fuzz(func(t *testing.T, src []byte, line, col, endLine, endCol, relLine, relCol int) {
		if len(src) > 1<<16 {
			t.Skip()
		}
		d := spec.Diagnostic{
			Code: "X601", Severity: spec.Error, File: "f", Line: line, Column: col, EndLine: endLine, EndColumn: endCol,
			Message: string(src), Label: string(src), Related: []spec.Related{{File: "f", Line: relLine, Column: relCol, Text: "x"}},
		}
		var out bytes.Buffer
		o := diag.Options{Source: func(string) []byte { return src }}
		for _, form := range diag.Formats {
			out.Reset()
			if err := form.Write(&out, []spec.Diagnostic{d, d}, o); err != nil {
				t.Fatal(err)
			}
			if form.Name == "oneline" && strings.Count(out.String(), "\n") != 2 {
				t.Errorf("not two lines: %q", out.String())
			}
			if form.Name != "json" && strings.ContainsAny(out.String(), "\x1b\r\x07") {
				t.Errorf("a control character came through: %q", out.String())
			}
		}
	})
}
