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
	name := strings.NewReplacer("%", "", ",", "", ":", "").Replace(file) // names that no archive takes
	src, err := os.ReadFile(filepath.Join("testdata", name))
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
			compare(t, file, f.Name, ds, f, diag.Options{Source: source, Version: "1.2.3"})
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
	fixable := spec.Diagnostic{Severity: spec.Error, File: "a", Edits: []spec.Edit{{Line: 1}}}
	for _, c := range []struct {
		ds    []spec.Diagnostic
		files int
		want  string
	}{
		{nil, 1, "1 file checked, no problems"},
		{nil, 3, "3 files checked, no problems"},
		{[]spec.Diagnostic{e}, 3, "1 error in 1 file"},
		{[]spec.Diagnostic{e, e, w}, 3, "2 errors, 1 warning in 2 files"},
		{[]spec.Diagnostic{e, fixable, w}, 3, "2 errors, 1 warning in 2 files (1 fixable with --fix)"},
	} {
		if got := diag.Summary(c.ds, c.files, "--fix"); got != c.want {
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
